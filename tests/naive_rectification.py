"""The papers' formulas in plain loops, for the tests of every estimand; nothing here is fast or shared with the package.

Kluger et al. (2025), arXiv 2501.18577: theta = theta_R(y) + lambda (theta_U(f) - theta_R(f)), each an estimate with
influence values, whose moments give lambda, covariance and degrees of freedom as for a rectified mean.
"""

import numpy as np
from scipy import optimize, stats
from scipy.special import betainc, expit

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


def sides_of(rows, t):
    """Indicators (n, 2) of being below t, and at most t."""
    return np.array([[float(value < t), float(value <= t)] for value in rows])


def known_from(y, f, pool, t, level, lambda_=None, degrees=None):
    """As many labels alone would know F(t-) and F(t), twice; degrees of freedom, lambda, efficiency."""
    r, m = len(y), len(pool)
    of_y, of_f, of_pool = (sides_of(rows, t) for rows in (y, f, pool))
    dy, df = of_y - of_y.mean(axis=0), of_f - of_f.mean(axis=0)
    pool_variance = of_pool.var(axis=0, ddof=1) / m
    total = np.sum(df**2) + r * (r - 1) * np.sum(pool_variance)
    weight = np.sum(dy * df) / total if lambda_ is None else lambda_
    residuals = dy - weight * df
    if lambda_ is None:
        residuals = residuals / (1 - np.sum(df**2, axis=1, keepdims=True) / total)
    labeled, of_m = np.sum(residuals**2, axis=0) / (r - 1) / r, weight**2 * pool_variance
    degrees = r - 1 - (lambda_ is None) if degrees is None else degrees
    welch = (labeled + of_m) ** 2 / (labeled**2 / degrees + of_m**2 / (m - 1))
    of_labels = of_y.var(axis=0, ddof=1) / r
    unseen = 0.5 * weight**2 / (r * (r - 1))
    sizes = r * of_labels / (labeled + of_m + unseen)
    sizes *= (stats.t.ppf(0.975, r - 1) / stats.t.ppf(0.975, welch)) ** 2
    return sizes, welch, weight, 1 / np.mean((labeled + of_m) / of_labels)


def binomial_tail(count, size, level):
    """P(B <= count), for numbers that need not be whole."""
    if count <= -1 or count >= size:
        return float(count >= size)
    return betainc(size - count, count + 1, 1 - level)


def quantile_p_values(values, shares, level, sizes, t):
    """Against a quantile above t, and below it: F is as high as it has been anywhere before."""
    below, at = (
        min(max([0.0, *shares[: np.searchsorted(values, t, side)]]), 1.0) for side in ("left", "right")
    )
    above = binomial_tail(sizes[0] * at, sizes[0], level)
    return above, binomial_tail(sizes[1] * (1 - below), sizes[1], 1 - level)


def quantile_interval(y, f, pool, level, weight, sizes, tail=0.025):
    """All t that neither of the one-sided tests refutes."""
    values, shares = rectified_shares(y, f, pool, weight)
    beyond = [values[0] - 1, *values, values[-1] + 1]
    p = np.array([quantile_p_values(values, shares, level, sizes, t) for t in beyond])
    low, high = np.argmax(p[:, 0] > tail), len(beyond) - 1 - np.argmax(p[::-1, 1] > tail)
    return (
        -np.inf if low == 0 else beyond[low],
        np.inf if high == len(beyond) - 1 else beyond[high],
    )


def order_statistics(y, level, confidence):
    """The exact interval of a quantile from labels alone: ends that the sign test does not refute."""
    ordered, n, tail = sorted(y), len(y), (1 - confidence) / 2
    low = next(k for k in range(n + 1) if stats.binom.cdf(k, n, level) > tail)
    high = next(k for k in range(n, -1, -1) if stats.binom.sf(k - 1, n, level) > tail)
    return ordered[low - 1] if low else -np.inf, ordered[high] if high < n else np.inf


def sign_test(y, level, null, alternative):
    """Its one-sided p-values: "greater" means a quantile above the null."""
    if alternative == "greater":
        return stats.binom.cdf(np.sum(y <= null), len(y), level)
    return stats.binom.sf(np.sum(y < null) - 1, len(y), level)
