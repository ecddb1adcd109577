"""Pictures of results, fits and plans, in scikit-learn's convention: computed data in, `plot` draws.

Knows numpy only until something is computed or drawn; matplotlib (extra `plot`) is imported by `plot`.
"""

from sklearn_ftr.displays._calibration import CalibrationDisplay
from sklearn_ftr.displays._forest import ForestDisplay
from sklearn_ftr.displays._residuals import ResidualDisplay

__all__ = ["CalibrationDisplay", "ForestDisplay", "ResidualDisplay"]
