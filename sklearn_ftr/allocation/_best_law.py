"""The law that fits a curve, the power law alone or the forms chosen: what a fit asks of either."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_ftr.allocation._forms import POWER, SHIFTED
from sklearn_ftr.allocation._law import Array
from sklearn_ftr.allocation._law_choice import TRAINING_LUCK, Chosen
from sklearn_ftr.allocation._power_fit import is_shifted, met, scatter_of
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.rectification._scipy import chdtrc

_LEVEL = 0.01  # of the test of fit: one curve in a hundred is called odd that is not
_WORTH_SAYING = 0.1  # relative
_SMALLEST = 1e-300  # error; of a curve without noise, whose errors are all alike


@dataclass(frozen=True)
class Best(ABC):
    """The best law, and the best power law."""

    power: ScalingLaw

    @property
    @abstractmethod
    def law(self) -> Any:
        """What is used."""

    @property
    @abstractmethod
    def weights(self) -> dict[str, float]:
        """Of forms by their names."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Of the form with the largest weight."""

    @abstractmethod
    def scatter(self, s: Array, v: Array, errors: Array) -> float:
        """Scale of standard errors that were only proportional."""

    @abstractmethod
    def versions(self, s: Array, curves: Array, errors: Array) -> tuple[list[Any], list[ScalingLaw]]:
        """Laws and power laws of other curves."""

    def misfit(self, s: Array, v: Array, errors: Array) -> str:
        """Where the law misses the curve by more than errors and the luck of trainings allow; empty if nowhere.

        Sizes are tested on the same rows, so that their errors rise and fall together; taken as independent they are larger beside a law than they
        ought to be, and what is called a misfit is one.
        """
        of_law = met(s, self.power)
        s, v, errors = s[of_law], v[of_law], errors[of_law]
        fitted = self.law.predict(s)
        z = (v - fitted) / np.hypot(errors, TRAINING_LUCK * v)
        off = np.divide(fitted - v, v, out=np.zeros_like(v), where=v > 0)
        at = int(np.argmax(np.abs(z)))
        degrees = len(s) - self.n_parameters
        if degrees < 1 or chdtrc(degrees, z @ z) > _LEVEL or abs(off[at]) < _WORTH_SAYING:
            return ""
        return f", but not as the law says: it is off by {100 * off[at]:+.0f} % at {s[at]:g} labels"


@dataclass(frozen=True)
class PowerAlone(Best):
    """The paper's law."""

    @property
    def law(self) -> ScalingLaw:
        """The power law."""
        return self.power

    @property
    def weights(self) -> dict[str, float]:
        """One."""
        return {POWER.name: 1.0}

    @property
    def n_parameters(self) -> int:
        """a, b and alpha, and perhaps s0."""
        return 3 + (self.power.s0 > 0)

    def scatter(self, s: Array, v: Array, errors: Array) -> float:
        """Around the power law."""
        return scatter_of(s, v, errors, self.power)

    def versions(self, s: Array, curves: Array, errors: Array) -> tuple[list[Any], list[ScalingLaw]]:
        """Power laws."""
        laws = powers_of(s, curves, errors, self.power)
        return laws, laws


@dataclass(frozen=True)
class ChosenForms(Best):
    """One form or several."""

    chosen: Chosen

    @property
    def law(self) -> Any:
        """The one, or the mean of several."""
        return self.chosen.law

    @property
    def weights(self) -> dict[str, float]:
        """Those that count."""
        return self.chosen.named

    @property
    def n_parameters(self) -> int:
        """Of the first."""
        return self.chosen.n_parameters

    def scatter(self, s: Array, v: Array, errors: Array) -> float:
        """Around the closest form."""
        return self.chosen.scatter

    def versions(self, s: Array, curves: Array, errors: Array) -> tuple[list[Any], list[ScalingLaw]]:
        """Of the forms in proportion to their weights; power laws beside them."""
        powers, of_law = powers_of(s, curves, errors, self.power), met(s, self.power)
        errors = np.maximum(errors, _SMALLEST)
        return self.chosen.versions(s[of_law], curves[:, of_law], errors[of_law]), powers


def powers_of(s: Array, curves: Array, errors: Array, law: ScalingLaw) -> list[Any]:
    """Laws of the form of `law`, fitted to other curves, all at once."""
    of_law, form = met(s, law), SHIFTED if is_shifted(s, law) else POWER
    return form.fit(s[of_law], curves[:, of_law], np.maximum(errors[of_law], _SMALLEST))
