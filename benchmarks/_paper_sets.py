"""Sets of `paper.py`: ratings beside texts or beside sentence vectors, and the predictors that suit each.

A folder holds text/<file>.csv.gz. Vectors are in <file>.<model>.npz (arrays `emb`, of shape (rows, d), and `row`, the rows of the
table that they belong to), in a folder of their own.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_ftr import TextVarianceRegressor

SETS = {
    "EmoBank V": ("emobank", "V"),
    "wine points": ("wine_reviews_first10k", "points"),
    "amazon": ("vader_amazon", "y"),
    "tweets": ("vader_tweets", "y"),
}
VECTORS = {
    "minilm": ("minilm_l6_v2",),
    "mpnet": ("mpnet_base_v2",),
    "both": ("minilm_l6_v2", "mpnet_base_v2"),
}
PENALTIES = np.logspace(-1, 2, 10)


@dataclass(frozen=True)
class Population:
    """Rows of a set: what predictors see of each, and its rating. Its mean and variance are what draws are held to."""

    X: Any
    y: np.ndarray


@cache
def population(data: Path, name: str, vectors: Path | None = None, model: str = "both") -> Population:
    """Texts and ratings, or sentence vectors (float32, encoders side by side) and ratings; no repeated texts."""
    file, column = SETS[name]
    frame = pd.read_csv(data / "text" / f"{file}.csv.gz", keep_default_na=False, low_memory=False)
    rows = np.arange(len(frame)) if vectors is None else _rows(vectors, file)
    kept = _first_of_equals(frame.iloc[rows])
    frame = frame.iloc[rows][kept]
    X = frame["text"].to_numpy(object) if vectors is None else _vectors(vectors, file, model)[kept]
    return Population(X, frame[column].to_numpy(float))


def _first_of_equals(frame: pd.DataFrame) -> np.ndarray:
    if "dup_text" in frame:
        return frame["dup_text"].to_numpy() == 0
    return np.ones(len(frame), dtype=bool)


def _rows(folder: Path, file: str) -> np.ndarray:
    with np.load(folder / f"{file}.minilm_l6_v2.npz") as arrays:
        return arrays["row"]


def _vectors(folder: Path, file: str, model: str) -> np.ndarray:
    blocks = []
    for encoder in VECTORS[model]:
        with np.load(folder / f"{file}.{encoder}.npz") as arrays:
            if not np.array_equal(arrays["row"], _rows(folder, file)):
                raise ValueError(f"{file}.{encoder}.npz has vectors of other rows than minilm_l6_v2's.")
            blocks.append(arrays["emb"].astype(np.float32))
    return np.hstack(blocks)


def on_vectors(predictor: str, loss: str = "variance") -> Any:
    """A predictor on unit-length vectors. Least squares with an intercept is the variance loss; without, MSE on raw ratings."""
    ridge = _RememberedRidge(PENALTIES, fit_intercept=loss == "variance")
    # Each coordinate of unit variance, the kernel as wide as the vectors are long.
    machine = make_pipeline(StandardScaler(), _CentredSVR(gamma="scale", C=1.0))
    averaged = VotingRegressor([("ridge", ridge), ("svr", machine)])
    return {"ridge": ridge, "svr": machine, "ridge+svr": averaged}[predictor]


class _RememberedRidge(RidgeCV):
    """Fitted once to the same rows: answers of the law and of the rows at hand train the same models."""

    fits: ClassVar[dict[tuple[Any, ...], dict[str, Any]]] = {}

    def fit(self, X, y, sample_weight=None):
        if sample_weight is not None:
            return super().fit(X, y, sample_weight)
        key = (
            self.fit_intercept,
            *self.alphas,
            *(sha256(np.ascontiguousarray(part)).digest() for part in (X, y)),
        )
        if key not in self.fits:
            if len(self.fits) >= 100:
                self.fits.clear()
            self.fits[key] = vars(super().fit(X, y)).copy()
        vars(self).update(self.fits[key])
        return self


class _CentredSVR(SVR):
    """Support vector regression of ratings in units of their own spread, so that one C and epsilon suit every scale."""

    def fit(self, X, y, sample_weight=None):
        self.center_, self.scale_ = float(np.mean(y)), float(np.std(y)) or 1.0
        return super().fit(X, (y - self.center_) / self.scale_, sample_weight)

    def predict(self, X):
        return self.center_ + self.scale_ * super().predict(X)


def on_texts(model: str, method: str, device: str, loss: str = "variance") -> TextVarianceRegressor:
    """A language model that is fine-tuned."""
    return TextVarianceRegressor(model, method=method, device=device, criterion=loss)
