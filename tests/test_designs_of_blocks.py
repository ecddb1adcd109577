"""Sampling designs of pools that are read in blocks and of collections of dask: every answer is that of the same rows in X."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PoolSource,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedLogisticRegression,
    RectifiedMeanEstimator,
    RectifiedPoissonRegression,
    RectifiedQuantile,
)

NAMES = list("abcd")
N, LABELED, IN_X = 1_500, 200, 700
ESTIMANDS = {
    "mean": (RectifiedMeanEstimator, {}, "number"),
    "difference": (RectifiedDifference, {"group": "d"}, "number"),
    "linear": (RectifiedLinearRegression, {"covariates": ["a", "b"]}, "number"),
    "logistic": (RectifiedLogisticRegression, {"covariates": ["a"]}, "share"),
    "poisson": (RectifiedPoissonRegression, {"covariates": ["a"]}, "count"),
    "quantile": (RectifiedQuantile, {"q": [0.3, 0.5]}, "number"),
}
WAYS = {"split": {"split_ratio": 0.3}, "cv": {"cv": 4}}
DESIGNS = {
    "weights": {"sample_weight": "w"},
    "houses": {"groups": "house"},
    "all": {"sample_weight": "w", "groups": "house", "strata": "region"},
    "chosen": {"sample_weight": "w", "labeling_probability": "chance", "groups": "number of house"},
    "strata": {"strata": "region"},
    "population": {},
}
CASES = [(name, way, design) for name in ESTIMANDS for way in WAYS for design in DESIGNS]


@pytest.fixture(scope="module")
def frame():
    """Rows with labels, others, and columns of a design; houses are in one region each, and have rows of both kinds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 4)), columns=NAMES)
    frame["d"] = (frame["d"] > 0).astype(float)
    frame["number"] = frame["a"] - 0.5 * frame["b"] + rng.normal(size=N)
    frame["share"] = (frame["number"] > 0).astype(float)
    frame["count"] = rng.poisson(np.exp(frame["a"] / 2)).astype(float)
    house = rng.integers(0, 300, N)
    frame["number of house"], frame["house"] = house, [f"house {one}" for one in house]
    frame["region"] = np.array(["north", "south", "west"])[house % 3]
    frame["w"], frame["chance"] = rng.uniform(0.3, 3, N), rng.uniform(0.05, 0.2, N)
    frame.loc[rng.permutation(N)[LABELED:], ["number", "share", "count"]] = np.nan
    return frame


def estimator_of(name, way, design):
    cls, parameters, kind = ESTIMANDS[name]
    model = LogisticRegression() if kind == "share" else Ridge()
    finite = design == "population"
    return cls(model, **parameters, **WAYS[way], finite_population=finite, random_state=0), kind


def numbers_of(fit):
    """Numbers, or what the error says."""
    try:
        result = fit().result_
    except ValueError as error:
        return str(error)
    interval = np.ravel(result.confidence_interval())
    numbers = [np.ravel(result.estimate), np.ravel(result.standard_error), interval]
    return np.concatenate([*numbers, np.ravel(result.lambda_), [result.n_unlabeled]])


def assert_same(one, other):
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
    else:
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def mean_estimator():
    return RectifiedMeanEstimator(Ridge(), cv=4, random_state=0)


@pytest.mark.parametrize(("name", "way", "design"), CASES)
def test_collections_of_dask(frame, name, way, design):
    dask = pytest.importorskip("dask")
    dd = pytest.importorskip("dask.dataframe")
    estimator, kind = estimator_of(name, way, design)
    parts = dd.from_pandas(frame, npartitions=3)

    def fit(table):
        columns = {one: table[name] for one, name in DESIGNS[design].items()}
        return clone(estimator).fit(table[NAMES], table[kind], **columns)

    with dask.config.set(scheduler="synchronous"):
        assert_same(numbers_of(lambda: fit(frame)), numbers_of(lambda: fit(parts)))


@pytest.mark.parametrize(("name", "way", "design"), CASES)
@pytest.mark.parametrize("before", [LABELED, IN_X], ids=["labels", "some"])
def test_rows_in_blocks_behind_x(frame, name, way, design, before):
    """Entries of a design are those of X's rows and then those of the pool's."""
    estimator, kind = estimator_of(name, way, design)
    order = np.argsort(frame[kind].isna().to_numpy(), kind="stable")
    rows = frame.iloc[order].reset_index(drop=True)
    columns = {one: rows[name].to_numpy() for one, name in DESIGNS[design].items()}
    X, pool = rows[NAMES].iloc[:before], rows[NAMES].iloc[before:]

    def blocks():
        return (pool.iloc[first : first + 317] for first in range(0, len(pool), 317))

    in_x = numbers_of(lambda: clone(estimator).fit(rows[NAMES], rows[kind], **columns))
    in_blocks = numbers_of(
        lambda: clone(estimator).fit(X, rows[kind].iloc[:before], pool=blocks, **columns)
    )
    assert_same(in_x, in_blocks)


def test_a_pool_in_houses_of_labels_that_have_trained_says_nothing(frame):
    labeled = frame[frame["number"].notna()]
    X, y, house = labeled[NAMES], labeled["number"], labeled["number of house"]
    estimator = RectifiedMeanEstimator(Ridge(), split_ratio=0.3, random_state=0)
    alone = clone(estimator).fit(X, y, groups=house)
    inside = house.isin(house[alone.finetune_rows_])
    groups = np.concatenate([house, house[inside]])
    beside = clone(estimator).fit(X, y, groups=groups, pool=X[inside])
    rows, labels = pd.concat([X, X[inside]]), np.append(y, np.full(inside.sum(), np.nan))
    assert_same(
        numbers_of(lambda: clone(estimator).fit(rows, labels, groups=groups)),
        numbers_of(lambda: beside),
    )
    assert beside.lambda_ == 0


def test_several_judges(frame):
    judges = frame.assign(judge=frame["a"] + 0.2 * frame["c"])
    columns = [*NAMES, "judge"]
    estimator = RectifiedMeanEstimator(Ridge(), cv=4, judges=["judge"], random_state=0)
    rows = judges.iloc[np.argsort(judges["number"].isna().to_numpy(), kind="stable")]
    w = rows["w"].to_numpy()
    in_x = clone(estimator).fit(rows[columns], rows["number"], sample_weight=w)
    X, y = rows[columns].iloc[:IN_X], rows["number"].iloc[:IN_X]
    in_blocks = clone(estimator).fit(X, y, sample_weight=w, pool=rows[columns].iloc[IN_X:])
    assert_same(numbers_of(lambda: in_x), numbers_of(lambda: in_blocks))


def test_the_allocator(frame):
    dask = pytest.importorskip("dask")
    dd = pytest.importorskip("dask.dataframe")
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(Ridge()), n_bootstrap=20, random_state=0
    )
    parts = dd.from_pandas(frame, npartitions=3)

    def fit(table):
        columns = {one: table[name] for one, name in DESIGNS["all"].items()}
        return clone(allocator).fit(table[NAMES], table["number"], **columns)

    with dask.config.set(scheduler="synchronous"):
        in_memory, spread = fit(frame), fit(parts)
    assert_same(numbers_of(lambda: in_memory), numbers_of(lambda: spread))
    curves = [one.learning_curve_.variances for one in (in_memory, spread)]
    np.testing.assert_allclose(*curves, rtol=1e-10)


def test_entries_have_to_be_those_of_all_rows(frame):
    rows = frame.iloc[np.argsort(frame["number"].isna().to_numpy(), kind="stable")]
    X, y, pool = rows[NAMES].iloc[:IN_X], rows["number"].iloc[:IN_X], rows[NAMES].iloc[IN_X:]
    for n in (IN_X, N - 1, N + 1):
        with pytest.raises(ValueError, match=f"{n} entries, X has {IN_X} rows and pool {N - IN_X}"):
            mean_estimator().fit(X, y, sample_weight=np.arange(n) + 1.0, pool=pool)


def test_a_source_that_is_not_counted_has_to_have_as_many_rows_as_entries(frame):
    rows = frame.iloc[np.argsort(frame["number"].isna().to_numpy(), kind="stable")]
    X, y, pool = rows[NAMES].iloc[:IN_X], rows["number"].iloc[:IN_X], rows[NAMES].iloc[IN_X:]
    blocks = [pool.iloc[:300], pool.iloc[300:]]
    w = np.linspace(1, 2, N)
    once = mean_estimator().fit(X, y, sample_weight=w, pool=iter(blocks)).result_
    again = mean_estimator().fit(X, y, sample_weight=w, pool=PoolSource(blocks)).result_
    np.testing.assert_allclose(once.estimate, again.estimate, rtol=1e-12)
    for n in (N - 1, N + 1):
        with pytest.raises(ValueError, match=f"pool has {N - IN_X} (or more )?rows, and {n - IN_X} by"):
            mean_estimator().fit(X, y, sample_weight=np.arange(n) + 1.0, pool=lambda: iter(blocks))


def test_columns_of_other_kinds_or_partitions_are_refused(frame):
    dd = pytest.importorskip("dask.dataframe")
    parts = dd.from_pandas(frame, npartitions=3)
    X, y = parts[NAMES], parts["number"]
    with pytest.raises(TypeError, match="sample_weight is of type Series"):
        mean_estimator().fit(X, y, sample_weight=frame["w"])
    fewer = dd.from_pandas(frame, npartitions=2)["house"]
    with pytest.raises(ValueError, match="3 partitions and groups has 2"):
        mean_estimator().fit(X, y, groups=fewer)
    shorter = dd.from_pandas(frame.iloc[:-100], npartitions=3)["house"]
    with pytest.raises(ValueError, match="A partition of groups has"):
        mean_estimator().fit(X, y, groups=shorter)
    houses = frame["house"].where(frame.index > 1, None)
    with pytest.raises(ValueError, match="groups has 2 missing"):
        mean_estimator().fit(X, y, groups=dd.from_pandas(houses, npartitions=3))
