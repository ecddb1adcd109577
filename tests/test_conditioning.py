"""Years and their squares, seconds since 1970: large uncentred covariates change nothing but the intercept's meaning."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedPoissonRegression,
    m_estimate,
    rectify_glm,
)

N, ROWS = 200, 1_200
RNG = np.random.default_rng(0)
YEAR = RNG.integers(2000, 2025, ROWS).astype(float)
SECONDS = RNG.uniform(0, 6 * 3600, ROWS)
PRICE = RNG.uniform(0, 700, ROWS)
DAY = 8.64e13
# Columns as they came, the same centred and scaled, and the slope of the latter's last column by the former's.
DESIGNS = {
    "year and its square": (
        np.c_[YEAR, YEAR**2],
        np.c_[(YEAR - 2012) / 10, ((YEAR - 2012) / 10) ** 2],
        100.0,
    ),
    "seconds since 1970": ((1.7e9 + SECONDS)[:, None], (SECONDS / 1e4)[:, None], 1e4),
    "nanoseconds since 1970": ((1.7e18 + SECONDS * DAY)[:, None], (SECONDS / 1e4)[:, None], 1e4 * DAY),
    "a cubic": (
        np.c_[PRICE, PRICE**2, PRICE**3],
        np.c_[*(((PRICE - 350) / 200) ** power for power in (1, 2, 3))],
        200.0**3,
    ),
    "tiny and huge units": (np.c_[1e-12 * YEAR, 1e12 * PRICE], np.c_[YEAR - 2012, PRICE / 100], 1e14),
}
FAMILIES = {
    "gaussian": lambda eta: eta + RNG.normal(size=ROWS),
    "binomial": lambda eta: (RNG.random(ROWS) < 1 / (1 + np.exp(-eta))) * 1.0,
    "poisson": lambda eta: RNG.poisson(np.exp(eta)) * 1.0,
}
ESTIMATORS = {
    "gaussian": RectifiedLinearRegression,
    "binomial": RectifiedLogisticRegression,
    "poisson": RectifiedPoissonRegression,
}


def sample_of(design, family):
    X, Z, unit = DESIGNS[design]
    y = FAMILIES[family](0.3 + Z @ np.linspace(0.5, 0.2, Z.shape[1]) / 2)
    f = np.abs(y - (RNG.random(ROWS) < 0.15) * 0.5)
    return X, Z, unit, y, f


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("lambda_", [None, 1.0])
def test_the_slope_of_the_last_column_is_that_of_centred_columns(design, family, lambda_):
    X, Z, unit, y, f = sample_of(design, family)
    raw, centred = (
        rectify_glm(one[:N], y[:N], f[:N], one[N:], f[N:], family=family, lambda_=lambda_)
        for one in (X, Z)
    )
    # What is left of the columns' digits: nanoseconds have 4 of theirs in six hours of days.
    tolerance = {"rtol": 1e-5}
    np.testing.assert_allclose(unit * raw.estimate[-1], centred.estimate[-1], **tolerance)
    np.testing.assert_allclose(unit * raw.standard_error[-1], centred.standard_error[-1], **tolerance)
    np.testing.assert_allclose(raw.lambda_[-1], centred.lambda_[-1], **tolerance)
    np.testing.assert_allclose(raw.efficiency[-1], centred.efficiency[-1], **tolerance)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("parameters", [{"cv": 3}, {"split_ratio": 0.3}], ids=str)
def test_estimators_too(family, parameters):
    X, Z, unit, y, f = sample_of("year and its square", family)
    y = np.where(np.random.default_rng(1).permutation(ROWS) < N, y, np.nan)
    answers = [
        ESTIMATORS[family](
            LinearRegression(),
            covariates=lambda rows, one=one: one[rows[:, 1].astype(int)],
            random_state=0,
            **parameters,
        ).fit(np.c_[f, np.arange(ROWS)], y)
        for one in (X, Z)
    ]
    raw, centred = (one.result_ for one in answers)
    np.testing.assert_allclose(unit * raw.estimate[-1], centred.estimate[-1], rtol=1e-5)
    np.testing.assert_allclose(unit * raw.standard_error[-1], centred.standard_error[-1], rtol=1e-5)
    rows = np.c_[f, np.arange(ROWS)]
    scores = [one.score(rows, y) for one in answers]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("jacobian", [None, lambda X, y, theta: -(X.T @ X) / len(X)])
@pytest.mark.parametrize("design", ["year and its square", "seconds since 1970", "a cubic"])
def test_an_estimand_of_ones_own(design, jacobian):
    X, _, _, y, f = sample_of(design, "gaussian")
    with_ones = np.c_[np.ones(ROWS), X]

    def psi(X, y, theta):
        return X * (y - X @ theta)[:, None]

    own = m_estimate(
        psi, with_ones[:N], y[:N], f[:N], with_ones[N:], f[N:],
        start=np.zeros(X.shape[1] + 1), jacobian=jacobian,
    )  # fmt: skip
    expected = rectify_glm(X[:N], y[:N], f[:N], X[N:], f[N:])
    np.testing.assert_allclose(own.estimate[1:], expected.estimate[1:], rtol=1e-3)
    np.testing.assert_allclose(own.standard_error, expected.standard_error, rtol=1e-3)


@pytest.mark.parametrize(
    "columns",
    [
        lambda x: np.c_[x, x],
        lambda x: np.c_[x, 3 * x - 7],
        lambda x: np.c_[x, np.full(ROWS, 5.0)],
        lambda x: np.c_[x > 2012, x <= 2012].astype(float),
        lambda x: np.c_[x, PRICE, x + 2 * PRICE],
        lambda x: np.c_[1e9 + x, x],
    ],
    ids=["copy", "line", "constant", "dummies", "sum", "shifted"],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_columns_that_are_collinear_are_named(columns, family):
    X = columns(YEAR)
    y = np.resize([0.0, 1.0, 1.0], ROWS)
    with pytest.raises(ValueError, match=r"columns .*x[01].* of X are collinear"):
        rectify_glm(X[:N], y[:N], y[:N], X[N:], y[N:], family=family)
