"""Signals between callbacks and the training loop."""


class StopTraining(Exception):  # noqa: N818 - a signal, like StopIteration
    """Raised by a callback to end training early; skorch's own signal is Ctrl-C's."""


class DivergenceError(Exception):
    """The loss is no number any more."""
