"""Work in parallel whose results are there one after the other, so that they can be counted and dropped."""

from __future__ import annotations

from sklearn.utils.parallel import Parallel


def as_they_come(n_jobs: int | None) -> Parallel:
    """Results in their order, each as soon as it is there; joblib before 1.3 has them all at once."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except TypeError:
        return Parallel(n_jobs=n_jobs)
