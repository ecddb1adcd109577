"""Work in parallel whose results are there one after the other where one process does it, so that they can be counted and dropped."""

from __future__ import annotations

from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel


def as_they_come(n_jobs: int | None) -> Parallel:
    """Results in their order, each as soon as it is there; of several workers, and by joblib before 1.3, all at once."""
    # joblib's generator of what several processes make was seen to wait for ever (1.6, loky).
    if effective_n_jobs(n_jobs) > 1:
        return Parallel(n_jobs=n_jobs)
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except TypeError:
        return Parallel(n_jobs=n_jobs)
