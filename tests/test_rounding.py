"""What is nothing but rounding is no variance: no standard error of 1e-17, no label that counts 1e31 times."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator

import sklearn_ftr as ftr

N, M = 100, 1_000
RNG = np.random.default_rng(0)
Y = RNG.normal(size=N)
X, X_POOL = RNG.normal(size=(N, 2)), RNG.normal(size=(M, 2))
GROUP, GROUP_POOL = np.arange(N) % 2, np.arange(M) % 2
# Judges that know the label, and always say the same of the pool.
JUDGES = {
    "a constant more": (Y, Y + 2, 2.0),
    "a large constant more": (Y, Y + 1e6, 1e6),
    "another unit": (Y, 1.1 * Y - 7, -7.0),
    "another sign": (Y, 0.3 - Y / 3, 0.3),
    "large numbers": (Y + 1e9, Y + 1e9 + 0.1, 1e9 + 0.1),
    "small numbers": (1e-150 * Y, 1e-150 * Y + 1e-150, 1e-150),
    "float32": (Y, np.float32(Y + 2), np.float32(2)),
    "labels in float32": (np.float32(Y), np.float32(Y) + 2.0, 2.0),
    "labels with rounding": (0.3 + 1e-17 * Y + np.spacing(0.3) * GROUP, Y, 2.0),
    "rounding in the pool": (Y, Y + 2, 2.0 + np.spacing(2.0) * GROUP_POOL),
}


def mean_of(y, f, pool, **options):
    return ftr.rectify_mean(y, f, pool, **options)


def two_means(y, f, pool, **options):
    other = np.random.default_rng(1).normal(size=(2, len(y)))
    of_pool = np.random.default_rng(2).normal(size=len(pool))
    return ftr.rectify_mean(np.c_[y, other[0]], np.c_[f, other[1]], np.c_[pool, of_pool], **options)


def difference(y, f, pool, **options):
    return ftr.rectify_difference(y, f, pool, GROUP, GROUP_POOL, **options)


def linear(y, f, pool, **options):
    return ftr.rectify_linear_regression(X, y, f, X_POOL, pool, **options)


def own(y, f, pool, **options):
    nothing = np.empty((len(y), 0)), np.empty((len(pool), 0))
    return ftr.m_estimate(
        lambda X, y, theta: y - theta, nothing[0], y, f, nothing[1], pool, start=[np.mean(y)], **options
    )


FUNCTIONS = (mean_of, two_means, difference, linear, own)


@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_residuals_that_are_rounding_have_no_variance(function, judge):
    y, f, of_pool = JUDGES[judge]
    pool = np.broadcast_to(np.asarray(of_pool), M).copy()
    with pytest.warns(ftr.ZeroWidthIntervalWarning):
        result = function(y, f, pool)
    assert result.zero_width
    assert np.ravel(result.standard_error)[0] == 0
    assert "zero width" in result.verdict()
    efficiency = np.ravel(result.efficiency)[0]
    assert np.isinf(efficiency) or judge == "labels with rounding"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("size", [1e-6, 1e-3])
def test_residuals_that_are_small_are_no_rounding(function, size):
    y, error = Y + 1e3, size * RNG.normal(size=N)
    pool = 1e3 + size * RNG.normal(size=M)
    result = function(y, y + error, pool)
    assert not result.zero_width
    assert (np.ravel(result.standard_error) > 0.01 * size / N**0.5).all()


@pytest.mark.parametrize("lambda_", [0.0, 1.0])
def test_a_given_lambda(lambda_):
    options = {"lambda_": lambda_}
    if lambda_:
        with pytest.warns(ftr.ZeroWidthIntervalWarning):
            assert ftr.rectify_mean(Y, Y + 2, np.full(M, 2.0), **options).standard_error == 0
    else:
        assert ftr.rectify_mean(Y, Y + 2, np.full(M, 2.0), **options).efficiency == 1


def test_a_pool_that_varies_is_what_remains():
    """Labels alone tell nothing that the judge does not know: the pool's error is left."""
    pool = RNG.normal(2, 1, size=M)
    result = ftr.rectify_mean(Y, Y + 2, pool, lambda_=1.0)
    assert result.standard_error == pytest.approx((pool.var(ddof=1) / M) ** 0.5, rel=1e-12)
    assert result.residual_variance == 0


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("rest", [[1e200, -1e200], [1e200] * 2, [-1e300, 1e160]], ids=str)
def test_what_overflows_is_no_rounding(function, rest):
    """Not even where the sum of it is 0, or where it is alone in its group."""
    pool = np.r_[rest, RNG.normal(size=M - 2)]
    with pytest.raises(ValueError, match="squares overflow"):
        function(Y, Y + RNG.normal(size=N), pool)
    with pytest.raises(ValueError, match="squares overflow"):
        function(np.r_[rest, Y[2:]], Y, RNG.normal(size=M))


def test_labels_alone_that_vary_by_rounding():
    y = 0.1 + np.spacing(0.1) * np.array([0, 1, -1, 2] * 5)
    with pytest.warns(ftr.ZeroWidthIntervalWarning):
        result = ftr.rectify_mean(y, RNG.normal(size=20), RNG.normal(size=200))
    assert result.labels_only.standard_error == 0
    assert result.efficiency == 1


class Column(RegressorMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return X[:, 0]


@pytest.mark.filterwarnings("ignore::sklearn_ftr.PredictionShiftWarning")
@pytest.mark.parametrize(
    "parameters",
    [{"split_ratio": 0}, {"cv": 4}, {"split_ratio": 0.3}, {"power_tuning": False}],
    ids=str,
)
def test_estimators_say_so_too(parameters):
    rows = np.r_[Y + 2, np.full(M, 2.0)][:, None]
    labels = np.r_[Y, np.full(M, np.nan)]
    model = FrozenEstimator(Column().fit(rows))
    with pytest.warns(ftr.ZeroWidthIntervalWarning):
        fitted = ftr.RectifiedMeanEstimator(model, random_state=0, **parameters).fit(rows, labels)
    assert fitted.standard_error_ == 0
    assert fitted.result_.zero_width
    assert np.isinf(fitted.score(rows[:N], Y))
