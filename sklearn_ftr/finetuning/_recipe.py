"""How texts are fine-tuned where the user says nothing, as measured in docs/benchmarks.md."""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

from sklearn_ftr.finetuning._rows import n_batches

BATCHES = {"head": 16, "lora": 16, "full": 32}
_EPOCHS = {"head": 30, "lora": 5, "full": 5}
# A few labels are to be read more often than many: five epochs of five batches leave a model as it was.
_FEWEST_STEPS = 100
_HEAD_RATE = 3e-4
_RATES = {"head": 3e-4, "lora": 3e-4, "full": 2e-4}
# The rate of all weights is for a model of this width. In a wider one more small steps add up, so that its rate is smaller in
# proportion (Yang et al. 2022, arXiv 2203.03466).
_WIDTH = 384


class LearningRates(NamedTuple):
    """Their maxima: of what is pretrained, and of the head, which is not and has to keep up."""

    body: float
    head: float


def learning_rates(method: str, given: float | None, config: Any) -> LearningRates:
    """Those of a method for a model with this configuration, or the one that the user has given."""
    body = _default_rate(method, config) if given is None else given
    return LearningRates(body, body if method == "head" else max(body, _HEAD_RATE))


def n_epochs(method: str, n_rows: int, batch_size: int, accumulate_batches: int) -> int:
    """As many as make the fewest steps, or those of the method if they are more."""
    steps = ceil(n_batches(n_rows, batch_size) / accumulate_batches)
    return max(_EPOCHS[method], ceil(_FEWEST_STEPS / steps))


def _default_rate(method: str, config: Any) -> float:
    width = getattr(config.get_text_config(), "hidden_size", _WIDTH)
    return _RATES[method] * (min(1.0, _WIDTH / width) if method == "full" else 1.0)
