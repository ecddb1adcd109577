"""Allocation: how many labels for which stage, and how many labels in all.

Pure functions of numbers; the estimator that measures them is in `sklearn_ftr.estimators`.
"""

from sklearn_ftr.allocation._best_option import Option
from sklearn_ftr.allocation._costs import Costs
from sklearn_ftr.allocation._law_curve import LawCurve
from sklearn_ftr.allocation._law_fit import FittedLaw, fit_scaling_law
from sklearn_ftr.allocation._plan import Plan
from sklearn_ftr.allocation._required_labels import RequiredLabels
from sklearn_ftr.allocation._scaling_law import ScalingLaw
from sklearn_ftr.allocation._split_curve import SplitCurve
from sklearn_ftr.allocation._warnings import MissedForecastWarning

__all__ = [
    "Costs",
    "FittedLaw",
    "LawCurve",
    "MissedForecastWarning",
    "Option",
    "Plan",
    "RequiredLabels",
    "ScalingLaw",
    "SplitCurve",
    "fit_scaling_law",
]
