"""LinearRegressionMoments in the place of a pool: a linear regression is that of the rows, wherever and in whatever order they were seen."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merged_parts import WAYS, merged

from sklearn_ftr import (
    LinearRegressionMoments,
    PoolMoments,
    SamplingDesign,
    m_estimate,
    rectify_glm,
    rectify_linear_regression,
    rectify_logistic_regression,
    rectify_mean,
)
from sklearn_ftr.rectification._products_of_columns import Products

R, M = 80, 1_500


class Rows:
    """Covariates, labels and predictions of R labeled rows and of M others."""

    def __init__(self, judges=1, d=3, offset=0.0, scale=1.0, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.gamma(2.0, size=(R + M, d)) * scale
        signal = X @ np.linspace(1, -0.5, d) / scale
        y = signal + rng.normal(size=R + M) * (0.5 + X[:, 0] / scale)
        f = y[:, None] + rng.normal(scale=0.8, size=(R + M, judges)) + 0.3 * (signal**2)[:, None]
        f = f[:, 0] if judges == 1 else f
        X += offset
        self.X, self.y, self.f, self.X_pool, self.f_pool = X[:R], y[:R], f[:R], X[R:], f[R:]

    @property
    def moments(self):
        return LinearRegressionMoments(self.X_pool, self.f_pool)

    def of_rows(self, **options):
        return rectify_linear_regression(
            self.X, self.y, self.f, self.X_pool, self.f_pool, interval="t", **options
        )

    def of_moments(self, moments, **options):
        return rectify_linear_regression(self.X, self.y, self.f, moments, interval="t", **options)


def assert_same(one, other, rtol=1e-9):
    told, expected = one.to_dict(), other.to_dict()
    assert told.keys() == expected.keys()
    size = np.max(np.abs(expected["estimate"]))
    for name, value in expected.items():
        if isinstance(value, int | float | list) and not isinstance(value, bool) and name != "names":
            np.testing.assert_allclose(told[name], value, rtol=rtol, atol=rtol * size, err_msg=name)
    np.testing.assert_allclose(one.standard_error, other.standard_error, rtol=rtol)
    np.testing.assert_allclose(
        one.covariance, other.covariance, rtol=10 * rtol, atol=rtol * np.min(np.diag(other.covariance))
    )
    assert one.n_unlabeled == other.n_unlabeled


@pytest.mark.parametrize("judges", [1, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("lambda_", [None, 1.0])
def test_a_regression_is_that_of_rows(judges, fit_intercept, lambda_):
    rows, options = Rows(judges), {"fit_intercept": fit_intercept, "lambda_": lambda_}
    assert_same(rows.of_moments(rows.moments, **options), rows.of_rows(**options))


@pytest.mark.parametrize(("offset", "scale"), [(2_000.0, 1.0), (1e6, 1.0), (1e6, 1e4), (-3e8, 1e5)])
def test_years_and_incomes(offset, scale):
    """Products of raw values would have lost all digits of what varies."""
    rows = Rows(offset=offset, scale=scale)
    expected = rows.of_rows()
    found = rows.of_moments(rows.moments)
    slopes = slice(1, None)
    np.testing.assert_allclose(found.estimate[slopes], expected.estimate[slopes], rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-8)
    np.testing.assert_allclose(found.lambda_, expected.lambda_, rtol=1e-8)
    away = abs(found.estimate[0] - expected.estimate[0])
    assert away < 1e-8 * expected.standard_error[0]


def with_squares(X):
    return np.column_stack([X, X**2])


def test_ages_and_their_squares():
    rows = Rows(d=1, offset=18.0, scale=12.0)
    rows.X, rows.X_pool = with_squares(rows.X), with_squares(rows.X_pool)
    found, expected = rows.of_moments(rows.moments), rows.of_rows()
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-8)


def test_columns_that_products_do_not_tell_apart_are_refused():
    """Years and their squares: four digits of an estimate would be right."""
    rows = Rows(d=1, offset=2_000.0)
    rows.X, rows.X_pool = with_squares(rows.X), with_squares(rows.X_pool)
    with pytest.raises(ValueError, match="subtract a number that is near to a column"):
        rows.of_moments(rows.moments)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, M), max_size=6),
    st.sampled_from(WAYS),
    st.integers(1, 2),
)
def test_any_split_and_order_is_the_whole(seed, cuts, way, judges):
    rows = Rows(judges, offset=2_000.0, seed=seed)
    order = np.random.default_rng(seed).permutation(M)
    parts = [((rows.X_pool[part], rows.f_pool[part]), {}) for part in np.split(order, np.sort(cuts))]
    found = merged(LinearRegressionMoments, parts, way)
    expected, result = rows.of_rows(), rows.of_moments(found)
    np.testing.assert_allclose(result.estimate[1:], expected.estimate[1:], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(result.standard_error, expected.standard_error, rtol=1e-8)


def told_by_products(X, f, origin):
    """By the recipe of `from_dict`, as an array or a query has it."""
    d, j = X.shape[1], f.shape[1]
    u = np.column_stack([np.ones(len(X)), np.column_stack([X, f]) - origin]).T
    products = np.array([u[i] * u[right] for i in range(d + 1) for right in range(i, d + 1 + j)][1:])
    return {
        "count": len(X),
        "n_features": d,
        "origin": origin,
        "mean": products.mean(axis=1).tolist(),
        "covariance": np.cov(products).tolist(),
    }


@pytest.mark.parametrize("judges", [1, 2])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_query_is_enough(judges, fit_intercept):
    rows = Rows(judges)
    table = rows.f_pool.reshape(M, judges)
    told = told_by_products(rows.X_pool, table, [2.0] * (3 + judges))
    found = LinearRegressionMoments.from_dict(json.loads(json.dumps(told)))
    assert (found.count, found.n_features, found.n_judges) == (M, 3, judges)
    options = {"fit_intercept": fit_intercept}
    assert_same(rows.of_moments(found, **options), rows.of_rows(**options))


def test_a_wild_first_row_does_not_matter():
    rows = Rows()
    wild = LinearRegressionMoments(np.full((1, 3), 30.0), [30.0])
    rows.X_pool, rows.f_pool = (
        np.vstack([np.full((1, 3), 30.0), rows.X_pool]),
        np.append(30.0, rows.f_pool),
    )
    merged = wild.merge(LinearRegressionMoments(rows.X_pool[1:], rows.f_pool[1:]))
    expected = rows.of_rows()
    for moments in (merged, rows.moments):
        np.testing.assert_allclose(
            rows.of_moments(moments).estimate, expected.estimate, rtol=1e-6, atol=1e-8
        )


def test_products_are_moved_exactly(rng):
    products = Products(3, 2)
    X, f, shift = rng.normal(size=(50, 3)), rng.normal(size=(50, 2)), rng.normal(size=5)
    (_, table), (_, expected) = (
        next(products.tables(X, f, origin)) for origin in (np.zeros(5), -shift)
    )
    found = np.column_stack([np.ones(50), table]) @ products.moved(shift).T
    np.testing.assert_allclose(found[:, 1:], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("judges", [1, 2])
@pytest.mark.parametrize("case", ["clusters", "probability", "finite"])
def test_designs_of_labels(judges, case):
    rows, rng = Rows(judges), np.random.default_rng(1)
    design = {
        "clusters": SamplingDesign(clusters=rng.integers(0, 30, size=R)),
        "probability": SamplingDesign(labeling_probability=rng.uniform(0.02, 0.2, size=R)),
        "finite": None,
    }[case]
    options = {"design": design, "finite_population": case == "finite"}
    assert_same(rows.of_moments(rows.moments, **options), rows.of_rows(**options))


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int16, bool])
def test_numbers_of_any_type(kind):
    rows = Rows()
    X, f = (np.round(8 * one).astype(kind) for one in (rows.X_pool, rows.f_pool))
    found = LinearRegressionMoments(X, f).to_dict()
    expected = LinearRegressionMoments(X.astype(float), f.astype(float)).to_dict()
    for name in ("origin", "mean", "covariance"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-9)


def test_predictions_that_are_linear_in_the_covariates_say_nothing():
    rows = Rows()
    rows.f, rows.f_pool = rows.X @ [1.0, 2.0, 3.0], rows.X_pool @ [1.0, 2.0, 3.0]
    assert_same(rows.of_moments(rows.moments), rows.of_rows(), 1e-8)


def test_nothing_seen_is_an_empty_pool():
    rows, empty = Rows(), LinearRegressionMoments()
    sent = LinearRegressionMoments.from_dict(json.loads(json.dumps(empty.to_dict())))
    assert repr(sent) == "LinearRegressionMoments()"
    expected = rectify_linear_regression(rows.X, rows.y, rows.f, np.empty((0, 3)), [], interval="t")
    assert_same(rows.of_moments(sent), expected)
    assert rows.moments.merge(empty).count == empty.merge(rows.moments).count == M
    assert repr(rows.moments) == "LinearRegressionMoments(count=1500, n_features=3, n_judges=1)"


def test_moments_serve_more_than_once_and_for_every_door():
    rows = Rows()
    moments, expected = rows.moments, rows.of_rows()
    assert_same(rows.of_moments(moments), expected)
    assert_same(rectify_glm(rows.X, rows.y, rows.f, moments, interval="t"), expected)


def test_columns_of_data_frames_keep_their_order():
    rows, names = Rows(), ["age", "income", "year"]
    X, X_pool = (pd.DataFrame(one, columns=names) for one in (rows.X, rows.X_pool))
    moments = LinearRegressionMoments(X_pool, rows.f_pool)
    sent = LinearRegressionMoments.from_dict(json.loads(json.dumps(moments.to_dict())))
    result = rectify_linear_regression(X, rows.y, rows.f, sent)
    assert result.names == ("intercept", *names)
    with pytest.raises(ValueError, match="order"):
        rectify_linear_regression(X[names[::-1]], rows.y, rows.f, sent)
    with pytest.raises(ValueError, match="order"):
        moments.update(X_pool[names[::-1]], rows.f_pool)


@pytest.mark.parametrize(
    ("X", "f", "message"),
    [
        (np.ones((2, 2)), [1.0, np.nan], "f has 1 NaN"),
        ([[1.0, np.inf]], [1.0], "X has 0 NaN and 1 infinite"),
        (np.ones((2, 2)), [1.0], "X has 2 rows and f has 1"),
        (np.ones((2, 3)), [1.0, 2.0], "X and f have 3 and 1 columns, and there are 2 and 1"),
        (np.ones((2, 2)), np.ones((2, 2)), "2 and 2 columns, and there are 2 and 1"),
        (np.full((2, 2), [[1e100], [-1e100]]), [1.0, 2.0], "squares that overflow"),
        (
            np.ones((2, 200)),
            [1.0, 2.0],
            r"200 columns.*20,502 products.*3,363 MB; expected at most 5,000",
        ),
        (None, [1.0], "X is None"),
    ],
)
def test_what_are_no_rows(X, f, message):
    seen = LinearRegressionMoments(np.eye(2), [1.0, 2.0])
    before = seen.to_dict()
    with pytest.raises((ValueError, TypeError), match=message):
        seen.update(X, f)
    assert seen.to_dict() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_features": None}, "count is None"),
        ({"n_features": 2}, "There are 13 products and n_features is 2"),
        ({"origin": [1.0]}, r"origin has shape \(1,\); expected \(4,\)"),
        ({"mean": [np.nan] * 13}, "mean has 13 NaN"),
        ({"covariance": np.eye(2)}, r"covariance \(2, 2\)"),
        ({"count": -1}, "count is -1"),
    ],
)
def test_what_are_no_moments(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        LinearRegressionMoments.from_dict(Rows().moments.to_dict() | change)
    with pytest.raises(
        ValueError, match=r"LinearRegressionMoments are made of .* n_features is missing"
    ):
        LinearRegressionMoments.from_dict({"count": 1, "mean": [1], "covariance": [[1]]})


def test_what_moments_do_not_do():
    rows = Rows()
    y, moments = (rows.y > 0).astype(float), rows.moments
    with pytest.raises(ValueError, match="leave it out"):
        rectify_linear_regression(rows.X, rows.y, rows.f, moments, rows.f_pool)
    for ask in (
        lambda: rectify_logistic_regression(rows.X, y, y, moments, rows.f_pool),
        lambda: m_estimate(lambda X, y, t: y - t, rows.X, y, rows.f, moments, rows.f_pool, start=0),
        lambda: rectify_linear_regression(rows.X, rows.y, rows.f, rows.X_pool, moments),
    ):
        with pytest.raises(ValueError, match="linear regressions can be had, but nothing else"):
            ask()
    with pytest.raises(ValueError, match="X_unlabeled has 3 columns and X has 2"):
        rectify_linear_regression(rows.X[:, :2], rows.y, rows.f, moments)
    with pytest.raises(ValueError, match="design has weights and the summary of the pool has none"):
        rows.of_moments(moments, design=SamplingDesign(weights=np.arange(1.0, R + 1)))
    with pytest.raises(ValueError, match="the pool is given as a summary"):
        rows.of_moments(moments, design=SamplingDesign(strata=np.arange(R) % 2))
    with pytest.raises(ValueError, match="or as moments; pass an array"):
        rows.of_moments(moments, missing_judgements="indicator")
    with pytest.raises(TypeError, match="other is of type PoolMoments"):
        moments.merge(PoolMoments([1.0]))
    with pytest.raises(ValueError, match="The pool has 3 rows for 4 parameters"):
        rows.of_moments(LinearRegressionMoments(rows.X_pool[:3], rows.f_pool[:3]))
    with pytest.raises((ValueError, TypeError), match="LinearRegressionMoments"):
        rectify_mean(rows.y, rows.f, moments)
