"""The fine-tuning loss: the variance of the prediction errors, L = V(y - f(x)).

Wang, Ye and Zhao (2025), arXiv 2511.19486: rectification removes the errors' mean, so their variance is
all that is left in the variance of the final estimate.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn


class VarianceLoss(nn.Module):
    r"""Variance of the prediction errors of a batch.

    Parameters
    ----------
    output_weight : array-like of shape (k,) or (k, k), default=None
        What to minimise for k outputs, with C the covariance matrix of the errors. None: trace(C), the
        sum of the variances. A vector w: w'Cw, the variance of the combination w'e. A symmetric
        positive semidefinite matrix M: trace(MC); diag(d) gives the sum of variances weighted by d.
    correction : float, default=1
        Degrees of freedom that the batch mean costs. 1 makes the batch variance unbiased for the
        population's, whatever the batch size. Unused in the profiled form.
    profiled : bool, default=False
        Replace the batch mean of the errors by a learnable parameter `center`: L(c) = mean((e - c)^2),
        whose minimum over c is the variance. Works for any batch size, one included, and adds up
        correctly when gradients are accumulated. Give the parameters of the loss to the optimizer.
    n_outputs : int, default=1
        Number k of outputs; only the profiled form needs to know it.

    Attributes
    ----------
    center : torch.nn.Parameter of shape (k,)
        The profiled mean error c; only in the profiled form.

    Raises
    ------
    ValueError
        From the constructor: an `output_weight` that is not a vector or a symmetric positive
        semidefinite matrix. From `forward`: shapes of prediction and target that differ, or a batch
        too small to have a variance.

    Notes
    -----
    With weights w and errors e of the rows of a batch, the unprofiled form is the weighted variance

    .. math:: \frac{\sum_i w_i (e_i - \bar e_w)^2}{\sum_i w_i} \cdot \frac{B}{B - correction},
              \qquad B = \frac{(\sum_i w_i)^2}{\sum_i w_i^2},

    which is the usual sample variance for equal weights. Multiplying all weights by a number changes
    nothing. The errors' mean is never learned: re-center the predictor after training.

    Batches must be random samples of the rows. What the rows of a batch have in common (one document, one length) is taken for
    the mean of their errors and not learned: shuffle, or use the profiled form. Only what is no part of the rows, such as the leniency
    of whoever rated a batch, is better not learned (docs/benchmarks.md has both, measured).

    Source: Wang, Ye and Zhao (2025), arXiv 2511.19486, the fine-tuning objective.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ftr import VarianceLoss
    >>> prediction, target = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([11.0, 12.0, 16.0])
    >>> VarianceLoss()(prediction, target).item()  # errors 10, 10, 13
    3.0
    >>> VarianceLoss()(prediction + 100, target).item()  # bias does not count
    3.0
    """

    output_factor: Tensor | None
    center: nn.Parameter

    def __init__(
        self,
        output_weight: ArrayLike | None = None,
        *,
        correction: float = 1,
        profiled: bool = False,
        n_outputs: int = 1,
    ) -> None:
        super().__init__()
        self.correction = correction
        self.profiled = profiled
        factor = None if output_weight is None else _factor(output_weight)
        self.register_buffer("output_factor", factor)
        if profiled:
            self.center = nn.Parameter(torch.zeros(n_outputs))

    def forward(
        self, prediction: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Loss of one batch.

        Parameters
        ----------
        prediction, target : tensor of shape (B,) or (B, k)
            Must have the same shape.
        sample_weight : tensor of shape (B,), default=None
            Non-negative weights of the rows.

        Returns
        -------
        tensor of shape ()
        """
        if prediction.shape != target.shape:
            raise ValueError(
                f"prediction has shape {tuple(prediction.shape)} and target has shape "
                f"{tuple(target.shape)}; expected the same shape, because broadcasting would compare "
                "every row with every other."
            )
        if not len(target):
            raise ValueError("The batch is empty; expected at least one row.")
        errors = (target - prediction).reshape(len(target), -1)
        if self.profiled and errors.shape[1] != len(self.center):
            raise ValueError(
                f"The batch has {errors.shape[1]} outputs and this loss n_outputs={len(self.center)}; expected "
                "the same number."
            )
        shares = None if sample_weight is None else _shares(errors, sample_weight)
        deviations = errors - self._center(errors, shares)
        if self.output_factor is not None:
            deviations = deviations @ self.output_factor.to(deviations)
        mean_square = _mean(deviations.square().sum(dim=1), shares)
        return mean_square * self._inflation(len(errors) if shares is None else _effective(shares))

    @property
    def weight_degree(self) -> int:
        """How many rows' weights each term is a product of.

        A batch variance is half the mean squared difference of pairs of rows, so two: times the squared
        mean weight of the batch it is an unbiased estimate (a U-statistic) of the whole set's weighted
        variance, but for a constant. Sums over single rows have one.
        """
        return 1 if self.profiled else 2

    def _center(self, errors: Tensor, shares: Tensor | None) -> Tensor:
        return self.center if self.profiled else _mean(errors, shares)

    def _inflation(self, rows: float) -> float:
        """B / (B - correction), with B the effective number of rows."""
        if self.profiled or not self.correction:
            return 1.0
        if rows <= self.correction:
            raise ValueError(
                f"A batch of effectively {rows:.3g} row{'s' * (rows != 1)} has no variance; use larger "
                "batches or VarianceLoss(profiled=True)."
            )
        return rows / (rows - self.correction)


class SquaredErrorLoss(VarianceLoss):
    """Mean squared error: the same sum of squares around zero, so that bias counts too."""

    def __init__(self, output_weight: ArrayLike | None = None) -> None:
        super().__init__(output_weight, correction=0)

    @property
    def weight_degree(self) -> int:
        return 1

    def _center(self, errors: Tensor, shares: Tensor | None) -> Tensor:
        return errors.new_zeros(())


def _shares(errors: Tensor, sample_weight: Tensor) -> Tensor:
    """Weights of the rows that sum to one."""
    if sample_weight.shape != errors.shape[:1]:
        raise ValueError(
            f"sample_weight has shape {tuple(sample_weight.shape)}; expected ({len(errors)},): one "
            "weight for each row."
        )
    total = sample_weight.sum()
    if sample_weight.min() < 0 or total == 0:
        raise ValueError("sample_weight must not be negative, nor zero for all rows of a batch.")
    return sample_weight / total


def _mean(rows: Tensor, shares: Tensor | None) -> Tensor:
    return rows.mean(dim=0) if shares is None else shares @ rows


def _effective(shares: Tensor) -> float:
    """How many equal rows the weighted ones are worth."""
    return 1 / float(shares.square().sum())


def _factor(output_weight: Any) -> Tensor:
    """A matrix A with trace(A'CA) equal to the wanted combination of the error covariance C."""
    weight = torch.as_tensor(output_weight, dtype=torch.float64)
    if not weight.isfinite().all():
        raise ValueError("output_weight has NaN or infinite values; expected finite numbers.")
    if weight.ndim == 1:
        return weight[:, None]
    if weight.ndim == 2 and weight.shape[0] == weight.shape[1] and torch.allclose(weight, weight.T):
        values, vectors = torch.linalg.eigh(weight)
        if values.min() >= -1e-10 * values.abs().max():
            return vectors * values.clamp(min=0).sqrt()
    raise ValueError(
        f"output_weight has shape {tuple(weight.shape)}; expected a vector of one weight for each "
        "output or a symmetric positive semidefinite matrix."
    )
