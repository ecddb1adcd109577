"""Several judges by brute force: every set of them fitted by itself, once more without each piece; nothing here is shared with the package."""

from itertools import combinations

import numpy as np
from naive_sampling import weights_of
from scipy import stats


def sets_of(n_judges, spare):
    """Sets that leave a degree of freedom."""
    sizes = [size for size in range(1, n_judges + 1) if size < spare - 1]
    return [list(one) for size in sizes for one in combinations(range(n_judges), size)]


def fit(dy, df, pool_squares, chosen):
    """Weights of a set's judges, their minimum and the effective number of weights."""
    x = df[:, chosen]
    matrix = x.T @ x + pool_squares[np.ix_(chosen, chosen)]
    weights = np.zeros(df.shape[1])
    weights[chosen] = np.linalg.solve(matrix, x.T @ dy)
    residuals = dy - df @ weights
    minimum = sum(residuals**2) + weights @ pool_squares @ weights
    return weights, minimum, np.trace(np.linalg.solve(matrix, x.T @ x))


def average(dy, df, pool_squares, spare, tuned=None):
    """Lambda, and the effective number of its weights; with `tuned`, those of each set are given."""
    sets = sets_of(df.shape[1], spare)
    fits = [fit(dy, df, pool_squares, chosen) for chosen in sets]
    tuned = [one[2] for one in fits] if tuned is None else tuned
    logs = []
    for chosen, (_, minimum, _), d in zip(sets, fits, tuned, strict=True):
        alike = sum(len(other) == len(chosen) for other in sets)
        penalty = 2 * d * (spare + 1) / (spare - 1 - len(chosen))
        logs.append(-spare / 2 * np.log(minimum) - penalty - np.log(alike))
    shares = np.exp(np.array(logs) - max(logs))
    shares /= shares.sum()
    return shares @ [one[0] for one in fits], shares @ tuned, tuned


def rule(dy, df, pool_squares, spare):
    """Lambda, leave-one-out residuals and the number of weights that count as tuned."""
    lambda_, n_tuned, tuned = average(dy, df, pool_squares, spare)
    residuals = []
    for i in range(len(dy)):
        others = np.arange(len(dy)) != i
        alone = average(dy[others], df[others], pool_squares, spare, tuned)[0]
        residuals.append(dy[i] - df[i] @ alone)
    return lambda_, np.array(residuals), max(1.0, n_tuned)


def rectified(theta, dy, df, gap, pool_covariance, pool_degrees, spare, lambda_=None, lost=1):
    """Estimate, standard error, degrees of freedom and lambda; `gap` is how far the pool's mean predictions are from those of labels."""
    pieces = len(dy)
    own_spare = spare - (lost - 1)
    if lambda_ is None:
        lambda_, residuals, n_tuned = rule(dy, df, pieces * spare * pool_covariance, own_spare)
    else:
        lambda_, n_tuned = np.asarray(lambda_), 0
        residuals = dy - df @ lambda_
    of_labels = sum(residuals**2) / (pieces * own_spare)
    of_pool = lambda_ @ pool_covariance @ lambda_
    welch = (of_labels + of_pool) ** 2 / (
        of_labels**2 / (own_spare - n_tuned) + of_pool**2 / pool_degrees
    )
    return theta + lambda_ @ gap, np.sqrt(of_labels + of_pool), welch, lambda_


def mean_of(y, f, pool, lambda_=None, lost=1):
    """Of rows that are all alike; a pool smaller than the labels borrows their predictions' variance."""
    r, m = len(y), len(pool)
    dy, df, dm = y - y.mean(), f - f.mean(axis=0), pool - pool.mean(axis=0)
    products, degrees = dm.T @ dm, m - 1
    if m < r:
        products, degrees = products + df.T @ df, m - 1 + r - 1
    gap = pool.mean(axis=0) - f.mean(axis=0)
    return rectified(y.mean(), dy, df, gap, products / degrees / m, degrees, r - 1, lambda_, lost)


def mean_under_design(
    y, f, labeled, lambda_=None, w=None, pi=None, clusters=None, strata=None, finite=False
):
    """From totals of clusters, those with labels and those without, around their mean in each stratum."""
    n, j = f.shape
    of_labels, of_pool, chance = weights_of(w, pi, strata, labeled, finite)
    of_labels, of_pool = of_labels / of_labels.sum(), of_pool / of_pool.sum()
    y = np.where(labeled, y, 0.0)
    means = of_labels @ y, of_labels @ f, of_pool @ f
    a = of_labels * (y - means[0])
    b = of_labels[:, None] * (f - means[1])
    if not finite:
        b = b - of_pool[:, None] * (f - means[2])
    clusters = np.arange(n) if clusters is None else np.asarray(clusters)
    strata = np.zeros(n, dtype=int) if strata is None else np.asarray(strata)
    pieces, pool_covariance, pool_degrees = [], np.zeros((j, j)), 0
    for stratum in np.unique(strata):
        inside = np.unique(clusters[strata == stratum])
        for with_labels in (True, False):
            members = [one for one in inside if labeled[clusters == one].any() == with_labels]
            if not members or (finite and not with_labels):
                continue
            totals = np.array(
                [[a[clusters == c].sum(), *b[clusters == c].sum(axis=0)] for c in members]
            )
            count = len(totals)
            totals = (totals - totals.mean(axis=0)) * np.sqrt(count / (count - 1))
            if with_labels:
                if finite:
                    share = np.array([chance[(clusters == c) & labeled][0] for c in members])
                    totals *= np.sqrt(1 - share)[:, None]
                pieces.append(totals)
            else:
                pool_covariance += totals[:, 1:].T @ totals[:, 1:]
                pool_degrees += count - 1
    spare = sum(map(len, pieces)) - len(pieces)
    pieces = np.concatenate(pieces)
    pieces = pieces * np.sqrt(len(pieces) * spare)
    gap = means[2] - means[1]
    return rectified(
        means[0],
        pieces[:, 0],
        pieces[:, 1:],
        gap,
        pool_covariance,
        max(pool_degrees, 1),
        spare,
        lambda_,
    )


def distribution(y, f, pool, lambda_):
    """Every value where F may jump, in order, and F there."""
    values = np.unique(np.concatenate([y, f.ravel(), pool.ravel()]))
    heights = [
        np.mean(y <= t)
        + sum(
            weight * (np.mean(pool[:, j] <= t) - np.mean(f[:, j] <= t))
            for j, weight in enumerate(lambda_)
        )
        for t in values
    ]
    return values, np.array(heights)


def quantile(y, f, pool, level, lambda_):
    """The smallest t with F(t) >= level."""
    values, heights = distribution(y, f, pool, lambda_)
    return values[np.flatnonzero(heights >= level - 1e-12)[0]]


def below(y, f, pool, t):
    """Indicators of being at most t."""
    return tuple((rows <= t).astype(float) for rows in (y, f, pool))


def interval(estimate, standard_error, degrees):
    """95 %."""
    reach = stats.t.ppf(0.975, degrees) * standard_error
    return estimate - reach, estimate + reach
