"""Pictures of results, fits and plans, in scikit-learn's convention: computed data in, `plot` draws.

Knows numpy only until something is computed or drawn; matplotlib (extra `plot`) is imported by `plot`.
"""

from sklearn_ftr.displays._forest import ForestDisplay

__all__ = ["ForestDisplay"]
