"""The allocator: measures how fast fine-tuning pays, and puts the labels where they are worth most.

Wang, Ye and Zhao (2025), arXiv 2511.19486: fine-tuning scaling law, optimal allocation, ramp-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr._sklearn_private import HasMethods, Interval, StrOptions, fit_context
from sklearn_ftr.allocation._law_fit import FittedLaw, fit_scaling_law
from sklearn_ftr.allocation._plan import (
    CROSS_FITTING,
    LABELS_ONLY,
    SPLIT,
    ZERO_SHOT,
    Costs,
    Option,
    Outlook,
    Plan,
    RequiredLabels,
)
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.estimators._inner_model import is_frozen, seeded_clone
from sklearn_ftr.estimators._labels import PartialLabels, check_partial_labels
from sklearn_ftr.estimators._learning_curve import LearningCurve, measure_learning_curve
from sklearn_ftr.estimators._rectified_mean import RectifiedMeanEstimator
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._inference import Alternative, ConfidenceInterval

_STRATEGIES = {
    "auto": (LABELS_ONLY, ZERO_SHOT, SPLIT, CROSS_FITTING),
    "split": (SPLIT,),
    "cross-fitting": (CROSS_FITTING,),
}


@dataclass(frozen=True)
class Purchase:
    """How many labels to buy next, and what for.

    Attributes
    ----------
    n_more : int
        Labels to buy.
    n_finetune, n_rectify : int
        How many of them fine-tune and how many rectify. Under cross-fitting both are `n_more`: each does both.
    required : RequiredLabels
        The goal behind it.
    """

    n_more: int
    n_finetune: int
    n_rectify: int
    required: RequiredLabels


class FineTuneRectifyAllocator(RegressorMixin, BaseEstimator):
    """Decides how many labels fine-tune and how many rectify, and says when fine-tuning does not pay.

    Measures the residual variance inside the labeled rows for growing numbers of training labels, fits a
    scaling law, predicts the standard error of every way to use the labels, and refits the best one.

    Parameters
    ----------
    estimator : RectifiedMeanEstimator, default=None
        The rectified estimator whose `split_ratio` and `cv` are chosen. None is `RectifiedMeanEstimator()`.
    strategy : {"auto", "split", "cross-fitting"}, default="auto"
        "split" is the paper's method: one training, with the objective that `estimator.recycle` implies.
        "auto" may also cross-fit, rectify without training or use labels alone, and says why in `verdict_`.
    folds : tuple of int, default=(2, 5, 10)
        Numbers of folds that cross-fitting may have.
    max_fits : int, default=5
        Largest number of trainings for the final estimate.
    pilot_cost : float, default=3.0
        What measuring the curve may cost, in units of one training on all labels.
    label_cost, training_cost, inference_cost : float, default=1.0, 0.0, 0.0
        Prices of one label, of training on one row and of one prediction, for `plan` and `required_labels`.
    n_bootstrap : int, default=200
        Resampled curves, for the uncertainty of the law.
    n_jobs : int, default=None
        Parallel trainings of the learning curve. Does not change any number.
    random_state : int, RandomState instance or None, default=None
        Seeds the curve and every `random_state` of `estimator` that is None.
    verbose : int, default=0
        Above 0, say what is being trained.

    Attributes
    ----------
    law_ : ScalingLaw
        The fitted law of the residual variance.
    law_fit_ : FittedLaw
        The same with standard errors, R^2, verdict and band; absent for a frozen model, which learns nothing.
    learning_curve_ : LearningCurve
        What was measured.
    plan_ : Plan
        Every option with its predicted standard error; prints as a table.
    best_option_ : Option
        The option that was chosen.
    best_split_ratio_ : float
        s / n of the best split, whether chosen or not; 0 if there is nothing to split for.
    verdict_ : str
        What was chosen, and why.
    best_estimator_ : estimator
        `estimator` refitted on all labels with the chosen option.
    mean_, standard_error_, efficiency_, result_, finetune_rows_
        Those of `best_estimator_`.
    n_labeled_, n_unlabeled_ : int

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; fewer than 8 labels; a `pilot_cost` too small for any curve;
        no option within `max_fits`.

    Notes
    -----
    For several outputs the variances are summed. The stop rule: with Gaussian data a tuned lambda can only help if
    the correlation of labels and predictions exceeds 1 / sqrt(r - 2), r labels rectifying (arXiv 2505.20178).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ftr import FineTuneRectifyAllocator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(4_000, 8))
    >>> y = X.sum(axis=1) + rng.normal(size=4_000)
    >>> y[300:] = np.nan
    >>> allocator = FineTuneRectifyAllocator(random_state=0).fit(X, y)
    >>> allocator.best_option_.strategy
    'cross-fitting'
    >>> needed = allocator.required_labels(half_width=0.1)
    >>> needed.n_labeled < needed.labels_only
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict", "confidence_interval"]), None],
        "strategy": [StrOptions(set(_STRATEGIES))],
        "folds": [tuple, list],
        "max_fits": [Interval(Integral, 1, None, closed="left")],
        "pilot_cost": [Interval(Real, 0, None, closed="neither")],
        "label_cost": [Interval(Real, 0, None, closed="left")],
        "training_cost": [Interval(Real, 0, None, closed="left")],
        "inference_cost": [Interval(Real, 0, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        strategy: str = "auto",
        folds: tuple[int, ...] = (2, 5, 10),
        max_fits: int = 5,
        pilot_cost: float = 3.0,
        label_cost: float = 1.0,
        training_cost: float = 0.0,
        inference_cost: float = 0.0,
        n_bootstrap: int = 200,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.strategy = strategy
        self.folds = folds
        self.max_fits = max_fits
        self.pilot_cost = pilot_cost
        self.label_cost = label_cost
        self.training_cost = training_cost
        self.inference_cost = inference_cost
        self.n_bootstrap = n_bootstrap
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike, finetune_rows: ArrayLike | None = None) -> Any:
        """Measure the curve, fit the law, choose, refit.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
            Labeled and unlabeled rows.
        y : array-like of shape (n_rows,) or (n_rows, k)
            Labels; NaN marks unlabeled rows.
        finetune_rows : array-like of bool, shape (n_rows,), default=None
            `finetune_rows_` of an earlier round, extended by False for new rows: a row that has trained never
            rectifies.

        Returns
        -------
        self
        """
        validate_data(self, X, skip_check_array=True)
        (X,) = indexable(X)
        labels = check_partial_labels(X, y, type(self).__name__)
        rng = check_random_state(self.random_state)
        rectified = seeded_clone(self._rectified(), rng)
        self.learning_curve_ = self._measure(rectified, X, labels, rng)
        self._fit_law()
        self.n_labeled_, self.n_unlabeled_ = len(labels.labeled), len(labels.unlabeled)
        self.outlook_ = self._outlook(rectified)
        self.plan_ = self.plan(self.n_labeled_, self.n_unlabeled_)
        self._choose()
        self.best_estimator_ = rectified.set_params(**self._choices(labels.y.shape[1:]))
        self._report(self.verdict_)
        self._refit(X, y, finetune_rows)
        return self

    def plan(self, n_labeled: int, n_unlabeled: float | None = None) -> Plan:
        """Every option for a number of labels, bought or not.

        Parameters
        ----------
        n_labeled : int
        n_unlabeled : float, default=None
            Rows of the pool; None means as many as in `fit`.

        Returns
        -------
        Plan
        """
        check_is_fitted(self, "outlook_")
        m = self.n_unlabeled_ if n_unlabeled is None else n_unlabeled
        return self.outlook_.plan(n_labeled, m, self._costs())

    def required_labels(self, half_width: float, confidence_level: float = 0.95) -> RequiredLabels:
        """The cheapest number of labels for an interval of half-width `half_width`.

        Among the allowed strategies, at the prices given. With prices of training and inference the cheapest way
        need not be the one with the fewest labels.

        Parameters
        ----------
        half_width : float
            In units of y.
        confidence_level : float, default=0.95

        Returns
        -------
        RequiredLabels
        """
        check_is_fitted(self, "outlook_")
        return self.outlook_.required_labels(
            half_width, confidence_level, self.n_unlabeled_ or np.inf, self._costs(), self._allowed
        )

    def next_purchase(self, half_width: float, confidence_level: float = 0.95) -> Purchase:
        """How many labels to buy now, and which stage they serve, to reach an interval of +- half_width.

        Parameters
        ----------
        half_width : float
            In units of y.
        confidence_level : float, default=0.95

        Returns
        -------
        Purchase
            Labels that have trained keep training; the others rectify unless the best split needs more training.
        """
        required = self.required_labels(half_width, confidence_level)
        more = max(required.n_labeled - self.n_labeled_, 0)
        if required.option.strategy == CROSS_FITTING:
            return Purchase(more, more, more, required)
        finetune = min(max(required.option.n_finetune - int(self.finetune_rows_.sum()), 0), more)
        return Purchase(more, finetune, more - finetune, required)

    def predict(self, X: Any) -> Array:
        """Predictions of `best_estimator_`.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, k)
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    def score(self, X: Any, y: ArrayLike) -> float:
        """Efficiency of `best_estimator_` on labeled rows that were not seen in `fit`.

        Parameters
        ----------
        X, y : as in `fit`

        Returns
        -------
        float
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.score(X, y)

    def confidence_interval(
        self, confidence_level: float | None = None, alternative: Alternative = "two-sided"
    ) -> ConfidenceInterval:
        """Interval of `best_estimator_`; see `RectifiedMeanEstimator.confidence_interval`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.confidence_interval(confidence_level, alternative)

    def p_value(self, null: ArrayLike, alternative: Alternative = "two-sided") -> Any:
        """P-value of `best_estimator_`; see `RectifiedMeanEstimator.p_value`."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.p_value(null, alternative)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._rectified())
        tags.input_tags = inner.input_tags
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _rectified(self) -> Any:
        return RectifiedMeanEstimator() if self.estimator is None else self.estimator

    def _costs(self) -> Costs:
        return Costs(self.label_cost, self.training_cost, self.inference_cost)

    def _measure(
        self, rectified: Any, X: Any, labels: PartialLabels, rng: np.random.RandomState
    ) -> LearningCurve:
        predictor = rectified._inner_estimator()
        pretrained = getattr(predictor, "weights", None) is not None and hasattr(
            predictor, "initialize"
        )
        return measure_learning_curve(
            predictor,
            X,
            labels,
            pilot_cost=self.pilot_cost,
            power_tuning=rectified.power_tuning,
            n_bootstrap=self.n_bootstrap,
            n_jobs=self.n_jobs,
            rng=rng,
            report=self._report,
            zero_shot=is_frozen(predictor) or pretrained,
        )

    def _fit_law(self) -> None:
        curve = self.learning_curve_
        self.__dict__.pop("law_fit_", None)
        if len(curve.sizes) == 1:  # a frozen model: its residual variance, whatever the labels
            self.law_ = ScalingLaw(0.0, 1.0, float(curve.variances[0]))
            return
        self.law_fit_: FittedLaw = fit_scaling_law(
            curve.sizes,
            curve.variances,
            standard_errors=curve.standard_errors,
            resampled=curve.resampled,
        )
        self.law_ = self.law_fit_.law

    def _outlook(self, rectified: Any) -> Outlook:
        """What was learned, with as many versions of it as there are resampled curves."""
        curve = self.learning_curve_
        zero_shot = curve.sizes[0] == 0
        folds = tuple(self.folds)

        def outlook(
            law: ScalingLaw, total: float, first: float, resampled: tuple[Outlook, ...] = ()
        ) -> Outlook:
            untrained = float(first) if zero_shot else None
            return Outlook(law, float(total), untrained, rectified.recycle, folds, resampled)

        if hasattr(self, "law_fit_"):
            laws = self.law_fit_.bootstrap
        else:
            laws = [ScalingLaw(0.0, 1.0, float(value)) for value in curve.resampled[:, 0]]
        resampled = tuple(
            outlook(law, total, first)
            for law, total, first in zip(
                laws, curve.resampled_total, curve.resampled[:, 0], strict=True
            )
            if total > 0
        )
        return outlook(self.law_, curve.total_variance, curve.variances[0], resampled)

    def _allowed(self, strategy: str, folds: int) -> bool:
        return strategy in _STRATEGIES[self.strategy] and folds <= self.max_fits

    def _choose(self) -> None:
        """The best option, or labels only where the stop rule says that predictions cannot help."""
        splits = [option for option in self.plan_.options if option.strategy == SPLIT]
        self.best_split_ratio_ = splits[0].n_finetune / self.n_labeled_ if splits else 0.0
        allowed = [
            option
            for option in self.plan_.options
            if self._allowed(option.strategy, option.n_folds) or not splits
        ]
        if not allowed:
            raise ValueError(
                f"strategy={self.strategy!r} with folds={self.folds} and max_fits={self.max_fits} leaves no option "
                f"for {self.n_labeled_} labels; allow more."
            )
        best = min(allowed, key=lambda option: (option.standard_error, option.n_trainings))
        if self.strategy == "auto" and not self._can_help(best):
            best = self.plan_.options[0]
        self.best_option_ = best
        self.verdict_ = self._verdict(best)

    def _correlation(self, option: Option) -> float:
        """Predicted correlation of labels and predictions under an option."""
        total = self.learning_curve_.total_variance
        untrained = option.strategy == ZERO_SHOT
        curve = self.learning_curve_
        residual = curve.variances[0] if untrained else self.law_.predict(option.n_finetune)
        return float(np.sqrt(max(1 - residual / total, 0.0))) if total > 0 else 0.0

    def _can_help(self, option: Option) -> bool:
        """The stop rule of arXiv 2505.20178: correlation above 1 / sqrt(r - 2)."""
        if option.strategy == LABELS_ONLY:
            return True
        r = self.n_labeled_ - (option.n_finetune if option.strategy == SPLIT else 0)
        return r > 2 and self._correlation(option) > 1 / np.sqrt(r - 2)

    def _verdict(self, best: Option) -> str:
        if not self.n_unlabeled_:
            return "No unlabeled rows: labels alone are all there is."
        if best.strategy == LABELS_ONLY:
            return (
                "Labels alone are as good: no way to use predictions promises a smaller standard error "
                f"(best correlation expected: {max(map(self._correlation, self.plan_.options[1:]), default=0):.2f})."
            )
        ways = {
            ZERO_SHOT: "rectify the model as it is with all labels",
            SPLIT: f"fine-tune on {best.n_finetune} labels, rectify with {self.n_labeled_ - best.n_finetune}",
            CROSS_FITTING: f"cross-fit with {best.n_folds} folds",
        }
        text = (
            f"Best of what is allowed: {ways[best.strategy]}; predicted standard error {best.standard_error:.4g}, a "
            f"label counts {best.efficiency:.2f} times."
        )
        if not self._can_help(best):
            text += (
                " Predictions correlate too little with labels to help: labels alone would be as good."
            )
        elif hasattr(self, "law_fit_") and self.law_fit_.verdict != "falling":
            text += f" More training does not pay: the residual variance is {self.law_fit_.verdict}."
        return text

    def _choices(self, outputs: tuple[int, ...]) -> dict[str, Any]:
        """Parameters of the rectified estimator that make it the chosen option."""
        best = self.best_option_
        if not self.n_unlabeled_:
            return {}  # labels only in any case
        if best.strategy == LABELS_ONLY:
            # A model that predicts 0 for everything, rectified by all labels.
            zero = FrozenEstimator(DummyRegressor().fit([[0]], np.zeros((1, *outputs))))
            return {"estimator": zero, "split_ratio": 0, "cv": None}
        if best.strategy == CROSS_FITTING:
            return {"cv": best.n_folds}
        return {"split_ratio": best.n_finetune, "cv": None}

    def _refit(self, X: Any, y: ArrayLike, finetune_rows: ArrayLike | None) -> None:
        self.best_estimator_.fit(X, y, finetune_rows=finetune_rows)
        for name in ("mean_", "standard_error_", "efficiency_", "result_", "finetune_rows_"):
            setattr(self, name, getattr(self.best_estimator_, name))

    def _report(self, message: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {message}", flush=True)
