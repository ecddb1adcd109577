"""LinearRegressionMoments with weights and clusters: a regression is that of arrays with sampling designs, wherever and in whatever order rows were seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merged_parts import WAYS, merged

from sklearn_ftr import LinearRegressionMoments, SamplingDesign, rectify_linear_regression

R, M = 90, 1_200


class Drawn:
    """Covariates, labels, predictions, weights, clusters and labeling probabilities of R labeled rows and M others, as a case has them."""

    def __init__(self, weights, clusters, probability=False, judges=1, offset=0.0, seed=0):
        rng = np.random.default_rng(seed)
        houses = rng.integers(0, 200, size=R + M)
        X = rng.gamma(2.0, size=(R + M, 2)) + 0.3 * rng.normal(size=(200, 1))[houses]
        y = X @ [1.0, -0.5] + rng.normal(size=R + M) * (0.5 + X[:, 0]) + rng.normal(size=200)[houses]
        f = y[:, None] + rng.normal(scale=0.8, size=(R + M, judges)) + 0.2 * X[:, :1] ** 2
        f = f[:, 0] if judges == 1 else f
        w = rng.lognormal(sigma=0.8, size=R + M) * (rng.random(R + M) < 0.95)
        if clusters == "apart":
            houses[R:] += 200
        columns = {"weights": w if weights else None, "clusters": houses if clusters else None}
        chances = {"labeling_probability": rng.uniform(0.05, 0.5, size=R)} if probability else {}
        X += offset
        self.labeled, self.X_pool, self.f_pool = (X[:R], y[:R], f[:R]), X[R:], f[R:]
        self.of_pool = {name: one[R:] for name, one in columns.items() if one is not None}
        labeled = {name: one[:R] for name, one in columns.items() if one is not None}
        self.design = SamplingDesign(**labeled, **chances) if labeled or chances else None

    def of_arrays(self, **options):
        of_pool = SamplingDesign(**self.of_pool) if self.of_pool else None
        return rectify_linear_regression(
            *(*self.labeled, self.X_pool, self.f_pool),
            design=self.design,
            design_unlabeled=of_pool,
            interval="t",
            **options,
        )

    def columns(self, rows):
        return {name: one[rows] for name, one in self.of_pool.items()}

    def moments(self, rows=slice(None)):
        return LinearRegressionMoments(self.X_pool[rows], self.f_pool[rows], **self.columns(rows))

    def of_moments(self, moments, **options):
        return rectify_linear_regression(
            *self.labeled, moments, design=self.design, interval="t", **options
        )


def assert_same(one, other, rtol=1e-9):
    size = np.max(np.abs(other.estimate))
    for name in ("estimate", "standard_error", "lambda_", "degrees_of_freedom", "efficiency"):
        found, expected = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size, err_msg=name)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=10 * rtol, atol=rtol * size**2)
    of_pool, expected = one.predictions_only, other.predictions_only
    np.testing.assert_allclose(of_pool.estimate, expected.estimate, rtol=rtol, atol=rtol * size)
    np.testing.assert_allclose(of_pool.standard_error, expected.standard_error, rtol=rtol)
    np.testing.assert_allclose(one.prediction_shift, other.prediction_shift, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("clusters", [False, "shared", "apart"])
@pytest.mark.parametrize("probability", [False, True])
@pytest.mark.parametrize("judges", [1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_regression_is_that_of_arrays(weights, clusters, probability, judges, fit_intercept):
    rows, options = Drawn(weights, clusters, probability, judges), {"fit_intercept": fit_intercept}
    assert_same(rows.of_moments(rows.moments(), **options), rows.of_arrays(**options))


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("clusters", [False, "apart"])
def test_finite_populations(weights, clusters):
    rows = Drawn(weights, clusters)
    rows.of_pool = {
        k: np.where(one > 0, one, 0.5) if k == "weights" else one for k, one in rows.of_pool.items()
    }
    options = {"finite_population": True}
    assert_same(rows.of_moments(rows.moments(), **options), rows.of_arrays(**options))


@settings(max_examples=30, deadline=None)
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
        ((rows.X_pool[part], rows.f_pool[part]), rows.columns(part))
        for part in np.split(order, np.sort(cuts))
    ]
    found = merged(LinearRegressionMoments, parts, way)
    assert found.count == rows.moments().count
    assert_same(rows.of_moments(found), rows.of_arrays(), 1e-8)


@pytest.mark.parametrize("clusters", [False, "shared"])
@pytest.mark.parametrize("offset", [2_000.0, -1e6])
def test_years_and_incomes(clusters, offset):
    """Products of raw values would have lost most digits of what varies; the arrays' own answer is the one without the offset."""
    near, far = (Drawn(True, clusters, offset=one) for one in (0.0, offset))
    found, expected = far.of_moments(far.moments()), near.of_arrays()
    np.testing.assert_allclose(found.estimate[1:], expected.estimate[1:], rtol=1e-6)
    np.testing.assert_allclose(found.standard_error[1:], expected.standard_error[1:], rtol=1e-6)


def query(rows, origin):
    """Sums of weighted products within pieces, as a database would have them: of each cluster, or of each row."""
    values = np.column_stack([rows.X_pool, rows.f_pool]) - origin
    u = np.column_stack([np.ones(M), values])
    products = [u[:, i] * u[:, right] for i in range(3) for right in range(i, 4)][1:]
    table = rows.of_pool["weights"][:, None] * np.column_stack([*products, np.ones(M)])
    return table[rows.of_pool["weights"] > 0]


@pytest.mark.parametrize("origin", [0.0, [1.0, 2.0, 0.5]])
def test_a_query_of_weighted_rows(origin):
    rows = Drawn(True, False)
    table = query(rows, origin)
    told = {"count": len(table), "mean": table.mean(axis=0), "covariance": np.cov(table.T)}
    of_query = {
        "count": len(table),
        "n_features": 2,
        "origin": np.broadcast_to(origin, 3).tolist(),
        "pieces": {"totals": told},
    }
    assert_same(rows.of_moments(LinearRegressionMoments.from_dict(of_query)), rows.of_arrays())


def test_a_query_of_clusters():
    rows = Drawn(True, "shared")
    table, houses = (
        query(rows, 0.0),
        rows.of_pool["clusters"][rows.of_pool["weights"] > 0],
    )
    labels = np.unique(houses)
    sums = np.array([table[houses == label].sum(axis=0) for label in labels])
    of_clusters = {"clusters": labels.tolist(), "sums": sums[:, :-1], "sizes": sums[:, -1]}
    told = {"count": len(table), "n_features": 2, "pieces": of_clusters}
    assert_same(rows.of_moments(LinearRegressionMoments.from_dict(told)), rows.of_arrays())


def test_equal_weights_are_none():
    rows, alike = Drawn(True, False), Drawn(False, False)
    rows.of_pool["weights"] = np.ones(M)
    rows.design = SamplingDesign(weights=np.ones(R))
    assert_same(rows.of_moments(rows.moments()), alike.of_arrays())


@pytest.mark.parametrize("clusters", [False, "shared"])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_weights_does_not_matter(scale, clusters):
    rows = Drawn(True, clusters)
    expected = rows.of_moments(rows.moments())
    rows.of_pool["weights"] = rows.of_pool["weights"] * scale
    rows.design = SamplingDesign(
        weights=np.asarray(rows.design.weights) * scale, clusters=rows.design.clusters
    )
    assert_same(rows.of_moments(rows.moments()), expected)


def test_predictions_that_are_linear_in_the_covariates_say_nothing():
    rows = Drawn(True, False)
    rows.f_pool = rows.X_pool @ [2.0, 1.0] + 1.0
    rows.labeled = (*rows.labeled[:2], rows.labeled[0] @ [2.0, 1.0] + 1.0)
    result = rows.of_moments(rows.moments())
    assert np.all(result.lambda_ == 0)


def test_rows_that_weigh_nothing_are_none():
    rows = Drawn(True, False)
    empty = LinearRegressionMoments(rows.X_pool[:5], rows.f_pool[:5], weights=np.zeros(5))
    assert empty.count == 0
    assert rows.moments().merge(empty).count == np.count_nonzero(rows.of_pool["weights"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weights": [1.0]}, "weights has 1 rows and X has 4"),
        ({"weights": [1.0, -1.0, 1.0, 1.0]}, "weights"),
        ({"weights": [1e300] * 4}, "overflow"),
        ({"clusters": ["a", None, "b", "c"]}, "clusters"),
    ],
)
def test_what_are_no_columns(columns, message):
    X, f = np.arange(8.0).reshape(4, 2) ** 2, np.array([0.0, 1.0, 0.0, 2.0])
    with pytest.raises(ValueError, match=message):
        LinearRegressionMoments(1e30 * X, f, **columns)


def test_all_rows_have_the_same_columns():
    rows = Drawn(True, False)
    with pytest.raises(ValueError, match="X has no weights and what was seen before has some"):
        rows.moments().update(rows.X_pool, rows.f_pool)
    with pytest.raises(ValueError, match="weights"):
        LinearRegressionMoments(rows.X_pool, rows.f_pool).merge(rows.moments())


def test_both_sides_have_weights_or_neither():
    rows = Drawn(True, False)
    rows.design = None
    with pytest.raises(ValueError, match="weights"):
        rows.of_moments(rows.moments())


@pytest.mark.parametrize("clusters", [False, "shared"])
def test_spreads_are_the_diagonal_of_the_covariance(clusters):
    pieces = Drawn(True, clusters).moments()._pieces
    expected = np.sqrt(np.diag(pieces.covariance))
    np.testing.assert_allclose(pieces.standard_deviation, expected, rtol=1e-10)
