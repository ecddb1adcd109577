"""Every parameter of every public callable, given what it is not: refused in plain words, and what it is in another type, taken."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    Costs,
    FineTuneRectifyAllocator,
    LabeledKFold,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    ScalingLaw,
    ScalingLawRegressor,
    fit_scaling_law,
    m_estimate,
    rectify_difference,
    rectify_glm,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_poisson_regression,
    rectify_quantile,
)

R, M = 30, 80
RNG = np.random.default_rng(0)
X, X_POOL = RNG.normal(size=(R, 1)), RNG.normal(size=(M, 1))
TRUTH, TRUTH_POOL = X[:, 0] + RNG.normal(size=R), X_POOL[:, 0] + RNG.normal(size=M)
F, F_POOL = TRUTH + 0.3 * RNG.normal(size=R), TRUTH_POOL + 0.3 * RNG.normal(size=M)
SHARES, SHARES_POOL = (np.clip((rows + 4) / 8, 0.01, 0.99) for rows in (F, F_POOL))
GROUPS = np.arange(R) % 2, np.arange(M) % 2


def psi(X, y, theta):
    return np.column_stack([y - theta[0], (y - theta[0]) ** 2 - theta[1]])


TWO = np.column_stack([TRUTH, TRUTH**2])
CALLS = {
    "mean": (rectify_mean, (TRUTH, F, F_POOL)),
    "means": (rectify_mean, (TWO, TWO + 1, np.column_stack([F_POOL, F_POOL**2]))),
    "quantile": (rectify_quantile, (TRUTH, F, F_POOL)),
    "difference": (rectify_difference, (TRUTH, F, F_POOL, *GROUPS)),
    "glm": (rectify_glm, (X, TRUTH, F, X_POOL, F_POOL)),
    "linear": (rectify_linear_regression, (X, TRUTH, F, X_POOL, F_POOL)),
    "logistic": (rectify_logistic_regression, (X, SHARES, SHARES, X_POOL, SHARES_POOL)),
    "poisson": (rectify_poisson_regression, (X, SHARES, SHARES, X_POOL, SHARES_POOL)),
    "m_estimate": (
        lambda *data, **options: m_estimate(psi, *data, **{"start": [0.0, 1.0]} | options),
        (X, TRUTH, F, X_POOL, F_POOL),
    ),
}
REGRESSIONS = ["glm", "linear", "logistic", "poisson"]
OVERALL = [*REGRESSIONS, "m_estimate"]
everything = pytest.mark.parametrize("name", CALLS)


def call(name, **options):
    function, data = CALLS[name]
    return function(*data, **options)


def refused(message, function, *arguments, **options):
    """As a ValueError in plain words; of another type than it should be, as a TypeError, too."""
    with pytest.raises(ValueError, match=message) as caught:
        function(*arguments, **options)
    return caught.value


# Levels of confidence

NO_LEVELS = [
    None,
    "0.95",
    True,
    np.True_,
    np.array([0.9]),
    [0.9],
    np.nan,
    95,
    0,
    1,
    -0.1,
    0.9 + 0j,
    pd.NA,
    (),
]
LEVELS = [np.float32(0.9), np.float64(0.9), np.array(0.9), Fraction(9, 10)]


@everything
@pytest.mark.parametrize("level", NO_LEVELS, ids=repr)
def test_what_is_no_confidence_level(name, level):
    refused(
        "confidence_level is .*; expected a number between 0 and 1", call, name, confidence_level=level
    )


@pytest.mark.parametrize("level", NO_LEVELS, ids=repr)
def test_what_is_no_confidence_level_of_an_interval(level):
    result = call("mean")
    message = "confidence_level is .*; expected a number between 0 and 1"
    refused(message, result.labels_only.confidence_interval, level)
    refused(message, fit_scaling_law([1, 2, 4], [3, 2, 1], random_state=0).band, [1], level)
    for one in (result, call("quantile")):
        if level is not None:  # which is the result's own
            refused(message, one.confidence_interval, level)
            refused(message, one.summary, level)


@pytest.mark.parametrize("level", LEVELS, ids=repr)
def test_confidence_levels_of_other_types(level):
    for name in CALLS:
        result = call(name, confidence_level=level)
        expected = call(name, confidence_level=0.9).confidence_interval()
        np.testing.assert_allclose(result.confidence_interval(), expected, rtol=1e-6)
        np.testing.assert_allclose(result.confidence_interval(level), expected, rtol=1e-6)
        assert "90 % interval" in str(result)


def test_types_are_type_errors_and_values_are_not():
    for level in ("0.95", None, True, [0.9]):
        assert isinstance(refused("confidence_level", call, "mean", confidence_level=level), TypeError)
    assert not isinstance(refused("confidence_level", call, "mean", confidence_level=95), TypeError)
    told = str(refused("confidence_level", call, "mean", confidence_level="0.95"))
    assert told == (
        "confidence_level is '0.95', of type str; expected a number between 0 and 1, such as 0.95 for 95 %."
    )


# Lambda

NO_LAMBDAS = [
    "overal",
    "Overall",
    "",
    "1",
    True,
    np.False_,
    np.nan,
    np.inf,
    1j,
    [],
    [1.0, 2.0, 3.0, 4.0],
    [[1.0]],
]


@everything
@pytest.mark.parametrize("lambda_", [*NO_LAMBDAS, pd.NA, ["1"], [None], {}], ids=repr)
def test_what_is_no_lambda(name, lambda_):
    allowed = '"overall", a finite' if name in OVERALL else "a finite"
    refused(f"lambda_ is .*; expected None, {allowed} number", call, name, lambda_=lambda_)
    function, data = CALLS[name]
    positions = (3, 4) if name in OVERALL else (2, 4)
    empty = [rows[:0] if i in positions else rows for i, rows in enumerate(data)]
    refused("lambda_ is ", function, *empty, lambda_=lambda_)  # an empty pool does not make it right


@everything
def test_the_word_overall(name):
    if name in OVERALL:
        assert len(set(call(name, lambda_="overall").lambda_)) == 1
    else:
        assert '"overall"' not in str(
            refused("lambda_ is 'overall'; expected None, a", call, name, lambda_="overall")
        )


@everything
def test_lambdas_of_other_types(name):
    expected = call(name, lambda_=0.5)
    for half in (np.float32(0.5), np.array(0.5), [0.5], Decimal("0.5"), pd.Series([0.5])):
        assert call(name, lambda_=half).to_json() == expected.to_json()
    k = np.size(expected.estimate)
    np.testing.assert_array_equal(call(name, lambda_=[0.5] * k).estimate, expected.estimate)


# Nulls


@pytest.mark.parametrize("name", ["mean", "means", "quantile", "linear", "difference"])
@pytest.mark.parametrize(
    "null", [None, np.nan, "3", True, 1j, [0.0, 0.0, 0.0], [[0.0]], [], ["0"], pd.NA, pd.NaT], ids=repr
)
def test_what_is_no_null(name, null):
    result = call(name)
    refused("null is .*; expected a number", result.p_value, null)
    refused("null is .*; expected a number", result.summary, null=null)
    refused("null is .*; expected a number", result.labels_only.p_value, null)


@pytest.mark.parametrize("name", ["mean", "means", "quantile", "linear", "difference"])
def test_nulls_far_away(name):
    result = call(name)
    for null, one_sided in ((np.inf, "less"), (-np.inf, "greater")):
        assert np.all(result.p_value(null) < 1e-4)
        assert np.all(result.p_value(null, one_sided) < 1e-4)
        other = {"less": "greater", "greater": "less"}[one_sided]
        assert np.all(result.p_value(null, other) > 0.999)


def test_nulls_by_name():
    result = call("linear")
    null = pd.Series([1.0, 2.0], index=["intercept", "x0"])
    np.testing.assert_array_equal(result.p_value(null), result.p_value([1.0, 2.0]))
    message = r"null has the index \['x0', 'intercept'\]; expected the order .*\['intercept', 'x0'\]"
    refused(message, result.p_value, null[::-1])
    refused(message, result.summary, null=null[::-1])


@pytest.mark.parametrize(
    "alternative", ["larger", None, ["less"], np.array(["less", "less"]), 1, True], ids=repr
)
def test_what_is_no_alternative(alternative):
    for result in (call("mean"), call("quantile")):
        refused("alternative is .*; expected one of", result.p_value, 0, alternative)
        refused("alternative is .*; expected one of", result.confidence_interval, 0.9, alternative)


# Levels of quantiles


@pytest.mark.parametrize(
    "q",
    [None, "0.5", ["0.5"], True, [True, False], np.nan, 0, 1, 50, 0.5j, [], [[0.5]], pd.NA],
    ids=repr,
)
def test_what_is_no_level(q):
    refused("q is .*; expected levels between 0 and 1", rectify_quantile, TRUTH, F, F_POOL, q)
    if not isinstance(q, list):  # an estimator's parameter is checked by scikit-learn, too
        return
    model = RectifiedQuantile(LinearRegression(), q=q)
    refused(
        "q is .*; expected levels|Expected|'q' parameter",
        model.fit,
        X_POOL,
        np.where(np.arange(M) < R, F_POOL, np.nan),
    )


# Switches

YES, NO = [True, np.True_, 1, np.int64(1)], [False, np.False_, 0, np.uint8(0)]
NO_SWITCHES = [2, -1, "yes", "True", None, 1.0, np.nan, [True], np.array([True])]


@pytest.mark.parametrize("name", REGRESSIONS)
def test_intercepts_of_functions(name):
    for value in YES:
        assert call(name, fit_intercept=value).names == ("intercept", "x0")
    for value in NO:
        assert call(name, fit_intercept=value).names == ("x0",)
    for value in NO_SWITCHES:
        refused("fit_intercept is .*; expected True or False", call, name, fit_intercept=value)


ESTIMATORS = {
    "mean": RectifiedMeanEstimator(),
    "quantile": RectifiedQuantile(),
    "difference": RectifiedDifference(group=1),
    "linear": RectifiedLinearRegression(covariates=[0]),
    "logistic": RectifiedLogisticRegression(covariates=[0]),
    "poisson": RectifiedPoissonRegression(covariates=[0]),
}
FEATURES = np.column_stack([X_POOL, np.arange(M) % 2])
LABELS = np.where(np.arange(M) < R, SHARES_POOL, np.nan)


def fit(name, **parameters):
    own = {"estimator": LinearRegression(), "random_state": 0} | parameters
    return (
        ESTIMATORS[name]
        .set_params(power_tuning=True, recycle=True)
        .set_params(**own)
        .fit(FEATURES, LABELS)
    )


@pytest.mark.parametrize("name", ["linear", "logistic", "poisson"])
def test_intercepts_of_estimators(name):
    for value in [*YES, *NO]:
        model = fit(name, fit_intercept=value)
        assert model.result_.names == ("intercept", "x0")[not value :]
        assert len(model.predict(FEATURES)) == M
        assert np.isfinite(model.score(FEATURES, LABELS))
    for value in NO_SWITCHES:
        refused("'fit_intercept' parameter", fit, name, fit_intercept=value)
    fit(name, fit_intercept=True)
    for value in (True, False):
        refused("coefficient is", fit, name, coefficient=value)
    fit(name, coefficient=None)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_switches_of_estimators(name):
    for parameter in ("power_tuning", "recycle"):
        for values in (YES, NO):
            expected = fit(name, **{parameter: values[0]}).result_.to_json()
            assert all(
                fit(name, **{parameter: value}).result_.to_json() == expected for value in values
            )
        for value in NO_SWITCHES:
            refused(f"'{parameter}' parameter", fit, name, **{parameter: value})


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("level", NO_LEVELS, ids=repr)
def test_confidence_levels_of_estimators(name, level):
    refused("'confidence_level' parameter", fit, name, confidence_level=level)
    ESTIMATORS[name].set_params(confidence_level=0.95)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_summaries_of_estimators(name):
    model = fit(name, confidence_level=0.9)
    table = model.summary(null=0.3)
    np.testing.assert_array_equal(table["p_value"], np.ravel(model.p_value(0.3)))
    np.testing.assert_array_equal(table["low"], np.ravel(model.confidence_interval(0.9).low))
    assert (model.summary(0.99)["high"] > table["high"]).all()
    with pytest.raises(NotFittedError):
        type(model)().summary()


def test_summaries_of_allocators():
    allocator = FineTuneRectifyAllocator(random_state=0, max_fits=1).fit(FEATURES, LABELS)
    assert allocator.summary(0.9, null=0.5).equals(allocator.best_estimator_.summary(0.9, null=0.5))
    refused("null is None", allocator.summary, null=None)
    for n in ("100", 10.5, None, True):
        refused("n_labeled is .*; expected a whole number", allocator.plan, n)
    for half_width in ("1", None, True, np.nan):
        refused("half_width is .*; expected a number", allocator.required_labels, half_width)
        refused("half_width is .*; expected a number", allocator.next_purchase, half_width)
    refused("confidence_level is '0.9'", allocator.required_labels, 1.0, "0.9")
    refused("n_rows is", allocator.required_labels, 1.0, n_rows="100")


# Draws and seeds


@pytest.mark.parametrize("n_draws", [2.5, 2.0, "3", True, None, 0, -1, np.nan, [3]], ids=repr)
def test_what_is_no_number_of_draws(n_draws):
    for name in ("mean", "quantile", "difference"):
        refused(r"n_draws is .*; expected (a whole number|at least 1)", call(name).bootstrap, n_draws)


@pytest.mark.parametrize("seed", ["3", 2.5, True, -1, np.nan, [1.5]], ids=repr)
def test_what_is_no_seed(seed):
    refused("random_state is .*; expected None, a whole number", call("mean").bootstrap, 3, seed)
    refused(
        "random_state is .*; expected None", fit_scaling_law, [1, 2, 4], [3, 2, 1], random_state=seed
    )


def test_seeds():
    result = call("mean")
    for make in (np.int64, np.random.default_rng, np.random.RandomState, np.random.SeedSequence):
        np.testing.assert_array_equal(result.bootstrap(3, make(7)), result.bootstrap(3, make(7)))
    np.testing.assert_array_equal(result.bootstrap(3, np.int64(7)), result.bootstrap(np.int32(3), 7))
    assert result.bootstrap(3).shape == (3,)


# Estimands of one's own


def test_arguments_of_m_estimate():
    data = CALLS["m_estimate"][1]
    for start in ("1", ["0", "1"], None, [np.nan, 1.0], [True, False], [[0.0, 1.0]], [], [1j, 1.0]):
        refused("start is .*; expected a finite number for each", m_estimate, psi, *data, start=start)
    for names in ("ab", 3, [1, 2], ["a", None]):
        refused("names is .*; expected", m_estimate, psi, *data, start=[0, 1], names=names)
    refused("names has 1 entries for 2 parameters", m_estimate, psi, *data, start=[0, 1], names=["a"])
    for function in (None, "psi", 3):
        refused("psi is .*; expected a function", m_estimate, function, *data, start=[0, 1])
    refused("jacobian is 3; expected a function", m_estimate, psi, *data, start=[0, 1], jacobian=3)
    assert m_estimate(psi, *data, start=pd.Series([0, 1]), names=np.array(["a", "b"])).names == (
        "a",
        "b",
    )


@pytest.mark.parametrize("family", ["normal", None, ["gaussian"], 3, np.array(["gaussian"])], ids=repr)
def test_what_is_no_family(family):
    refused("family is .*; expected one of .*'gaussian'", call, "glm", family=family)


# Folds


@pytest.mark.parametrize("n_splits", [2.5, 2.0, "3", True, None, np.nan, [3]], ids=repr)
def test_what_is_no_number_of_folds(n_splits):
    assert isinstance(
        refused("n_splits is .*; expected a whole number", LabeledKFold, n_splits), TypeError
    )


def test_numbers_of_folds():
    assert LabeledKFold(np.int64(3)).get_n_splits() == 3
    assert len(list(LabeledKFold(np.int64(3)).split(FEATURES, LABELS))) == 3
    with pytest.raises(ValueError, match="n_splits=1 with 30 labeled rows"):
        list(LabeledKFold(1).split(FEATURES, LABELS))


# Scaling laws

LAW = ScalingLaw(2.0, 0.5, 1.0)
NO_NUMBERS = ["2", None, True, np.True_, 1j, [2.0], np.array([2.0]), pd.NA]


@pytest.mark.parametrize("value", [*NO_NUMBERS, np.nan, np.inf, -1.0], ids=repr)
@pytest.mark.parametrize("name", ["a", "alpha", "b", "s0"])
def test_what_is_no_parameter_of_a_law(name, value):
    refused(f"{name}.*expected", ScalingLaw, **{"a": 2.0, "alpha": 0.5, "b": 1.0, name: value})


def test_laws_of_other_types():
    assert ScalingLaw(np.float32(2), np.float64(0.5), 1).optimal_split(
        np.int64(100)
    ) == LAW.optimal_split(100)
    assert LAW.optimal_split([100, 200]).tolist() == [LAW.optimal_split(n) for n in (100, 200.0)]


@pytest.mark.parametrize(
    "s", ["3", True, -1, [1, -2], np.array([-1]), None, 1j, np.ma.array([1.0], mask=[True])], ids=repr
)
def test_what_is_no_number_of_labels(s):
    for function in (LAW.predict, LAW.slope):
        with pytest.raises((TypeError, ValueError), match=r"s is |s holds|s has|data not supported: s"):
            function(s)


@pytest.mark.parametrize("value", [-5, -1, 2.5, 2.0, "3", True, None, np.nan], ids=repr)
@pytest.mark.parametrize("name", ["min_finetune", "min_rectify"])
def test_what_is_no_smallest_number_of_labels(name, value):
    refused(
        f"{name} is .*; expected (a whole number|at least 0)", LAW.optimal_split, 100, **{name: value}
    )


def test_smallest_numbers_of_labels():
    assert LAW.optimal_split(100, min_finetune=np.int64(60)) == 60
    assert LAW.optimal_split(100, min_finetune=0) == LAW.optimal_split(100)


@pytest.mark.parametrize("value", [*NO_NUMBERS, np.nan, -1.0, 0], ids=repr)
@pytest.mark.parametrize("name", ["m", "total_variance"])
def test_what_is_no_pool(name, value):
    if (name, value is None) != ("total_variance", True):
        refused(f"{name} is .*; expected a positive", LAW.optimal_split, 100, **{name: value})


@pytest.mark.parametrize("n", ["100", True, None, np.nan, 10.5, [], -3, 3, [100, "200"]], ids=repr)
def test_what_is_no_budget(n):
    with pytest.raises((TypeError, ValueError), match=r"n is |n holds"):
        LAW.optimal_split(n)


@pytest.mark.parametrize("name", ["recycle", "power_tuning"])
def test_switches_of_laws(name):
    for value in NO_SWITCHES:
        refused(
            f"{name} is .*; expected True or False",
            LAW.optimal_split,
            100,
            total_variance=3.0,
            **{name: value},
        )
        refused(
            f"{name} is .*; expected True or False", LAW.plan, 100, total_variance=3.0, **{name: value}
        )


PLANS = {
    "n_labeled": ["100", 10.5, True, None, np.nan],
    "n_unlabeled": ["100", True, None, np.nan],
    "total_variance": ["3", True, None, np.nan, np.inf, -1.0, [3.0]],
    "zero_shot_variance": ["3", True, np.nan, np.inf, -1.0],
    "folds": [5, "5", (1,), (2.5,), ("5",), None],
    "costs": [3, "1", {"label": 1}],
}
GOALS = {
    "half_width": ["0.1", True, None, np.nan, np.inf, 0, -1],
    "confidence_level": ["0.95", True, None, np.nan, 95, 0],
    "n_rows": ["100", True, None, np.nan, -1],
    **{name: PLANS[name] for name in ("total_variance", "folds", "costs")},
}


@pytest.mark.parametrize("name", PLANS)
def test_arguments_of_plans(name):
    for value in PLANS[name]:
        if (name, value) != ("costs", None):
            refused(name, LAW.plan, **{"n_labeled": 100, "total_variance": 3.0, name: value})


@pytest.mark.parametrize("name", GOALS)
def test_arguments_of_goals(name):
    for value in GOALS[name]:
        refused(name, LAW.required_labels, **{"half_width": 0.1, "total_variance": 3.0, name: value})


@pytest.mark.parametrize("price", [*NO_NUMBERS, np.nan, np.inf, -1], ids=repr)
@pytest.mark.parametrize("name", ["label", "training", "inference"])
def test_what_is_no_price(name, price):
    refused(f"{name} is .*; expected prices that are finite and not negative", Costs, **{name: price})


SIZES, VARIANCES = [50, 100, 200, 400], [3.0, 2.5, 2.2, 2.0]
NO_COLUMNS = {
    "text": ["1", "2", "3", "4"],
    "truth": [True, False, True, True],
    "complex": [1j, 1, 2, 3],
    "missing": [1.0, None, 2.0, 3.0],
    "NaN": [1.0, np.nan, 2.0, 3.0],
    "negative": [1.0, -1.0, 2.0, 3.0],
    "infinite": [1.0, np.inf, 2.0, 3.0],
    "short": [1.0, 2.0],
    "deep": [[1.0], [2.0], [3.0], [4.0]],
    "masked": np.ma.array(VARIANCES, mask=[0, 1, 0, 0]),
    "None": None,
}


@pytest.mark.parametrize("kind", NO_COLUMNS)
@pytest.mark.parametrize("name", ["sizes", "variances", "standard_errors"])
def test_what_is_no_learning_curve(name, kind):
    if (name, kind) == ("standard_errors", "None"):
        return
    with pytest.raises((TypeError, ValueError), match=f"{name}|sizes and variances"):
        fit_scaling_law(**{"sizes": SIZES, "variances": VARIANCES, name: NO_COLUMNS[kind]})


def test_learning_curves_from_data_frames():
    table = pd.DataFrame({"sizes": SIZES, "variances": VARIANCES})
    fitted = fit_scaling_law(table["sizes"], table["variances"], random_state=0)
    assert fitted.law == fit_scaling_law(SIZES, VARIANCES, random_state=0).law
    for name in ("variances", "standard_errors"):
        turned = pd.Series(VARIANCES, index=[3, 2, 1, 0])
        columns = {"sizes": table["sizes"], "variances": VARIANCES, name: turned}
        refused(
            f"sizes and {name} have the same length but different indexes", fit_scaling_law, **columns
        )


@pytest.mark.parametrize(
    "resampled", [[["1"] * 4] * 2, [[True] * 4] * 2, np.ma.array(np.ones((2, 4)), mask=np.eye(2, 4))]
)
def test_resampled_curves(resampled):
    with pytest.raises((TypeError, ValueError), match="resampled"):
        fit_scaling_law(SIZES, VARIANCES, resampled=resampled)


@pytest.mark.parametrize("n_bootstrap", [2.5, "3", True, None, 1, -1])
def test_numbers_of_resampled_curves(n_bootstrap):
    refused("n_bootstrap", fit_scaling_law, SIZES, VARIANCES, n_bootstrap=n_bootstrap)


def test_masked_curves_of_the_regressor():
    masked = np.ma.array(VARIANCES, mask=[0, 1, 0, 0])
    for arguments in ((masked, VARIANCES), (SIZES, masked), (SIZES, VARIANCES, masked)):
        with pytest.raises(TypeError, match="is a masked array, whose mask numpy silently drops"):
            ScalingLawRegressor().fit(*arguments)


def test_masked_features():
    masked = np.ma.array(FEATURES, mask=FEATURES > 1)
    with pytest.raises(TypeError, match=r"X is a masked array.*or X.filled\(numpy.nan\)"):
        RectifiedMeanEstimator().fit(masked, LABELS)
    with pytest.raises(TypeError, match="X is a masked array"):
        rectify_linear_regression(np.ma.array(X, mask=X > 1), TRUTH, F, X_POOL, F_POOL)
