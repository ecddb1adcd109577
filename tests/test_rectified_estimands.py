"""Estimators of quantiles, differences and coefficients: both stages, against the functions on arrays and by hand."""

import inspect
import pickle
import warnings

import joblib
import naive_rectification as naive
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy import stats
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
    VarianceRegressor,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_poisson_regression,
    rectify_quantile,
)
from sklearn_ftr.estimators._purchase import labels_in_hand
from sklearn_ftr.rectification._intervals import of_labels_only

KINDS = {
    "median": (RectifiedQuantile, {}),
    "quantiles": (RectifiedQuantile, {"q": [0.25, 0.9]}),
    "linear": (RectifiedLinearRegression, {"covariates": [0, 1]}),
    "logistic": (RectifiedLogisticRegression, {"covariates": [0, 1]}),
    "poisson": (RectifiedPoissonRegression, {"covariates": [0, 1]}),
    "difference": (RectifiedDifference, {"group": 4}),
}
ANSWERS = {
    "median": "quantile_",
    "quantiles": "quantile_",
    "linear": "coefficients_",
    "logistic": "coefficients_",
    "poisson": "coefficients_",
    "difference": "difference_",
}
FAMILIES = {"linear": "gaussian", "logistic": "binomial", "poisson": "poisson"}
FUNCTIONS = {
    "linear": rectify_linear_regression,
    "logistic": rectify_logistic_regression,
    "poisson": rectify_poisson_regression,
}
N, ROWS = 120, 900
kinds = pytest.mark.parametrize("kind", KINDS)
regressions = pytest.mark.parametrize("kind", FAMILIES)
tuning = pytest.mark.parametrize("power_tuning", [True, False], ids=["tuned", "plain"])


def complete(kind, seed=0, rows=ROWS):
    """Four features and a group, and the labels of all rows; the first two features are covariates."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(rows, 4)), rng.random(rows) < 0.4])
    eta = 0.3 + X @ [0.5, -0.4, 1.2, 0.8, 0.6]
    if kind == "logistic":
        return X, (rng.random(rows) < expit(1.5 * eta)).astype(float)
    if kind == "poisson":
        return X, rng.poisson(np.exp(1 + eta / 3)).astype(float)
    return X, eta + 0.5 * rng.normal(size=rows)


def hidden(y, n=N):
    """The first n labels, NaN for the others."""
    return np.where(np.arange(len(y)) < n, y, np.nan)


def sample_of(kind, seed=0, n=N, rows=ROWS):
    X, y = complete(kind, seed, rows)
    return X, hidden(y, n)


def make(kind, estimator=None, **parameters):
    cls, own = KINDS[kind]
    estimator = LinearRegression() if estimator is None else estimator
    return cls(estimator, **{"random_state": 0} | own | parameters)


def fitted(kind, estimator=None, data=None, **parameters):
    return make(kind, estimator, **parameters).fit(*(sample_of(kind) if data is None else data))


def frozen_model(kind):
    """Trained on other rows."""
    return FrozenEstimator(LinearRegression().fit(*complete(kind, seed=1, rows=80)))


def clipping(kind, mean_label):
    """Where predictions must be for a logit or a logarithm."""
    limits = {"logistic": (1e-3, 1 - 1e-3), "poisson": (1e-3 * mean_label, np.inf)}
    return limits.get(kind, (-np.inf, np.inf))


def on_arrays(kind, X, y, f, X_pool, f_pool, lambda_=None, mean_label=None):
    """The same question to the function on arrays."""
    if kind == "difference":
        return rectify_difference(y, f, f_pool, X[:, 4], X_pool[:, 4], lambda_=lambda_)
    if kind not in FAMILIES:
        return rectify_quantile(y, f, f_pool, KINDS[kind][1].get("q", 0.5), lambda_=lambda_)
    limits = clipping(kind, y.mean() if mean_label is None else mean_label)
    f, f_pool = (np.clip(one, *limits) for one in (f, f_pool))
    return FUNCTIONS[kind](X[:, :2], y, f, X_pool[:, :2], f_pool, lambda_=lambda_)


def assert_same(model, expected, rtol=1e-10, but=()):
    """Everything that both results have, and the attributes of the estimator."""
    attributes = {
        "standard_error": model.standard_error_,
        "covariance": model.covariance_,
        "lambda_": model.lambda_,
        "rectifier": model.rectifier_,
        "residual_variance": model.residual_variance_,
        "degrees_of_freedom": model.result_.degrees_of_freedom,
        "estimate": model.result_.estimate,
    }
    for name, value in attributes.items():
        if name not in but:
            wanted = getattr(expected, name)
            np.testing.assert_allclose(value, wanted, rtol=rtol, atol=1e-13, err_msg=name)
    if "degrees_of_freedom" not in but:
        np.testing.assert_allclose(
            model.confidence_interval(0.9), expected.confidence_interval(0.9), rtol=rtol
        )
        np.testing.assert_allclose(
            model.p_value(0.2, "less"), expected.p_value(0.2, "less"), rtol=1e-6, atol=1e-12
        )


class OneColumn(RegressorMixin, BaseEstimator):
    """Predicts a column of X, and learns nothing."""

    def __init__(self, column=-1):
        self.column = column

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return X[:, self.column]


class Recording(LinearRegression):
    """Remembers the rows (by their first feature) it has trained on and predicted, and the weights."""

    def fit(self, X, y, sample_weight=None):
        self.trained_, self.weights_, self.predicted_ = X[:, 0], sample_weight, []
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        self.predicted_.extend(X[:, 0])
        return super().predict(X)


# Stage one, then stage two


@kinds
@tuning
def test_a_frozen_model_is_the_function_on_arrays(kind, power_tuning):
    X, y = sample_of(kind)
    frozen = frozen_model(kind)
    f = frozen.predict(X)
    lambda_ = None if power_tuning else 1.0
    expected = on_arrays(kind, X[:N], y[:N], f[:N], X[N:], f[N:], lambda_)
    for parameters in ({"split_ratio": 0}, {}, {"cv": 5}, {"split_ratio": 0, "recycle": False}):
        model = fitted(kind, frozen, power_tuning=power_tuning, **parameters)
        assert_same(model, expected)
        np.testing.assert_allclose(model.efficiency_, expected.efficiency, rtol=1e-10)
        assert (model.n_finetune_, model.n_rectify_) == (0, N)
        assert not model.finetune_rows_.any()
        np.testing.assert_array_equal(model.result_.recycled_weight, np.zeros(np.shape(model.lambda_)))


@kinds
@tuning
@pytest.mark.parametrize("split_ratio", [0.2, 60])
def test_a_split_is_stage_one_then_stage_two(kind, power_tuning, split_ratio):
    X, y = sample_of(kind)
    model = fitted(kind, recycle=False, power_tuning=power_tuning, split_ratio=split_ratio)
    trained = model.finetune_rows_
    by_hand = LinearRegression().fit(X[trained], y[trained])
    np.testing.assert_allclose(model.estimator_.coef_, by_hand.coef_)
    R = ~np.isnan(y) & ~trained
    f = model.estimator_.predict(X)
    lambda_ = None if power_tuning else 1.0
    expected = on_arrays(kind, X[R], y[R], f[R], X[N:], f[N:], lambda_, np.nanmean(y))
    # Newton's method starts elsewhere.
    assert_same(model, expected, 1e-8 if kind in ("logistic", "poisson") else 1e-10)
    s = split_ratio if split_ratio > 1 else round(N * split_ratio)
    assert trained.sum() == model.n_finetune_ == model.result_.n_finetune == s
    assert (model.n_rectify_, model.n_labeled_, model.n_unlabeled_) == (N - s, N, ROWS - N)
    # What labels alone would say has all labels, those that have trained, too.
    labels_only = on_arrays(kind, X[:N], y[:N], f[:N], X[:0], f[:0])
    np.testing.assert_allclose(model.result_.labels_only.estimate, labels_only.estimate, rtol=1e-10)
    ratio = (labels_only.standard_error / model.standard_error_) ** 2
    if ANSWERS[kind] == "quantile_":  # the ratio of variances of F, against all labels
        ratio = expected.efficiency * (N - s) / N
    np.testing.assert_allclose(model.efficiency_, ratio, rtol=1e-10)


@kinds
def test_answers_have_the_names_and_shapes_that_docstrings_say(kind):
    model = fitted(kind)
    np.testing.assert_array_equal(getattr(model, ANSWERS[kind]), model.result_.estimate)
    shape = {"quantiles": (2,), "median": (), "difference": ()}.get(kind, (3,))
    names = ("lambda_", "rectifier_", "residual_variance_", "efficiency_", "standard_error_")
    assert all(np.shape(getattr(model, name)) == shape for name in (ANSWERS[kind], *names))
    assert model.covariance_.shape == (max(np.size(model.lambda_), 1),) * 2
    if kind in FAMILIES:
        np.testing.assert_array_equal(model.coef_, model.coefficients_[1:])
        assert model.intercept_ == model.coefficients_[0]
        assert isinstance(model.intercept_, float)
        assert list(model.coefficient_names_) == ["intercept", "x0", "x1"]
    if kind == "difference":
        np.testing.assert_array_equal(model.groups_, [0, 1])
        assert model.difference_ == pytest.approx(model.group_means_[1] - model.group_means_[0])
        assert [part.estimate for part in model.result_.parts.values()] == list(model.group_means_)


@kinds
def test_the_order_of_rows_does_not_matter_to_a_frozen_model(kind):
    X, y = sample_of(kind)
    frozen = frozen_model(kind)
    order = np.random.default_rng(5).permutation(ROWS)
    assert_same(
        fitted(kind, frozen, (X[order], y[order])), fitted(kind, frozen).result_, 1e-9, ["rectifier"]
    )


@kinds
def test_float32(kind):
    X, y = sample_of(kind)
    single = X.astype(np.float32)
    one, other = (fitted(kind, frozen_model(kind), (rows, y)) for rows in (single, X))
    np.testing.assert_allclose(one.result_.estimate, other.result_.estimate, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.standard_error_, other.standard_error_, rtol=0.02)
    exact = FrozenEstimator(OneColumn(4 if kind == "logistic" else 2).fit(X))
    assert_same(
        fitted(kind, exact, (single, y)), fitted(kind, exact, (single.astype(float), y)).result_, 1e-9
    )
    assert np.isfinite(fitted(kind, data=(single, y), cv=3).standard_error_).all()


# Classical limits


def classical(X, y, family, intercept=True):
    """Maximum likelihood by Newton's method from zero, and the sandwich covariance HC1."""
    X = np.column_stack([np.ones(len(X)), X]) if intercept else X
    theta = np.zeros(X.shape[1])
    if family == "poisson":
        theta[0] = np.log(y.mean()) if intercept else 0.0
    for _ in range(60):
        slope = np.broadcast_to(naive.SLOPES[family](X @ theta), len(y))
        bread = np.linalg.inv((X.T * slope) @ X)
        theta = theta + bread @ X.T @ (y - naive.MEANS[family](X @ theta))
    scores = X * (y - naive.MEANS[family](X @ theta))[:, None]
    covariance = bread @ scores.T @ scores @ bread * len(y) / (len(y) - len(theta))
    return theta, covariance


DESIGNS = [
    {},
    {"recycle": False},
    {"cv": 5},
    {"cv": 5, "recycle": False, "pool_prediction": "split"},
    {"split_ratio": 0.6, "power_tuning": False},
    {"cv": 3, "power_tuning": "overall"},
]


@regressions
@pytest.mark.parametrize("parameters", DESIGNS, ids=str)
def test_without_a_pool_a_regression_is_the_usual_one(kind, parameters):
    X, y = complete(kind, rows=N)
    theta, covariance = classical(X[:, :2], y, FAMILIES[kind])
    model = fitted(kind, data=(X, y), **parameters)
    np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-8)
    np.testing.assert_allclose(model.covariance_, covariance, rtol=1e-8)
    np.testing.assert_array_equal(model.result_.degrees_of_freedom, np.full(3, N - 3.0))
    np.testing.assert_array_equal(model.lambda_, np.zeros(3))
    np.testing.assert_array_equal(model.efficiency_, np.ones(3))
    assert model.n_unlabeled_ == 0
    assert model.score(X, y) == pytest.approx(1)
    reach = stats.t.ppf(0.975, N - 3) * np.sqrt(np.diag(covariance))
    ends = model.confidence_interval(method="t")
    np.testing.assert_allclose(ends, (theta - reach, theta + reach), rtol=1e-7)
    no_intercept = fitted(kind, data=(X, y), fit_intercept=False, **parameters)
    theta, covariance = classical(X[:, :2], y, FAMILIES[kind], intercept=False)
    np.testing.assert_allclose(no_intercept.coef_, theta, rtol=1e-8)
    np.testing.assert_allclose(no_intercept.covariance_, covariance, rtol=1e-8)
    assert no_intercept.intercept_ == 0
    assert list(no_intercept.coefficient_names_) == ["x0", "x1"]


@pytest.mark.grid(3)
@regressions
def test_statsmodels_says_the_same(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        sm = pytest.importorskip("statsmodels.api")
    X, y = complete(kind, rows=N)
    design = sm.add_constant(X[:, :2])
    if kind == "linear":
        golden = sm.OLS(y, design).fit(cov_type="HC1")
        errors = golden.bse
    else:
        family = {"logistic": sm.families.Binomial(), "poisson": sm.families.Poisson()}[kind]
        golden = sm.GLM(y, design, family=family).fit(cov_type="HC0", tol=1e-13)
        errors = golden.bse * (N / (N - 3)) ** 0.5
    for parameters in ({}, {"cv": 5}):
        model = fitted(kind, data=(X, y), **parameters)
        np.testing.assert_allclose(model.coefficients_, golden.params, rtol=1e-8)
        np.testing.assert_allclose(model.standard_error_, errors, rtol=1e-8)


@pytest.mark.parametrize("parameters", [{}, {"recycle": False}, {"cv": 5}], ids=str)
@pytest.mark.parametrize("q", [0.5, 0.25, 0.9])
def test_without_a_pool_a_quantile_is_the_labels_own(parameters, q):
    """With the exact interval of order statistics."""
    X, y = complete("median", rows=N)
    model = fitted("median", data=(X, y), q=q, **parameters)
    assert model.quantile_ == np.quantile(y, q, method="inverted_cdf")
    assert tuple(model.confidence_interval()) == naive.order_statistics(y, q, 0.95)
    np.testing.assert_array_equal(model.predict(X), np.full(N, model.quantile_))


@pytest.mark.parametrize("parameters", [{}, {"recycle": False}, {"cv": 5}], ids=str)
def test_without_a_pool_a_difference_is_welchs(parameters):
    X, y = complete("difference", rows=N)
    model = fitted("difference", data=(X, y), **parameters)
    welch = stats.ttest_ind(y[X[:, 4] == 1], y[X[:, 4] == 0], equal_var=False)
    assert model.difference_ == pytest.approx(y[X[:, 4] == 1].mean() - y[X[:, 4] == 0].mean())
    np.testing.assert_allclose(model.confidence_interval(), welch.confidence_interval())
    assert model.p_value(0) == pytest.approx(welch.pvalue)
    assert model.result_.degrees_of_freedom == pytest.approx(welch.df)
    np.testing.assert_allclose(model.predict(X), model.group_means_[X[:, 4].astype(int)])


@kinds
def test_perfect_predictions_give_the_answer_of_the_pool(kind):
    """theta_R(y) - theta_R(f) vanishes; what remains is the error of the pool's size."""
    X, y = complete(kind)
    if kind == "logistic":
        y = expit(X @ [0.5, -0.4, 1.2, 0.8, 0.6])
    if kind == "poisson":
        y = y + 0.5
    X = np.column_stack([X, y])
    model = fitted(kind, FrozenEstimator(OneColumn().fit(X)), (X, hidden(y)), power_tuning=False)
    np.testing.assert_allclose(model.lambda_, np.ones(np.shape(model.lambda_)))
    if kind in FAMILIES:
        theta, covariance = classical(X[N:, :2], y[N:], FAMILIES[kind])
        np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-9)
        # The pool's own factor is m / (m - 1).
        exact = covariance * (ROWS - N - 3) / (ROWS - N - 1)
        np.testing.assert_allclose(model.covariance_, exact, rtol=1e-8)
    elif kind == "difference":
        A, B = (y[N:][X[N:, 4] == group] for group in (0, 1))
        assert model.difference_ == pytest.approx(B.mean() - A.mean())
        variance = A.var(ddof=1) / len(A) + B.var(ddof=1) / len(B)
        assert model.standard_error_ == pytest.approx(variance**0.5)
    else:
        expected = np.quantile(y[N:], KINDS[kind][1].get("q", 0.5), method="inverted_cdf")
        np.testing.assert_allclose(model.quantile_, expected)
    assert np.min(model.efficiency_) > 4


@kinds
def test_useless_predictions_leave_exactly_the_labels(kind):
    X, _ = sample_of(kind)
    constant = FrozenEstimator(DummyRegressor().fit(X, np.full(ROWS, 0.5)))
    tunings = (True, "overall") if kind in FAMILIES else (True,)
    for power_tuning in tunings:
        model = fitted(kind, constant, power_tuning=power_tuning)
        labels_only = model.result_.labels_only
        np.testing.assert_array_equal(model.lambda_, np.zeros(np.shape(model.lambda_)))
        np.testing.assert_allclose(model.result_.estimate, labels_only.estimate, rtol=1e-12)
        np.testing.assert_allclose(model.covariance_, labels_only.covariance, rtol=1e-10)
        np.testing.assert_allclose(
            model.confidence_interval(),
            of_labels_only(model.result_).confidence_interval(),
            rtol=1e-10,
        )
        assert "Labels alone are as good" in model.result_.verdict()


def test_a_bias_that_is_linear_in_the_covariates_costs_nothing():
    """A frozen predictor with a linear term added gives the same answer."""
    X, y = sample_of("linear")
    biased = np.column_stack([X, X[:, 2] + 3 - 2 * X[:, 0]])
    plain, other = (
        fitted("linear", FrozenEstimator(OneColumn(column).fit(X)), (biased, y)) for column in (2, -1)
    )
    assert_same(other, plain.result_, 1e-8, but=["rectifier", "residual_variance"])


def test_one_lambda_for_all_coefficients():
    X, y = sample_of("linear")
    frozen = frozen_model("linear")
    f = frozen.predict(X)
    expected = on_arrays("linear", X[:N], y[:N], f[:N], X[N:], f[N:], "overall")
    model = fitted("linear", frozen, power_tuning="overall")
    assert_same(model, expected)
    assert len(set(model.lambda_)) == 1


UNEVEN = [
    (np.arange(4, 12), np.arange(4)),
    (np.r_[:4, 9:12], np.arange(4, 9)),
    (np.arange(9), np.arange(9, 12)),
]
AS_THE_MEAN = [
    {},
    {"recycle": False},
    {"split_ratio": 0.5},
    {"power_tuning": False},
    {"cv": 4},
    {"cv": UNEVEN},
    {"cv": UNEVEN, "power_tuning": False},
    {"cv": UNEVEN, "pool_prediction": "split"},
    {"cv": UNEVEN, "pool_prediction": "split", "power_tuning": False},
    {"cv": 2, "pool_prediction": "split"},
]


@pytest.mark.parametrize("parameters", AS_THE_MEAN, ids=lambda one: ", ".join(map(str, one)))
@pytest.mark.parametrize("m", [1, 2, 9, 30, 37, 200])
def test_an_intercept_alone_is_the_rectified_mean(parameters, m):
    """Of 12 labels, in folds and parts of the pool that are of other sizes."""
    X, y = complete("linear", rows=12 + m)
    y = hidden(y, 12)
    for estimator in (LinearRegression(), DecisionTreeRegressor(random_state=0)):
        mean = RectifiedMeanEstimator(estimator, random_state=0, **parameters).fit(X, y)
        model = fitted("linear", estimator, (X, y), covariates=[], **parameters)
        attributes = (
            "estimate",
            "standard_error",
            "degrees_of_freedom",
            "lambda_",
            "residual_variance",
        )
        for name in (*attributes, "efficiency", "rectifier", "recycled_weight"):
            expected = getattr(mean.result_, name)
            np.testing.assert_allclose(getattr(model.result_, name), [expected], rtol=1e-9, atol=1e-12)
        assert model.coef_.shape == (0,)
        np.testing.assert_allclose(model.predict(X[:7]), np.full(7, model.intercept_))
        assert model.score(X, y) == pytest.approx(mean.score(X, y), rel=1e-6)


def test_a_category_without_events_where_labels_rectify():
    """All labels have events of the category; the half that rectifies has none."""
    X, y = sample_of("logistic")
    rare = np.zeros(ROWS)
    model = make("logistic", split_ratio=60)
    trained = clone(model).fit(X, y).finetune_rows_
    rare[np.flatnonzero(trained & (y == 1))[:2]] = 1
    rare[np.flatnonzero(~trained & (y == 0))[:5]] = 1
    rare[N : N + 50] = 1
    X[:, 0] = rare
    for kind in ("logistic", "poisson"):
        with pytest.raises(
            ValueError, match=r"coefficient of x0 is infinite.*the 60 labels that rectify"
        ):
            make(kind, split_ratio=60).fit(X, y)
        assert np.isfinite(make(kind, cv=3).fit(X, y).coef_).all()


@regressions
def test_covariates_whose_values_cancel_in_a_sum(kind):
    X, y = sample_of(kind)
    X[-2:, 0] = 1e200, -1e200
    frozen = FrozenEstimator(DummyRegressor().fit(X, np.full(ROWS, 0.5)))
    with pytest.raises(ValueError, match=r"covariates has values up to .*squares overflow"):
        fitted(kind, frozen, (X, y))


@regressions
@pytest.mark.parametrize(
    "parameters", [{}, {"cv": 3}, {"finetune_weights": True, "coefficient": 1}], ids=str
)
def test_origins_of_covariates_do_not_matter(kind, parameters):
    """A year and its square, in an estimator."""
    X, y = sample_of(kind)
    year = np.random.default_rng(0).integers(2000, 2025, ROWS)
    plain, moved = X.copy(), X.copy()
    plain[:, 0], plain[:, 1] = year - 2012, (year - 2012) ** 2
    moved[:, 0], moved[:, 1] = year, year**2
    predictor = ColumnTransformer([("kept", "passthrough", [2, 3, 4])])
    one, other = (
        fitted(kind, make_pipeline(predictor, LinearRegression()), (rows, y), **parameters)
        for rows in (plain, moved)
    )
    for name in ("coefficients_", "standard_error_", "lambda_", "efficiency_"):
        assert getattr(other, name)[2] == pytest.approx(getattr(one, name)[2], rel=1e-6), name


# Cross-fitting


CV = KFold(5, shuffle=True, random_state=3)
FOLDS = [test for _, test in CV.split(np.zeros((N, 1)))]


def cross_fit_by_hand(X, y, estimator=None):
    """Out-of-fold predictions, fold by fold, and each model's of the pool."""
    of_folds, of_pools = [], []
    for fold in FOLDS:
        rest = np.setdiff1d(np.arange(N), fold)
        model = clone(estimator or LinearRegression()).fit(X[rest], y[rest])
        of_folds.append(model.predict(X[fold]))
        of_pools.append(model.predict(X[N:]))
    return of_folds, of_pools


def influence_by_hand(X, target, family):
    """Estimate, inverse of H, and each row's influence around the estimate."""
    theta, _ = classical(X, target, family)
    X = np.column_stack([np.ones(len(X)), X])
    slope = np.broadcast_to(naive.SLOPES[family](X @ theta), len(X))
    bread = np.linalg.inv((X.T * slope) @ X / len(X))
    scores = X * (target - naive.MEANS[family](X @ theta))[:, None]
    return theta, bread, theta + scores @ bread


def with_ones(X):
    return np.column_stack([np.ones(len(X)), X[:, :2]])


def rectified_by_hand(kind, X, y, of_folds, pools, average, given):
    """Each model's rows at its own estimate of the coefficients: over the pool rows that it has predicted.

    `pools` are rows and predictions for each model, `average` those of the pool.
    """
    family = FAMILIES[kind]
    mean = naive.MEANS[family]
    rows, f = np.concatenate(FOLDS), np.concatenate(of_folds)
    _, _, of_y = influence_by_hand(X[rows, :2], y[rows], family)
    theta_f, bread_f, _ = influence_by_hand(X[rows, :2], f, family)
    pool, of_average = average
    theta, bread, of_pool = influence_by_hand(X[pool, :2], of_average, family)
    steps = []
    for part, predictions in pools:
        design = with_ones(X[part])
        steps.append((design * (predictions - mean(design @ theta))[:, None]).mean(axis=0) @ bread)
    of_f = []
    for fold, predictions, step in zip(FOLDS, of_folds, steps - np.mean(steps, axis=0), strict=True):
        design = with_ones(X[fold])
        scores = design * (predictions - mean(design @ (theta_f + step)))[:, None]
        of_f.append(theta_f + scores @ bread_f)
    if len(pools[0][0]) < len(
        pool
    ):  # parts: each model's around its own estimate, which costs degrees of freedom
        within = []
        for (part, predictions), step in zip(pools, steps, strict=True):
            design = with_ones(X[part])
            scores = design * (predictions - mean(design @ (theta + step)))[:, None]
            within.append((scores - scores.mean(axis=0)) @ bread)
        lost = 3 * (len(pools) - 1)
        inflation = ((len(pool) - 1) / (len(pool) - 1 - lost)) ** 0.5
        of_pool = theta + np.mean(steps, axis=0) + inflation * np.concatenate(within)
    return naive.rectify_columns(of_y, np.concatenate(of_f), of_pool, given, lost=3), of_pool


@pytest.mark.parametrize(
    ("kind", "power_tuning"),
    [("linear", True), ("linear", False), ("logistic", False), ("poisson", True)],
)
def test_cross_fitted_regression_by_hand(kind, power_tuning):
    X, y = sample_of(kind)
    limits = clipping(kind, np.nanmean(y))
    of_folds, of_pools = ([np.clip(f, *limits) for f in parts] for parts in cross_fit_by_hand(X, y))
    given, pool = None if power_tuning else 1.0, np.arange(N, ROWS)
    pools = [(pool, f) for f in of_pools]
    average = pool, np.mean(of_pools, axis=0)
    answer, of_pool = rectified_by_hand(kind, X, y, of_folds, pools, average, given)
    theta, variance, _, lambda_ = answer

    model = fitted(kind, cv=CV, power_tuning=power_tuning)
    np.testing.assert_allclose(model.lambda_, lambda_, rtol=1e-8)
    np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-8)
    np.testing.assert_allclose(model.standard_error_**2, variance, rtol=1e-8)
    assert (model.n_finetune_, model.n_rectify_) == (96, N)
    np.testing.assert_array_equal(model.result_.recycled_weight, np.zeros(3))
    # Five models cost degrees of freedom: n - K - (k - 1).
    in_pool = lambda_**2 * of_pool.var(axis=0, ddof=1) / (ROWS - N)
    degrees = 1 / ((1 - in_pool / variance) ** 2 / 113 + (in_pool / variance) ** 2 / (ROWS - N - 1))
    np.testing.assert_allclose(model.result_.degrees_of_freedom, degrees, rtol=1e-6)


@regressions
@pytest.mark.parametrize("estimator", [LinearRegression(), DecisionTreeRegressor(random_state=0)])
def test_cross_fitting_is_near_the_function_on_arrays_that_does_not_know_of_it(kind, estimator):
    """Out-of-fold predictions and the average over the pool, as if one model had made them."""
    X, y = sample_of(kind)
    of_folds, of_pools = cross_fit_by_hand(X, y, estimator)
    rows, f = np.concatenate(FOLDS), np.concatenate(of_folds)
    pool = np.mean(np.clip(of_pools, *clipping(kind, np.nanmean(y))), axis=0)
    model = fitted(kind, estimator, cv=CV)
    plain = on_arrays(kind, X[rows], y[rows], f, X[N:], pool)
    gap = np.abs(model.coefficients_ - plain.estimate)
    assert (gap < 0.4 * model.standard_error_).all()
    np.testing.assert_allclose(model.standard_error_, plain.standard_error, rtol=0.1)


def test_a_linear_function_of_each_models_own_cancels():
    """Of the covariates; as a constant does in a mean."""

    class Tilted(LinearRegression):
        def fit(self, X, y):
            self.tilt_ = y[:3]  # differs between folds
            return super().fit(X, y)

        def predict(self, X):
            return super().predict(X) + with_ones(X) @ self.tilt_

    X, y = sample_of("linear")
    plain, tilted = (
        fitted("linear", one, cv=CV, power_tuning=False) for one in (LinearRegression(), Tilted())
    )
    assert not np.allclose(*(one.estimators_[0].predict(X) for one in (plain, tilted)))
    np.testing.assert_allclose(tilted.coefficients_, plain.coefficients_, rtol=1e-9)
    np.testing.assert_allclose(tilted.standard_error_, plain.standard_error_, rtol=0.1)
    of_folds, of_pools = cross_fit_by_hand(X, y, Tilted())
    rows, f = np.concatenate(FOLDS), np.concatenate(of_folds)
    unaligned = on_arrays("linear", X[rows], y[rows], f, X[N:], np.mean(of_pools, axis=0), 1.0)
    assert (unaligned.standard_error > 1.3 * plain.standard_error_).all()


def test_cross_fitted_models_of_the_covariates_alone_gain_nothing():
    """What they say of the coefficients comes from the other folds' labels, and is no news."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(8):
        X = rng.normal(size=(1_000, 12))
        y = hidden(X @ np.ones(12) + rng.normal(size=1_000), 100)
        model = RectifiedLinearRegression(LinearRegression(), cv=5, random_state=0).fit(X, y)
        gains.append(model.efficiency_)
    assert 0.85 < np.mean(gains) < 1.1


@tuning
def test_cross_fitted_difference_by_hand(power_tuning):
    """Each group's mean is cross-fitted by itself, over its own pool."""
    X, y = sample_of("difference")
    of_folds, of_pools = cross_fit_by_hand(X, y)
    means, variances = [], []
    for group in (0, 1):
        pool = X[N:, 4] == group
        inside = [X[fold, 4] == group for fold in FOLDS]
        sizes = np.array([part.sum() for part in inside])
        shares = sizes / sizes.sum()
        labels = np.concatenate([y[fold][part] for fold, part in zip(FOLDS, inside, strict=True)])
        centers = np.array([f[pool].mean() for f in of_pools])
        of_labels = [
            f[part] - center for f, part, center in zip(of_folds, inside, centers, strict=True)
        ]
        of_labels = np.concatenate(of_labels) + shares @ centers
        of_pool = shares @ [f[pool] - center for f, center in zip(of_pools, centers, strict=True)]
        of_pool = of_pool + shares @ centers
        given = None if power_tuning else 1.0
        columns = (one[:, None] for one in (labels, of_labels, of_pool))
        theta, variance, *_ = naive.rectify_columns(*columns, given)
        means.append(theta[0])
        variances.append(variance[0])
    model = fitted("difference", cv=CV, power_tuning=power_tuning)
    np.testing.assert_allclose(model.group_means_, means, rtol=1e-10)
    assert model.difference_ == pytest.approx(means[1] - means[0], rel=1e-10)
    assert model.standard_error_ == pytest.approx(sum(variances) ** 0.5, rel=1e-9)
    assert (model.n_finetune_, model.n_rectify_, model.n_labeled_) == (96, N, N)


def pools_of(model, X):
    """The rows of the pool that each model has predicted, all of them once, and those predictions."""
    by_feature = {value: row for row, value in enumerate(X[:, 0])}
    parts = []
    for one in model.estimators_:
        rows = [row for value in one.predicted_ if (row := by_feature[value]) >= N]
        parts.append((np.array(rows), LinearRegression.predict(one, X[rows])))
    assert sorted(np.concatenate([rows for rows, _ in parts])) == list(range(N, len(X)))
    return parts, tuple(np.concatenate(column) for column in zip(*parts, strict=True))


@pytest.mark.parametrize("kind", ["median", "quantiles"])
@tuning
def test_cross_fitted_quantile_by_hand(kind, power_tuning):
    """No average of models: its distribution is narrower than each one's."""
    X, y = sample_of(kind)
    model = fitted(kind, Recording(), cv=CV, power_tuning=power_tuning)
    _, (rows, pool) = pools_of(model, X)
    labeled = np.concatenate(FOLDS)
    f = np.concatenate(cross_fit_by_hand(X, y)[0])
    lambda_ = None if power_tuning else 1.0
    expected = on_arrays(kind, X[labeled], y[labeled], f, X[rows], pool, lambda_)
    np.testing.assert_allclose(model.quantile_, expected.estimate, rtol=1e-10)
    np.testing.assert_allclose(model.lambda_, expected.lambda_, rtol=1e-10)
    answers = map(np.atleast_1d, (model.q, model.quantile_, model.lambda_))
    degrees = []
    for q, estimate, weight in zip(*answers, strict=True):
        by_hand = naive.quantile(y[labeled], f, pool, q, weight)
        assert estimate == pytest.approx(by_hand, rel=1e-10)
        given = None if power_tuning else weight
        known = naive.known_from(
            y[labeled], f, pool, by_hand, q, given, degrees=115
        )  # five models: n - K
        degrees.append(known[1].min())
    np.testing.assert_allclose(np.atleast_1d(model.result_.degrees_of_freedom), degrees, rtol=1e-9)
    np.testing.assert_allclose(model.standard_error_, expected.standard_error, rtol=0.2)


@pytest.mark.parametrize("kind", [*FAMILIES, "difference"])
def test_each_row_of_the_pool_predicted_by_one_model(kind):
    X, y = sample_of(kind)
    model = fitted(kind, Recording(), cv=CV, pool_prediction="split")
    parts, of_all = pools_of(model, X)
    average = fitted(kind, cv=CV)
    gap = np.abs(model.result_.estimate - average.result_.estimate)
    assert (gap < 0.5 * average.standard_error_).all()
    np.testing.assert_allclose(model.standard_error_, average.standard_error_, rtol=0.2)
    if kind in ("linear", "poisson"):
        limits = clipping(kind, np.nanmean(y))
        of_folds = [np.clip(f, *limits) for f in cross_fit_by_hand(X, y)[0]]
        clipped = [(rows, np.clip(f, *limits)) for rows, f in parts]
        all_clipped = of_all[0], np.clip(of_all[1], *limits)
        answer, _ = rectified_by_hand(kind, X, y, of_folds, clipped, all_clipped, None)
        theta, variance, _, lambda_ = answer
        np.testing.assert_allclose(model.lambda_, lambda_, rtol=1e-8)
        np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-8)
        np.testing.assert_allclose(model.standard_error_**2, variance, rtol=1e-8)


@kinds
def test_the_seed_decides_and_n_jobs_does_not(kind):
    tree = DecisionTreeRegressor(max_depth=4, max_features=2)
    one, again, other = (fitted(kind, tree, cv=3, random_state=seed) for seed in (0, 0, 1))
    assert_same(one, again.result_, 0)
    assert not np.array_equal(one.standard_error_, other.standard_error_)
    with joblib.parallel_backend("threading"):
        assert_same(fitted(kind, tree, cv=3, n_jobs=2), one.result_, 0)
    assert_same(fitted(kind, tree), fitted(kind, tree).result_, 0)
    assert tree.random_state is None


@pytest.mark.slow
@kinds
def test_processes_give_the_same_numbers(kind):
    weights = {"finetune_weights": True} if kind in FAMILIES else {}
    one, two = (fitted(kind, cv=3, n_jobs=n_jobs, **weights) for n_jobs in (1, 2))
    assert_same(two, one.result_, 0)


# Recycling


@pytest.mark.grid(4)
@kinds
def test_recycling_pays(kind):
    """On average: what the rectifying labels' own variance was by luck is told better by all labels."""
    ratios = []
    for seed in range(5):
        data = sample_of(kind, seed)
        plain, recycled = (fitted(kind, None, data, split_ratio=0.5, recycle=r) for r in (False, True))
        np.testing.assert_array_equal(plain.finetune_rows_, recycled.finetune_rows_)
        weight = recycled.result_.recycled_weight
        assert np.all((weight > 0) & (weight < 1))
        np.testing.assert_array_equal(plain.result_.recycled_weight, np.zeros(np.shape(weight)))
        if ANSWERS[kind] != "quantile_":  # which is tuned at the answer
            np.testing.assert_array_equal(plain.lambda_, recycled.lambda_)
        ratios.append((recycled.standard_error_ / plain.standard_error_) ** 2)
        new = complete(kind, 9)
        assert recycled.score(*new) > plain.score(*new)
    if ANSWERS[kind] != "quantile_":  # whose intervals' widths depend on a few labels
        assert np.mean(ratios) < 0.98
    crossed = fitted(kind, cv=4)
    np.testing.assert_array_equal(crossed.result_.recycled_weight, np.zeros(np.shape(weight)))


def test_recycling_of_a_linear_regression_by_hand():
    """Influence values at the estimate of all labels: their mean over the rows that trained is those rows' own answer."""
    X, y = sample_of("linear")
    plain, recycled = (fitted("linear", split_ratio=0.4, recycle=recycle) for recycle in (False, True))
    trained = recycled.finetune_rows_[:N]
    _, covariance = classical(X[:N, :2], y[:N], "gaussian")
    _, _, rows = influence_by_hand(X[:N, :2], y[:N], "gaussian")
    own = rows[trained].mean(axis=0)
    own_variance = np.diag(covariance) * N / trained.sum()
    # V_R(y - lambda f) / V_R(y) is told by the rectifying rows, V(y) by all.
    ratio = rows.var(axis=0, ddof=1) / rows[~trained].var(axis=0, ddof=1)
    variance = ratio * plain.standard_error_**2
    weight = variance / (variance + own_variance)
    degrees = plain.result_.degrees_of_freedom, N - 3
    meier = 1 + 4 * weight * (1 - weight) * (1 / degrees[0] + 1 / degrees[1])
    combined = (1 - weight) ** 2 * variance + weight**2 * own_variance
    np.testing.assert_allclose(recycled.result_.recycled_weight, weight, rtol=1e-9)
    np.testing.assert_allclose(
        recycled.coefficients_, (1 - weight) * plain.coefficients_ + weight * own, rtol=1e-9
    )
    np.testing.assert_allclose(recycled.standard_error_**2, combined * meier, rtol=1e-9)
    expected = 1 / ((1 - weight) ** 2 / degrees[0] + weight**2 / degrees[1])
    np.testing.assert_allclose(recycled.result_.degrees_of_freedom, expected, rtol=1e-9)


def test_recycling_of_a_quantile_moves_the_distribution_function():
    """F is (1 - w) times the rectified one plus w times that of labels that have trained."""
    X, y = sample_of("median")
    model = fitted("median", split_ratio=0.5)
    trained = model.finetune_rows_[:N]
    f = model.estimator_.predict(X)
    w, weight = model.result_.recycled_weight, model.lambda_
    steps = [
        (y[:N][trained], w),
        (y[:N][~trained], 1 - w),
        (f[:N][~trained], -weight * (1 - w)),
        (f[N:], weight * (1 - w)),
    ]
    values = np.sort(np.concatenate([rows for rows, _ in steps]))
    shares = [sum(mass * np.mean(rows <= t) for rows, mass in steps) for t in values]
    assert model.quantile_ == values[np.flatnonzero(np.array(shares) >= 0.5 - 1e-12)[0]]


def test_recycling_of_a_difference_is_that_of_each_mean():
    X, y = sample_of("difference")
    model = fitted("difference", split_ratio=0.5)
    frozen, trained = FrozenEstimator(model.estimator_), model.finetune_rows_
    for group, part in zip((0, 1), model.result_.parts.values(), strict=True):
        labels, own = (y[rows & (X[:, 4] == group)] for rows in (~np.isnan(y), trained))
        others = ~trained & (X[:, 4] == group)
        plain = RectifiedMeanEstimator(frozen).fit(X[others], y[others])
        ratio = labels.var(ddof=1) / np.nanvar(y[others], ddof=1)
        variance, own_variance = ratio * plain.standard_error_**2, labels.var(ddof=1) / len(own)
        weight = variance / (variance + own_variance)
        assert part.recycled_weight == pytest.approx(weight)
        assert part.estimate == pytest.approx((1 - weight) * plain.mean_ + weight * own.mean())
        assert (part.n_finetune, part.n_rectify) == (len(own), len(labels) - len(own))


def test_a_split_takes_the_same_share_of_both_groups():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(400, 4)), np.arange(400) % 10 == 0])
    y = hidden(rng.normal(size=400), 200)  # 20 of the rare group
    for seed in range(20):
        for split_ratio in (0.2, 0.5):
            model = fitted("difference", data=(X, y), split_ratio=split_ratio, random_state=seed)
            rare = model.finetune_rows_[X[:, 4] == 1].sum()
            assert abs(rare - 20 * split_ratio) <= 1
            assert model.finetune_rows_.sum() == 200 * split_ratio
    some = np.arange(400) < 30
    model = make("difference", split_ratio=0.5).fit(X, y, finetune_rows=some)
    assert model.finetune_rows_[some].all()
    assert model.n_finetune_ == 100


@kinds
def test_finetune_rows(kind):
    X, y = sample_of(kind)
    some = np.arange(ROWS) < 20
    model = make(kind, Recording(), split_ratio=50).fit(X, y, finetune_rows=some)
    assert model.finetune_rows_[:20].all()
    assert model.finetune_rows_.sum() == 50
    assert set(model.estimator_.trained_) == set(X[model.finetune_rows_, 0])
    with pytest.raises(ValueError, match="without a label"):
        make(kind).fit(X, y, finetune_rows=~some)


# Covariates


FRAME, FRAME_Y = complete("linear", rows=400)
FRAME = pd.DataFrame(FRAME[:, :4], columns=["age", "dose", "size", "score"]).assign(
    arm=np.where(FRAME[:, 4] == 1, "new", "old")
)
FRAME_Y = hidden(FRAME_Y)
MIXED = make_pipeline(
    ColumnTransformer([("text", OneHotEncoder(), ["arm"])], remainder="passthrough"), LinearRegression()
)
AGE_AND_SIZE = {
    "names": ["age", "size"],
    "array of names": np.array(["age", "size"]),
    "index": pd.Index(["age", "size"]),
    "positions": [0, 2],
    "array of positions": np.array([0, 2]),
    "mask": [True, False, True, False, False],
    "array mask": np.array([True, False, True, False, False]),
    "slice": slice(0, 4, 2),
    "frame": lambda X: X[["age", "size"]],
    "array": lambda X: X[["age", "size"]].to_numpy(),
    "list": lambda X: X[["age", "size"]].to_numpy().tolist(),
    "names from a callable": lambda X: ["age", "size"],
    "selector": make_column_selector(pattern="age|size"),
    "transformer": ColumnTransformer([("kept", "passthrough", ["age", "size"])]),
}


@pytest.fixture(scope="module")
def by_age_and_size():
    """From arrays in which a column of 0 and 1 is the text."""
    by_hand = FRAME[["age", "size", "dose", "score"]].assign(new=FRAME["arm"] == "new").to_numpy(float)
    model = RectifiedLinearRegression(LinearRegression(), covariates=[0, 1], random_state=0)
    return model.fit(by_hand, FRAME_Y)


@pytest.mark.parametrize("how", AGE_AND_SIZE)
def test_covariates_of_a_frame(how, by_age_and_size):
    covariates, expected = AGE_AND_SIZE[how], by_age_and_size
    model = RectifiedLinearRegression(MIXED, covariates=covariates, random_state=0)
    model.fit(FRAME, FRAME_Y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-8)
    np.testing.assert_allclose(model.standard_error_, expected.standard_error_, rtol=1e-8)
    names = list(model.coefficient_names_)
    if how in ("array", "list"):
        assert names == ["intercept", "x0", "x1"]
    elif how == "transformer":
        assert names == ["intercept", "kept__age", "kept__size"]
    else:
        assert names == ["intercept", "age", "size"]
    assert list(model.summary().index) == names
    new = FRAME.iloc[300:320]
    np.testing.assert_allclose(
        model.predict(new), model.intercept_ + new[["age", "size"]].to_numpy() @ model.coef_
    )
    assert np.isfinite(model.score(FRAME, FRAME_Y))
    assert model.get_params(deep=False)["covariates"] is covariates


ONE = {"name": "age", "position": 0, "list": ["age"], "series": lambda X: X["age"]}


@pytest.mark.parametrize("how", ONE)
def test_one_covariate(how):
    model = RectifiedLinearRegression(MIXED, covariates=ONE[how], random_state=0).fit(FRAME, FRAME_Y)
    assert list(model.coefficient_names_) == ["intercept", "age"]
    expected = RectifiedLinearRegression(
        MIXED, covariates=lambda X: X["age"].to_numpy(), random_state=0
    ).fit(FRAME, FRAME_Y)
    np.testing.assert_allclose(model.coefficients_, expected.coefficients_, rtol=1e-12)
    assert list(expected.coefficient_names_) == ["intercept", "x0"]


ARRAY = {
    "list": [0, 2],
    "tuple": (0, 2),
    "array": np.array([0, 2]),
    "mask": np.array([True, False, True, False, False]),
    "slice": slice(0, 4, 2),
    "callable": lambda X: X[:, [0, 2]],
    "selected by a pipeline": ColumnTransformer([("two", "passthrough", [0, 2])]),
}


@pytest.mark.parametrize("how", ARRAY)
@pytest.mark.parametrize(
    "container", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix, lambda X: X.tolist()]
)
def test_covariates_of_arrays(how, container):
    X, y = sample_of("linear")
    if how == "callable" and container is not np.asarray:
        return
    if how == "selected by a pipeline" and not hasattr(container(X), "shape"):
        return  # ColumnTransformer takes no lists
    frozen = FrozenEstimator(LinearRegression().fit(X[:40], y[:40]))
    expected = fitted("linear", frozen, covariates=[0, 2])
    model = fitted("linear", frozen, (container(X), y), covariates=ARRAY[how])
    assert_same(model, expected.result_, 1e-8)
    np.testing.assert_allclose(model.predict(container(X[:5])), expected.predict(X[:5]))
    assert model.score(container(X), y) == pytest.approx(expected.score(X, y))


POSITIONS = [
    ([0, 2], ["x0", "x2"]),
    ((0, 2), ["x0", "x2"]),
    (np.array([0, 2]), ["x0", "x2"]),
    (slice(1, 3), ["x1", "x2"]),
    (np.array([False, True, True, False, False]), ["x1", "x2"]),
    ([False, True, True, False, False], ["x1", "x2"]),
    ([3, 1], ["x3", "x1"]),
    (-1, ["x4"]),
    (3, ["x3"]),
    (None, ["x0", "x1", "x2", "x3", "x4"]),
    ([], []),
    (slice(0), []),
]


@pytest.mark.parametrize(("covariates", "names"), POSITIONS, ids=str)
def test_positions_are_names_where_columns_have_none(covariates, names):
    model = fitted("linear", covariates=covariates)
    assert list(model.coefficient_names_) == ["intercept", *names]
    expected = fitted("linear", covariates=[int(name[1:]) for name in names])
    np.testing.assert_array_equal(model.coefficients_, expected.coefficients_)


def test_every_column_is_a_covariate_by_default():
    X, y = sample_of("linear")
    model = RectifiedLinearRegression(LinearRegression(), random_state=0).fit(X, y)
    assert model.coef_.shape == (5,)
    np.testing.assert_allclose(model.predict(X), model.intercept_ + X @ model.coef_)
    sparse = RectifiedLinearRegression(random_state=0).fit(scipy.sparse.csr_array(X), y)
    assert sparse.coef_.shape == (5,)


def test_transformers_make_covariates():
    """Fitted to all rows, on clones; new rows go through the same."""
    encoder = ColumnTransformer(
        [
            ("arm", OneHotEncoder(drop="first"), ["arm"]),
            ("age", SplineTransformer(n_knots=3, degree=2, include_bias=False), ["age"]),
        ]
    )
    model = RectifiedLinearRegression(MIXED, covariates=encoder, cv=3, random_state=0)
    model.fit(FRAME, FRAME_Y)
    assert not hasattr(encoder, "transformers_")
    design = clone(encoder).fit(FRAME)
    assert list(model.coefficient_names_) == ["intercept", *design.get_feature_names_out()]
    assert "arm__arm_old" in model.coefficient_names_
    new = FRAME.iloc[::7]
    expected = model.intercept_ + design.transform(new) @ model.coef_
    np.testing.assert_allclose(model.predict(new), expected)
    other = RectifiedLinearRegression(MIXED, covariates=design.transform, cv=3, random_state=0)
    np.testing.assert_allclose(other.fit(FRAME, FRAME_Y).coefficients_, model.coefficients_, rtol=1e-12)
    assert np.isfinite(model.score(FRAME, FRAME_Y))
    sparse = RectifiedLinearRegression(
        MIXED, covariates=ColumnTransformer([("arm", OneHotEncoder(drop="first"), ["arm"])])
    ).fit(FRAME, FRAME_Y)
    assert list(sparse.coefficient_names_) == ["intercept", "arm__arm_old"]


def test_texts_with_covariates_from_a_callable(rng):
    words = np.array(["good", "bad", "fine", "awful"])
    texts = [" ".join(rng.choice(words, size=rng.integers(3, 9))) for _ in range(500)]
    y = np.array([text.count("good") - text.count("awful") for text in texts])
    y = hidden(y + 0.3 * rng.normal(size=500), 150)
    length = np.array([len(text) for text in texts])
    results = []
    for kind in (texts, np.array(texts), np.array(texts, dtype=object), pd.Series(texts)):
        model = RectifiedLinearRegression(
            make_pipeline(CountVectorizer(), Ridge()),
            covariates=lambda texts: [len(text) for text in texts],
            cv=4,
            random_state=0,
        ).fit(kind, y)
        results.append(tuple(model.coefficients_))
        np.testing.assert_allclose(model.predict(kind), model.intercept_ + length * model.coef_[0])
        assert np.isfinite(model.score(kind, y))
    assert len(set(results)) == 1
    assert (model.efficiency_ > 2).all()
    short = RectifiedDifference(
        make_pipeline(CountVectorizer(), Ridge()),
        group=lambda texts: ["long" if len(text) > 25 else "short" for text in texts],
        random_state=0,
    ).fit(texts, y)
    assert list(short.groups_) == ["long", "short"]
    assert np.isfinite(short.score(texts, y))
    assert RectifiedQuantile(make_pipeline(CountVectorizer(), Ridge())).fit(texts, y).efficiency_ > 0


@regressions
def test_predict_looks_at_covariates_only(kind):
    model = fitted(kind)
    X, _ = complete(kind, seed=2, rows=30)
    design = np.column_stack([np.ones(30), X[:, :2]])
    expected = naive.MEANS[FAMILIES[kind]](design @ model.coefficients_)
    np.testing.assert_allclose(model.predict(X), expected)
    X[:, 2:] = np.nan
    np.testing.assert_allclose(model.predict(X), expected)
    with pytest.raises(ValueError, match="X has 2 features, but"):
        model.predict(X[:, :2])


def test_predictions_have_the_answer_for_their_mean_or_quantile():
    """Over the pool, as those of the mean do."""
    X, _ = sample_of("difference")
    for parameters in ({}, {"cv": 4}, {"power_tuning": False}, {"recycle": False}):
        model = fitted("difference", **parameters)
        pool, group = model.predict(X[N:]), X[N:, 4]
        means = [pool[group == one].mean() for one in (0, 1)]
        np.testing.assert_allclose(means, model.group_means_, rtol=0.02 if "cv" in parameters else 1e-9)
    for parameters in ({}, {"power_tuning": False}, {"recycle": False}):
        median = fitted("median", **parameters)
        assert np.quantile(median.predict(X[N:]), 0.5, method="inverted_cdf") == pytest.approx(
            median.quantile_
        )
    assert fitted("quantiles").predict(X).shape == (ROWS, 2)


# Groups


GROUPS = {
    "name": "arm",
    "position": 4,
    "list": ["arm"],
    "callable": lambda X: X["arm"],
    "array": lambda X: X["arm"].to_numpy(dtype=object),
    "list of texts": lambda X: X["arm"].tolist(),
    "categories": lambda X: X["arm"].astype("category"),
    "transformer": ColumnTransformer([("arm", "passthrough", ["arm"])]),
}


@pytest.mark.parametrize("how", GROUPS)
def test_groups_of_a_frame(how):
    model = RectifiedDifference(MIXED, group=GROUPS[how], random_state=0).fit(FRAME, FRAME_Y)
    assert list(model.groups_) == ["new", "old"]
    assert model.result_.estimand == "difference old - new"
    assert list(model.result_.parts) == ["new", "old"]
    coded = RectifiedDifference(
        MIXED, group=lambda X: (X["arm"] == "new").to_numpy(), random_state=0
    ).fit(FRAME, FRAME_Y)
    assert list(coded.groups_) == [False, True]
    assert coded.difference_ == pytest.approx(-model.difference_, rel=1e-12)
    assert coded.standard_error_ == pytest.approx(model.standard_error_, rel=1e-12)
    assert model.score(FRAME, FRAME_Y) == pytest.approx(coded.score(FRAME, FRAME_Y))
    new = FRAME.iloc[::9]
    np.testing.assert_allclose(model.predict(new), coded.predict(new))


def test_groups_of_sparse_rows_and_a_pool_of_one_group():
    X, y = sample_of("difference")
    dense = fitted("difference", frozen_model("difference"))
    sparse = fitted("difference", frozen_model("difference"), (scipy.sparse.csr_array(X), y))
    assert sparse.difference_ == pytest.approx(dense.difference_)
    # All rows of group 1 have labels: its mean is theirs.
    rows = (np.arange(ROWS) < N) | (X[:, 4] == 0)
    for parameters in ({}, {"cv": 3}, {"cv": 3, "pool_prediction": "split"}, {"recycle": False}):
        model = fitted("difference", data=(X[rows], y[rows]), **parameters)
        assert model.group_means_[1] == pytest.approx(y[:N][X[:N, 4] == 1].mean())
        assert model.result_.parts["1.0"].lambda_ == 0
        assert np.isfinite([model.standard_error_, model.score(X[rows], y[rows])]).all()


# Tables


@regressions
def test_summary_of_coefficients(kind):
    model = fitted(kind, confidence_level=0.9, interval="t")
    table = model.summary()
    assert list(table.index) == list(model.coefficient_names_) == ["intercept", "x0", "x1"]
    low, high = model.confidence_interval()
    expected = {
        "estimate": model.coefficients_,
        "standard_error": model.standard_error_,
        "p_value": model.p_value(0),
        "low": low,
        "high": high,
        "lambda": model.lambda_,
        "efficiency": model.efficiency_,
        "labels_only": model.result_.labels_only.estimate,
        "labels_only_standard_error": model.result_.labels_only.standard_error,
    }
    assert list(table.columns) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(table[name], values, err_msg=name)
    reach = stats.t.ppf(0.95, model.result_.degrees_of_freedom) * model.standard_error_
    np.testing.assert_allclose(table["high"] - table["estimate"], reach)
    t = model.coefficients_ / model.standard_error_
    np.testing.assert_allclose(
        table["p_value"], 2 * stats.t.sf(np.abs(t), model.result_.degrees_of_freedom)
    )
    wide = model.summary(0.99)
    assert (wide["high"] > table["high"]).all()
    np.testing.assert_array_equal(wide["low"], model.confidence_interval(0.99).low)
    # set_params after fit counts, as it does for confidence_interval.
    model.set_params(confidence_level=0.99)
    np.testing.assert_array_equal(model.summary()["low"], wide["low"])
    assert all(name in str(model.result_) for name in ("[intercept]", "[x0]", "[x1]"))


@kinds
def test_every_result_prints_and_becomes_a_table(kind):
    result = fitted(kind).result_
    rows = max(np.size(result.estimate), 1)
    assert len(result.to_frame()) == len(result.summary()) == rows
    assert "labeled rows (24 fine-tune, 96 rectify), 780 unlabeled" in str(result)
    assert result.verdict() in str(result)
    assert "Rectified" in result._repr_html_()


# Logistic and Poisson


@pytest.mark.parametrize("parameters", [{}, {"cv": 4}], ids=["split", "cv"])
@pytest.mark.parametrize("estimator", [LinearRegression(), LogisticRegression()], ids=str)
def test_any_two_labels_are_classes(parameters, estimator):
    X, y = sample_of("logistic")
    expected = fitted("logistic", estimator, **parameters)
    np.testing.assert_array_equal(expected.classes_, [0, 1])
    for classes in ([1, 2], [-1, 1], [0, 5]):
        coded = np.where(np.isnan(y), np.nan, np.take(classes, np.nan_to_num(y).astype(int)))
        model = fitted("logistic", estimator, (X, coded), **parameters)
        np.testing.assert_array_equal(model.classes_, classes)
        assert_same(model, expected.result_, 1e-9)
        np.testing.assert_allclose(model.predict(X), expected.predict(X))
        assert model.score(X, coded) == pytest.approx(expected.score(X, y))
        # Rows of one class do not make it forget the other.
        one_class = np.where(coded == classes[0], coded, np.nan)
        assert model.score(X, one_class) == pytest.approx(
            expected.score(X, np.where(y == 0, y, np.nan))
        )
        np.testing.assert_array_equal(model.classes_, classes)
        with pytest.raises(ValueError, match=f"expected {classes[0]:g} and {classes[1]:g}, as in fit"):
            model.score(X, coded + 7)
    objects = np.array([None if np.isnan(value) else bool(value) for value in y], dtype=object)
    nullable = pd.Series(pd.array(objects, dtype="boolean"))
    for labels in (objects, nullable, y.astype(np.float32)):
        model = fitted("logistic", estimator, (X, labels), **parameters)
        np.testing.assert_array_equal(model.coefficients_, expected.coefficients_)
    assert ((expected.predict(X) > 0) & (expected.predict(X) < 1)).all()


def test_frozen_models_speak_of_the_users_classes():
    """One that was trained on 1 and 2 predicts means from 1 to 2."""
    X, y = sample_of("logistic")
    old = complete("logistic", seed=1, rows=80)
    for model in (LinearRegression(), LogisticRegression()):
        expected = fitted("logistic", FrozenEstimator(clone(model).fit(*old)))
        coded = FrozenEstimator(clone(model).fit(old[0], 2 * old[1] - 1))
        assert_same(fitted("logistic", coded, (X, 2 * y - 1)), expected.result_, 1e-8)
    with pytest.raises(ValueError, match=r"of the predictions lie outside 0 to 1, the classes of y"):
        fitted("logistic", FrozenEstimator(LogisticRegression().fit(old[0], old[1] + 1)))


def test_shares_are_labels_of_a_logistic_regression():
    X, _ = complete("logistic", rows=N)
    shares = np.random.default_rng(0).binomial(7, expit(X[:, 0])) / 7
    theta, covariance = classical(X[:, :2], shares, "binomial")
    model = fitted("logistic", data=(X, shares))
    np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-8)
    np.testing.assert_allclose(model.covariance_, covariance, rtol=1e-8)
    np.testing.assert_array_equal(model.classes_, [0, 1])
    X, _ = complete("logistic")
    shares = np.clip(np.random.default_rng(0).beta(3, 3, ROWS) + 0.2 * X[:, 2], 0, 1)
    assert fitted("logistic", data=(X, hidden(shares)), cv=5).efficiency_.max() > 1


@pytest.mark.parametrize("power_tuning", [True, False])
def test_a_classifier_gives_probabilities(power_tuning):
    X, y = sample_of("logistic")
    model = fitted(
        "logistic", LogisticRegression(), recycle=False, power_tuning=power_tuning, split_ratio=0.4
    )
    R = ~np.isnan(y) & ~model.finetune_rows_
    f = model.estimator_.predict_proba(X)[:, 1]
    lambda_ = None if power_tuning else 1.0
    assert_same(model, on_arrays("logistic", X[R], y[R], f[R], X[N:], f[N:], lambda_))
    assert list(model.estimator_.classes_) == [0, 1]


def test_predictions_outside_the_range_are_clipped():
    X, _ = sample_of("logistic")
    model = fitted("logistic", recycle=False)
    assert model.estimator_.predict(X).min() < 0
    assert model.estimator_.predict(X).max() > 1
    X, _ = sample_of("poisson")
    steep = hidden(np.round(np.exp(1.5 * X[:, 2])))
    model = fitted("poisson", recycle=False, data=(X, steep), cv=4)
    assert min(one.predict(X).min() for one in model.estimators_) < 0
    assert np.isfinite(model.confidence_interval()).all()
    assert np.isfinite(model.score(X, steep))


def test_a_rate_need_not_be_a_count():
    X, y = complete("poisson", rows=N)
    rates = y / 7.3
    theta, _ = classical(X[:, :2], rates, "poisson")
    model = fitted("poisson", data=(X, rates))
    np.testing.assert_allclose(model.coefficients_, theta, rtol=1e-8)
    counts = fitted("poisson", data=(X, y))
    np.testing.assert_allclose(model.coef_, counts.coef_, rtol=1e-8)
    assert model.intercept_ == pytest.approx(counts.intercept_ - np.log(7.3))


# Weights in training


WEIGHED = [{}, {"covariates": [0, 1], "coefficient": 1}, {"covariates": None, "coefficient": "x3"}]


@pytest.mark.parametrize("parameters", WEIGHED, ids=str)
@pytest.mark.parametrize("cv", [None, 3])
def test_weights_are_squared_influences(parameters, cv):
    X, _ = sample_of("linear")
    model = fitted("linear", Recording(), finetune_weights=True, cv=cv, **parameters)
    by_feature = {value: row for row, value in enumerate(X[:, 0])}
    columns = slice(None) if parameters.get("covariates", 0) is None else [0, 1]
    design = np.column_stack([np.ones(ROWS), X[:, columns]])
    bread = np.linalg.inv(design.T @ design / ROWS)  # H needs no labels: of all rows
    influence = (design @ bread) ** 2
    wanted = {1: [2], "x3": [4], None: [0, 1, 2]}[parameters.get("coefficient")]
    of_rows = (influence / np.diag(bread))[:, wanted].sum(axis=1)
    for one in model.estimators_ if cv else [model.estimator_]:
        rows = [by_feature[value] for value in one.trained_]
        expected = of_rows[rows] / of_rows[rows].mean()
        np.testing.assert_allclose(one.weights_, expected, rtol=1e-8)
        assert one.weights_.mean() == pytest.approx(1)
    plain = fitted("linear", Recording(), cv=cv, **parameters)
    assert (plain.estimators_[0] if cv else plain.estimator_).weights_ is None


@pytest.mark.parametrize("kind", ["logistic", "poisson"])
def test_weights_take_the_slope_of_the_mean_into_account(kind):
    X, y = sample_of(kind)
    model = fitted(kind, Recording(), finetune_weights=True, coefficient=0, split_ratio=0.5)
    rows = np.flatnonzero(np.isin(X[:, 0], model.estimator_.trained_))
    theta, _ = classical(X[rows, :2], y[rows], FAMILIES[kind])
    design = np.column_stack([np.ones(ROWS), X[:, :2]])
    slope = naive.SLOPES[FAMILIES[kind]](design @ theta)
    bread = np.linalg.inv((design.T * slope) @ design / ROWS)
    weights = (design[rows] @ bread)[:, 1] ** 2
    order = np.argsort(model.estimator_.trained_)
    np.testing.assert_allclose(
        model.estimator_.weights_[order],
        (weights / weights.mean())[np.argsort(X[rows, 0])],
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        Ridge(),
        None,
        make_pipeline(StandardScaler(), Ridge()),
        VarianceRegressor(max_epochs=3),
    ],
    ids=["linear", "ridge", "default", "pipeline", "network"],
)
def test_weights_change_the_model(estimator):
    X, y = sample_of("linear")
    settings = {"covariates": [0], "split_ratio": 0.5, "random_state": 0}
    plain, weighted = (
        RectifiedLinearRegression(estimator, finetune_weights=weigh, **settings).fit(X, y)
        for weigh in (False, True)
    )
    assert not np.allclose(plain.estimator_.predict(X), weighted.estimator_.predict(X), atol=1e-6)
    assert np.isfinite(weighted.standard_error_).all()


def test_weights_of_few_rows_do_not_fail():
    """Two rows have no coefficients of their own to weigh by."""
    for kind in FAMILIES:
        model = fitted(kind, Recording(), finetune_weights=True, split_ratio=2)
        assert np.isfinite(model.estimator_.weights_).all()
        assert np.isfinite(model.standard_error_).all()


# Score


@kinds
@pytest.mark.parametrize(
    "parameters",
    [{"recycle": False}, {}, {"cv": 5}, {"power_tuning": False, "cv": 5}, {"split_ratio": 0.7}],
    ids=str,
)
def test_score_on_new_rows_agrees_with_efficiency(kind, parameters):
    """The same design measured on other labels: near the estimate from its own 600."""
    X, y = complete(kind, rows=9_000)
    model = fitted(kind, data=(X[:4_000], hidden(y[:4_000], 600)), **parameters)
    # Efficiency is of intervals, whose widths at a quantile depend on a few labels around it.
    tolerance = 0.45 if ANSWERS[kind] == "quantile_" else 0.25
    score = model.score(X[4_000:], y[4_000:])
    assert score == pytest.approx(np.mean(model.efficiency_), rel=tolerance)


@kinds
def test_score_ignores_unlabeled_rows_and_needs_two_labels(kind):
    X, y = sample_of(kind)
    model = fitted(kind)
    assert model.score(X, y) == pytest.approx(model.score(X[:N], y[:N]))
    with pytest.raises(ValueError, match="expected at least 2, because one has no variance"):
        model.score(X[N - 1 :], y[N - 1 :])
    if kind == "difference":
        with pytest.raises(ValueError, match=r"1 labeled rows of group 1.0; expected at least 2 of"):
            model.score(X, np.where((X[:, 4] == 1) & (np.arange(ROWS) != 1), np.nan, y))


@regressions
def test_score_is_about_the_coefficient_of_interest(kind):
    X, y = sample_of(kind)
    scores = []
    for coefficient in (None, "intercept", 0, "x1"):
        model = fitted(kind, coefficient=coefficient)
        assert_same(model, fitted(kind).result_)  # the answer is the same
        scores.append(model.score(X, y))
    assert np.mean(scores[1:]) == pytest.approx(scores[0])
    assert len(set(np.round(scores, 6))) == 4


# scikit-learn


FITS = [{}, {"cv": 3}, {"recycle": False}]


@kinds
@pytest.mark.parametrize("parameters", FITS, ids=str)
def test_clone_and_pickle(kind, parameters):
    X, y = sample_of(kind)
    model = fitted(kind, Ridge(), **parameters)
    copy = clone(model)
    assert not hasattr(copy, "result_")
    assert str(copy.get_params()) == str(model.get_params())
    assert_same(copy.fit(X, y), model.result_, 0)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    np.testing.assert_array_equal(twin.confidence_interval(0.8), model.confidence_interval(0.8))
    assert twin.score(X, y) == model.score(X, y)
    assert str(twin.result_) == str(model.result_)


@kinds
def test_parameters(kind):
    model = make(kind, Ridge())
    names = set(inspect.signature(type(model)).parameters)
    assert set(model.get_params(deep=False)) == names
    model.set_params(estimator__alpha=7.0, split_ratio=0.4, recycle=False)
    model.fit(*sample_of(kind))
    assert model.estimator_.alpha == 7
    assert model.n_finetune_ == 48
    assert model.estimator.alpha == 7
    assert not hasattr(model.estimator, "coef_")  # trained on clones
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(nonsense=1)


@kinds
def test_attributes_of_an_earlier_fit_go(kind):
    X, y = sample_of(kind)
    model = fitted(kind)
    model.set_params(cv=3).fit(X, y)
    assert not hasattr(model, "estimator_")
    assert len(model.estimators_) == 3
    model.set_params(cv=None).fit(X, y)
    assert not hasattr(model, "estimators_")
    assert_same(model, fitted(kind).result_, 0)


@kinds
def test_methods_before_fit_say_so(kind):
    X, y = sample_of(kind)
    model = make(kind)
    calls = [
        lambda: model.predict(X),
        lambda: model.score(X, y),
        model.confidence_interval,
        lambda: model.p_value(0),
    ]
    for call in calls + ([model.summary] if kind in FAMILIES else []):
        with pytest.raises(NotFittedError):
            call()


@kinds
def test_at_the_end_of_a_pipeline(kind):
    X, y = sample_of(kind)
    scaler = StandardScaler().fit(X[:, :4])
    keep_group = ColumnTransformer([("scale", StandardScaler(), [0, 1, 2, 3])], remainder="passthrough")
    pipeline = make_pipeline(keep_group, make(kind)).fit(X, y)
    scaled = np.column_stack([scaler.transform(X[:, :4]), X[:, 4]])
    assert_same(pipeline[-1], fitted(kind, data=(scaled, y)).result_, 1e-9)
    assert pipeline.score(X, y) == pytest.approx(pipeline[-1].score(scaled, y))
    assert len(pipeline.predict(X)) == ROWS


@pytest.mark.grid(4)
@kinds
def test_searches_and_cross_validation(kind):
    X, y = sample_of(kind, rows=400)
    folds = LabeledKFold(2, random_state=0)
    scores = cross_val_score(make(kind), X, y, cv=folds)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    grid = [{"split_ratio": [0.2, 0.5], "estimator__alpha": [0.1, 1e9]}, {"cv": [3]}]
    search = GridSearchCV(make(kind, Ridge()), grid, cv=folds).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(np.round(search.cv_results_["mean_test_score"], 6))) > 2
    if kind != "logistic":  # where this predictor is hardly worth anything
        assert search.best_params_.get("estimator__alpha") != 1e9
    assert search.best_estimator_.n_labeled_ == N
    assert len(search.predict(X)) == 400


@kinds
def test_frames_keep_their_columns(kind):
    X, y = sample_of(kind)
    frame = pd.DataFrame(X, columns=list("abcde"), index=np.arange(ROWS) * 2)
    own = {"covariates": ["a", "b"]} if kind in FAMILIES else {}
    own = {"group": "e"} if kind == "difference" else own
    model = fitted(kind, data=(frame, pd.Series(y, index=frame.index)), **own)
    assert list(model.feature_names_in_) == list(model.estimator_.feature_names_in_) == list("abcde")
    assert_same(model, fitted(kind).result_, 1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("edcba")])


@kinds
def test_a_plain_fit_is_silent_and_verbose_is_not(kind, capsys):
    cls, own = KINDS[kind]
    X, y = sample_of(kind)
    cls(**own).fit(X, y).score(X, y)
    assert capsys.readouterr() == ("", "")
    fitted(kind, verbose=1, cv=3)
    assert f"[{cls.__name__}] cross-fitting: 100 %, 3 of 3 models" in capsys.readouterr().err


# Allocator


def allocator(rectified, **parameters):
    return FineTuneRectifyAllocator(
        rectified, **{"random_state": 0, "n_bootstrap": 10, "pilot_cost": 2.0} | parameters
    )


@pytest.fixture(scope="module")
def allocated():
    """Each estimand where predictions help: 400 labels of 4,000 rows."""
    return {
        kind: allocator(make(kind, random_state=None)).fit(*sample_of(kind, n=400, rows=4_000))
        for kind in KINDS
    }


@kinds
def test_allocator_uses_predictions_where_they_help(kind, allocated):
    model = allocated[kind]
    assert model.best_option_.strategy == "cross-fitting"
    assert model.best_estimator_.cv == 5
    assert np.mean(model.efficiency_) > 1.1
    np.testing.assert_array_equal(getattr(model, ANSWERS[kind]), model.result_.estimate)
    if kind in FAMILIES:
        np.testing.assert_array_equal(model.coef_, model.best_estimator_.coef_)
        assert model.intercept_ == model.best_estimator_.intercept_
    if kind == "difference":
        np.testing.assert_array_equal(model.group_means_, model.best_estimator_.group_means_)
    np.testing.assert_array_equal(
        model.confidence_interval(), model.best_estimator_.confidence_interval()
    )
    np.testing.assert_array_equal(model.p_value(0), model.best_estimator_.p_value(0))
    X, y = sample_of(kind, n=400, rows=4_000)
    np.testing.assert_array_equal(model.predict(X), model.best_estimator_.predict(X))
    assert model.score(X, y) == model.best_estimator_.score(X, y)


def noise(kind, seed, n=200, rows=2_000):
    """Labels that know nothing of X."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(rows, 4)), rng.random(rows) < 0.4])
    draws = {"logistic": rng.random(rows) < 0.4, "poisson": rng.poisson(2.0, rows)}
    return X, hidden(draws.get(kind, rng.normal(size=rows)).astype(float), n)


@pytest.mark.grid(4)
@kinds
def test_allocator_takes_labels_only_where_features_are_noise(kind):
    """Whatever the luck of a draw makes it choose, nothing is lost."""
    models = [
        allocator(make(kind, random_state=None), random_state=seed).fit(*noise(kind, seed))
        for seed in (0, 5)
    ]
    alone = [model for model in models if model.best_option_.strategy == "labels only"]
    assert alone
    for model in alone:
        assert "Labels alone are as good" in model.verdict_
        labels_only = model.result_.labels_only
        np.testing.assert_allclose(model.result_.estimate, labels_only.estimate, rtol=1e-9)
        np.testing.assert_allclose(model.standard_error_, labels_only.standard_error, rtol=1e-6)
        assert np.isfinite(model.predict(noise(kind, 0)[0])).all()
    assert 0.9 < np.mean([model.efficiency_ for model in models]) < 1.1
    assert max(model.best_option_.efficiency for model in models) < 1.15


def root_mean_variance(model):
    """Of coefficients scaled to count alike by what labels alone say of them."""
    alone = np.atleast_1d(model.result_.labels_only.standard_error)
    relative = np.mean((np.atleast_1d(model.standard_error_) / alone) ** 2)
    return np.sqrt(relative * np.mean(alone**2))


@pytest.mark.grid(4)
@kinds
@pytest.mark.parametrize("strategy", ["split", "cross-fitting"])
def test_predicted_and_achieved_standard_errors_agree(kind, strategy, allocated):
    model = allocated[kind]
    if strategy == "split":
        model = clone(model).set_params(strategy="split", pilot_cost=10.0)
        model.fit(*sample_of(kind, n=400, rows=4_000))
    assert model.best_option_.strategy == strategy
    achieved = root_mean_variance(model)
    assert achieved == pytest.approx(model.best_option_.standard_error, rel=0.25)
    alone = model.plan_.options[0]
    labels_only = np.sqrt(np.mean(np.square(model.result_.labels_only.standard_error)))
    assert alone.strategy == "labels only"
    assert alone.standard_error == pytest.approx(labels_only, rel=0.05)


@pytest.mark.parametrize(
    ("kind", "coefficient", "position"),
    [("linear", "intercept", 0), ("linear", 1, 2), ("logistic", 0, 1), ("poisson", "x0", 1)],
)
def test_the_law_is_about_the_coefficient_of_interest(kind, coefficient, position):
    X, y = sample_of(kind, n=400, rows=4_000)
    model = allocator(make(kind, coefficient=coefficient, random_state=None)).fit(X, y)
    achieved = model.standard_error_[position]
    assert achieved == pytest.approx(model.best_option_.standard_error, rel=0.25)
    alone = model.result_.labels_only.standard_error[position]
    assert model.plan_.options[0].standard_error == pytest.approx(alone, rel=0.05)
    assert model.best_estimator_.coefficient == coefficient


@pytest.mark.grid(4)
@kinds
def test_required_labels(kind, allocated):
    model = allocated[kind]
    if kind in FAMILIES:
        for call in (model.required_labels, model.next_purchase):
            with pytest.raises(
                ValueError, match=r"3 coefficients \(intercept, x0, x1\).*set coefficient="
            ):
                call(0.1)
        one = make(kind, coefficient=0, random_state=None)
        model = allocator(one).fit(*sample_of(kind, n=400, rows=4_000))
    half_width = 0.8 * 1.96 * model.best_option_.standard_error
    needed = model.required_labels(half_width)
    assert 400 < needed.n_labeled < needed.labels_only < 4_000
    promised = model.plan(needed.n_labeled).best()
    kept = labels_in_hand(model, 0.95).half_width / (1.96 * model.best_option_.standard_error)
    assert promised.standard_error * 1.96 * kept <= 1.05 * half_width
    assert 0 < model.next_purchase(half_width).n_more <= needed.n_labeled - 400
    assert model.required_labels(2 * half_width).n_labeled < 400


def test_coefficients_count_alike_whatever_their_units():
    """The law of a design in other units foresees the same gains."""
    X, y = sample_of("linear", n=200)
    scale = np.array([1e3, 1.0, 1.0, 1.0, 1.0])
    one, other = (allocator(make("linear", random_state=None)).fit(rows, y) for rows in (X, X * scale))
    for before, after in zip(one.plan_.options, other.plan_.options, strict=True):
        assert after.efficiency == pytest.approx(before.efficiency, rel=1e-6)


def test_the_law_knows_that_linear_bias_costs_nothing():
    X, y = sample_of("linear", n=300, rows=3_000)
    X = np.column_stack([X, 1.2 * X[:, 2], 1.2 * X[:, 2] + 3 - 20 * X[:, 0]])
    plain, biased = (
        allocator(make("linear", FrozenEstimator(OneColumn(j).fit(X)), random_state=None)).fit(X, y)
        for j in (5, 6)
    )
    assert biased.best_option_.standard_error == pytest.approx(plain.best_option_.standard_error)
    assert root_mean_variance(biased) == pytest.approx(biased.best_option_.standard_error, rel=0.25)


def test_a_pool_in_which_groups_are_of_other_sizes():
    X, y = sample_of("difference", n=300, rows=6_000)
    kept = (np.arange(6_000) < 300) | (X[:, 4] == 0) | (np.arange(6_000) > 5_700)
    model = allocator(make("difference", random_state=None)).fit(X[kept], y[kept])
    assert model.standard_error_ == pytest.approx(model.best_option_.standard_error, rel=0.15)


@kinds
def test_allocator_without_a_pool_and_with_a_frozen_model(kind):
    X, y = complete(kind, rows=200)
    model = allocator(make(kind, random_state=None)).fit(X, y)
    assert "No unlabeled rows" in model.verdict_
    np.testing.assert_allclose(model.result_.estimate, model.result_.labels_only.estimate)
    frozen = allocator(make(kind, frozen_model(kind), random_state=None))
    frozen.fit(*sample_of(kind, n=300, rows=1_000))
    assert frozen.best_option_.strategy == "zero-shot"
    assert frozen.best_estimator_.n_rectify_ == 300
    assert root_mean_variance(frozen) == pytest.approx(frozen.best_option_.standard_error, rel=0.25)


def test_allocator_of_frames_and_texts(rng):
    for rectified in (
        RectifiedLinearRegression(
            MIXED, covariates=["age", "size"], coefficient="age", finetune_weights=True
        ),
        RectifiedDifference(MIXED, group="arm"),
    ):
        model = allocator(rectified, pilot_cost=1.0).fit(FRAME, FRAME_Y)
        assert model.best_option_.strategy == "cross-fitting"
        assert np.isfinite(model.score(FRAME, FRAME_Y))
        assert rectified.cv is None  # the user's estimator is left alone
    texts = [" ".join(rng.choice(["good", "bad", "fine"], size=6)) for _ in range(400)]
    y = hidden(np.array([text.count("good") for text in texts]) + 0.2 * rng.normal(size=400))
    words = RectifiedLinearRegression(
        make_pipeline(CountVectorizer(), Ridge()), covariates=lambda X: [len(text) for text in X]
    )
    model = allocator(words, pilot_cost=1.0).fit(texts, y)
    assert model.best_option_.strategy == "cross-fitting"


def test_allocator_clones_and_pickles():
    X, y = sample_of("linear", n=200)
    model = allocator(make("linear", random_state=None), pilot_cost=1.0).fit(X, y)
    again, twin = clone(model).fit(X, y), pickle.loads(pickle.dumps(model))
    for other in (again, twin):
        assert str(other.plan_) == str(model.plan_)
        np.testing.assert_array_equal(other.coef_, model.coef_)
    search = GridSearchCV(
        model, {"estimator__coefficient": [None, 0]}, cv=LabeledKFold(2, random_state=0)
    )
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


def test_no_training_row_bears_on_the_coefficient():
    """Three groups without an intercept: ten rows that train have none of the rare one, and weigh the same."""
    rng = np.random.default_rng(0)
    group = rng.choice(3, size=3_000, p=[0.03, 0.60, 0.37])
    X = np.column_stack([np.eye(3)[group], rng.normal(size=(3_000, 2))])
    y = hidden(group + X[:, 3] + rng.normal(size=3_000), 200)
    weighted = RectifiedLinearRegression(
        LinearRegression(),
        covariates=[0, 1, 2],
        fit_intercept=False,
        coefficient=0,
        finetune_weights=True,
        split_ratio=10,
        random_state=0,
    ).fit(X, y)
    assert np.isfinite(weighted.coef_).all()


def test_weights_reach_models_that_pass_them_on():
    X, y = sample_of("linear", n=300, rows=2_000)
    models = [
        RectifiedLinearRegression(
            PredictionCorrector(column=2), covariates=[0, 1], cv=3, finetune_weights=on, random_state=0
        ).fit(X, y)
        for on in (False, True)
    ]
    assert not np.allclose(models[0].coef_, models[1].coef_, rtol=1e-12)


def test_a_mask_with_names_is_a_mask():
    X, y = sample_of("linear", n=100, rows=500)
    frame = pd.DataFrame(X).add_prefix("column").assign(text="words")
    model = RectifiedLinearRegression(
        FrozenEstimator(DummyRegressor().fit([[0]], [0.0])),
        covariates=frame.dtypes == "float64",
        split_ratio=0,
    )
    names = model.fit(frame, y).coefficient_names_
    assert list(names[1:]) == [name for name in frame if name != "text"]
