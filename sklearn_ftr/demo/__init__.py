"""The main job from the command line: real human ratings, or a CSV file of the user's own."""

from sklearn_ftr.demo._command_line import main
from sklearn_ftr.demo._features import table_features, text_features

__all__ = ["main", "table_features", "text_features"]
