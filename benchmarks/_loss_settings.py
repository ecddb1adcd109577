"""Settings of `losses.py`: rows, and what is trained on them under each criterion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from _rating_sets import _read, _with_vectors, load_vectors

from sklearn_ftr import VarianceLoss, VarianceRegressor
from sklearn_ftr.finetuning._mlp import MLP
from sklearn_ftr.finetuning._torch_state import seeded_torch
from sklearn_ftr.finetuning._variance_loss import SquaredErrorLoss

EPOCHS = 20
MOST_TESTED = 3000
SETS = ("EmoBank V", "tweets", "wine points")
LONG = ("EmoBank V", "wine points")
VARIANCE, PROFILED, CENTERED, MSE = "variance", "profiled", "centered MSE", "MSE"
RAW_VARIANCE, SHIFTED_MSE = "variance, raw", "MSE, mean subtracted"
SHUFFLED_VARIANCE, SHUFFLED_MSE = "variance, shuffled", "centered MSE, shuffled"
LESS_MEANS = "variance, shuffled, batch means subtracted"
PLAIN = {VARIANCE: "variance", CENTERED: "centered_mse", PROFILED: "profiled_variance"}
RAW = {MSE: "mse", RAW_VARIANCE: partial(VarianceLoss, correction=0)}

Array = np.ndarray
Fit = Callable[[Array, Array, int], Any]


@dataclass(frozen=True)
class Case:
    """s rows that train, and how each criterion makes a model with `predict` of them.

    `order` has a number for each row: those that train are sorted by it. `drift` is added to the sorted ratings that
    train, never to those that test.
    """

    setting: str
    name: str
    X: Array
    y: Array
    s: int
    fits: Mapping[str, Fit]
    order: Array | None = None
    drift: Array | float = 0.0

    def measure(self, criterion: str, seed: int) -> dict[str, float]:
        """Variances of ratings, errors and errors after the best lambda, of rows that have not trained."""
        rows = np.random.default_rng(seed).permutation(len(self.y))
        train, test = rows[: self.s], rows[self.s : self.s + MOST_TESTED]
        if self.order is not None:
            train = train[np.argsort(self.order[train], kind="stable")]
        model = self.fits[criterion](self.X[train], self.y[train] + self.drift, seed)
        y, f = self.y[test], model.predict(self.X[test])
        correlation = np.corrcoef(y, f)[0, 1] if np.std(f) > 0 else 0.0
        total = y.var(ddof=1)
        tuned = total * (1 - correlation**2)
        return {"total": total, "variance": (y - f).var(ddof=1), "tuned": tuned}


def regressors(criteria: Mapping[str, Any], **settings: Any) -> dict[str, Fit]:
    """`VarianceRegressor` with each criterion."""
    return {name: partial(_regress, one, settings) for name, one in criteria.items()}


def _regress(criterion: Any, settings: dict[str, Any], X: Array, y: Array, seed: int) -> Any:
    options = {"max_epochs": EPOCHS} | settings
    return VarianceRegressor(criterion=criterion, random_state=seed, **options).fit(X, y)


def _shifted(settings: dict[str, Any], X: Array, y: Array, seed: int) -> Any:
    return _regress("mse", settings, X, y - y.mean(), seed)


# Ordinary: standardized targets, shuffled rows.


def ordinary(data):
    """Batches of 64 by size of the training set, then smaller batches."""
    for name in SETS:
        rated = load_vectors(data, name)
        for s in (100, 300, 1000):
            yield Case("ordinary", f"{name}, s = {s:,}", rated.X, rated.y, s, regressors(PLAIN))


def small_batches(data):
    """Batches of 8 or 32 of 320 shuffled rows."""
    for name in SETS:
        rated = load_vectors(data, name)
        for size in (8, 32):
            fits = regressors(PLAIN, batch_size=size)
            yield Case("small batches", f"{name}, batches of {size}", rated.X, rated.y, 320, fits)


# Raw scales.


def raw_scales(data):
    """Ratings in units of their own, 300 rows; two sets also with five times the epochs."""
    for name, (X, y) in _raw_sets(data).items():
        for epochs in (EPOCHS, 5 * EPOCHS) if name in LONG else (EPOCHS,):
            settings = {"max_epochs": epochs}
            chosen = {name: PLAIN[name] for name in (VARIANCE, CENTERED)}
            fits = regressors(chosen | RAW, **settings) | {SHIFTED_MSE: partial(_shifted, settings)}
            yield Case("raw scales", f"{name}, {epochs} epochs", X, y, 300, fits)


def _raw_sets(data):
    texts = {name: (load_vectors(data, name).X, load_vectors(data, name).y) for name in SETS}
    return {**texts, "points by price and country": wine(data), "price in cents": wine_price(data)}


@cache
def wine_table(data):
    """Wines of at most $100, numbers standardized and countries and varieties as indicators."""
    frame = _read(data / "tabular" / "wine_points_130k.csv.gz")
    frame["price"] = pd.to_numeric(frame["price"], errors="coerce")
    frame = frame[frame["price"] <= 100]
    kinds = [_indicators(frame[column], 10) for column in ("country", "variety")]
    return frame["points"].to_numpy(float), frame["price"].to_numpy(float), np.hstack(kinds)


def _indicators(column, most):
    common = column.value_counts().index[:most]
    return np.column_stack([column == value for value in common]).astype(float)


def wine(data):
    """Points by price, country and variety."""
    points, price, kinds = wine_table(data)
    return np.column_stack([_standard(np.log(price)), kinds]), points


def wine_price(data):
    """Price in cents by points, country and variety."""
    points, price, kinds = wine_table(data)
    return np.column_stack([_standard(points), kinds]), 100 * price


def _standard(x):
    return (x - x.mean()) / x.std()


# Biased starts.


def biased_starts(data):
    """100 rows and 2, 10 or 40 steps of a network that has learned elsewhere."""
    chosen = {name: PLAIN[name] for name in (VARIANCE, CENTERED)} | {MSE: "mse"}
    for name, (X, y, weights) in _starts(data).items():
        for epochs in (1, 5, EPOCHS):
            fits = regressors(chosen, max_epochs=epochs, weights=weights)
            yield Case("biased starts", f"{name}, {2 * epochs} steps", X, y, 100, fits)


def _starts(data):
    """Rows, ratings and pretrained weights: from the other half of a set, with an error, or from another set."""
    X, y, kinds = emobank(data)
    leniency = np.random.default_rng(1).normal(size=kinds.max() + 1)[kinds]
    both = np.hstack([X, np.eye(kinds.max() + 1)[kinds]])
    found = {f"EmoBank V, off by {c} SD": half_learned(X, y, -c * y.std()) for c in (0, 1, 3)}
    found["EmoBank V, off by 1 SD of each kind"] = half_learned(both, y, leniency * y.std())
    for name, source in (("EmoBank V", "tweets"), ("wine points", "amazon")):
        weights = learned(*_vectors(data, source))
        found[f"{name}, from {source}"] = (*_vectors(data, name), weights)
    return found


def half_learned(X, y, error):
    """Half of the rows, and what a network learns of the other half, whose ratings are off."""
    order = np.random.default_rng(0).permutation(len(y))
    source, rest = np.array_split(order, 2)
    return X[rest], y[rest], learned(X[source], (y + error)[source])


def learned(X, y):
    """State of a network whose outputs are in units of y."""
    model = VarianceRegressor(max_epochs=EPOCHS, random_state=0).fit(X, y)
    last = list(model.net_.module_.layers)[-1]
    with torch.no_grad():
        last.weight *= model.scale_
        last.bias.copy_(last.bias * model.scale_ + torch.as_tensor(model.offset_))
    return model.net_.module_.state_dict()


def emobank(data):
    """Vectors, valence and kind of document (0 to 6)."""
    frame, X = _with_vectors(data, "text", "emobank")
    return X, frame["V"].to_numpy(float), pd.factorize(frame["category"], sort=True)[0]


def _vectors(data, name):
    rated = load_vectors(data, name)
    return rated.X, rated.y


# Drifting batches: the rows of a batch are always the same and have something in common.


class Centred:
    """A network trained batch by batch, with errors that have mean zero."""

    def __init__(self, module: torch.nn.Module, X: Array, y: Array) -> None:
        self.module, self.offset = module, 0.0
        self.offset = float(np.mean(y - self.predict(X)))

    def predict(self, X: Array) -> Array:
        """Predictions (n,)."""
        with torch.inference_mode():
            return self.module(torch.as_tensor(X))[:, 0].numpy() + self.offset


def batched(size: int, in_time: bool) -> dict[str, Fit]:
    """Losses on batches of consecutive rows, then two rivals whose batches are shuffled rows."""
    made = {
        VARIANCE: partial(VarianceLoss, correction=0),
        PROFILED: partial(VarianceLoss, profiled=True),
        CENTERED: SquaredErrorLoss,
    }
    shuffled = {SHUFFLED_VARIANCE: "variance", SHUFFLED_MSE: "centered_mse"}
    fits = {name: partial(_on_batches, loss, size, in_time) for name, loss in made.items()}
    return fits | regressors(shuffled, batch_size=size)


def _on_batches(make: Any, size: int, in_time: bool, X: Array, y: Array, seed: int) -> Centred:
    """A plain loop with the settings of `VarianceRegressor`, but for what is in a batch."""
    targets = torch.as_tensor(_standard(y))[:, None]
    parts = np.array_split(np.arange(len(y)), len(y) // size)
    batches = [(torch.as_tensor(X)[rows], targets[rows]) for rows in parts]
    with seeded_torch(seed, torch.device("cpu")):
        module = MLP(X.shape[1]).double()
        _train(module, make().double(), batches, in_time)
    return Centred(_in_units(module, y.std()), X, y)


def _train(module: MLP, loss: torch.nn.Module, batches: Any, in_time: bool) -> None:
    optimizer = _optimizer(module, loss)
    for _ in range(EPOCHS):
        for batch in range(len(batches)) if in_time else torch.randperm(len(batches)):
            features, rated = batches[batch]
            optimizer.zero_grad()
            loss(module(features), rated).backward()
            optimizer.step()


def _less_means(size: int, X: Array, y: Array, seed: int) -> Any:
    """Shuffled batches of ratings from which the mean of each batch has been subtracted."""
    parts = np.array_split(y, len(y) // size)
    return _regress(
        "variance", {"batch_size": size}, X, np.hstack([part - part.mean() for part in parts]), seed
    )


def _optimizer(module: torch.nn.Module, loss: torch.nn.Module) -> torch.optim.Optimizer:
    groups: list[dict[str, Any]] = [{"params": list(module.parameters()), "weight_decay": 1.0}]
    center = list(loss.parameters())
    groups += [{"params": center, "lr": 1e-2, "weight_decay": 0.0}] if center else []
    return torch.optim.AdamW(groups, lr=1e-3)


def _in_units(module: MLP, scale: float) -> MLP:
    with torch.no_grad():
        for parameter in module.layers[-1].parameters():
            parameter *= scale
    return module


def sorted_batches(data):
    """Batches of rows that are alike: the mean of a batch tells something about ratings."""
    X, y, kinds = emobank(data)
    table, points = wine(data)
    reviews, rated, lengths = _reviews(data)
    sets = {
        "EmoBank V by kind of document": (X, y, kinds),
        "wine points by length of the review": (reviews, rated, lengths),
        "points by price, sorted by price": (table, points, table[:, 0]),
    }
    for name, (features, ratings, order) in sets.items():
        for size in (8, 32):
            label = f"{name}, batches of {size}"
            yield Case(
                "sorted batches", label, features, ratings, 320, batched(size, in_time=False), order
            )


def _reviews(data):
    frame, _ = _with_vectors(data, "text", "wine_reviews_first10k")
    return *_vectors(data, "wine points"), frame["text"].str.len().to_numpy()


def drifting_raters(data):
    """Batches of 32 in order of time, while raters, not rows, drift."""
    for name in ("EmoBank V", "wine points"):
        X, y = _vectors(data, name)
        time = np.linspace(-np.sqrt(3), np.sqrt(3), 320) * y.std()
        for drift in (1, 3):
            label = f"{name}, drift of {drift} SD"
            fits = batched(32, in_time=True) | {LESS_MEANS: partial(_less_means, 32)}
            yield Case("drifting raters", label, X, y, 320, fits, drift=drift * time)


SETTINGS = {
    "ordinary": ordinary,
    "small batches": small_batches,
    "raw scales": raw_scales,
    "biased starts": biased_starts,
    "sorted batches": sorted_batches,
    "drifting raters": drifting_raters,
}
