"""The papers' formulas in plain loops, for the tests of every estimand; nothing here is fast or shared with the package.

Kluger et al. (2025), arXiv 2501.18577: theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)), each an estimate with
influence values, whose moments give lambda, covariance and degrees of freedom as for a rectified mean.
"""

import numpy as np
from scipy import optimize
from scipy.special import expit

MEANS = {"gaussian": lambda eta: eta, "binomial": expit, "poisson": np.exp}
SLOPES = {
    "gaussian": lambda eta: 1.0,
    "binomial": lambda eta: expit(eta) * expit(-eta),
    "poisson": np.exp,
}


def rectify_columns(of_y, of_f, of_pool, lambda_=None, lost=1):
    """Each component by itself: (estimate, variance, degrees of freedom, lambda), for a pool no smaller than R.

    `of_y`, `of_f` (r, k), `of_pool` (m, k): an estimate each for their mean, influence values around it. `lost` is the
    number of parameters fitted together.
    """
    r, k = of_y.shape
    m = len(of_pool)
    answers = []
    for j in range(k):
        y, f, pool = of_y[:, j], of_f[:, j], of_pool[:, j]
        dy, df = y - sum(y) / r, f - sum(f) / r
        pool_variance = sum((value - sum(pool) / m) ** 2 for value in pool) / (m - 1) / m
        penalty = r * (r - 1) * pool_variance
        best = sum(dy * df) / (sum(df**2) + penalty)
        weight = best if lambda_ is None else lambda_
        residuals = [dy[i] - weight * df[i] for i in range(r)]
        if lambda_ is None:  # leave each row out of lambda's fit
            for i in range(r):
                others = [other for other in range(r) if other != i]
                alone = sum(dy[others] * df[others]) / (sum(df[others] ** 2) + penalty)
                residuals[i] = dy[i] - alone * df[i]
        labeled = sum(e**2 for e in residuals) / (r - lost) / r
        of_m = weight**2 * pool_variance
        degrees = r - lost - (lambda_ is None)
        welch = (labeled + of_m) ** 2 / (labeled**2 / degrees + of_m**2 / (m - 1))
        theta = sum(y) / r + weight * (sum(pool) / m - sum(f) / r)
        answers.append((theta, labeled + of_m, welch, weight))
    return tuple(np.array(column) for column in zip(*answers, strict=True))


def fit_glm(X, target, family):
    """Maximum likelihood by a general root finder on the score; then influence values around the estimate."""

    def score(theta):
        total = np.zeros(len(theta))
        for row, value in zip(X, target, strict=True):
            total += row * (value - MEANS[family](row @ theta))
        return total / len(X)

    start = np.zeros(X.shape[1])
    if family == "poisson":
        start[0] = np.log(np.mean(target))
    theta = optimize.root(score, start, tol=1e-13).x
    return influence_values(X, target, family, theta)


def influence_values(X, target, family, theta):
    hessian = np.zeros((X.shape[1],) * 2)
    for row in X:
        hessian += np.outer(row, row) * SLOPES[family](row @ theta) / len(X)
    rows = [row * (value - MEANS[family](row @ theta)) for row, value in zip(X, target, strict=True)]
    return theta + np.linalg.solve(hessian, np.transpose(rows)).T


def rectified_shares(y, f, pool, weight):
    """Every value where F may jump, in order, and F there."""
    values = sorted({*y, *f, *pool})
    shares = []
    for t in values:
        share = np.mean(y <= t)
        if weight:
            share += weight * (np.mean(pool <= t) - np.mean(f <= t))
        shares.append(share)
    return values, shares


def quantile(y, f, pool, level, weight):
    """The smallest t with F(t) >= level, the largest value where there is none."""
    candidates = zip(*rectified_shares(y, f, pool, weight), strict=True)
    reached = [t for t, share in candidates if share >= level - 1e-12]
    return reached[0] if reached else max(y) if not weight else max(*y, *f, *pool)


def indicators(y, f, pool, t):
    return tuple(np.array([[float(value <= t)] for value in rows]) for rows in (y, f, pool))
