"""Loaders of the real sets of `real_ratings.py`: ratings with sentence vectors or texts, and judges' answers.

A folder holds text/<file>.csv.gz, llm/<file>.csv.gz and embeddings/<file>.minilm_l6_v2.npz (arrays `emb` and `row`).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

# Name: file, column of the rating.
RATINGS = {
    "EmoBank V": ("emobank", "V"),
    "EmoBank A": ("emobank", "A"),
    "EmoBank D": ("emobank", "D"),
    "tweets": ("vader_tweets", "y"),
    "amazon": ("vader_amazon", "y"),
    "wine points": ("wine_reviews_first10k", "points"),
}
# The set whose ratings train the frozen predictor of each set: other texts, other raters, another scale.
ZERO_SHOT_SOURCE = {
    "EmoBank V": "tweets",
    "EmoBank A": "tweets",
    "EmoBank D": "tweets",
    "tweets": "EmoBank V",
    "amazon": "tweets",
    "wine points": "amazon",
}
# Penalty of ridge regression on the unit-length vectors, fixed beforehand: 1, and 3 where R^2 is below 0.25.
RIDGE_PENALTY = {"EmoBank A": 3.0, "EmoBank D": 3.0}
# Name: file, column of the human label, column of the judge's answer.
JUDGES = {
    "moral machine, GPT-4o": ("moral_machine_llm", "y", "gpt4o"),
    "moral machine, GPT-3.5": ("moral_machine_llm", "y", "gpt35"),
    "iconicity, GPT-4": ("iconicity_gpt4", "y", "gpt4_rating"),
    "simverb, GPT-4": ("simverb_gpt4", "Similarity", "gpt4_rating"),
    "raw-c, GPT-4": ("rawc_relatedness_gpt4", "mean_relatedness", "gpt4_rating"),
    "climate stance, GPT": ("global_warming_stance_gpt", "y", "gpt"),
    "arena, GPT-3.5": ("chatbot_arena_judges", "y_human", "y_gpt35"),
    "arena, GPT-4": ("chatbot_arena_judges", "y_human", "y_gpt4"),
    "arena, Claude 3 Opus": ("chatbot_arena_judges", "y_human", "y_claude3opus"),
    "lmarena": ("lmarena_pairs", "winner", "prediction"),
    "amazon stars, base": ("amazon_stars_base_vs_tuned", "y", "pred_base"),
    "amazon stars, tuned": ("amazon_stars_base_vs_tuned", "y", "pred_tuned"),
}
_SCENARIO = ["ScenarioType", "AttributeLevel", "CrossingSignal", "Review_gender", "Review_education"]
_NOT_FEATURES = ["ResponseID", "UserID", "y", "gpt4o", "gpt35", "text"]


@dataclass(frozen=True)
class RatingSet:
    """A finite population: what predictors see of each row, and its human rating."""

    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class JudgeSet:
    """A finite population with a judge's answer for each row, and features where there are some."""

    judge: np.ndarray
    y: np.ndarray
    features: pd.DataFrame | None


@cache
def load_vectors(folder: Path, name: str) -> RatingSet:
    """Sentence vectors (float64) and ratings of the rows that have vectors; repeated reviews are left out."""
    file, column = RATINGS[name]
    frame, vectors = _with_vectors(folder, "text", file)
    return RatingSet(vectors, frame[column].to_numpy(float))


@cache
def load_texts(folder: Path, name: str) -> RatingSet:
    """The texts of the same rows and their ratings."""
    file, column = RATINGS[name]
    frame, _ = _with_vectors(folder, "text", file)
    return RatingSet(frame["text"].to_numpy(object), frame[column].to_numpy(float))


@cache
def load_judge(folder: Path, name: str) -> JudgeSet:
    """Human labels and the judge's answers where there is one."""
    file, label, answer = JUDGES[name]
    features = None
    if file == "global_warming_stance_gpt":
        frame, vectors = _with_vectors(folder, "llm", file)
        features = pd.DataFrame(vectors).add_prefix("vector_")
    else:
        frame = _read(folder / "llm" / f"{file}.csv.gz")
    if file == "moral_machine_llm":
        features = pd.get_dummies(frame.drop(columns=_NOT_FEATURES), columns=_SCENARIO, dtype=float)
    judge = pd.to_numeric(frame[answer], errors="coerce").to_numpy(float)
    y, known = frame[label].to_numpy(float), np.isfinite(judge)
    if features is not None:
        features = features[known].astype(float).reset_index(drop=True)
    return JudgeSet(judge[known], y[known], features)


def _with_vectors(folder: Path, kind: str, file: str) -> tuple[pd.DataFrame, np.ndarray]:
    frame = _read(folder / kind / f"{file}.csv.gz")
    with np.load(folder / "embeddings" / f"{file}.minilm_l6_v2.npz") as arrays:
        vectors, rows = arrays["emb"].astype(np.float64), arrays["row"]
    frame = frame.iloc[rows].reset_index(drop=True)
    if "dup_text" in frame:
        first = frame["dup_text"].to_numpy() == 0
        frame, vectors = frame[first].reset_index(drop=True), vectors[first]
    return frame, vectors


def _read(path: Path) -> pd.DataFrame:
    # Some words are the strings "null" and "NA".
    return pd.read_csv(path, keep_default_na=False, low_memory=False)
