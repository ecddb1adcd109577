"""Estimates under sampling designs, written out row by row: influence values, sums in clusters, means in strata."""

import numpy as np


def weights_of(w, pi, strata, labeled, finite):
    """Weights of labels, and of the pool's side, over all rows."""
    n = len(labeled)
    w = np.ones(n) if w is None else np.asarray(w, dtype=float)
    if pi is None and (strata is not None or finite):
        strata = np.zeros(n, dtype=int) if strata is None else np.asarray(strata)
        pi = np.array([labeled[strata == stratum].mean() for stratum in strata])
    if pi is None:
        return np.where(labeled, w, 0.0), np.where(labeled, 0.0, w), None
    return np.where(labeled, w / pi, 0.0), w, pi


def mean_under_design(
    y, f, labeled, lambda_, w=None, pi=None, clusters=None, strata=None, finite=False
):
    """Estimate, variance, and the parts of it: (theta, variance, labels-only variance, pool's part)."""
    of_labels, of_pool, chance = weights_of(w, pi, strata, labeled, finite)
    of_labels, of_pool = of_labels / of_labels.sum(), of_pool / of_pool.sum()
    y = np.where(labeled, y, 0.0)
    m_y, m_f, m_pool = of_labels @ y, of_labels @ f, of_pool @ f
    a = of_labels * (y - m_y)
    b = of_labels * (f - m_f) - (0 if finite else of_pool * (f - m_pool))
    parts = squares(a, b, labeled, chance, clusters, strata, finite)
    weight = np.array([1.0, -lambda_])
    variance = weight @ (parts[0] + parts[1]) @ weight
    return m_y + lambda_ * (m_pool - m_f), variance, parts[0][0, 0], weight @ parts[1] @ weight


def squares(a, b, labeled, chance=None, clusters=None, strata=None, finite=False):
    """Squares and products of what clusters with labels, and those without, make of a and b: two arrays (2, 2)."""
    n = len(labeled)
    clusters = np.arange(n) if clusters is None else np.asarray(clusters)
    strata = np.zeros(n, dtype=int) if strata is None else np.asarray(strata)
    parts = np.zeros((2, 2)), np.zeros((2, 2))
    for stratum in np.unique(strata):
        inside = np.unique(clusters[strata == stratum])
        with_labels = [one for one in inside if labeled[clusters == one].any()]
        groups = with_labels, [one for one in inside if one not in set(with_labels)]
        for side, members in enumerate(groups):
            if finite and side:
                continue
            sums = np.array(
                [[a[clusters == c].sum(), b[clusters == c].sum()] for c in members]
            ).reshape(-1, 2)
            count = len(sums)
            if count > 1:
                d = (sums - sums.mean(axis=0)) * np.sqrt(count / (count - 1))
                if finite:
                    share = np.array([chance[(clusters == c) & labeled][0] for c in members])
                    d = d * np.sqrt(1 - share)[:, None]
                parts[side][:] += d.T @ d
            elif count and side:
                parts[side][:] += sums.T @ sums
    return parts


def quantile_under_design(
    y, f, labeled, level, lambda_, w=None, pi=None, clusters=None, strata=None, finite=False
):
    """The smallest value at which the rectified distribution function reaches the level."""
    of_labels, of_pool, _ = weights_of(w, pi, strata, labeled, finite)
    of_labels, of_pool = of_labels / of_labels.sum(), of_pool / of_pool.sum()
    values = np.unique(np.concatenate([y[labeled], f]))[:, None]
    shares = (y <= values) @ of_labels + lambda_ * ((f <= values) @ (of_pool - of_labels))
    return values[np.argmax(shares >= level - 1e-12), 0]


def difference_under_design(
    y, f, labeled, group, lambda_, w=None, pi=None, clusters=None, strata=None, finite=False
):
    """Means of groups 0 and 1, and the variance of their difference, of labels alone, too; but for small-sample factors."""
    of_labels, of_pool, chance = weights_of(w, pi, strata, labeled, finite)
    y, means, both = np.where(labeled, y, 0.0), [], []
    for one in (0, 1):
        inside = [np.where(group == one, side, 0.0) for side in (of_labels, of_pool)]
        inside = [side / side.sum() for side in inside]
        m_y, m_f, m_pool = inside[0] @ y, inside[0] @ f, inside[1] @ f
        means.append(m_y + lambda_ * (m_pool - m_f))
        pool = 0 if finite else inside[1] * (f - m_pool)
        both.append([inside[0] * (y - m_y), inside[0] * (f - m_f) - pool])
    a, b = np.subtract(both[1], both[0])
    parts = squares(a, b, labeled, chance, clusters, strata, finite)
    weight = np.array([1.0, -lambda_])
    of_sides = [weight @ part @ weight for part in parts]
    return means, of_sides, parts[0][0, 0]
