"""The same numbers in every library's columns and tables give the same answers; what is not numbers is refused."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    LabeledKFold,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
    RectifiedQuantile,
    labeled_scorer,
    rectify_difference,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)

RNG = np.random.default_rng(0)
N, LABELED = 60, 24
X = RNG.normal(size=(N, 2))
WHOLE = np.round(2 * X[:, 0] + RNG.normal(size=N)).astype(int)
UNLABELED = np.arange(N) >= LABELED
Y = np.where(UNLABELED, np.nan, WHOLE)
BINARY = np.where(UNLABELED, np.nan, WHOLE > 0)


def objects(values, missing):
    return [missing if np.isnan(value) else int(value) for value in values]


def polars_series(values, kind):
    pl = pytest.importorskip("polars")
    kinds = {
        "Int64": pl.Int64,
        "Boolean": pl.Boolean,
        "Decimal": pl.Decimal(10, 2),
        "Float32": pl.Float32,
    }
    numbers = pl.Series(objects(values, None))
    return numbers.cast(kinds[kind])


def pyarrow_array(values, kind):
    pa = pytest.importorskip("pyarrow")
    kinds = {
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "decimal": pa.decimal128(21, 2),
        "double": pa.float64(),
    }
    numbers = pa.array(objects(values, None), pa.int64())
    return numbers.cast(kinds[kind])


def chunked(values):
    pa = pytest.importorskip("pyarrow")
    parts = [pyarrow_array(part, "int64") for part in (values[:10], values[10:])]
    return pa.chunked_array(parts)


# How whole numbers with missing values may come.
COLUMNS = {
    "list with None": lambda y: objects(y, None),
    "list with nan": lambda y: objects(y, np.nan),
    "list with pd.NA": lambda y: objects(y, pd.NA),
    "list with NaT": lambda y: objects(y, pd.NaT),
    "tuple": lambda y: tuple(objects(y, None)),
    "object array with pd.NA": lambda y: np.array(objects(y, pd.NA), dtype=object),
    "object Series with pd.NA": lambda y: pd.Series(objects(y, pd.NA), dtype=object),
    "Decimals": lambda y: [None if np.isnan(v) else Decimal(int(v)) for v in y],
    "Decimals with Decimal NaN": lambda y: [
        Decimal("NaN") if np.isnan(v) else Decimal(int(v)) for v in y
    ],
    "Fractions": lambda y: [None if np.isnan(v) else Fraction(int(v)) for v in y],
    "numpy numbers among objects": lambda y: [None if np.isnan(v) else np.int8(v) for v in y],
    "nullable Int64": lambda y: pd.array(objects(y, None), dtype="Int64"),
    "nullable Float64": lambda y: pd.Series(objects(y, None), dtype="Float64"),
    "category of numbers": lambda y: pd.Series(y).astype("category"),
    "sparse": lambda y: pd.Series(pd.arrays.SparseArray(y)),
    "float32": lambda y: y.astype(np.float32),
    "polars Int64": lambda y: polars_series(y, "Int64"),
    "polars Float32": lambda y: polars_series(y, "Float32"),
    "polars Decimal": lambda y: polars_series(y, "Decimal"),
    "pyarrow int64": lambda y: pyarrow_array(y, "int64"),
    "pyarrow decimal": lambda y: pyarrow_array(y, "decimal"),
    "pyarrow chunks": chunked,
    "pandas with pyarrow": lambda y: pd.Series(pyarrow_array(y, "int64").to_pandas()),
}
BOOLEANS = {
    "list": lambda y: [None if np.isnan(v) else bool(v) for v in y],
    "numpy": lambda y: [pd.NA if np.isnan(v) else np.bool_(v) for v in y],
    "nullable boolean": lambda y: pd.array(
        [None if np.isnan(v) else bool(v) for v in y], dtype="boolean"
    ),
    "polars Boolean": lambda y: polars_series(y, "Boolean"),
    "pyarrow bool": lambda y: pyarrow_array(y, "bool"),
}


def fit(model, features, y):
    return model.set_params(estimator=LinearRegression(), random_state=0).fit(features, y)


@pytest.mark.parametrize("kind", COLUMNS)
def test_labels_of_every_kind(kind):
    came = COLUMNS[kind](Y)
    expected = fit(RectifiedMeanEstimator(cv=3), X, Y)
    assert fit(RectifiedMeanEstimator(cv=3), X, came).result_.to_dict() == expected.result_.to_dict()
    assert fit(RectifiedQuantile(), X, came).quantile_ == fit(RectifiedQuantile(), X, Y).quantile_
    assert expected.score(X, came) == expected.score(X, Y)
    assert [len(test) for _, test in LabeledKFold(3).split(X, came)] == [20] * 3


@pytest.mark.parametrize("kind", COLUMNS)
def test_predictions_of_every_kind(kind):
    y, f, pool = (COLUMNS[kind](part) for part in (Y[:LABELED], Y[:LABELED] + 1.0, WHOLE[:40] * 1.0))
    arrays = Y[:LABELED], Y[:LABELED] + 1, WHOLE[:40]
    assert rectify_mean(y, f, pool).estimate == pytest.approx(rectify_mean(*arrays).estimate, rel=1e-6)
    assert rectify_quantile(y, f, pool).estimate == rectify_quantile(*arrays).estimate


@pytest.mark.parametrize("kind", BOOLEANS)
def test_truth_values_of_every_kind(kind):
    came = BOOLEANS[kind](BINARY)
    assert (
        fit(RectifiedMeanEstimator(), X, came).mean_ == fit(RectifiedMeanEstimator(), X, BINARY).mean_
    )
    labels, pool = (BOOLEANS[kind](part) for part in (BINARY[:LABELED], BINARY[2:LABELED]))
    assert rectify_mean(labels, labels, pool).estimate == pool_mean(BINARY)


def pool_mean(y):
    return rectify_mean(y[:LABELED], y[:LABELED], y[2:LABELED]).estimate


def test_missing_values_among_predictions_are_counted():
    f = objects(np.where(np.arange(LABELED) < 2, np.nan, Y[:LABELED]), pd.NA)
    with pytest.raises(ValueError, match="f has 2 NaN and 0 infinite values among 24"):
        rectify_mean(Y[:LABELED], f, WHOLE)


NOT_NUMBERS = {
    "text": ("1.5", "y holds text or dates"),
    "bytes": (b"1.5", "y holds text or dates"),
    "date": (datetime.date(2026, 1, 1), "y holds text or dates"),
    "Timestamp": (pd.Timestamp("2026-01-01"), "y holds text or dates"),
    "Timedelta": (pd.Timedelta("1s"), "y holds text or dates"),
    "numpy duration": (np.timedelta64(1, "s"), "y holds text or dates"),
    "complex": (1j, "y holds complex numbers"),
    "list": ([1], "y holds objects of type list"),
    "dict": ({}, r"y holds objects of type dict .*such as {}"),
    "too large": (10**400, "squares overflow"),
}


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_what_is_no_number_is_told(kind):
    value, message = NOT_NUMBERS[kind]
    y = np.empty(N, dtype=object)
    y[:] = objects(Y, None)
    y[3] = value
    with pytest.raises(ValueError, match=message):
        fit(RectifiedMeanEstimator(), X, y)
    with pytest.raises(ValueError, match=message):
        rectify_mean(y[:LABELED], Y[:LABELED], WHOLE)


def test_tables_tell_the_column():
    table = pd.DataFrame({"age": X[:, 0], "city": ["Rome"] * N})
    with pytest.raises(ValueError, match=r"X holds text or dates in column 'city' .*such as 'Rome'"):
        rectify_linear_regression(table[:LABELED], WHOLE[:LABELED], WHOLE[:LABELED], table, WHOLE)


def test_sparse_and_scalar_input():
    from scipy import sparse

    y, f = Y[:LABELED], Y[:LABELED] + 1
    with pytest.raises(TypeError, match=r"X is a sparse matrix; expected numbers. Pass X.toarray\(\)"):
        rectify_linear_regression(sparse.csr_array(X[:LABELED]), y, f, X, WHOLE)
    with pytest.raises(ValueError, match=r"f_unlabeled has shape \(\) \(None\)"):
        rectify_mean(y, f, None)


# Tables


def polars_table(rows, names):
    return pytest.importorskip("polars").DataFrame(dict(zip(names, np.asarray(rows).T, strict=True)))


def pyarrow_table(rows, names):
    return pytest.importorskip("pyarrow").table(dict(zip(names, np.asarray(rows).T, strict=True)))


def nullable_table(rows, names):
    return pd.DataFrame(rows, columns=names).astype("Float64")


TABLES = {
    "pandas": lambda rows, names: pd.DataFrame(rows, columns=names),
    "nullable": nullable_table,
    "objects": lambda rows, names: pd.DataFrame(rows, columns=names).astype(object),
    "polars": polars_table,
    "pyarrow": pyarrow_table,
}
every_table = pytest.mark.parametrize("kind", TABLES)


@every_table
def test_designs_of_regressions(kind):
    y, f, pool = Y[:LABELED], Y[:LABELED] + X[:LABELED, 1], WHOLE[LABELED:] + X[LABELED:, 1]
    rows, others = (TABLES[kind](part, ["age", "dose"]) for part in (X[:LABELED], X[LABELED:]))
    result = rectify_linear_regression(rows, y, f, others, pool)
    expected = rectify_linear_regression(X[:LABELED], y, f, X[LABELED:], pool)
    np.testing.assert_allclose(result.estimate, expected.estimate, rtol=1e-9)
    assert result.names == ("intercept", "age", "dose")
    swapped = TABLES[kind](X[LABELED:, ::-1], ["dose", "age"])
    with pytest.raises(ValueError, match=r"X has columns \['age', 'dose'\] and X_unlabeled"):
        rectify_linear_regression(rows, y, f, swapped, pool)
    empty = TABLES[kind](X[:0], ["age", "dose"])
    assert rectify_linear_regression(rows, y, f, empty, pool[:0]).n_unlabeled == 0


@every_table
@pytest.mark.parametrize("parameters", [{}, {"cv": 3}, {"cv": 2, "pool_prediction": "split"}], ids=str)
def test_tables_are_what_the_model_gets(kind, parameters):
    table = TABLES[kind](X, ["age", "dose"])
    model = fit(RectifiedMeanEstimator(Recorder(), **parameters), table, Y)
    plain = fit(RectifiedMeanEstimator(**parameters), X, Y)
    assert model.mean_ == pytest.approx(plain.mean_, rel=1e-9)
    recorded = RectifiedMeanEstimator(Recorder(), random_state=0, **parameters).fit(table, Y)
    first = recorded.estimators_[0] if "cv" in parameters else recorded.estimator_
    assert first.kind_ is type(table)
    assert model.predict(table).shape == (N,)
    scores = [labeled_scorer("r2")(one, rows, Y) for one, rows in ((model, table), (plain, X))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers what kind of X it was given."""

    def fit(self, X, y):
        self.kind_ = type(X)
        return self

    def predict(self, X):
        return np.zeros(np.asarray(X).shape[0])


@every_table
def test_covariates_and_groups_of_tables(kind):
    arm = np.arange(N) % 2
    table = TABLES[kind](np.column_stack([X, arm]), ["age", "dose", "arm"])
    array = np.column_stack([X, arm])
    regression = fit(RectifiedLinearRegression(covariates=["age"]), table, Y)
    assert regression.result_.names == ("intercept", "age")
    expected = fit(RectifiedLinearRegression(covariates=[0]), array, Y)
    np.testing.assert_allclose(regression.coef_, expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(regression.predict(table), expected.predict(array), rtol=1e-9)
    for covariates in (None, slice("age", "dose"), [True, True, False], lambda X: ["age", "dose"]):
        fit(RectifiedLinearRegression(covariates=covariates), table, Y)
    difference = fit(RectifiedDifference(group="arm"), table, Y)
    expected = fit(RectifiedDifference(group=2), array, Y)
    assert difference.difference_ == pytest.approx(expected.difference_, rel=1e-9)
    assert np.isfinite(difference.score(table, Y))
    judged = RectifiedMeanEstimator(PredictionCorrector(column="age"), random_state=0).fit(table, Y)
    assert np.isfinite(judged.mean_)


def test_the_allocator_takes_pyarrow():
    table = pyarrow_table(X, ["age", "dose"])
    found = [
        FineTuneRectifyAllocator(random_state=0, max_fits=2).fit(rows, Y).mean_ for rows in (table, X)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_categories_of_every_library_are_no_covariates():
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    words = ["x", "y"] * (N // 2)
    for table in (
        pd.DataFrame({"word": pd.Categorical(words)}),
        pl.DataFrame({"word": words}, schema={"word": pl.Categorical}),
        pl.DataFrame({"word": words}, schema={"word": pl.Enum(["x", "y"])}),
        pa.table({"word": pa.array(words).dictionary_encode()}),
    ):
        with pytest.raises(ValueError, match="categorical column; expected numbers"):
            RectifiedLinearRegression(Recorder(), covariates=["word"]).fit(table, Y)


# Names of outputs


@every_table
def test_columns_of_labels_name_the_outputs(kind):
    names, y = ("kind", "clear"), np.column_stack([WHOLE, WHOLE**2])[:LABELED]
    result = rectify_mean(
        TABLES[kind](y, names), y + X[:LABELED], np.column_stack([WHOLE, WHOLE**2]) + X
    )
    assert result.names == names
    assert "rectified [clear]" in str(result)
    assert list(result.to_frame().index) == list(result.summary().index) == list(names)
    labels = TABLES[kind](
        np.where(UNLABELED[:, None], np.nan, np.column_stack([WHOLE, WHOLE**2])), names
    )
    for model in (RectifiedMeanEstimator(), RectifiedMeanEstimator(cv=3)):
        assert fit(model, X, labels).result_.names == names
    allocated = FineTuneRectifyAllocator(random_state=0, max_fits=1).fit(X, labels)
    assert allocated.result_.names == names
    one = TABLES[kind](y[:, :1], names[:1])
    assert rectify_mean(one, y[:, :1] + 1.0, y[:, :1]).names == ("kind",)


def test_a_single_column_has_no_name():
    assert rectify_mean(pd.Series(Y[:LABELED], name="rating"), Y[:LABELED], WHOLE).names == ()


def test_outputs_in_another_order_in_the_pool():
    y = np.column_stack([WHOLE, X[:, 0]])
    labels, pool = (pd.DataFrame(y, columns=names) for names in (["a", "b"], ["b", "a"]))
    with pytest.raises(
        ValueError, match=r"y has columns \['a', 'b'\] and f_unlabeled has \['b', 'a'\]"
    ):
        rectify_mean(labels, y, pool)


# Indexes

TURNED = np.arange(LABELED)[::-1]


def other_index(values):
    return pd.Series(values, index=np.arange(len(values))[::-1])


@pytest.mark.parametrize("pair", [("X", "y"), ("X", "f"), ("y", "f")])
def test_regressions_compare_every_pair_of_indexes(pair):
    inputs = {"X": X[:LABELED], "y": Y[:LABELED], "f": Y[:LABELED] + 1}
    first = inputs[pair[0]]
    inputs[pair[0]] = pd.DataFrame(first) if first.ndim == 2 else pd.Series(first)
    inputs[pair[1]] = other_index(inputs[pair[1]])
    with pytest.raises(ValueError, match=f"{pair[0]} and {pair[1]} have the same length but different"):
        rectify_linear_regression(*inputs.values(), X, WHOLE)


@pytest.mark.parametrize("pair", [("y", "group"), ("f", "group"), ("y", "f")])
def test_differences_compare_every_pair_of_indexes(pair):
    inputs = {"y": Y[:LABELED], "f": Y[:LABELED] + 1, "pool": WHOLE, "group": np.arange(LABELED) % 2}
    inputs[pair[0]] = pd.Series(inputs[pair[0]])
    inputs[pair[1]] = other_index(inputs[pair[1]])
    with pytest.raises(ValueError, match=f"{pair[0]} and {pair[1]} have the same length but different"):
        rectify_difference(*inputs.values(), np.arange(N) % 2)


def test_what_a_callable_returns_is_not_aligned():
    table = pd.DataFrame(X, columns=["age", "dose"])
    for model in (
        RectifiedLinearRegression(covariates=lambda table: table["age"].sort_values()),
        RectifiedDifference(group=lambda table: (table["age"] > 0).sort_index(ascending=False)),
    ):
        with pytest.raises(
            ValueError, match=r"X and what .* returns have the same length but different ind"
        ):
            fit(model, table, Y)


def test_sample_weights_of_a_scorer_are_not_aligned():
    table = pd.DataFrame(X)
    model = fit(RectifiedMeanEstimator(), table, Y)
    with pytest.raises(
        ValueError, match="X and sample_weight have the same length but different indexes"
    ):
        labeled_scorer("r2")(model, table, Y, sample_weight=other_index(np.ones(N)))


# finetune_rows

MASK = np.arange(N) < 6
MASKS = {
    "list": list,
    "Series": pd.Series,
    "nullable": lambda mask: pd.array(mask, dtype="boolean"),
    "objects": lambda mask: mask.astype(object),
    "polars": lambda mask: pytest.importorskip("polars").Series(mask),
    "pyarrow": lambda mask: pytest.importorskip("pyarrow").array(mask),
}


@pytest.mark.parametrize("kind", MASKS)
def test_finetune_rows_of_every_kind(kind):
    model = RectifiedMeanEstimator(LinearRegression(), random_state=0).fit(
        X, Y, finetune_rows=MASKS[kind](MASK)
    )
    assert (
        model.mean_
        == RectifiedMeanEstimator(LinearRegression(), random_state=0)
        .fit(X, Y, finetune_rows=MASK)
        .mean_
    )
    assert model.finetune_rows_.dtype == bool


NO_MASKS = {
    "positions": (np.arange(6), r"shape \(6,\) and dtype int64; expected one True or False"),
    "as many positions": (np.arange(N), "shape .*; expected one True or False for each of the 60 rows"),
    "0 and 1": (MASK.astype(int), r"shape \(60,\) and dtype int64; expected one True or False"),
    "0 and 1 as objects": (MASK.astype(int).astype(object), "expected one True or False"),
    "text": (np.where(MASK, "True", "False"), "expected one True or False"),
    "text objects": (np.where(MASK, "True", "False").astype(object), "expected one True or False"),
    "missing": (
        pd.array([None, *MASK[1:]], dtype="boolean"),
        "has 1 missing values; expected one True",
    ),
    "NaN": (np.where(np.arange(N) == 0, np.nan, MASK), "dtype float64; expected one True or False"),
    "None": ([None, *MASK[1:]], "has 1 missing values"),
    "column": (MASK[:, None], r"shape \(60, 1\)"),
    "masked": (np.ma.array(MASK, mask=MASK), "finetune_rows is a masked array"),
    "unlabeled": (~MASK, "marks 36 rows without a label"),
}


@pytest.mark.parametrize("kind", NO_MASKS)
def test_no_finetune_rows(kind):
    mask, message = NO_MASKS[kind]
    error = TypeError if kind == "masked" else ValueError
    with pytest.raises(error, match=message):
        RectifiedMeanEstimator(LinearRegression()).fit(X, Y, finetune_rows=mask)


@pytest.mark.parametrize("of", ["X", "y"])
@pytest.mark.parametrize(
    "model", [RectifiedMeanEstimator(), RectifiedQuantile(), FineTuneRectifyAllocator()]
)
def test_finetune_rows_in_another_order(of, model):
    features, y = (pd.DataFrame(X), Y) if of == "X" else (X, pd.Series(Y))
    mask = pd.Series(MASK)[::-1]
    with pytest.raises(
        ValueError, match="the data and finetune_rows have the same length but different"
    ):
        model.fit(features, y, finetune_rows=mask)


# Ordered groups

AFTER, AFTER_POOL = np.arange(LABELED) % 2, np.arange(N) % 2
WORDS = ["before", "after"]


def words(after):
    return np.array(WORDS, dtype=object)[after]


def enum(after, categories=("before", "after")):
    pl = pytest.importorskip("polars")
    return pl.Series(words(after), dtype=pl.Enum(list(categories)))


def dictionary(after, chunks=False):
    pa = pytest.importorskip("pyarrow")
    array = pa.DictionaryArray.from_arrays(pa.array(after), pa.array(WORDS), ordered=True)
    return pa.chunked_array([array[:5], array[5:]]) if chunks else array


def ordered(after, categories=("before", "after")):
    return pd.Categorical(words(after), categories=list(categories), ordered=True)


ORDERED = {
    "Categorical": ordered,
    "Series": lambda after: pd.Series(ordered(after)),
    "Index": lambda after: pd.CategoricalIndex(ordered(after)),
    "frame": lambda after: pd.DataFrame({"time": ordered(after)}),
    "unused": lambda after: ordered(after, ["never", "before", "during", "after"]),
    "polars Enum": enum,
    "pyarrow": dictionary,
    "pyarrow chunks": lambda after: dictionary(after, chunks=True),
}


def difference(group, group_pool):
    y = WHOLE[:LABELED] + 10 * AFTER
    return rectify_difference(y, y + 1, WHOLE + 10 * AFTER_POOL, group, group_pool)


@pytest.mark.parametrize("kind", ORDERED)
def test_ordered_groups_keep_their_order(kind):
    result = difference(ORDERED[kind](AFTER), ORDERED[kind](AFTER_POOL))
    expected = difference(AFTER, AFTER_POOL)
    assert result.estimand == "difference after - before"
    assert result.estimate == expected.estimate > 0
    assert list(result.parts) == WORDS
    # One of the two is enough.
    assert difference(words(AFTER), ORDERED[kind](AFTER_POOL)).estimate == expected.estimate
    assert difference(ORDERED[kind](AFTER), list(words(AFTER_POOL))).estimate == expected.estimate


@pytest.mark.parametrize("kind", ["Series", "unused", "polars Enum"])
def test_ordered_groups_that_are_a_column_of_the_table(kind):
    group = ORDERED[kind](AFTER_POOL)
    if kind == "polars Enum":
        table = pytest.importorskip("polars").DataFrame({"x": X[:, 0], "time": group})
    else:
        table = pd.DataFrame({"x": X[:, 0], "time": group})
    y = np.where(UNLABELED, np.nan, WHOLE + 10 * AFTER_POOL)
    for part in ("time", ["time"], 1, lambda table: table["time"]):
        model = RectifiedDifference(Recorder(), group=part, random_state=0).fit(table, y)
        assert list(model.groups_) == WORDS
        assert model.difference_ > 0
        assert model.result_.estimand == "difference after - before"
        assert np.isfinite(model.score(table, y))
        assert len(model.predict(table)) == N
    plain = RectifiedDifference(
        Recorder(), group=lambda table: AFTER_POOL[: len(table)], random_state=0
    )
    assert model.difference_ == plain.fit(table, y).difference_


def test_categories_without_an_order_are_sorted():
    pl = pytest.importorskip("polars")
    for kind in (
        lambda after: pd.Categorical(words(after), categories=WORDS),
        lambda after: pl.Series(words(after), dtype=pl.Categorical),
    ):
        assert difference(kind(AFTER), kind(AFTER_POOL)).estimand == "difference before - after"


def test_orders_that_contradict_each_other():
    with pytest.raises(
        ValueError, match=r"order \['before', 'after'\] and those of .*\['after', 'before'\]"
    ):
        difference(ordered(AFTER), ordered(AFTER_POOL, ["after", "before"]))
    # More categories, the same order.
    wide = ordered(AFTER_POOL, ["before", "during", "after"])
    assert difference(ordered(AFTER), wide).estimand == "difference after - before"


def test_ordered_numbers_dates_and_bins():
    high_first = [
        pd.Categorical(after, categories=[1, 0], ordered=True) for after in (AFTER, AFTER_POOL)
    ]
    assert difference(*high_first).estimand == "difference 0 - 1"
    days = pd.to_datetime(["2026-01-02", "2026-01-01"])
    dates = [
        pd.Categorical(days[after], categories=days, ordered=True) for after in (AFTER, AFTER_POOL)
    ]
    assert difference(*dates).estimate > 0
    bins = [pd.cut(pd.Series(after), [-1, 0, 1]) for after in (AFTER, AFTER_POOL)]
    assert difference(*bins).estimand == "difference (0, 1] - (-1, 0]"


def test_missing_categories_and_strangers():
    unknown = pd.Series(ordered(AFTER))
    unknown[3] = None
    with pytest.raises(ValueError, match="have 1 NaN; expected a group for each row"):
        difference(unknown, words(AFTER_POOL))
    strange = np.where(np.arange(N) == 3, "during", words(AFTER_POOL))
    with pytest.raises(ValueError, match="group_unlabeled has during, of which no row is labeled"):
        difference(ordered(AFTER), strange)
    with pytest.raises(ValueError, match=r"of 1 groups \(before\); expected two"):
        difference(ordered(0 * AFTER), words(AFTER_POOL))
    with pytest.raises(ValueError, match="group_unlabeled has 0, of which no row is labeled"):
        difference(words(AFTER), AFTER_POOL)
    with pytest.raises(ValueError, match="group_unlabeled has 7, of which no row is labeled"):
        difference(words(AFTER), np.array([7, *words(AFTER_POOL)[1:]], dtype=object))
    with pytest.raises(TypeError, match="group is a masked array"):
        difference(np.ma.array(AFTER, mask=AFTER), AFTER_POOL)


@pytest.mark.parametrize("kind", ["boolean", "Int64", "polars Boolean", "pyarrow bool"])
def test_groups_of_truth_values(kind):
    makers = {
        "polars Boolean": lambda after: polars_series(after, "Boolean"),
        "pyarrow bool": lambda after: pyarrow_array(after, "bool"),
    }
    make = makers.get(
        kind, lambda after: pd.array(after, dtype=kind) if kind == "Int64" else nullable(after)
    )
    assert difference(make(AFTER), make(AFTER_POOL)).estimate == difference(AFTER, AFTER_POOL).estimate


def nullable(after):
    return pd.array(after.astype(bool), dtype="boolean")
