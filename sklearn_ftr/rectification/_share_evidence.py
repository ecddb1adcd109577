"""How many independent labels would know a share as well: the design effect and what predictions are worth, with rows that a sample has not shown.

As for shares from surveys (Korn and Graubard 1998), the effective number is what labels vary by over the variance of the estimate. But few labels
of a rare class show few errors of a judge, or none, so that the variance is 0 by chance. Rows that were not seen are added to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._deviations import Deviations
from sklearn_ftr.rectification._inference import like
from sklearn_ftr.rectification._moments import columns
from sklearn_ftr.rectification._power_tuning import weighed
from sklearn_ftr.rectification._rectify import Rectification, pool_term
from sklearn_ftr.rectification._sample import Sample
from sklearn_ftr.rectification._sampling import Sampling
from sklearn_ftr.rectification._scipy import stdtrit
from sklearn_ftr.rectification._share_interval import ShareInference, unseen


@dataclass(frozen=True)
class Known:
    """A share (k,) and the number of independent labels (k,) that would know it as well."""

    share: Array
    size: Array

    def with_own(self, other: Known) -> Known:
        """And that of other labels."""
        size = self.size + other.size
        return Known((self.size * self.share + other.size * other.share) / size, size)


def are_shares(labels: Array) -> bool:
    """Whether all labels are 0 or 1."""
    return bool(((labels == 0) | (labels == 1)).all())


def known_share(
    share: Array, variance: Array, of_labels: Array, rows: float, spare: int, labeled_part: float = 0.0
) -> Known:
    """From the variance (k,) of an estimate and the share (k,) among labels, which count as `rows` equal ones.

    `spare` are the degrees of freedom that the design leaves; of a finite population `labeled_part` has labels, which cannot be unseen.
    """
    spread = of_labels * (1 - of_labels) / max(rows - 1, 1.0)
    added = unseen(rows)
    with np.errstate(divide="ignore"):  # all rows have labels
        size = rows * (spread + added) / (variance + (1 - labeled_part) * added)
    lost = (stdtrit(max(rows - 1, spare), 0.975) / stdtrit(spare, 0.975)) ** 2
    return Known(np.clip(share, 0.0, 1.0), size * lost)


def rows_of(weights: Array | None, count: int) -> float:
    """How many equal rows the weights, with the sum 1, make of these (Kish 1965)."""
    return float(count) if weights is None else float(1 / np.sum(weights**2))


def shrunken(here: Deviations, rectified: Rectification) -> tuple[Array, Array]:
    """The estimate (k,) and its variance, nearer to those of labels alone the less a tuned lambda is beyond chance.

    The estimate moves from that of labels by 1 - 1 / F of the way, F being the F statistic of predictions among labels, and less where the pool's
    predictions vary less than those of labeled rows, to whom lambda then was too large. Its variance is the quadratic function of the
    weight that is known at both ends. Residuals of cross-fitting have fewer degrees of freedom than predictions that are given: models know the
    labels of other folds, so that few labels make residuals look small.
    """
    lambda_ = rectified.lambda_.reshape(len(here.y_mean), -1)
    alone = np.diag(here.labels_only().covariance)
    of_pool = np.diag(pool_term(here.pool_covariance, lambda_))
    unlike = np.diag(pool_term(here.pool_covariance_of_both, lambda_)) - of_pool
    tuned = rectified.n_tuned
    spare = np.maximum(here.spare - tuned, 1.0)
    fewer = spare / np.maximum(rectified.influence.degrees[0], 1.0)
    of_labels = fewer * (np.diag(rectified.estimate.covariance) - of_pool)
    full = of_labels + of_pool + unlike
    residuals = here.y - weighed(here.f, lambda_)
    within = fewer * np.sum(residuals**2, axis=0) / (len(here.y) * here.spare) + of_pool
    gain = alone - within
    beyond = 1 - _ratio(tuned * within, spare * gain)
    weight = np.clip(beyond, 0.0, 1.0) * _ratio(gain, gain + np.maximum(unlike, 0.0))
    weight = np.where(tuned > 0, weight, 1.0)
    estimate = here.y_mean + weight * (rectified.estimate.estimate - here.y_mean)
    return estimate, alone - weight * (alone - full) - weight * (1 - weight) * (gain + unlike)


def _ratio(part: Array, whole: Array) -> Array:
    """1 without any gain."""
    return np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)


def shares_of(
    sample: Sample,
    here: Deviations,
    every: Deviations,
    rectified: Rectification,
    own: tuple[Array, int] | None,
    template: Any,
) -> tuple[ShareInference, ShareInference]:
    """What is known of labels that are 0 or 1, in the shape of `template`, and what all labels say by themselves.

    `rectified` is without labels that have trained only, `own` is their own answer and how many independent pieces they are.
    """
    of_all = _of_all_labels(sample, every)
    alone = _shaped(of_all, template)
    if not sample.has_pool:
        return alone, alone
    known = _rectified(sample, here, rectified, own, (of_all, len(every.y)), template)
    return known, alone


def _rectified(
    sample: Sample,
    here: Deviations,
    rectified: Rectification,
    own: tuple[Array, int] | None,
    of_all: tuple[Known, int],
    template: Any,
) -> ShareInference:
    """By labels and predictions; `own` and `of_all` are what labels say, and how many pieces they are."""
    known = _known(here, sample.drawn, len(sample.y), *shrunken(here, rectified))
    counted, trained = _counted(sample), sample.trained
    if trained is None or own is None:
        return _shaped(known, template, counted=counted)
    if trained.share:
        part = trained.share, like(trained.share * own[0], template)
        return _shaped(known, template, counted=counted, trained=part)
    if trained.recycle:
        known = known.with_own(Known(own[0], of_all[0].size * own[1] / of_all[1]))
    return _shaped(known, template)


def _of_all_labels(sample: Sample, every: Deviations) -> Known:
    """Of a population whose rows all have labels nothing is uncertain."""
    if sample.every.is_complete:
        return Known(every.y_mean, np.full_like(every.y_mean, np.inf))
    variance = np.diag(every.labels_only().covariance)
    return _known(every, sample.every, sample.n_labeled, every.y_mean, variance)


def _known(sample: Deviations, drawn: Sampling, count: int, estimate: Array, variance: Array) -> Known:
    rows, part = rows_of(drawn.weights, count), 0.0
    if drawn.labeled_share is not None:
        part = float(np.average(drawn.labeled_share, weights=drawn.weights))
    return known_share(estimate, variance, sample.y_mean, rows, sample.spare, part)


def _counted(sample: Sample) -> tuple[Any, Any]:
    """Ones and zeros among labels, as parts of a finite population (k,)."""
    drawn, y = sample.drawn, columns(sample.y)
    own, rows = drawn.own_weights, drawn.pool_rows
    if drawn.labeled_share is None or own is None or not rows:
        return 0.0, 0.0
    parts = own / (own.sum() + rows.total)
    return parts @ y, parts @ (1 - y)


def _shaped(known: Known, template: Any, **parts: Any) -> ShareInference:
    return ShareInference(like(known.share, template), like(known.size, template), **parts)
