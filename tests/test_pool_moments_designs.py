"""PoolMoments with weights and clusters: a mean is that of arrays with sampling designs, wherever and in whatever order rows were seen."""

import json
import pickle
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merged_parts import WAYS, merged

from sklearn_ftr import PoolMoments, SamplingDesign, rectify_difference, rectify_mean, rectify_quantile

R, M = 60, 900


class Drawn:
    """Labels, predictions, weights, clusters and labeling probabilities of R labeled rows and M others, as a case has them."""

    def __init__(self, weights, clusters, probability=False, judges=1, outputs=1, seed=0, offset=0.0):
        rng = np.random.default_rng(seed)
        houses = rng.integers(0, 150, size=R + M)
        y = offset + rng.normal(size=(R + M, outputs)) + rng.normal(size=(150, 1))[houses]
        f = y[:, :, None] + rng.normal(scale=0.7, size=(R + M, outputs, judges))
        w = rng.lognormal(sigma=0.8, size=R + M) * (rng.random(R + M) < 0.95)
        if clusters == "apart":
            houses[R:] += 150
        columns = {"weights": w if weights else None, "clusters": houses if clusters else None}
        chances = {"labeling_probability": rng.uniform(0.05, 0.5, size=R)} if probability else {}
        shape = tuple(size for size in (outputs, judges) if size > 1)
        self.y, self.f = y[:R].reshape(R, *shape[: outputs > 1]), f[:R].reshape(R, *shape)
        self.pool = f[R:].reshape(M, *shape)
        self.table = f[R:].reshape(M, -1)
        self.of_pool = {name: one[R:] for name, one in columns.items() if one is not None}
        labeled = {name: one[:R] for name, one in columns.items() if one is not None}
        self.design = SamplingDesign(**labeled, **chances) if labeled or chances else None

    def of_arrays(self, **options):
        of_pool = SamplingDesign(**self.of_pool) if self.of_pool else None
        return rectify_mean(
            *(self.y, self.f, self.pool), design=self.design, design_unlabeled=of_pool, **options
        )

    def moments(self, rows=slice(None)):
        return PoolMoments(self.table[rows], **{k: one[rows] for k, one in self.of_pool.items()})

    def of_moments(self, moments, **options):
        return rectify_mean(self.y, self.f, moments, design=self.design, **options)


def numbers_of(result):
    """But the count of rows, of which those without a weight are none in moments."""
    told = result.to_dict()
    return {name: value for name, value in told.items() if name not in ("n_unlabeled", "seed")}


def assert_same(one, other, rtol=1e-10):
    told, expected = numbers_of(one), numbers_of(other)
    assert told.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, int | float | np.ndarray | list) and not isinstance(value, bool):
            try:
                np.testing.assert_allclose(told[name], value, rtol=rtol, atol=1e-12, err_msg=name)
            except TypeError:
                assert told[name] == value
        elif isinstance(value, bool | str | type(None)):
            assert told[name] == value
    for low_high, expected_one in zip(
        one.confidence_interval(method="t"), other.confidence_interval(method="t"), strict=True
    ):
        np.testing.assert_allclose(low_high, expected_one, rtol=rtol)


CASES = [
    (weights, clusters, probability)
    for weights in (False, True)
    for clusters in (False, "shared", "apart")
    for probability in (False, True)
]


@pytest.mark.parametrize(("weights", "clusters", "probability"), CASES)
@pytest.mark.parametrize(("judges", "outputs"), [(1, 1), (3, 1), (2, 2)])
def test_a_mean_is_that_of_arrays(weights, clusters, probability, judges, outputs):
    rows = Drawn(weights, clusters, probability, judges, outputs)
    assert_same(rows.of_moments(rows.moments(), interval="t"), rows.of_arrays(interval="t"))


@pytest.mark.parametrize(
    ("weights", "clusters"), [(w, c) for w in (False, True) for c in (False, "apart")]
)
@pytest.mark.parametrize("probability", [False, True])
def test_finite_populations(weights, clusters, probability):
    rows = Drawn(weights, clusters, probability and not clusters)
    rows.of_pool = {
        k: np.where(one > 0, one, 0.5) if k == "weights" else one for k, one in rows.of_pool.items()
    }
    options = {"interval": "t", "finite_population": True}
    assert_same(rows.of_moments(rows.moments(), **options), rows.of_arrays(**options))


@pytest.mark.parametrize("weights", [False, True])
def test_shares_of_finite_populations(weights):
    rows = Drawn(weights, False)
    rows.y = (rows.y > 0).astype(float)
    rows.of_pool = {k: np.where(one > 0, one, 0.5) for k, one in rows.of_pool.items()}
    options = {"finite_population": True}
    found, expected = rows.of_moments(rows.moments(), **options), rows.of_arrays(**options)
    assert found.interval_method == expected.interval_method
    np.testing.assert_allclose(found.confidence_interval(), expected.confidence_interval(), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from([False, "shared", "apart"]),
    st.lists(st.integers(0, M), max_size=6),
    st.sampled_from(WAYS),
)
def test_any_split_and_order_is_the_whole(seed, weights, clusters, cuts, way):
    rows = Drawn(weights, clusters, seed=seed)
    order = np.random.default_rng(seed).permutation(M)
    parts = [
        ((rows.table[part],), {k: one[part] for k, one in rows.of_pool.items()})
        for part in np.split(order, np.sort(cuts))
    ]
    found = merged(PoolMoments, parts, way)
    whole = rows.moments()
    assert (found.count, found.n_pieces) == (whole.count, whole.n_pieces)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found.covariance, whole.covariance, rtol=1e-10)
    assert_same(rows.of_moments(found, interval="t"), rows.of_arrays(interval="t"), 1e-9)


def test_covariance_is_that_of_the_mean():
    """Linearised by hand: pieces' sums of w (f - mean), n / (n - 1) times their squares over that of all weights."""
    rows = Drawn(True, "shared", judges=2)
    w, houses, found = rows.of_pool["weights"], rows.of_pool["clusters"], rows.moments()
    mean = w @ rows.table / w.sum()
    of_houses = np.array([w[houses == one] @ (rows.table - mean)[houses == one] for one in set(houses)])
    n = len({house for house, weight in zip(houses, w, strict=True) if weight > 0})
    assert found.n_pieces == n
    assert found.count == np.count_nonzero(w)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    expected = n / (n - 1) * of_houses.T @ of_houses / w.sum() ** 2
    np.testing.assert_allclose(found.covariance / n, expected, rtol=1e-10)


def test_equal_weights_are_none():
    rows = Drawn(False, False, judges=2)
    plain, found = rows.moments(), PoolMoments(rows.table, weights=np.full(M, 2.5))
    np.testing.assert_allclose(found.mean, plain.mean, rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(rows.table, rowvar=False), rtol=1e-11)
    design = SamplingDesign(weights=np.full(R, 2.5))
    result = rectify_mean(rows.y, rows.f, found, design=design, interval="t")
    assert_same(result, rectify_mean(rows.y, rows.f, plain, interval="t"))
    assert result.design_effect is None


@pytest.mark.parametrize("scale", [1e-140, 1.0, 1e120])
@pytest.mark.parametrize("clusters", [False, "shared"])
def test_the_scale_of_weights_does_not_matter(scale, clusters):
    rows = Drawn(True, clusters, True)
    of_pool = rows.of_pool | {"weights": scale * rows.of_pool["weights"]}
    labeled = {"weights": scale * rows.design.weights, "clusters": rows.design.clusters}
    chance = rows.design.labeling_probability
    design = SamplingDesign(**labeled, labeling_probability=chance)
    found = rectify_mean(
        rows.y, rows.f, PoolMoments(rows.table, **of_pool), design=design, interval="t"
    )
    assert_same(found, rows.of_arrays(interval="t"), 1e-9)


@pytest.mark.parametrize("clusters", [False, "shared"])
def test_predictions_far_from_zero(clusters):
    rows = Drawn(True, clusters, offset=1e7)
    assert_same(rows.of_moments(rows.moments(), interval="t"), rows.of_arrays(interval="t"), 1e-8)


def totals_of(rows, by):
    """What `SELECT COUNT(*), AVG(t), AVG(s), COVAR_SAMP ... FROM (SELECT SUM(w*f) t, SUM(w) s ... GROUP BY by)` returns."""
    w = rows.of_pool.get("weights", np.ones(M))
    table = np.column_stack([w[:, None] * rows.table, w])
    codes = np.unique(by, return_inverse=True)[1]
    of_pieces = np.stack([np.bincount(codes, column) for column in table.T], axis=1)
    of_pieces = of_pieces[of_pieces[:, -1] > 0]
    covariance = np.cov(of_pieces, rowvar=False).tolist()
    return {"count": len(of_pieces), "mean": of_pieces.mean(axis=0).tolist(), "covariance": covariance}


@pytest.mark.parametrize("probability", [False, True])
@pytest.mark.parametrize("judges", [1, 2])
def test_a_query_of_weighted_rows(judges, probability):
    rows = Drawn(True, False, probability, judges)
    told = {"totals": totals_of(rows, np.arange(M))}
    found = PoolMoments.from_dict(json.loads(json.dumps(told)))
    assert_same(rows.of_moments(found, interval="t"), rows.of_arrays(interval="t"))


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("finite_population", [False, True])
def test_a_query_of_clusters_that_have_no_labels(weights, finite_population):
    rows = Drawn(weights, "apart")
    rows.of_pool = {
        k: np.where(one > 0, one, 0.5) if k == "weights" else one for k, one in rows.of_pool.items()
    }
    told = {"totals": totals_of(rows, rows.of_pool["clusters"]), "clustered": True}
    found = PoolMoments.from_dict(told | {"weighted": weights, "count": M})
    options = {"interval": "t", "finite_population": finite_population}
    result = rows.of_moments(found, **options)
    assert_same(result, rows.of_arrays(**options))
    assert result.n_unlabeled == M


@pytest.mark.parametrize(
    "label",
    [str, float, lambda one: (int(one), "a"), lambda one: date(2024, 1, 1) + timedelta(int(one))],
)
def test_labels_of_any_kind(label):
    rows = Drawn(True, "shared")
    labels = [label(one) for one in rows.of_pool["clusters"]]
    labeled = [label(one) for one in rows.design.clusters]
    found = PoolMoments()
    for start in range(0, M, 200):
        part = slice(start, start + 200)
        found.update(rows.table[part], rows.of_pool["weights"][part], labels[part])
    design = SamplingDesign(weights=rows.design.weights, clusters=labeled)
    result = rectify_mean(rows.y, rows.f, found, design=design, interval="t")
    assert_same(result, rows.of_arrays(interval="t"))
    if label is not str and not isinstance(labels[0], date):
        sent = PoolMoments.from_dict(json.loads(json.dumps(found.to_dict())))
        assert_same(rectify_mean(rows.y, rows.f, sent, design=design, interval="t"), result)


@pytest.mark.parametrize("kind", ["M8[ns]", "M8[D]", "U12", "i8"])
def test_labels_in_arrays_of_numpy(kind):
    """Numbers far apart, texts and times, seen in several updates."""
    rows = Drawn(True, "shared")
    of_pool, of_labels = (
        (10**6 * one).astype(kind if kind[0] != "M" else "M8[s]").astype(kind)
        for one in (rows.of_pool["clusters"], rows.design.clusters)
    )
    found = PoolMoments()
    for part in np.array_split(np.arange(M), 3):
        found.update(rows.table[part], rows.of_pool["weights"][part], of_pool[part])
    design = SamplingDesign(weights=rows.design.weights, clusters=of_labels)
    sent = pickle.loads(pickle.dumps(found))
    result = rectify_mean(rows.y, rows.f, sent, design=design, interval="t")
    assert_same(result, rows.of_arrays(interval="t"))


def test_labels_of_different_kinds_are_refused():
    rows = Drawn(False, "shared")
    moments = PoolMoments(rows.table, clusters=list(map(str, rows.of_pool["clusters"])))
    with pytest.raises(ValueError, match="labels of different kinds"):
        rows.of_moments(moments)


def test_clusters_of_the_design_only():
    """The pool is rows that are alike."""
    rows, plain = Drawn(False, "shared"), PoolMoments(Drawn(False, "shared").table)
    expected = rectify_mean(rows.y, rows.f, rows.pool, design=rows.design, interval="t")
    assert_same(rectify_mean(rows.y, rows.f, plain, design=rows.design, interval="t"), expected)


@pytest.mark.parametrize("f", [np.float16, np.float32, np.int8, bool])
def test_predictions_of_any_type(f):
    rows = Drawn(True, "shared")
    table = (10 * rows.table).astype(f)
    found = PoolMoments(table, **rows.of_pool)
    expected = PoolMoments(table.astype(float), **rows.of_pool)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-10)


def test_rows_that_weigh_nothing_are_none():
    found = PoolMoments([1.0, 2.0, 5.0], weights=[0.0, 0.0, 0.0])
    assert found.count == 0
    found.update([3.0, 4.0, 9.0], [1.0, 1.0, 0.0]).update([7.0], [0.0])
    assert (found.count, found.n_pieces) == (2, 2)
    assert found.mean == pytest.approx([3.5])
    assert repr(found) == "PoolMoments(count=2, mean=[3.5], standard deviation=[0.707107])"


def test_a_single_cluster_has_no_variance():
    found = PoolMoments([1.0, 3.0], clusters=["a", "a"])
    assert found.covariance == pytest.approx(np.zeros((1, 1)))
    assert repr(found) == "PoolMoments(count=2, n_pieces=1, mean=[2], standard deviation=[0])"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weights": [1.0]}, "weights has 1 rows and f has 2"),
        ({"weights": [1.0, -1.0]}, "weights has 1 negative values"),
        ({"weights": [1.0, np.nan]}, "weights has 1 NaN"),
        ({"clusters": [1, None]}, "clusters has 1 missing"),
        ({"clusters": ["a", "b", "c"]}, "clusters has 3 rows and f has 2"),
        ({"clusters": [[1], [2]]}, r"clusters.*(hashed|shape)"),
        ({"weights": [1e200, 1.0]}, "squares overflow"),
    ],
)
def test_what_are_no_columns(columns, message):
    seen = PoolMoments([1.0, 2.0], **{name: [1, 2] for name in columns})
    before = seen.to_dict()
    with pytest.raises((ValueError, TypeError), match=message):
        seen.update([3.0, 4.0], **columns)
    assert seen.to_dict() == before


def test_all_rows_have_the_same_columns():
    plain, weighted = PoolMoments([1.0, 2.0]), PoolMoments([1.0, 2.0], weights=[1, 2])
    with pytest.raises(ValueError, match="f has weights and what was seen before has none"):
        PoolMoments([1.0]).update([1.0], weights=[2.0])
    with pytest.raises(ValueError, match="f has no weights and what was seen before has some"):
        PoolMoments([1.0], weights=[1.0]).update([1.0])
    with pytest.raises(ValueError, match="f has clusters and what was seen before has none"):
        plain.merge(PoolMoments([1.0], clusters=["a"]))
    unlabeled = {
        "totals": {"count": 2, "mean": [1, 1], "covariance": [[1, 0], [0, 0]]},
        "clustered": True,
    }
    with pytest.raises(ValueError, match="labels of clusters"):
        PoolMoments.from_dict(unlabeled).merge(PoolMoments([1.0], weights=[1], clusters=["a"]))
    assert weighted.merge(PoolMoments()).count == PoolMoments().merge(weighted).count == 2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"totals": 3}, "totals is of type int"),
        ({"totals": {"count": 2}}, "mean and covariance are missing"),
        ({"totals": {"count": 2, "mean": [1], "covariance": [[1]]}}, "k sums and, last, what pieces weigh"),
        ({"totals": {"count": 2, "mean": [1, 0], "covariance": np.eye(2)}}, "what pieces weigh, above 0"),
        ({"totals": {"count": 2, "mean": [1, 1], "covariance": np.eye(2)}, "count": 1}, "count is 1 and there are 2 pieces"),
        ({"totals": {"count": 2, "mean": [1, 1], "covariance": np.eye(2)}, "weighted": False}, "neither weighted nor clustered"),
        ({"totals": {"count": 2, "mean": [1, 1], "covariance": np.eye(2)}, "origin": [1, 2]}, r"origin has shape \(2,\)"),
        ({"clusters": ["a"]}, "sums and sizes are missing"),
        ({"clusters": ["a"], "sums": [1, 2], "sizes": [1]}, "1 clusters, 2 sums and 1 sizes"),
        ({"clusters": ["a"], "sums": [1], "sizes": [0]}, "1 clusters, 1 sums and 0 sizes above 0"),
        ({"clusters": "a", "sums": [1], "sizes": [1]}, "clusters is of type str"),
    ],
)  # fmt: skip
def test_what_are_no_sums(told, message):
    with pytest.raises((ValueError, TypeError), match=message):
        PoolMoments.from_dict(told)


def test_both_sides_have_weights_or_neither():
    weighted, plain = Drawn(True, False), Drawn(False, False)
    with pytest.raises(ValueError, match="the summary of the pool has weights and design has none"):
        plain.of_moments(weighted.moments())
    with pytest.raises(ValueError, match="design has weights and the summary of the pool has none"):
        weighted.of_moments(plain.moments())
    clustered = Drawn(False, "apart")
    with pytest.raises(ValueError, match="the summary of the pool has clusters and design has none"):
        plain.of_moments(clustered.moments(), finite_population=True)
    with pytest.raises(ValueError, match="design has clusters and the summary of the pool has none"):
        clustered.of_moments(plain.moments(), finite_population=True)
    with pytest.raises(ValueError, match=r"weights and clusters in PoolMoments\.update"):
        plain.of_moments(plain.moments(), design_unlabeled=SamplingDesign(weights=np.ones(M)))
    strata = SamplingDesign(strata=np.arange(R) % 2)
    with pytest.raises(ValueError, match="design has strata and the pool is given as a summary"):
        rectify_mean(plain.y, plain.f, plain.moments(), design=strata)


def test_estimates_that_need_rows_say_so():
    rows = Drawn(True, "shared")
    group = np.arange(R) % 2
    for ask in (
        lambda: rectify_quantile(rows.y, rows.f, rows.moments()),
        lambda: rectify_difference(rows.y, rows.f, rows.moments(), group, np.arange(M) % 2),
    ):
        with pytest.raises(ValueError, match="PoolMoments, from which means can be had, but nothing"):
            ask()
