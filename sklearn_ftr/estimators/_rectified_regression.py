"""Fine-tuning then rectification of regression coefficients: what the regressions have in common."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_ftr._sklearn_private import BOOLEAN, StrOptions
from sklearn_ftr.estimators._bound_estimand import StageTwoSettings
from sklearn_ftr.estimators._bound_regression import BoundRegression, Regression
from sklearn_ftr.estimators._covariates import fit_part, has_one_dimension, read_covariates
from sklearn_ftr.estimators._design_weights import design_weights
from sklearn_ftr.estimators._label_scale import SCALES
from sklearn_ftr.estimators._labels import PartialLabels, one_column
from sklearn_ftr.estimators._rectified_estimator import RectifiedEstimator
from sklearn_ftr.rectification._checks import Array
from sklearn_ftr.rectification._dask_collections import check_in_memory
from sklearn_ftr.rectification._design import Design
from sklearn_ftr.rectification._families import FAMILIES
from sklearn_ftr.rectification._generalized_linear import GeneralizedLinear
from sklearn_ftr.rectification._regression_data import check_enough_rows


class RectifiedRegression(RectifiedEstimator):
    """Base of the regressions; `family` is a key of FAMILIES and SCALES."""

    family: ClassVar[str]
    coef_: Array
    intercept_: float
    coefficients_: Array
    coefficient_names_: NDArray[Any]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **RectifiedEstimator._parameter_constraints,
        "covariates": "no_validation",
        "fit_intercept": BOOLEAN,
        "coefficient": [Integral, str, None],
        "finetune_weights": BOOLEAN,
        "power_tuning": [*BOOLEAN, StrOptions({"overall"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        covariates: Any = None,
        fit_intercept: bool = True,
        coefficient: int | str | None = None,
        finetune_weights: bool = False,
        split_ratio: float = 0.2,
        cv: Any = None,
        train_weights: bool | str = False,
        power_tuning: bool | str = True,
        recycle: bool = True,
        pool_prediction: str = "average",
        finite_population: bool = False,
        judges: Any = None,
        missing_judgements: str = "refuse",
        confidence_level: float = 0.95,
        interval: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.covariates = covariates
        self.fit_intercept = fit_intercept
        self.coefficient = coefficient
        self.finetune_weights = finetune_weights
        self.split_ratio = split_ratio
        self.cv = cv
        self.train_weights = train_weights
        self.power_tuning = power_tuning
        self.recycle = recycle
        self.pool_prediction = pool_prediction
        self.finite_population = finite_population
        self.judges = judges
        self.missing_judgements = missing_judgements
        self.confidence_level = confidence_level
        self.interval = interval
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X: Any) -> Array:
        """The regression's fitted means.

        Parameters
        ----------
        X : as in `fit`
            Only the covariates are looked at.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self, "result_")
        return self._answer_.predict(self._new_rows(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.covariates is None:  # which may not have NaN, whatever the predictor can do
            tags.input_tags.allow_nan = False
        return tags

    def _bind(self, X: Any, labels: PartialLabels) -> BoundRegression:
        labels, family = one_column(labels), FAMILIES[self.family]
        scale = SCALES[self.family].of(labels.of_labeled_rows, family)
        reader = fit_part(self.covariates, X)
        rows, names = self._read_coefficients(reader, X)
        m = len(names) + 1 if labels.more else len(labels.unlabeled)
        check_enough_rows(len(labels.labeled), m, len(names))
        chosen = self._coefficients_of_interest(names)
        # Collinear covariates are an error before anything is trained.
        sample = Design(rows[labels.labeled], self.fit_intercept)
        estimand = GeneralizedLinear.of(family, names, sample)
        return BoundRegression(
            labels,
            StageTwoSettings.of(self),
            self.pool_prediction == "average",
            Regression(reader, estimand, scale, chosen),
            estimand.seen(rows),
            self.finetune_weights,
            design_weights=design_weights(self, labels),
        )

    def _read_coefficients(self, reader: Any, X: Any) -> tuple[NDArray[np.floating], tuple[str, ...]]:
        """Covariates of all rows (n_rows, d), and the names (k,) of all coefficients."""
        rows, names = read_covariates(reader, X)
        names = ("intercept",) * bool(self.fit_intercept) + names
        if not names:
            raise ValueError(
                "covariates names no column and fit_intercept is False; expected something to estimate."
            )
        return rows, names

    def _coefficients_of_interest(self, names: tuple[str, ...]) -> list[int]:
        if self.coefficient is None:
            return list(range(len(names)))
        first = int(self.fit_intercept)
        if names.count(self.coefficient) == 1:
            return [names.index(self.coefficient)]
        if not isinstance(self.coefficient, str | bool) and 0 <= self.coefficient < len(names) - first:
            return [first + int(self.coefficient)]
        raise ValueError(
            f"coefficient is {self.coefficient!r}; expected one of {list(names)}, if no other has its name, or a position "
            "in coef_."
        )

    def _new_rows(self, X: Any) -> Any:
        """Rows with the columns of the fit."""
        check_in_memory(X)
        if hasattr(self, "n_features_in_") and has_one_dimension(X):
            raise ValueError(
                f"X has one dimension; expected {self.n_features_in_} features. Reshape your data."
            )
        validate_data(self, X, reset=False, skip_check_array=True)
        return super()._new_rows(X)
