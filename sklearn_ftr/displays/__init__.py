"""Pictures of results, fits and plans, in scikit-learn's convention: computed data in, `plot` draws.

Knows numpy only until something is computed or drawn; matplotlib (extra `plot`) is imported by `plot`.
"""

from sklearn_ftr.displays._calibration import CalibrationDisplay
from sklearn_ftr.displays._coverage import CoverageDisplay
from sklearn_ftr.displays._forest import ForestDisplay
from sklearn_ftr.displays._label_budget import LabelBudgetDisplay
from sklearn_ftr.displays._plan import PlanDisplay
from sklearn_ftr.displays._residuals import ResidualDisplay
from sklearn_ftr.displays._scaling_law import ScalingLawDisplay
from sklearn_ftr.displays._sequence import SequenceDisplay

__all__ = [
    "CalibrationDisplay",
    "CoverageDisplay",
    "ForestDisplay",
    "LabelBudgetDisplay",
    "PlanDisplay",
    "ResidualDisplay",
    "ScalingLawDisplay",
    "SequenceDisplay",
]
