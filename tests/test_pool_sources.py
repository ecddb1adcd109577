"""Pools in blocks, wherever those come from: every estimate is that of the same rows in arrays."""

import sys
import tracemalloc
from copy import copy

import numpy as np
import pandas as pd
import pytest

from sklearn_ftr import (
    PoolMoments,
    PoolSource,
    SamplingDesign,
    m_estimate,
    rectify_difference,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
    rectify_poisson_regression,
    rectify_quantile,
)

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
csv, dataset, feather, parquet = (
    pytest.importorskip(f"pyarrow.{name}") for name in ("csv", "dataset", "feather", "parquet")
)

LABELED, POOL = 120, 1_003


def squares(X, y, theta):
    return np.column_stack([np.ones(len(y)), X]) * (y - theta[0] - X @ theta[1:])[:, None]


class Rows:
    """Labels, predictions, covariates and groups of labeled rows and of a pool, for every estimand."""

    def __init__(self, m=POOL, seed=0):
        rng, n = np.random.default_rng(seed), LABELED + m
        X = rng.normal(size=(n, 2))
        eta = 0.3 + X @ [0.5, -0.3]
        g = np.where(rng.random(n) < 0.4, "new", "old")
        y = {"number": eta + rng.normal(size=n), "share": rng.binomial(1, 1 / (1 + np.exp(-eta)))}
        y["count"] = rng.poisson(np.exp(eta))
        f = {"number": y["number"] + rng.normal(scale=0.5, size=n)}
        f["share"] = np.clip(0.6 * y["share"] + 0.4 * rng.random(n), 0, 1)
        f["count"] = 0.5 * y["count"] + 0.5 * np.exp(eta)
        labeled, pool = slice(LABELED), slice(LABELED, None)
        self.y = {kind: values[labeled].astype(float) for kind, values in y.items()}
        self.f = {kind: values[labeled] for kind, values in f.items()}
        self.f_pool = {kind: values[pool] for kind, values in f.items()}
        self.X, self.X_pool, self.group, self.group_pool = X[labeled], X[pool], g[labeled], g[pool]

    def answer(self, estimand, f_pool, X_pool=None, group_pool=None, **options):
        kind = {"logistic": "share", "poisson": "count"}.get(estimand, "number")
        y, f = self.y[kind], self.f[kind]
        if estimand == "mean":
            return rectify_mean(y, f, f_pool, **options)
        if estimand == "quantile":
            return rectify_quantile(y, f, f_pool, q=[0.25, 0.5], **options)
        if estimand == "difference":
            return rectify_difference(y, f, f_pool, self.group, group_pool, **options)
        if estimand == "m":
            start = np.zeros(3)
            return m_estimate(squares, self.X, y, f, X_pool, f_pool, start=start, **options)
        functions = {
            "linear": rectify_linear_regression,
            "logistic": rectify_logistic_regression,
            "poisson": rectify_poisson_regression,
        }
        return functions[estimand](self.X, y, f, X_pool, f_pool, **options)

    def rounded(self, dtype):
        """With numbers that fit into another type."""
        other = copy(self)
        other.f, other.f_pool = (
            {kind: np.round(np.abs(f)).astype(dtype) for kind, f in of_kinds.items()}
            for of_kinds in (self.f, self.f_pool)
        )
        return other

    def pool(self, estimand):
        kind = {"logistic": "share", "poisson": "count"}.get(estimand, "number")
        return self.f_pool[kind], self.X_pool, self.group_pool


ESTIMANDS = ["mean", "difference", "quantile", "linear", "logistic", "poisson", "m"]
IN_ONE_PASS = ["mean", "difference", "quantile"]
REGRESSIONS = ["linear", "logistic", "poisson", "m"]


@pytest.fixture(scope="module")
def rows():
    return Rows()


@pytest.fixture(scope="module")
def expected(rows):
    return {estimand: rows.answer(estimand, *rows.pool(estimand)) for estimand in ESTIMANDS}


def cut(values, size=100):
    """A function that returns an iterator over blocks."""
    return lambda: (values[start : start + size] for start in range(0, len(values), size))


def assert_same(found, expected, rtol=1e-10):
    assert found.n_unlabeled == expected.n_unlabeled
    for name in ("estimate", "covariance", "lambda_"):
        value = getattr(expected, name)
        np.testing.assert_allclose(getattr(found, name), value, rtol=rtol, atol=1e-12, err_msg=name)
    ends = [np.asarray(one.confidence_interval()) for one in (found, expected)]
    np.testing.assert_allclose(*ends, rtol=rtol, atol=1e-12)


class HasBlocks:
    def __init__(self, values, size=100):
        self.values, self.size = values, size

    def blocks(self):
        return cut(self.values, self.size)()


def as_frame(values):
    return pd.DataFrame({f"c{j}": column for j, column in enumerate(np.atleast_2d(values.T))})


def as_polars(values):
    return pl.DataFrame({f"c{j}": column for j, column in enumerate(np.atleast_2d(values.T))})


def as_arrow(values):
    columns = np.atleast_2d(values.T)
    return pa.table({f"c{j}": pa.array(column) for j, column in enumerate(columns)})


def as_one_column(kind):
    """Tables with a name for the group, whose columns are texts, and for predictions, one column."""
    return lambda values: cut(kind(values))


KINDS = {
    "function": cut,
    "function of one": lambda values: lambda: values,
    "function of a list": lambda values: lambda: [values[:7], values[7:]],
    "object": HasBlocks,
    "list": lambda values: PoolSource([values[:500], values[500:]]),
    "tuple": lambda values: PoolSource((values[:1], values[1:])),
    "array": PoolSource,
    "rows one by one": lambda values: cut(values, 1),
    "nearly all at once": lambda values: cut(values, POOL - 1),
    "with empty blocks": lambda values: (
        lambda: iter([values[:0], values[:9], values[:0], values[9:], values[:0]])
    ),
    "pandas": as_one_column(as_frame),
    "polars": as_one_column(as_polars),
    "pyarrow": lambda values: lambda: iter(as_arrow(values).to_batches(max_chunksize=70)),
    "source of a source": lambda values: PoolSource(PoolSource(cut(values))),
    "number of rows known": lambda values: PoolSource(cut(values), n_rows=POOL),
}


@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_estimate_of_every_kind(rows, expected, estimand, kind):
    pool = [KINDS[kind](values) for values in rows.pool(estimand)]
    assert_same(rows.answer(estimand, *pool), expected[estimand])


@pytest.mark.parametrize("estimand", IN_ONE_PASS)
def test_an_iterator_is_enough_for_one_pass(rows, expected, estimand):
    f, _, group = rows.pool(estimand)
    assert_same(rows.answer(estimand, cut(f)(), None, cut(group)()), expected[estimand])


@pytest.mark.parametrize("estimand", REGRESSIONS)
def test_an_iterator_is_refused_where_rows_are_read_again(rows, estimand):
    f, X, _ = rows.pool(estimand)
    for pool in ((cut(f)(), cut(X)()), (cut(f), cut(X)()), (cut(f)(), cut(X))):
        with pytest.raises(ValueError, match=r"gone once they have been read.*Pass the function"):
            rows.answer(estimand, *pool)


def test_a_function_has_to_make_new_iterators(rows):
    f, X, _ = rows.pool("linear")
    iterator = iter([f])
    with pytest.raises(ValueError, match="it has to make a new one each time"):
        rows.answer("linear", lambda: iterator, cut(X))
    generator = cut(f)()
    rows.answer("mean", lambda: generator)
    with pytest.raises(ValueError, match="it has to make a new one each time"):
        rows.answer("mean", lambda: generator)


def test_rows_that_change_between_passes_are_refused(rows):
    """Counted first, and fewer when scores are taken."""
    f, X, _ = rows.pool("m")
    size = [POOL]

    def psi(X, y, theta):
        size[0] = 1_000
        return squares(X, y, theta)

    y, f_rows = rows.y["number"], rows.f["number"]
    pool = lambda: iter([X[: size[0]]]), lambda: iter([f[: size[0]]])
    with pytest.raises(ValueError, match=r"1000 rows and had 1003.*expected as many each time"):
        m_estimate(psi, rows.X, y, f_rows, *pool, start=np.zeros(3))


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_blocks_need_not_be_cut_alike(rows, expected, estimand):
    f, X, group = rows.pool(estimand)
    for sizes in ((100, 77, 77), (13, 400, 400), (POOL, 50, 50), (50, POOL, POOL)):
        pool = [cut(values, size) for values, size in zip((f, X, group), sizes, strict=True)]
        assert_same(rows.answer(estimand, *pool), expected[estimand])


@pytest.mark.parametrize("estimand", ["difference", "linear", "m"])
def test_arrays_beside_blocks(rows, expected, estimand):
    f, X, group = rows.pool(estimand)
    for pool in ((f, cut(X), cut(group)), (cut(f), X, group), (cut(f), X.tolist(), group.tolist())):
        assert_same(rows.answer(estimand, *pool), expected[estimand])


@pytest.mark.parametrize("lists", [list, tuple])
def test_groups_in_a_list_are_no_paths(rows, expected, lists):
    f, _, group = rows.pool("difference")
    assert_same(rows.answer("difference", f, None, lists(group.tolist())), expected["difference"])


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_no_rows_at_all(rows, estimand):
    f, X, group = rows.pool(estimand)
    for nothing in (lambda: iter([]), lambda: iter([np.empty(0)]), PoolSource([])):
        found = rows.answer(estimand, nothing, nothing, nothing)
        assert_same(found, rows.answer(estimand, f[:0], X[:0], group[:0]))


@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize("size", [1, 2])
def test_hardly_any_rows(rows, estimand, size):
    f, X, group = (values[:size] for values in rows.pool(estimand))
    try:
        wanted = rows.answer(estimand, f, X, group)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error).split(";")[0][:20]):
            rows.answer(estimand, cut(f), cut(X), cut(group))
    else:
        assert_same(rows.answer(estimand, cut(f), cut(X), cut(group)), wanted)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, object])
@pytest.mark.parametrize("estimand", ["mean", "quantile", "linear"])
def test_numbers_of_any_type(rows, dtype, estimand):
    rows = rows.rounded(dtype)
    f, X, _ = rows.pool(estimand)
    assert_same(rows.answer(estimand, cut(f), cut(X)), rows.answer(estimand, f, X))


def test_types_may_differ_from_block_to_block(rows):
    f = rows.f_pool["number"].copy()
    f[:500] = np.round(f[:500])
    blocks = [f[:500].astype(np.int8), f[500:600].astype(np.float32), f[600:]]
    f[500:600] = blocks[1]
    for estimand in ("mean", "quantile"):
        assert_same(rows.answer(estimand, lambda: iter(blocks)), rows.answer(estimand, f))


def test_several_judges_and_outputs(rng):
    y = rng.normal(size=(80, 2))
    f, pool = y[:, :, None] + rng.normal(size=(80, 2, 3)), rng.normal(size=(500, 2, 3))
    assert_same(rectify_mean(y, f, cut(pool)), rectify_mean(y, f, pool))
    assert_same(
        rectify_mean(y[:, 0], f[:, 0], cut(pool[:, 0])), rectify_mean(y[:, 0], f[:, 0], pool[:, 0])
    )
    assert_same(
        rectify_mean(y, f[:, :, 0], cut(pool[:, :, 0])), rectify_mean(y, f[:, :, 0], pool[:, :, 0])
    )
    X, X_pool = rng.normal(size=(80, 1)), rng.normal(size=(500, 1))
    regressions = [
        rectify_linear_regression(X, y[:, 0], f[:, 0], *pools)
        for pools in ((cut(X_pool, 90), cut(pool[:, 0])), (X_pool, pool[:, 0]))
    ]
    assert_same(*regressions)
    of_one = [rectify_quantile(y[:, 0], f[:, 0], one) for one in (cut(pool[:, 0]), pool[:, 0])]
    assert_same(*of_one)


@pytest.mark.parametrize("estimand", ["mean", "quantile", "linear", "logistic", "m"])
def test_sampling_designs(rows, rng, estimand):
    f, X, _ = rows.pool(estimand)
    designs = [
        SamplingDesign(
            weights=rng.uniform(1, 3, size=n), clusters=[f"{name}{row // 4}" for row in range(n)]
        )
        for name, n in (("a", LABELED), ("b", POOL))
    ]
    options = {"design": designs[0], "design_unlabeled": designs[1]}
    assert_same(
        rows.answer(estimand, cut(f), cut(X), **options), rows.answer(estimand, f, X, **options)
    )


def test_groups_in_blocks_have_no_design(rows):
    f, _, group = rows.pool("difference")
    with pytest.raises(ValueError, match="comes in blocks and a sampling design is given"):
        rows.answer("difference", cut(f), None, cut(group), finite_population=True)


@pytest.mark.parametrize("estimand", REGRESSIONS)
def test_large_pools_in_passes(estimand):
    """Of which an estimate starts from some rows; blocks of other sizes sum in another order."""
    large = Rows(m=70_000)
    f, X, _ = large.pool(estimand)
    assert_same(
        large.answer(estimand, cut(f, 9_999), cut(X, 7_000)), large.answer(estimand, f, X), rtol=1e-9
    )


# Files


@pytest.fixture(scope="module")
def table(rows):
    columns = {"f": rows.f_pool["number"], "b": rows.X_pool[:, 1], "a": rows.X_pool[:, 0]}
    return pa.table(columns | {"group": rows.group_pool, "text": ["x"] * POOL})


def write_parquet(table, folder):
    parquet.write_table(table, folder / "pool.parquet", row_group_size=150)
    return folder / "pool.parquet"


def write_feather(table, folder):
    feather.write_feather(table, str(folder / "pool.arrow"))
    return str(folder / "pool.arrow")


def write_csv(table, folder):
    csv.write_csv(table, folder / "pool.csv")
    return folder / "pool.csv"


def write_compressed_csv(table, folder):
    table.to_pandas().to_csv(folder / "pool.csv.gz", index=False)
    return folder / "pool.csv.gz"


def write_folder(table, folder):
    (folder / "parts" / "more").mkdir(parents=True)
    parquet.write_table(table.slice(0, 300), folder / "parts" / "1.parquet")
    parquet.write_table(table.slice(300, 0), folder / "parts" / "2.parquet")
    parquet.write_table(table.slice(300), folder / "parts" / "more" / "3.parquet")
    (folder / "parts" / "_SUCCESS").touch()
    return folder / "parts"


def write_list(table, folder):
    parquet.write_table(table.slice(0, 300), folder / "z.parquet")
    feather.write_feather(table.slice(300), str(folder / "a.feather"))
    return [folder / "z.parquet", folder / "a.feather"]


def write_dataset(table, folder):
    return dataset.dataset(write_parquet(table, folder))


WRITERS = [
    write_parquet,
    write_feather,
    write_csv,
    write_compressed_csv,
    write_folder,
    write_list,
    write_dataset,
]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("estimand", ["mean", "difference", "quantile", "linear", "m"])
def test_files(rows, expected, table, tmp_path, write, estimand):
    files = write(table, tmp_path)
    pool = [PoolSource(files, columns=columns) for columns in ("f", ["a", "b"], "group")]
    assert_same(rows.answer(estimand, *pool), expected[estimand])


def test_files_of_one_column_need_no_names(rows, expected, table, tmp_path):
    path = write_parquet(table.select(["f"]), tmp_path)
    for given in (path, str(path), [path], dataset.dataset(path)):
        assert_same(rows.answer("mean", given), expected["mean"])


@pytest.mark.parametrize("in_folder", [False, True])
def test_numpy_files(rows, expected, tmp_path, in_folder):
    f, X, _ = rows.pool("linear")
    for name, values in (("f", f), ("X", X)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "1.npy", values[:400])
        np.save(tmp_path / name / "2.npy", values[400:])
    given = [
        tmp_path / name if in_folder else [tmp_path / name / "1.npy", tmp_path / name / "2.npy"]
        for name in ("f", "X")
    ]
    assert_same(rows.answer("linear", *given), expected["linear"])
    assert_same(rows.answer("mean", given[0]), expected["mean"])


def test_mapped_arrays(rows, expected, tmp_path):
    np.save(tmp_path / "f.npy", rows.f_pool["number"])
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    assert_same(rows.answer("mean", mapped), expected["mean"])
    assert_same(rows.answer("mean", PoolSource(mapped)), expected["mean"])


def test_a_filtered_dataset(rows, table, tmp_path):
    kept = dataset.dataset(write_parquet(table, tmp_path)).filter(dataset.field("b") > -2)
    inside = rows.X_pool[:, 1] > -2
    found = rows.answer("linear", PoolSource(kept, columns="f"), PoolSource(kept, columns=["a", "b"]))
    assert_same(found, rows.answer("linear", rows.f_pool["number"][inside], rows.X_pool[inside]))


def test_readers_of_other_libraries(rows, expected, table, tmp_path):
    chunks = pd.read_csv(write_csv(table, tmp_path), chunksize=100)
    assert_same(rows.answer("mean", PoolSource(chunks, columns="f")), expected["mean"])
    batches = parquet.ParquetFile(write_parquet(table, tmp_path))
    found = PoolSource(lambda: batches.iter_batches(batch_size=99), columns=["a", "b"])
    f = PoolSource(lambda: batches.iter_batches(batch_size=300), columns="f")
    assert_same(rows.answer("linear", f, found), expected["linear"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.parquet", r"There is no file or folder .*nothing.parquet"),
        ("nothing.npy", r"There is no file or folder .*nothing.npy"),
        ("empty", r"The folder .*empty' has no files"),
    ],
)
def test_files_that_are_not_there(rows, tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").touch()
    for given in (tmp_path / name, str(tmp_path / name), [tmp_path / name]):
        with pytest.raises(FileNotFoundError, match=message):
            rows.answer("mean", given)


def test_files_need_pyarrow(rows, tmp_path, monkeypatch):
    """Not those of numpy."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "pool.parquet").touch()
    with pytest.raises(ImportError, match=r"need pyarrow.*pip install 'sklearn-ftr\[files\]'"):
        rows.answer("mean", tmp_path / "pool.parquet")
    np.save(tmp_path / "f.npy", rows.f_pool["number"])
    assert rows.answer("mean", tmp_path / "f.npy").n_unlabeled == POOL


# Columns


@pytest.mark.parametrize("kind", ["path", "pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("columns", ["g", ["f", "g"]])
def test_columns_that_are_not_there(rows, table, tmp_path, kind, columns):
    table = table.select(["f", "a"])
    sources = {
        "path": write_parquet(table, tmp_path),
        "pandas": cut(table.to_pandas()),
        "polars": cut(pl.from_arrow(table)),
        "pyarrow": lambda: iter(table.to_batches()),
    }
    with pytest.raises(
        ValueError, match="no column 'g'; expected names in columns= that it has: 'f', 'a'"
    ):
        rows.answer("mean", PoolSource(sources[kind], columns=columns))


def test_arrays_have_no_columns_to_choose(rows):
    f = rows.f_pool["number"]
    for columns in ("f", [0]):
        with pytest.raises(TypeError, match="of type ndarray, whose columns have no names"):
            rows.answer("mean", PoolSource(cut(f), columns=columns))


def test_columns_in_another_order_are_refused(rows):
    X = pd.DataFrame(rows.X, columns=["a", "b"])
    turned = pd.DataFrame(rows.X_pool[:, ::-1], columns=["b", "a"])
    y, f, f_pool = rows.y["number"], rows.f["number"], rows.f_pool["number"]
    with pytest.raises(ValueError, match=r"X has columns \['a', 'b'\] and Block 0 of X_unlabeled"):
        rectify_linear_regression(X, y, f, cut(turned), cut(f_pool))
    chosen = PoolSource(cut(turned), columns=["a", "b"])
    found = rectify_linear_regression(X, y, f, chosen, cut(f_pool))
    assert_same(found, rectify_linear_regression(rows.X, y, f, rows.X_pool, f_pool))
    judges = pd.DataFrame({"gpt": f, "human": f + rows.X[:, 0]})
    of_pool = pl.DataFrame({"human": f_pool, "gpt": f_pool})
    with pytest.raises(ValueError, match=r"f has columns .*and Block 0 of f_unlabeled"):
        rectify_mean(y, judges, cut(of_pool))


def test_other_numbers_of_columns(rows):
    f, X, _ = rows.pool("linear")
    with pytest.raises(ValueError, match=r"Block 0 of X_unlabeled .* has 1 columns and X has 2"):
        rows.answer("linear", cut(f), cut(X[:, :1]))
    with pytest.raises(ValueError, match=r"Block 0 of f_unlabeled .* has 2 columns and f has 1"):
        rows.answer("mean", cut(X))
    wider = [f[:10], np.column_stack([f[10:], f[10:]])]
    with pytest.raises(ValueError, match=r"Block 1 of f_unlabeled \(from row 10 on\) has 2 columns"):
        rows.answer("mean", lambda: iter(wider))


# What is wrong, and where


@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize(("value", "told"), [(np.nan, "1 NaN and 0"), (np.inf, "0 NaN and 1")])
def test_values_that_are_not_finite(rows, estimand, value, told):
    f, X, group = rows.pool(estimand)
    f = f.copy()
    f[333] = value
    message = rf"Block 3 of f_unlabeled \(from row 300 on\) has {told} infinite values among 100"
    with pytest.raises(ValueError, match=message):
        rows.answer(estimand, cut(f), cut(X), cut(group))


def test_covariates_and_groups_that_are_missing(rows):
    f, X, group = rows.pool("linear")
    X, group = X.copy(), group.astype(object)
    X[333, 1], group[333] = np.nan, None
    with pytest.raises(ValueError, match=r"Block 3 of X_unlabeled \(from row 300 on\) has 1 NaN"):
        rows.answer("linear", cut(f, 64), cut(X))
    with pytest.raises(ValueError, match=r"Block 3 of group_unlabeled \(from row 300 on\) has 1 NaN"):
        rows.answer("difference", cut(f, 64), None, cut(group))
    group[333] = "other"
    with pytest.raises(ValueError, match="group_unlabeled has other, of which no row is labeled"):
        rows.answer("difference", cut(f, 64), None, cut(group))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.array(["a", "b"]), r"Block 0 of f_unlabeled .* holds text or dates"),
        (np.array([1e200, 1.0]), r"Block 0 of f_unlabeled .* squares overflow"),
        (np.array([1j]), "Complex data not supported: Block 0"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "Block 0 of f_unlabeled .* is a masked array"),
        (3.0, r"Block 0 of f_unlabeled .* has shape \(\)"),
        (np.ones((2, 2, 2, 2)), r"has shape \(2, 2, 2, 2\)"),
    ],
)
def test_blocks_that_are_none(rows, block, message):
    for estimand in ("mean", "quantile"):
        with pytest.raises((ValueError, TypeError), match=message):
            rows.answer(estimand, lambda: iter([block]))


@pytest.mark.parametrize("of_block", [np.asarray, as_frame], ids=["arrays", "tables"])
@pytest.mark.parametrize("size", [17, 100], ids=["of one length", "of several"])
@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_lists_of_blocks_say_how_to_pass_them(rows, expected, estimand, size, of_block):
    f, X, group = (list(map(of_block, cut(values, size)())) for values in rows.pool(estimand))
    with pytest.raises(ValueError, match=r"if each member is a block of rows, pass PoolSource"):
        rows.answer(estimand, f, X, group)
    as_told = rows.answer(estimand, PoolSource(f), PoolSource(X), PoolSource(group))
    assert_same(as_told, expected[estimand])


@pytest.mark.parametrize("estimand", ["difference", *REGRESSIONS])
def test_sides_of_different_lengths(rows, estimand):
    f, X, group = rows.pool(estimand)
    other = "group_unlabeled" if estimand == "difference" else "X_unlabeled"
    with pytest.raises(ValueError, match=f"{other} has 1000 rows and f_unlabeled has 1003 or more"):
        rows.answer(estimand, cut(f), cut(X[:1000]), cut(group[:1000]))
    for f_pool in (f[:1000], f[:1001], f[:3]):
        with pytest.raises(ValueError, match=f"{other} has more rows than the {len(f_pool)} of"):
            rows.answer(estimand, cut(f_pool), cut(X), cut(group))


def test_numbers_of_rows_that_are_wrong(rows):
    f, X, _ = rows.pool("linear")
    for n_rows in (5, 2_000):
        for estimand in ("mean", "linear"):
            with pytest.raises(ValueError, match=rf"1003 rows and had {n_rows} by n_rows"):
                rows.answer(estimand, PoolSource(cut(f), n_rows=n_rows), cut(X))
    for wrong in (-1, 2.5, "many"):
        with pytest.raises(ValueError, match="n_rows is"):
            PoolSource(cut(f), n_rows=wrong)


def test_a_source_that_fails_says_where(rows):
    f, X, _ = rows.pool("linear")

    def broken():
        yield X[:100]
        yield X[100:200]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as raised:
        rows.answer("linear", cut(f), broken)
    assert raised.value.__notes__ == ["Block 2 of X_unlabeled could not be read."]


@pytest.mark.parametrize("returned", [None, 3, "text", {"f": [1.0]}])
def test_functions_that_return_no_blocks(rows, returned):
    with pytest.raises(TypeError, match=r"The source of a pool returned .*expected an iterator"):
        rows.answer("mean", lambda: returned)


@pytest.mark.parametrize("source", [3, None, {"f": [1.0]}, PoolMoments()])
def test_what_is_no_source(source):
    with pytest.raises(TypeError, match=r"The source of a pool is .* expected a function that returns"):
        PoolSource(source)


def test_ordered_categories_have_one_order(rows):
    f, _, group = rows.pool("difference")
    ordered = pd.CategoricalDtype(["old", "new"], ordered=True)
    of_pool = pd.Series(group).astype(ordered)
    with pytest.raises(ValueError, match=r"order \['old', 'new'\] .* in the order \['new', 'old'\]"):
        rows.answer("difference", cut(f), None, cut(of_pool))
    y, of_rows = rows.y["number"], pd.Series(rows.group).astype(ordered)
    found = rectify_difference(y, rows.f["number"], cut(f), of_rows, cut(of_pool))
    assert_same(found, rectify_difference(y, rows.f["number"], f, of_rows, of_pool))


def test_missing_judgements_need_arrays(rows):
    with pytest.raises(ValueError, match="needs all predictions of the pool at once"):
        rows.answer("mean", cut(rows.f_pool["number"]), missing_judgements="indicator")


def test_frames_with_a_column_called_blocks(rows, expected):
    frame = pd.DataFrame({"blocks": rows.f_pool["number"]})
    assert_same(rows.answer("mean", frame), expected["mean"])


# What it costs


class Made:
    """Blocks that are made when they are asked for, and counted."""

    def __init__(self, m, size=50_000):
        self.m, self.size, self.n_read = m, size, 0
        rng = np.random.default_rng(0)
        self.X, self.noise = rng.normal(size=(size, 2)), rng.normal(size=size)
        self.group = rng.choice(["new", "old"], size=size)

    def rows(self, make):
        def blocks():
            for number in range(self.m // self.size):
                self.n_read += 1
                yield make(self.X + 0.01 * (number % 7), np.roll(self.noise, number))

        return blocks

    def pool(self, estimand):
        f = {
            "logistic": lambda eta: 1 / (1 + np.exp(-eta)),
            "poisson": lambda eta: np.exp(0.15 + 0.5 * eta),
        }.get(estimand, lambda eta: eta)
        return (
            self.rows(lambda X, noise: f(0.3 + X @ [0.5, -0.3] + noise)),
            self.rows(lambda X, noise: X),
            self.rows(lambda X, noise: self.group),
        )

    @property
    def reads(self):
        """Of all blocks of one source."""
        return self.n_read / (self.m // self.size)


@pytest.mark.grid(4)
@pytest.mark.parametrize("estimand", ["mean", "difference", *REGRESSIONS])
def test_memory_is_that_of_a_block(rows, estimand):
    pool = Made(3_000_000).pool(estimand)
    rows.answer(estimand, *Made(100_000).pool(estimand))  # whatever is loaded or made once
    tracemalloc.start()
    try:
        found = rows.answer(estimand, *pool)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.n_unlabeled == 3_000_000
    assert peak < 16 * 2**20


def test_rows_to_start_from_are_copies(rows):
    """Of blocks of 10^6 rows, which views of them would keep: sixteen at once."""
    whole = np.random.default_rng(0).normal(size=(1_000_000, 2))
    f = PoolSource(
        lambda: (whole @ [0.5, -0.3] + 0.3 + number / 99 for number in range(8)), n_rows=8_000_000
    )
    X = PoolSource(lambda: (whole + number / 99 for number in range(8)))
    tracemalloc.start()
    try:
        rows.answer("linear", f, X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * whole.nbytes


@pytest.mark.parametrize("estimand", ["mean", "difference"])
def test_means_take_one_pass(rows, estimand):
    made = Made(300_000)
    f, X, group = made.pool(estimand)
    rows.answer(estimand, f, X, group)
    assert made.reads == (2 if estimand == "difference" else 1)  # of predictions and of groups


@pytest.mark.parametrize("estimand", ["linear", "logistic", "poisson"])
def test_regressions_take_few_passes(rows, estimand):
    of_f, of_X = Made(300_000), Made(300_000)
    f, X = of_f.pool(estimand)[0], of_X.pool(estimand)[1]
    rows.answer(estimand, PoolSource(f, n_rows=300_000), X)
    known = of_X.reads
    assert known <= 3 if estimand != "linear" else known <= 2
    assert of_f.reads <= known + 1 / 6  # the first block is looked at
    rows.answer(estimand, f, X)
    assert of_X.reads - known <= known + 1  # to count


def evaluations(rows, m, jacobian=None):
    """Of psi, for each row of the pool."""
    calls, made = [], Made(m)

    def psi(X, y, theta):
        calls.append(len(y))
        return squares(X, y, theta)

    f, X, _ = made.pool("m")
    y, f_rows = rows.y["number"], rows.f["number"]
    m_estimate(psi, rows.X, y, f_rows, X, f, start=np.zeros(3), jacobian=jacobian)
    return sum(calls) / m


@pytest.mark.thorough
def test_evaluations_of_a_row(rows):
    """Root finding is done on some rows; a pass takes one evaluation and two for each parameter, whose differences tell the derivative."""
    two, six = evaluations(rows, 600_000), evaluations(rows, 1_800_000)
    assert six < two
    assert 1_800_000 * six - 600_000 * two < 8 * 1_200_000
