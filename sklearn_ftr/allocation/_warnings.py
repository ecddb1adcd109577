"""Warnings of plans."""


class MissedForecastWarning(UserWarning):
    """The standard error that was reached is another than the plan promised, by more than chance and the law's uncertainty explain."""
