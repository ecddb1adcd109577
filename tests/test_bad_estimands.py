"""What users of quantiles, differences and regressions get wrong: each case one clear error and nothing else."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    ZeroWidthIntervalWarning,
)

N, LABELED = 40, 14
rng = np.random.default_rng(0)
# Two features and a group.
X = np.column_stack([rng.normal(size=(N, 2)), np.arange(N) % 2])
Y = np.where(np.arange(N) < LABELED, 1 + X[:, 0] + 0.3 * rng.normal(size=N), np.nan)
CLASSES = np.where(np.isnan(Y), np.nan, np.array([0.0, 1, 1, 0, 1] * 8))
COUNTS = np.where(np.isnan(Y), np.nan, np.array([0.0, 3, 1, 2, 1] * 8))
FRAME = pd.DataFrame(X, columns=["age", "dose", "arm"]).assign(word=["x", "y"] * (N // 2))


def quantile(**parameters):
    return RectifiedQuantile(LinearRegression(), **{"random_state": 0} | parameters)


def difference(**parameters):
    return RectifiedDifference(LinearRegression(), **{"group": 2, "random_state": 0} | parameters)


def linear(estimator=None, **parameters):
    own = {"covariates": [0, 1], "random_state": 0}
    return RectifiedLinearRegression(estimator or LinearRegression(), **own | parameters)


def logistic(**parameters):
    own = {"covariates": [0], "random_state": 0}
    return RectifiedLogisticRegression(LinearRegression(), **own | parameters)


def poisson(**parameters):
    own = {"covariates": [0], "random_state": 0}
    return RectifiedPoissonRegression(LinearRegression(), **own | parameters)


ALL = {
    "quantile": (quantile, Y),
    "difference": (difference, Y),
    "linear": (linear, Y),
    "logistic": (logistic, CLASSES),
    "poisson": (poisson, COUNTS),
}
everyone = pytest.mark.parametrize("name", ALL)


class Constant(RegressorMixin, BaseEstimator):
    """Whatever X is."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.zeros(len(X))


def changed(rows, column, value):
    return np.where((np.arange(N) == rows)[:, None] & (np.arange(3) == column), value, X)


def grouped(groups):
    return np.column_stack([X[:, :2], groups])


def only(n):
    return np.where(np.arange(N) < n, Y, np.nan)


def constantly(**parameters):
    return linear(Constant(), **parameters)


ROWS = np.arange(N)
CASES = {
    # Covariates
    "NaN in a label's covariates": (
        constantly(),
        changed(3, 0, np.nan),
        Y,
        "covariates has 1 NaN and 0 infinite values among 80; expected finite numbers",
    ),
    "NaN in the pool's": (constantly(), changed(33, 1, np.nan), Y, "covariates has 1 NaN"),
    "infinite": (constantly(), changed(33, 1, np.inf), Y, "covariates has 0 NaN and 1 infinite"),
    "all of X with NaN": (
        constantly(covariates=None),
        changed(3, 2, np.nan),
        Y,
        "covariates has 1 NaN",
    ),
    "huge": (constantly(), X * 1e200, Y, "covariates has values up to .*squares overflow"),
    "complex": (constantly(covariates=lambda X: X[:, 0] * 1j), X, Y, "Complex data not supported"),
    "text column": (
        constantly(covariates=["word"]),
        FRAME,
        Y,
        r"covariates have text .*'x'.*expected real numbers.*OneHotEncoder\(drop='first'\)",
    ),
    "text beside numbers": (constantly(covariates=["age", "word"]), FRAME, Y, "covariates have text"),
    "all of a frame with text": (constantly(covariates=None), FRAME, Y, "covariates have text"),
    "text array": (constantly(covariates=None), X.astype(str), Y, "covariates holds text or dates"),
    "missing beside numbers": (
        constantly(covariates=["age", "new"]),
        FRAME.assign(new=pd.array([1, None] * 20, dtype="Int64")),
        Y,
        "covariates has 20 NaN and 0 infinite values",
    ),
    "categories": (
        constantly(covariates=["word"]),
        FRAME.assign(word=FRAME["word"].astype("category")),
        Y,
        "covariates have a categorical column; expected numbers",
    ),
    "dates": (
        constantly(covariates=["age"]),
        FRAME.assign(age=pd.Timestamp("2026-01-01")),
        Y,
        "covariates holds text or dates",
    ),
    "collinear": (
        linear(covariates=lambda X: np.column_stack([X[:, 0], 2 * X[:, 0] + 1])),
        X,
        Y,
        "columns intercept, x0, x1 of X are collinear.*Leave one out",
    ),
    "collinear, cv": (
        linear(covariates=lambda X: X[:, [0, 0]], cv=2),
        X,
        Y,
        "columns x0, x1 of X are collinear",
    ),
    "constant beside the intercept": (
        linear(covariates=lambda X: np.column_stack([X[:, 0], np.full(len(X), 3.0)])),
        X,
        Y,
        r"columns intercept, x1 of X are collinear.*of the intercept, say",
    ),
    "all zero": (linear(covariates=lambda X: 0 * X[:, 0]), X, Y, "columns x0 of X are collinear"),
    "every class of a one-hot code": (
        linear(covariates=OneHotEncoder()),
        X[:, 2:],
        Y,
        "x0_0.0, x0_1.0 of X are collinear",
    ),
    "fewer labels than coefficients": (
        linear(),
        X,
        only(4),
        "4 labeled rows for 3 parameters .*expected at least 5. Label more rows or leave out columns",
    ),
    "fewer rectify": (linear(split_ratio=0.7), X, only(10), "3 labeled rows for 3 parameters"),
    "without a pool": (linear(), X[:3], Y[:3], "3 labeled rows for 3 parameters .*at least 4"),
    "small pool": (
        linear(),
        X[: LABELED + 2],
        Y[: LABELED + 2],
        "pool has 2 rows for 3 parameters; expected at least 4, or none",
    ),
    "unknown position": (
        linear(covariates=[7]),
        X,
        Y,
        r"\[7\] is not among the columns of X .*3 without names",
    ),
    "unknown name": (
        linear(covariates=["ago"]),
        FRAME,
        Y,
        r"covariates=\['ago'\] is not among the columns of X \(\['age', 'dose', 'arm', 'word'\]\)",
    ),
    "name where there are none": (linear(covariates="age"), X, Y, "'age' is not among the columns"),
    "short mask": (linear(covariates=[True, False]), X, Y, "expected names or positions of columns"),
    "fraction": (linear(covariates=1.5), X, Y, "1.5 is not among the columns"),
    "neither": (linear(covariates=[], fit_intercept=False), X, Y, "expected something to estimate"),
    "too few rows": (
        linear(covariates=lambda X: X[:5]),
        X,
        Y,
        "made 5 rows of 40; expected one for each",
    ),
    "three dimensions": (linear(covariates=lambda X: X[:, :, None]), X, Y, r"shape \(40, 3, 1\)"),
    "columns of texts": (
        linear(covariates=[0]),
        ["a text"] * N,
        Y,
        "X has one dimension.*or set it to a callable",
    ),
    "all of texts": (linear(covariates=None), ["a text"] * N, Y, "covariates=None takes all of X, but"),
    # The coefficient of interest, weights
    "unknown coefficient": (
        linear(coefficient="age"),
        X,
        Y,
        r"coefficient is 'age'; expected one of \['intercept', 'x0', 'x1'\].* or a position in coef_",
    ),
    "coefficient out of range": (linear(coefficient=2), X, Y, "coefficient is 2; expected one of"),
    "negative coefficient": (linear(coefficient=-1), X, Y, "coefficient is -1; expected one of"),
    "no intercept": (linear(coefficient="intercept", fit_intercept=False), X, Y, "is 'intercept'; exp"),
    "list of coefficients": (linear(coefficient=[0]), X, Y, "'coefficient' parameter"),
    "weights for nobody": (
        linear(KNeighborsRegressor(2), finetune_weights=True),
        X,
        Y,
        "KNeighborsRegressor.fit has no parameter sample_weight.*Leave finetune_weights at False",
    ),
    "weights for a pipeline": (
        linear(make_pipeline(StandardScaler(), KNeighborsRegressor(2)), finetune_weights=True, cv=2),
        X,
        Y,
        "KNeighborsRegressor.fit has no parameter sample_weight",
    ),
    "tuning": (linear(power_tuning="all"), X, Y, "'power_tuning' parameter"),
    "fit_intercept": (linear(fit_intercept="no"), X, Y, "'fit_intercept' parameter"),
    # Levels
    "level 0": (quantile(q=0), X, Y, "q is 0; expected levels between 0 and 1, both excluded"),
    "level 1": (quantile(q=[0.5, 1]), X, Y, r"q is \[0.5, 1\]; expected levels between"),
    "percent": (quantile(q=50), X, Y, "q is 50; expected levels between"),
    "no level": (quantile(q=[]), X, Y, r"q is \[\]; expected levels"),
    "NaN level": (quantile(q=np.nan), X, Y, "q is nan; expected levels"),
    "text level": (quantile(q="median"), X, Y, "'q' parameter"),
    # Groups
    "one group": (difference(), grouped(np.zeros(N)), Y, r"of 1 groups \(0.0.*expected two"),
    "three groups": (
        difference(),
        grouped(ROWS % 3),
        Y,
        r"of 3 groups \(0.0, 1.0, 2.0.*expected two. Compare two groups at a time",
    ),
    "NaN for a group": (
        difference(group=lambda X: np.where(ROWS == 3, np.nan, X[:, 2])),
        X,
        Y,
        "1 NaN; expected a group for each row",
    ),
    "None for a group": (
        difference(group=lambda X: np.where(ROWS == 33, None, X[:, 2].astype(object))),
        X,
        Y,
        "1 NaN; expected a group for each row",
    ),
    "texts and numbers for groups": (
        difference(group=lambda X: np.array(["A", 1] * 20, dtype=object)),
        X,
        Y,
        "group has values that cannot be sorted .*expected all numbers or all texts",
    ),
    "a third group in the pool": (
        difference(),
        grouped(np.where(ROWS < 30, ROWS % 2, 2)),
        Y,
        "has 2.0, of which no row is labeled; expected 0.0 and 1.0 only",
    ),
    "a group in the pool only": (
        difference(),
        grouped((ROWS >= 20).astype(float)),
        Y,
        "of 1 groups",
    ),
    "a single rectifying label": (
        difference(split_ratio=0.5),
        grouped(np.where(ROWS < LABELED, ROWS < 2, ROWS % 2)),
        Y,
        "Group 1.0 has 1 labels that rectify .*expected at least 2. Label more of its rows, lower split_r",
    ),
    "a single label": (
        difference(cv=3),
        grouped(np.where(ROWS < LABELED, ROWS < 1, ROWS % 2)),
        Y,
        "Group 1.0 has 1 labels that rectify",
    ),
    "unknown group": (difference(group="arm"), X, Y, "group='arm' is not among the columns"),
    "two columns of groups": (difference(group=[0, 2]), X, Y, r"shape \(40, 2\); expected one column"),
    "no group": (difference(group=None), X, Y, r"group=None gives an array of shape \(40, 3\)"),
    "names of groups that are no columns": (
        difference(group=lambda X: ["no", "column"]),
        X,
        Y,
        "group made 2 rows of 40",
    ),
    "few groups": (difference(group=lambda X: X[:5, 2]), X, Y, "group made 5 rows of 40"),
    # Labels
    "three classes": (
        logistic(),
        X,
        CLASSES + (ROWS == 1),
        "3 values from 0 to 2: Only binary classification is supported here; expected two classes, or sh",
    ),
    "one class": (logistic(), X, CLASSES * 0 + 2, "y has one class, 2 .*expected two"),
    "only zeros": (logistic(), X, CLASSES * 0, "y has one class, 0|Classes are separated"),
    "only ones": (logistic(), X, CLASSES * 0 + 1, "y has one class, 1|Classes are separated"),
    "text classes": (logistic(), X, np.where(CLASSES == 1, "yes", "no"), "y holds text or dates"),
    "separated": (
        logistic(),
        X,
        np.where(np.isnan(Y), np.nan, X[:, 0] > 0),
        "Classes are separated.*Leave out columns or label more rows",
    ),
    "separated, classifier": (
        logistic(cv=2).set_params(estimator=LogisticRegression()),
        X,
        np.where(np.isnan(Y), np.nan, X[:, 0] > 0),
        "Classes are separated",
    ),
    "separated, no pool": (
        logistic(),
        X[:LABELED],
        (X[:LABELED, 0] > 0).astype(float),
        "Classes are separated",
    ),
    "negative counts": (poisson(), X, COUNTS - 1, "y goes down to -1; expected counts or rates"),
    "only zero counts": (poisson(), X, COUNTS * 0, "All 14 labels are 0; expected some above"),
}


@pytest.mark.parametrize("case", CASES)
def test_clear_error_and_nothing_else(case, capsys):
    estimator, features, y, message = CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            estimator.fit(features, y)
    assert not hasattr(estimator, "result_")
    assert capsys.readouterr() == ("", "")


LABELS = {
    "none": (lambda y: None, ValueError, "requires y to be passed"),
    "all NaN": (lambda y: y * np.nan, ValueError, "y has no label: all of its 40 rows are NaN"),
    "infinite": (lambda y: np.where(ROWS == 3, np.inf, y), ValueError, "0 NaN and 1 infinite"),
    "several outputs": (lambda y: np.column_stack([y, y]), ValueError, r"1d array, got .*\(40, 2\)"),
    "short": (lambda y: y[:-1], ValueError, "X has 40 rows and y has 39"),
    "text": (lambda y: y.astype(str), ValueError, "y holds text or dates"),
    "masked": (np.ma.masked_invalid, TypeError, "y is a masked array"),
    "too few": (
        lambda y: np.where(ROWS < 2, [0.0, 1.0] * 20, np.nan),
        ValueError,
        "2 labeled rows",
    ),
    "huge": (lambda y: np.where(ROWS == 3, 1e200, y), ValueError, "squares overflow|only binary|Only"),
    "other index": (
        lambda y: pd.Series(y, index=ROWS[::-1]),
        ValueError,
        "X and y have the same length but different indexes",
    ),
}


@everyone
@pytest.mark.parametrize("case", LABELS)
def test_labels_that_no_estimator_takes(name, case):
    make, y = ALL[name]
    change, error, message = LABELS[case]
    features = pd.DataFrame(X) if case == "other index" else X
    with pytest.raises(error, match=message):
        make().fit(features, change(y))


PARAMETERS = {
    "split_ratio": (-0.1, "'split_ratio' parameter"),
    "cv": (1, "'cv' parameter"),
    "confidence_level": (95, "'confidence_level' parameter"),
    "estimator": ("ridge", "'estimator' parameter"),
    "recycle": ("yes", "'recycle' parameter"),
    "power_tuning": (0.5, "'power_tuning' parameter"),
}


@everyone
def test_parameters_out_of_range(name):
    make, y = ALL[name]
    for parameter, (value, message) in PARAMETERS.items():
        with pytest.raises(ValueError, match=message):
            make().set_params(**{parameter: value}).fit(X, y)
    for values, message in (
        ({"split_ratio": 50}, "lets 50 of them fine-tune and 0 rectify"),
        ({"split_ratio": 0}, "split_ratio=0 trains nothing, but LinearRegression cannot predict"),
        ({"cv": 20}, "cv=20 needs at least 20 labeled rows; y has 14"),
    ):
        with pytest.raises(ValueError, match=message):
            make(**values).fit(X, y)
    if name != "quantile":
        with pytest.raises(ValueError, match="'pool_prediction' parameter"):
            make(pool_prediction="both").fit(X, y)


def test_dates_beside_numbers():
    model = constantly(covariates=["age", "day"])
    with pytest.raises((TypeError, ValueError), match="covariates have text or other objects"):
        model.fit(FRAME.assign(day=pd.Timestamp("2026-01-01")), Y)


def test_rows_that_were_not_in_fit():
    model = difference().fit(X, Y)
    strange = grouped(np.where(ROWS == 5, 7.0, X[:, 2]))
    for call in (lambda: model.score(strange, Y), lambda: model.predict(strange)):
        with pytest.raises(ValueError, match=r"X has rows of group 7.0; expected 0.0 and 1.0 only"):
            call()
    assert model.predict(X[::2]).shape == (20,)  # of one group
    regression = linear().fit(X, Y)
    for call in (
        lambda: regression.predict(changed(3, 0, np.nan)),
        lambda: regression.score(changed(33, 0, np.nan), Y),
    ):
        with pytest.raises(ValueError, match="covariates has 1 NaN"):
            call()
    with pytest.raises(ValueError, match=r"one dimension; expected 3 features\. Reshape"):
        regression.predict(X[:, 0])
    with pytest.raises(ValueError, match="X has 2 features, but"):
        regression.predict(X[:, :2])
    with pytest.raises(ValueError, match="X has 1 covariates; expected the 2 of fit"):
        linear(covariates=lambda X: X[:, :2] if len(X) == N else X[:, :1]).fit(X, Y).predict(X[:5])
    with pytest.raises(ValueError, match="y has no label"):
        regression.score(X[20:], Y[20:])
    with pytest.raises(ValueError, match="expected at least 2, because one has no variance"):
        regression.score(X[13:], Y[13:])


@everyone
def test_allocators_refuse_the_same(name):
    make, y = ALL[name]
    least = {"linear": 12}.get(name, 8)
    with pytest.raises(ValueError, match=f"needs at least {least}"):
        FineTuneRectifyAllocator(make()).fit(X, np.where(ROWS < 7, y, np.nan))
    with pytest.raises(ValueError, match="y has no label"):
        FineTuneRectifyAllocator(make()).fit(X, y * np.nan)


def test_allocators_hand_on_what_is_wrong():
    for estimator, y, message in (
        (linear(coefficient=9), Y, "coefficient is 9"),
        (linear(covariates=[9]), Y, "is not among the columns"),
        (quantile(q=2), Y, "q is 2; expected levels"),
        (difference(group=[0, 2]), Y, "expected one column"),
        (poisson(), COUNTS - 1, "y goes down to -1"),
        (logistic(), CLASSES + (ROWS == 1), "Only binary"),
        (linear(covariates=lambda X: X[:, [0, 0]]), Y, "collinear"),
    ):
        with pytest.raises(ValueError, match=message):
            FineTuneRectifyAllocator(estimator).fit(X, y)


# Few rows


FROZEN = FrozenEstimator(LinearRegression().fit(X[20:, :2], X[20:, 0] ** 2))
HALF = FrozenEstimator(DummyRegressor().fit([[0]], [0.5]))
SETTINGS = [
    {},
    {"recycle": False},
    {"cv": 2},
    {"cv": 3},
    {"power_tuning": False},
    {"split_ratio": 0.5},
    {"cv": 2, "power_tuning": False},
    {"estimator": FROZEN},
    {"estimator": HALF},
    {"estimator": HALF, "power_tuning": False},
    {"split_ratio": 0.5, "recycle": False, "power_tuning": False},
]
SIZES = [(3, 0), (3, 6), (4, 3), (5, 0), (5, 1), (5, 6), (6, 3), (6, 6), (7, 4), (8, 0), (8, 6)]
FEW = {
    "quantiles": lambda **settings: RectifiedQuantile(q=[0.1, 0.5], **settings),
    "intercept": lambda **settings: RectifiedLinearRegression(covariates=[], **settings),
    "linear": lambda **settings: RectifiedLinearRegression(covariates=[1], **settings),
    "logistic": lambda **settings: RectifiedLogisticRegression(covariates=[1], **settings),
    "poisson": lambda **settings: RectifiedPoissonRegression(covariates=[1], **settings),
    "difference": lambda **settings: RectifiedDifference(group=0, **settings),
}


def few_rows(kind, seed, n, m):
    """Continuous labels, whole numbers, heavy tails or an exact function of X."""
    rng = np.random.default_rng([seed, n, m])
    features = np.column_stack([np.arange(n + m) % 2.0, rng.normal(size=n + m)])
    noise = rng.normal(size=n + m)
    y = [noise, np.round(noise), noise**3, features.sum(axis=1)][rng.integers(4)]
    if kind == "logistic":
        y = (rng.random(n + m) < 0.5).astype(float)
    if kind == "poisson":
        y = rng.poisson(1.5, size=n + m).astype(float)
    return features, np.where(np.arange(n + m) < n, y, np.nan)


def numbers_of(model, features):
    result = model.result_
    ends = (*model.confidence_interval(), *model.confidence_interval(0.5, "less"))
    told = (result.estimate, result.standard_error, result.degrees_of_freedom, model.p_value(0.1))
    kept = (model.efficiency_, model.lambda_, model.rectifier_, model.residual_variance_)
    alone = (result.labels_only.estimate, result.labels_only.standard_error, result.recycled_weight)
    return np.concatenate(
        [
            np.ravel(values)
            for values in (*ends, *told, *kept, *alone, model.predict(features), result.bootstrap(3))
        ]
    )


TOLD = re.compile(
    "expected at least|lets 2 of them fine-tune|needs at least|Classes are separated|did not converge|"
    "are collinear|one class|All . labels are 0|predictions lie outside 0 to 1|"
    "(is|are) infinite: .* (no events|events only)"
)


def refused(model, features, y):
    """What the error says, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ZeroWidthIntervalWarning)
        try:
            model.fit(features, y)
        except ValueError as error:
            return str(error)
    return None


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_few_rows_give_an_error_or_numbers(kind, settings):
    """Three to eight labels, a pool of none to six: a ValueError or no NaN, and finite ends of intervals, of quantiles where labels bound them."""
    fits = 0
    first = 100 * SETTINGS.index(settings)
    for seed, (n, m) in enumerate(SIZES, start=first):
        features, y = few_rows(kind, seed, n, m)
        model = FEW[kind](**{"estimator": LinearRegression(), "random_state": seed} | settings)
        message = refused(model, features, y)
        if message is not None:
            assert TOLD.search(message), message
            continue
        fits += 1
        assert not np.isnan(numbers_of(model, features)).any()
        assert kind == "quantiles" or np.isfinite([*np.ravel(model.confidence_interval())]).all()
    assert fits


@everyone
def test_labels_without_variance_are_legal_and_flagged(name):
    make, _ = ALL[name]
    value = 0.25 if name == "logistic" else 2.0
    y = np.where(np.isnan(Y), np.nan, value)
    for parameters in ({}, {"recycle": False}, {"cv": 3}, {"power_tuning": False}):
        with pytest.warns(ZeroWidthIntervalWarning):
            model = make(**parameters).fit(X, y)
        assert model.result_.zero_width
        expected = {"difference": 0.0, "logistic": [np.log(1 / 3), 0], "poisson": [np.log(2), 0]}
        expected = expected.get(name, 2.0 if name == "quantile" else [2.0, 0, 0])
        np.testing.assert_allclose(model.result_.estimate, expected, atol=1e-9)
        assert "zero width" in model.result_.verdict()
        assert not np.isnan(model.score(X, y))


def test_score_of_a_level_without_variance():
    y = np.where(ROWS < LABELED, ROWS, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZeroWidthIntervalWarning)
        model = quantile(q=[0.5, 0.99]).fit(X, y)
    assert np.isfinite(model.score(X, y))


# With what statsmodels says: no outlier makes the solution infinite.
OUTLIERS = {
    "logistic": (logistic, [-2, 0, -1, 21, 2, -1], [0, 0, 1, 1, 1, 0], [-0.0455820, 0.9977932]),
    "poisson": (poisson, [1, 0, -4, -27], [2, 1, 0, 0], [-0.1375767, 0.8808588]),
}


@pytest.mark.parametrize("name", OUTLIERS)
def test_maximum_likelihood_with_outlying_covariates(name):
    make, values, y, expected = OUTLIERS[name]
    features = np.array([values, values], dtype=float).T
    model = make(cv=2).fit(features, np.array(y, dtype=float))
    np.testing.assert_allclose(model.coefficients_, expected, rtol=1e-5)


def test_maximum_likelihood_of_a_steep_rate():
    values, y = [1, -8, 0, 4, 1, -8, 0, 4], [5, 0, 0, 3020, 5, 0, 0, 3020]
    model = poisson().fit(np.array([values, values], dtype=float).T, np.array(y, dtype=float))
    np.testing.assert_allclose(model.coefficients_, [-0.7120670, 2.1812833], rtol=1e-5)
