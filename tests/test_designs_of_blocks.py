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
    SamplingDesign,
    rectify_mean,
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


# Rows of X are those with labels, or some others, too: each in half of the cases of every estimand, way and design.
BEFORE = [(LABELED, IN_X)[(number + number // len(DESIGNS)) % 2] for number in range(len(CASES))]


@pytest.mark.parametrize(
    ("name", "way", "design", "before"),
    [(*case, before) for case, before in zip(CASES, BEFORE, strict=True)],
)
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


def labeled_first(frame):
    rows = frame.iloc[np.argsort(frame["number"].isna().to_numpy(), kind="stable")]
    return rows.reset_index(drop=True)


def test_entries_of_other_rows_are_refused_by_their_index(frame):
    rows = labeled_first(frame)
    X, y, pool = rows[NAMES].iloc[:IN_X], rows["number"].iloc[:IN_X], rows[NAMES].iloc[IN_X:]
    mean_estimator().fit(X, y, pool=pool, sample_weight=rows["w"])
    with pytest.raises(ValueError, match="different indexes"):
        mean_estimator().fit(X, y, pool=pool, sample_weight=rows["w"].sample(frac=1, random_state=0))


@pytest.mark.parametrize("columns", [{"sample_weight": "w"}, {"groups": "house"}, {}])
def test_a_pool_of_no_rows(frame, columns):
    labeled = labeled_first(frame).iloc[:LABELED]
    X, y = labeled[NAMES], labeled["number"]
    given = {name: labeled[one] for name, one in columns.items()}
    alone = numbers_of(lambda: mean_estimator().fit(X, y, **given))
    for pool in (X[:0], lambda: iter([])):
        assert_same(alone, numbers_of(lambda pool=pool: mean_estimator().fit(X, y, pool=pool, **given)))
    dd = pytest.importorskip("dask.dataframe")
    parts = dd.from_pandas(labeled, npartitions=2)
    given = {name: parts[one] for name, one in columns.items()}
    spread = numbers_of(lambda: mean_estimator().fit(parts[NAMES], parts["number"], **given))
    assert_same(alone, spread)


def test_rows_that_train_in_any_case_may_be_marked_in_a_collection(frame):
    dd = pytest.importorskip("dask.dataframe")
    marked = frame.assign(trains=frame["number"].notna() & (frame["number of house"] < 40))
    parts = dd.from_pandas(marked, npartitions=3)
    estimator = RectifiedMeanEstimator(Ridge(), split_ratio=0.4, random_state=0)
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(Ridge()), n_bootstrap=20, random_state=0
    )
    for one in (estimator, allocator):
        in_memory, spread = (
            clone(one).fit(table[NAMES], table["number"], finetune_rows=table["trains"])
            for table in (marked, parts)
        )
        np.testing.assert_allclose(
            in_memory.result_.estimate, spread.result_.estimate, rtol=1e-10, atol=1e-12
        )
    everything = dd.from_pandas(marked.assign(trains=True), npartitions=3)["trains"]
    with pytest.raises(ValueError, match=f"marks {N - LABELED} rows without a label"):
        clone(estimator).fit(parts[NAMES], parts["number"], finetune_rows=everything)


def test_new_rows_are_rows_in_memory(frame):
    dd = pytest.importorskip("dask.dataframe")
    parts = dd.from_pandas(frame, npartitions=3)
    for cls, more in ((RectifiedMeanEstimator, {}), (RectifiedLinearRegression, {"covariates": ["a"]})):
        fitted = cls(Ridge(), random_state=0, **more).fit(frame[NAMES], frame["number"])
        for ask in (
            lambda one: one.predict(parts[NAMES]),
            lambda one: one.score(parts[NAMES], parts["number"]),
        ):
            with pytest.raises(TypeError, match="expected rows in memory"):
                ask(fitted)


def test_rows_in_x_and_in_blocks_whose_progress_is_kept(frame, tmp_path):
    rows = labeled_first(frame)
    X, y, pool = rows[NAMES].iloc[:IN_X], rows["number"].iloc[:IN_X], rows[NAMES].iloc[IN_X:]
    blocks = [pool.iloc[:300], pool.iloc[300:]]
    in_x = mean_estimator().fit(rows[NAMES], rows["number"], sample_weight=rows["w"].to_numpy())
    for columns in ({}, {"sample_weight": rows["w"].to_numpy()}):
        for _ in range(2):
            kept = PoolSource(blocks, checkpoint=tmp_path)
            fitted = mean_estimator().fit(X, y, pool=kept, **columns)
            assert fitted.n_unlabeled_ == N - LABELED
    assert_same(numbers_of(lambda: in_x), numbers_of(lambda: fitted))


# Numbers


def pool_mean(f, w):
    """Weighted mean, and its variance from rows about it."""
    mean = np.average(f, weights=w)
    totals = w * (f - mean)
    m = np.count_nonzero(w)
    return mean, (totals @ totals) * m / (m - 1) / w.sum() ** 2


@pytest.mark.parametrize("large", [1e4, 1e8, 1e10])
@pytest.mark.parametrize("weight", [0.0, 1e-30])
def test_a_row_that_weighs_nothing_does_not_matter(large, weight):
    """Wherever it is, and however large."""
    rng = np.random.default_rng(0)
    f, pool, w = rng.normal(size=100), rng.normal(size=1_000), rng.uniform(0.5, 3, size=1_000)
    y = f + 0.3 * rng.normal(size=100)
    labels = SamplingDesign(weights=np.ones(100))
    w[0] = weight
    others = SamplingDesign(weights=w)
    expected = rectify_mean(y, f, pool, design=labels, design_unlabeled=others)
    pool[0] = large
    found = rectify_mean(y, f, pool, design=labels, design_unlabeled=others)
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-12)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-12)


@pytest.mark.parametrize(
    ("heavy", "offset"),
    [*((heavy, 0.0) for heavy in (1.0, 1e3, 1e6, 1e9, 1e12)), (1.0, 1e6), (1e3, 1e6), (1e6, 1e6)],
)
@pytest.mark.parametrize("in_blocks", [False, True])
def test_weights_of_very_different_size(heavy, offset, in_blocks):
    rng = np.random.default_rng(1)
    f, pool = offset + rng.normal(size=200), offset + rng.normal(size=140_000)
    w = rng.uniform(0.5, 3, size=len(pool))
    w[70_000] = heavy
    mean, variance = pool_mean(pool, w)
    known = SamplingDesign(weights=np.ones(200)), SamplingDesign(weights=w)
    blocks = (lambda: np.array_split(pool, 9)) if in_blocks else pool
    result = rectify_mean(f, f, blocks, design=known[0], design_unlabeled=known[1])
    np.testing.assert_allclose(result.predictions_only.estimate, mean, rtol=1e-12, atol=1e-12)
    found = np.ravel(result.predictions_only.covariance)
    np.testing.assert_allclose(found, variance, rtol=1e-6)


def test_blocks_that_fill_the_same_memory():
    rng = np.random.default_rng(2)
    f, pool, w = rng.normal(size=100), rng.normal(size=5_000), rng.uniform(0.5, 3, size=5_000)
    known = {
        "design": SamplingDesign(weights=np.ones(100)),
        "design_unlabeled": SamplingDesign(weights=w),
    }

    def blocks():
        memory = np.empty(500)
        for first in range(0, 5_000, 500):
            memory[:] = pool[first : first + 500]
            yield memory

    one, other = rectify_mean(f, f, pool, **known), rectify_mean(f, f, blocks, **known)
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-12)


@pytest.mark.parametrize("cls", [RectifiedMeanEstimator, RectifiedQuantile])
@pytest.mark.parametrize("way", WAYS)
def test_models_that_return_what_is_theirs(cls, way):
    """Memory that they fill anew, or that cannot be written to."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(600, 2))
    y = np.where(np.arange(600) < 100, X[:, 0] + rng.normal(size=600), np.nan)
    found = [
        cls(model, **WAYS[way], random_state=0).fit(X, y).result_
        for model in (Ridge(), Refills(), Locks())
    ]
    for one in found[1:]:
        np.testing.assert_allclose(one.estimate, found[0].estimate, rtol=1e-12)
        np.testing.assert_allclose(one.standard_error, found[0].standard_error, rtol=1e-12)


class Refills(Ridge):
    """Predicts into memory of its own."""

    def predict(self, X):
        if not hasattr(self, "memory_"):
            self.memory_ = np.empty(10_000)
        self.memory_[: len(X)] = super().predict(X)
        return self.memory_[: len(X)]


class Locks(Ridge):
    """Predicts what nobody may write to."""

    def predict(self, X):
        predictions = super().predict(X)
        predictions.flags.writeable = False
        return predictions
