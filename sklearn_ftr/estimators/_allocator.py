"""The allocator: measures how fast fine-tuning pays, and puts the labels where they are worth most.

Wang, Ye and Zhao (2025), arXiv 2511.19486: fine-tuning scaling law, optimal allocation, ramp-up.
"""

from __future__ import annotations

from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from sklearn_ftr._callbacks import FitHooks, around, fit_watched
from sklearn_ftr._sklearn_private import BOOLEAN, HasMethods, Interval, StrOptions, fit_context
from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._forecast import Outlook
from sklearn_ftr.allocation._law_fit import KINDS, FittedLaw
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._planning_law import PlanningLaw
from sklearn_ftr.estimators._choice import (
    STRATEGIES,
    check_folds,
    choose,
    parameters_of,
    sizes_of,
    what_was_chosen,
)
from sklearn_ftr.estimators._inner_model import seeded_clone
from sklearn_ftr.estimators._learned import replace_learned
from sklearn_ftr.estimators._learning_curve import LearningCurve
from sklearn_ftr.estimators._out_of_sample_predictions import OutOfSamplePredictions
from sklearn_ftr.estimators._pilot import Pilot
from sklearn_ftr.estimators._plans_labels import PlansLabels
from sklearn_ftr.estimators._rectified_mean import RectifiedMeanEstimator
from sklearn_ftr.estimators._rows_of_fit import RowsOfFit
from sklearn_ftr.rectification._result import RectifiedResult


class FineTuneRectifyAllocator(PlansLabels):
    """Decides how many labels fine-tune and how many rectify, and says when fine-tuning does not pay.

    Measures the residual variance inside the labeled rows for growing numbers of training labels, fits a
    law, predicts the standard error of every way to use the labels, and refits the best one.

    Parameters
    ----------
    estimator : rectified estimator, default=None
        Of the mean, quantiles, a difference or coefficients. Its `split_ratio` and `cv` are replaced by what is chosen. Its
        `judges` rectify the answer, but plans are of its model alone. None is `RectifiedMeanEstimator()`.
    strategy : {"auto", "split", "cross-fitting"}, default="auto"
        "split" is the paper's method: one training, with the objective that `estimator.recycle` implies.
        "auto" may also cross-fit, rectify without training or use labels alone, and says why in `verdict_`.
    folds : tuple of int, default=(2, 5, 10)
        Numbers of folds that cross-fitting may have.
    max_fits : int, default=5
        Largest number of trainings for the final estimate.
    pilot_cost : float, default=3.0
        What measuring the curve may cost, in units of one training on all labels. Folds of a cross-fitting that is then chosen are not trained again.
    label_cost, training_cost, inference_cost : float, default=1.0, 0.0, 0.0
        Prices of one label, of training on one row and of one prediction, for `plan` and `required_labels`.
    law : {"auto", "power"}, default="auto"
        "power" is the paper's. Curves of networks and language models fall late: "auto" weighs it against other forms by how well each predicts the largest
        sizes.
    n_bootstrap : int, default=200
        Resampled curves, for the uncertainty of the law.
    n_jobs : int, default=None
        Parallel trainings of the learning curve. Does not change any number.
    finite_population : bool, default=False
        True asks about exactly the rows of the fit, labels out of all of them: `estimator` is refitted with `finite_population=True`. False leaves
        that to `estimator`.
    random_state : int, RandomState instance or None, default=None
        Seeds the curve and every `random_state` of `estimator` that is None.
    verbose : int, default=0
        Above 0, show one bar on standard error, with the time that is left: for the learning curve, folds and passes over a pool. In a log, a line for each
        tenth.

    Attributes
    ----------
    law_ : law
        The fitted law of the residual variance; a `ScalingLaw` with `law="power"`, else one or a mean of several, with the same methods.
    law_fit_ : FittedLaw or None
        The same with standard errors, R^2, verdict, band and the weights of forms; None for a frozen model, which learns nothing.
    learning_curve_ : LearningCurve
        What was measured.
    plan_ : Plan
        Every option with its predicted standard error; prints as a table, with the forms of the law.
    best_option_ : Option
        The option that was chosen.
    best_split_ratio_ : float
        s / n of the best split, whether chosen or not; 0 if there is nothing to split for.
    verdict_ : str
        What was chosen, and why; what was reached against what was promised, with a `MissedForecastWarning` where they differ beyond chance.
    best_estimator_ : estimator
        `estimator` refitted on all labels with the chosen option.
    standard_error_, efficiency_, result_, finetune_rows_, out_of_sample_
        Those of `best_estimator_`, and its answers: `mean_`, `quantile_`, `difference_` or `coef_`.
    n_labeled_, n_unlabeled_ : int

    Raises
    ------
    ValueError
        From `fit`: as for `RectifiedMeanEstimator`; labels in fewer than 8 rows, or groups; a `pilot_cost` too small for any curve;
        no option within `max_fits`.

    Notes
    -----
    The law is that of the variance of what the estimate is a mean of: labels less predictions, or the same of their influence
    on a quantile, a difference or a coefficient. For several outputs or coefficients it is that of their mean variance, for which
    coefficients are scaled to count alike. The stop rule: with Gaussian data a tuned lambda can only help if
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

    law_: PlanningLaw
    law_fit_: FittedLaw | None
    learning_curve_: LearningCurve
    outlook_: Outlook
    plan_: Plan
    best_option_: Option
    best_split_ratio_: float
    verdict_: str
    best_estimator_: Any
    finetune_rows_: NDArray[np.bool_]
    out_of_sample_: OutOfSamplePredictions
    n_labeled_: int
    n_unlabeled_: int
    result_: RectifiedResult
    standard_error_: Any
    efficiency_: Any
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "confidence_interval", "_bind"]), None],
        "strategy": [StrOptions(set(STRATEGIES))],
        "folds": [tuple, list],
        "max_fits": [Interval(Integral, 1, None, closed="left")],
        "pilot_cost": [Interval(Real, 0, None, closed="neither")],
        "label_cost": [Interval(Real, 0, None, closed="left")],
        "training_cost": [Interval(Real, 0, None, closed="left")],
        "inference_cost": [Interval(Real, 0, None, closed="left")],
        "law": [StrOptions(set(KINDS))],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "finite_population": BOOLEAN,
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
        law: str = "auto",
        n_bootstrap: int = 200,
        finite_population: bool = False,
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
        self.law = law
        self.n_bootstrap = n_bootstrap
        self.finite_population = finite_population
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        strata: ArrayLike | None = None,
        labeling_probability: ArrayLike | None = None,
        finetune_rows: ArrayLike | None = None,
        pool: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Measure the curve, fit the law, choose, refit, as rows were drawn.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or sequence of n_rows
        y : array-like of shape (n_rows,) or (n_rows, k)
            Labels; NaN marks unlabeled rows.
        sample_weight : array-like of shape (n_rows,), default=None
            How many members of the population each row stands for, as in `fit` of `estimator`.
        groups : array-like of shape (n_rows,), default=None
            Clusters: rows that were drawn, or judged, together. Rows of one cluster never train and test, or rectify, the same model;
            standard errors, predicted and reported, are those of clusters.
        strata : array-like of shape (n_rows,), default=None
            Parts of the population from which rows were drawn, or labeled, separately.
        labeling_probability : array-like of shape (n_rows,), default=None
            Probability with which each row was chosen to be labeled.
        finetune_rows : array-like of bool, shape (n_rows,), default=None
            `finetune_rows_` of an earlier round, extended by False for new rows: a row that has trained never
            rectifies.
        pool : blocks of rows like X, default=None
            More unlabeled rows, as in `fit` of `estimator`.
        checkpoint : path of a folder, default=None
            Where the progress of passes over `pool`, or over collections of dask, is kept, as in `fit` of `estimator`. The learning curve is measured anew.

        Returns
        -------
        self
        """
        sampling = {
            "sample_weight": sample_weight,
            "groups": groups,
            "strata": strata,
            "labeling_probability": labeling_probability,
        }
        with fit_watched(self, X, y, self.estimator) as fitting:
            given = X, y, finetune_rows, sampling, pool, checkpoint
            learned = fitting.learned = self._fit(*given, fitting.hooks)
        replace_learned(self, learned)
        return self

    def _fit(
        self,
        X: Any,
        y: ArrayLike,
        finetune_rows: ArrayLike | None,
        sampling: dict[str, Any],
        pool: Any,
        checkpoint: str | Path | None,
        hooks: FitHooks | None,
    ) -> dict[str, Any]:
        """The fitted attributes; `hooks` are told of the refit."""
        folds, rng = check_folds(self.folds), check_random_state(self.random_state)
        rectified = seeded_clone(self._rectified(), rng)
        if self.finite_population:
            rectified.set_params(finite_population=True)
        given = X, y, pool, checkpoint, finetune_rows, sampling
        rows = RowsOfFit.read(rectified, *given)
        X, labels, always = rows.X, rows.labels, rows.always
        bound = rectified._bind(X, labels)
        trained = always if bound.drawn is None else bound.drawn.whole(always)
        pilot = Pilot(
            self.law,
            self.pilot_cost,
            self.n_bootstrap,
            self.n_jobs,
            rng,
            self.strategy,
            self.max_fits,
        )
        foreseen = pilot.foresee(rectified, X, bound, folds, len(trained))
        plan = foreseen.plan(labels, self._costs())
        choice = choose(plan, foreseen.outlook, self.strategy, self.max_fits, foreseen.law_fit)
        judged = rectified.judges is not None
        choice = choice.beside_judges if judged else choice
        sizes, may_split = sizes_of(bound.labels), not bound.no_split
        rectified.set_params(**parameters_of(choice.option, *sizes, may_split))
        trains = choice.option.n_trainings > 0
        trained_rows = np.isin(np.arange(len(labels.y)), always) if trains and len(always) else None
        made = foreseen.plan_of_folds(choice.option)
        rectified._validate_params()
        with around(None if hooks is None else hooks.part("refit"), rectified):
            best = rectified._fit(X, rows.y, trained_rows, made, rows.pool, **rows.sampling)
        outcome = None if judged else foreseen.outcome(bound, choice.option, best.standard_error_)
        chosen = what_was_chosen(plan, choice, best, labels, always, outcome)
        return rows.columns | foreseen.attributes | chosen

    def _rectified(self) -> Any:
        return RectifiedMeanEstimator() if self.estimator is None else self.estimator
