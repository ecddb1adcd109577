"""The main job from the command line: real human ratings, or a CSV file of the user's own."""

from sklearn_ftr.demo._command_line import main

__all__ = ["main"]
