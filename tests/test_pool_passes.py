"""Regressions on large pools start from some rows: their estimate is that of all rows to a thousandth of its standard error, whatever the pool is like."""

import numpy as np
import pytest

from sklearn_ftr import (
    SamplingDesign,
    m_estimate,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_poisson_regression,
)
from sklearn_ftr.rectification import _pool_influence

LABELED, POOL = 200, 300_000
FUNCTIONS = {
    "linear": rectify_linear_regression,
    "logistic": rectify_logistic_regression,
    "poisson": rectify_poisson_regression,
}


def mean_of(family, eta):
    return {
        "linear": lambda: eta,
        "logistic": lambda: 1 / (1 + np.exp(-eta)),
        "poisson": lambda: np.exp(eta),
    }[family]()


def roots(family, X, f):
    """Newton's method by hand, to the end."""
    Z, theta = np.column_stack([np.ones(len(X)), X]), np.zeros(X.shape[1] + 1)
    theta[0] = {"linear": 0.0, "logistic": 0.0, "poisson": np.log(f.mean())}[family]
    for _ in range(60):
        mean = mean_of(family, Z @ theta)
        variance = {"linear": np.ones_like(mean), "logistic": mean * (1 - mean), "poisson": mean}[
            family
        ]
        step = np.linalg.solve((Z.T * variance) @ Z, Z.T @ (f - mean))
        theta = theta + step / max(1.0, float(np.abs(Z @ step).max()) / 2)
        if np.abs(step).max() < 1e-12:
            return theta
    raise AssertionError("Newton's method by hand did not converge")


def sample(family, kind, seed=0):
    """X, y, f of labeled rows, X and f of the pool, where predictions have another slope than labels."""
    rng, n = np.random.default_rng(seed), LABELED + POOL
    X = rng.normal(size=(n, 3))
    if kind == "heavy tails":
        X[:, 0] = 0.3 * rng.standard_t(3, size=n)
    if kind == "rare category":
        X[:, 2] = 0.0
        X[:12, 2] = X[LABELED : LABELED + 18, 2] = 1.0
    eta = 0.2 + X @ [0.6, -0.4, 0.3]
    mean = mean_of(family, eta)
    draw = {
        "linear": lambda: eta + rng.normal(size=n),
        "logistic": lambda: rng.binomial(1, mean),
        "poisson": lambda: rng.poisson(mean),
    }
    y = draw[family]().astype(float)
    f = 0.5 * y + 0.5 * mean_of(family, 0.7 * eta + 0.3)
    if family != "linear":  # inside of the limits of predictions
        f = 0.01 + 0.98 * f
    order = np.arange(LABELED, n)
    if kind == "sorted by X":
        order = order[np.argsort(X[order, 0])]
    if kind == "sorted by f":
        order = order[np.argsort(f[order])]
    if kind == "rare category":
        order = rng.permutation(order)
    if kind == "between the runs":  # the largest X where no run of rows to start from is
        order = order[np.argsort(-X[order, 0])]
        order = np.concatenate([order[10_000:20_000], order[:10_000], order[20_000:]])
    return X[:LABELED], y[:LABELED], f[:LABELED], X[order], f[order]


KINDS = ["as drawn", "sorted by X", "sorted by f", "heavy tails", "rare category", "between the runs"]


@pytest.mark.parametrize("family", FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_estimates_of_passes_have_converged(family, kind):
    X, y, f, X_pool, f_pool = sample(family, kind)
    found = FUNCTIONS[family](X, y, f, X_pool, f_pool, lambda_=1.0)
    expected = roots(family, X, y) + roots(family, X_pool, f_pool) - roots(family, X, f)
    assert np.all(np.abs(found.estimate - expected) < 1e-3 * found.standard_error)


def number_of_passes(monkeypatch, family, kind):
    passes, scores = [], _pool_influence.PoolScores

    class Counted(scores):
        def __init__(self, *arguments):
            passes.append(1)
            super().__init__(*arguments)

    monkeypatch.setattr(_pool_influence, "PoolScores", Counted)
    FUNCTIONS[family](*sample(family, kind))
    return len(passes)


@pytest.mark.parametrize("family", FUNCTIONS)
@pytest.mark.parametrize(("kind", "most"), [("as drawn", 1), ("sorted by X", 2), ("rare category", 3)])
def test_few_passes_are_enough(monkeypatch, family, kind, most):
    assert number_of_passes(monkeypatch, family, kind) <= most


def psi(X, y, theta):
    mean = mean_of("logistic", theta[0] + X @ theta[1:])
    return np.column_stack([np.ones(len(y)), X]) * (y - mean)[:, None]


def jacobian(X, y, theta):
    Z = np.column_stack([np.ones(len(y)), X])
    mean = mean_of("logistic", Z @ theta)
    return -(Z.T * (mean * (1 - mean))) @ Z / len(y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("derivative", [None, jacobian])
def test_roots_of_passes_have_converged(kind, derivative):
    """Without a derivative it is taken by differences, on all rows."""
    X, y, f, X_pool, f_pool = sample("logistic", kind)
    found = m_estimate(
        psi, X, y, f, X_pool, f_pool, start=np.zeros(4), jacobian=derivative, lambda_=1.0
    )
    expected = [roots("logistic", *rows) for rows in ((X, y), (X_pool, f_pool), (X, f))]
    expected = expected[0] + expected[1] - expected[2]
    assert np.all(np.abs(found.estimate - expected) < 1e-3 * found.standard_error)


def test_weighted_rows_have_roots_with_a_derivative_as_without():
    """Which is a mean over rows that count alike, so that weighted ones do without."""
    X, y, f, X_pool, f_pool = (rows[:70_000] for rows in sample("logistic", "as drawn"))
    rng = np.random.default_rng(1)
    weights = [SamplingDesign(weights=rng.uniform(1, 3, size=len(rows))) for rows in (y, f_pool)]
    found = [
        m_estimate(
            *(psi, X, y, f, X_pool, f_pool),
            start=np.zeros(4),
            jacobian=derivative,
            design=weights[0],
            design_unlabeled=weights[1],
        )
        for derivative in (None, jacobian)
    ]
    assert np.all(np.abs(found[0].estimate - found[1].estimate) < 1e-3 * found[0].standard_error)


def test_rows_to_start_from_that_have_no_estimate():
    """They are separated, while all of the pool is not: passes start from where labeled rows have theirs."""
    X, y, f, X_pool, f_pool = sample("logistic", "as drawn")
    X, X_pool = X[:, :1], X_pool[:, :1].copy()
    inside = np.zeros(POOL, dtype=bool)
    inside[::2] = True
    order = np.argsort(~inside, kind="stable")
    f_pool = np.where(X_pool[:, 0] > 0, 0.999, 0.001)[order]
    X_pool = X_pool[order]
    f_pool[22_000:24_000] = 1 - f_pool[22_000:24_000]
    found = rectify_logistic_regression(X, y, f, X_pool, f_pool, lambda_=1.0)
    expected = roots("logistic", X, y) + roots("logistic", X_pool, f_pool) - roots("logistic", X, f)
    assert np.all(np.abs(found.estimate - expected) < 1e-3 * found.standard_error)
