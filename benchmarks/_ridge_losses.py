"""Ridge regression under three training losses, in closed form, for the comparison of losses.

With s rows, features X, coefficients b and penalty alpha |b|^2:

    MSE raw        sum (y - X b)^2              ratings as they come, no intercept
    MSE centred    sum (y - mean(y) - X b)^2    the intercept is the mean rating
    variance       s V(y - X b), ddof=0         X and y centred: the intercept leaves a mean error of zero

    python benchmarks/_ridge_losses.py

checks the three against numerical minimisation, and the last against scikit-learn's Ridge.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

LOSSES = ("variance", "MSE centred", "MSE raw")


class RidgeOfLoss(RegressorMixin, BaseEstimator):
    """Penalised least squares with the intercept that the loss implies."""

    def __init__(self, loss="variance", alpha=1.0):
        self.loss = loss
        self.alpha = alpha

    def fit(self, X, y):
        level = 0.0 if self.loss == "MSE raw" else y.mean()
        shift = X.mean(axis=0) if self.loss == "variance" else np.zeros(X.shape[1])
        self.coef_ = _coefficients(X, y - level, shift, self.alpha)
        self.intercept_ = level - shift @ self.coef_
        return self

    def predict(self, X):
        return X @ self.coef_ + self.intercept_


def _coefficients(X, y, shift, alpha):
    """(Z'Z + alpha)^-1 Z'y with Z = X - shift, through the smaller of the two Gram matrices."""
    s, d = X.shape
    if s < d:
        Z = X - shift
        return Z.T @ _solve(Z @ Z.T, y, alpha)
    # The shift is 0 or the mean of X, so that Z'Z needs no copy of X; y sums to 0 in the latter case.
    return _solve(X.T @ X - s * np.outer(shift, shift), X.T @ y, alpha)


def _solve(gram, right, alpha):
    gram.flat[:: len(gram) + 1] += alpha
    return cho_solve(cho_factor(gram, overwrite_a=True, check_finite=False), right, check_finite=False)


def check():
    """Assert that each closed form minimises its loss, and that the last one is Ridge."""
    rng = np.random.default_rng(0)
    for s in (15, 60):
        X = rng.normal(size=(s, 20)) + 0.5
        y = X @ rng.normal(size=20) + 3 + rng.normal(size=s)
        objectives = {
            "MSE raw": lambda b, X=X, y=y: np.sum((y - X @ b) ** 2),
            "MSE centred": lambda b, X=X, y=y: np.sum((y - y.mean() - X @ b) ** 2),
            "variance": lambda b, X=X, y=y: len(y) * np.var(y - X @ b),
        }
        for loss, objective in objectives.items():
            model = RidgeOfLoss(loss, alpha=0.7).fit(X, y)
            found = minimize(lambda b, f=objective: f(b) + 0.7 * b @ b, np.zeros(20), tol=1e-10)
            np.testing.assert_allclose(model.coef_, found.x, atol=1e-5)
        ridge = Ridge(0.7).fit(X, y)
        np.testing.assert_allclose(model.predict(X), ridge.predict(X), atol=1e-10)
        assert abs(np.mean(y - model.predict(X))) < 1e-12
    print("the three closed forms minimise their losses; the variance loss is ridge with an intercept")


if __name__ == "__main__":
    check()
