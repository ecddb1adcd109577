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
    n = len(labeled)
    of_labels, of_pool, chance = weights_of(w, pi, strata, labeled, finite)
    of_labels, of_pool = of_labels / of_labels.sum(), of_pool / of_pool.sum()
    y = np.where(labeled, y, 0.0)
    m_y, m_f, m_pool = of_labels @ y, of_labels @ f, of_pool @ f
    a = of_labels * (y - m_y)
    b = of_labels * (f - m_f) - (0 if finite else of_pool * (f - m_pool))
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
    weight = np.array([1.0, -lambda_])
    variance = weight @ (parts[0] + parts[1]) @ weight
    return m_y + lambda_ * (m_pool - m_f), variance, parts[0][0, 0], weight @ parts[1] @ weight
