"""`estimator=None`: numbers exactly as ridge regression has them, and ordinary tables beside them."""

import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    PredictionCorrector,
    RectifiedDifference,
    RectifiedLinearRegression,
    RectifiedMeanEstimator,
)
from sklearn_ftr._table_encoder import TableEncoder
from sklearn_ftr.estimators._default_predictor import default_estimator


def rectified(estimator=None, **parameters):
    return RectifiedMeanEstimator(estimator, **{"random_state": 0, "cv": 3, **parameters})


@pytest.fixture(autouse=True)
def without_skrub(request, monkeypatch):
    """What is installed here decides nothing, except where a test wants it."""
    if "with_skrub" not in request.fixturenames:
        monkeypatch.setattr("sklearn_ftr._table_encoder.importlib.util.find_spec", lambda name: None)


@pytest.fixture
def with_skrub():
    return pytest.importorskip("skrub")


@pytest.fixture
def table(rng):
    """600 rows, 200 rated, with columns of every ordinary kind; what matters is kind, price and day."""
    n = 600
    kind = rng.choice(["book", "film", "game"], size=n)
    price = rng.normal(size=n)
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, size=n)
    days = (day - np.datetime64("2024-01-01")) / np.timedelta64(1, "D")
    y = 2 * (kind == "film") + price + days / 100 + rng.normal(scale=0.5, size=n)
    frame = pd.DataFrame(
        {
            "kind": kind,
            "price": price,
            "day": day.astype("datetime64[ns]"),
            "id": [f"row {i}" for i in range(n)],
            "yes": rng.random(n) < 0.5,
            "category": pd.Categorical.from_codes(rng.integers(0, 3, size=n), [10, 20, 30]),
            "nullable": pd.array(rng.integers(0, 5, size=n), dtype="Int64"),
            "maybe": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "string": pd.array(kind, dtype="string"),
            "nothing": [None] * n,
            "no number": np.nan,
            "decimal": [Decimal(int(i)) for i in rng.integers(0, 9, size=n)],
            "zone": pd.Series(day.astype("datetime64[ns]")).dt.tz_localize("Europe/Paris"),
            "duration": rng.integers(0, 9, size=n).astype("timedelta64[h]").astype("timedelta64[ns]"),
            "month": pd.PeriodIndex(day.astype("datetime64[ns]"), freq="M"),
            "date": [datetime.date(2024, 1, 1)] * n,
            "interval": pd.cut(price, 4),
            "mixed": [i if i % 2 else "odd" for i in range(n)],
        }
    )
    missing = rng.random(size=(n, frame.shape[1])) < 0.05
    for position, name in enumerate(frame.columns):
        if name != "yes":
            frame[name] = frame[name].mask(missing[:, position])
    return frame, np.where(np.arange(n) < 200, y, np.nan), y


# Numbers: as ever


PLAIN = make_pipeline(StandardScaler(with_mean=False), RidgeCV(alphas=[10.0**k for k in range(-2, 7)]))


@pytest.mark.parametrize(
    "container",
    [
        np.array,
        np.asfortranarray,
        np.float32,
        lambda X: np.round(X).astype(int),
        lambda X: X > 0,
        lambda X: X.astype(object),
        lambda X: X.tolist(),
        sparse.csr_matrix,
        sparse.csc_array,
        pd.DataFrame,
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        lambda X: pd.DataFrame(X, columns=list("abcd"), dtype=np.float32).assign(a=X[:, 0] > 0, b=1),
        lambda X: pd.DataFrame({"a": pd.array(np.round(X[:, 0]), dtype="Int64"), "b": X[:, 1]}),
        lambda X: pd.DataFrame({"a": pd.array(X[:, 0] > 0, dtype="boolean"), "b": X[:, 1]}),
    ],
)  # fmt: skip
def test_numbers_are_as_ever(container, population):
    X, y = container(population[0]), population[1]
    for parameters in ({}, {"cv": None}):
        ours, plain = (rectified(one, **parameters).fit(X, y) for one in (None, PLAIN))
        assert (ours.mean_, ours.standard_error_) == (plain.mean_, plain.standard_error_)
        assert ours.score(X, y) == plain.score(X, y)
        np.testing.assert_array_equal(ours.predict(X), plain.predict(X))


def test_numbers_without_gaps_are_not_touched(population):
    X, _ = population
    for matrix in (X, np.float32(X), sparse.csr_matrix(X)):
        assert TableEncoder().fit(matrix[:10]).transform(matrix) is matrix


# Gaps


@pytest.mark.parametrize(
    "container",
    [
        np.array,
        np.float32,
        lambda X: X.tolist(),
        lambda X: np.where(np.isnan(X), None, X),
        sparse.csr_array,
        pd.DataFrame,
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        lambda X: pd.DataFrame(X, columns=list("abcd")).convert_dtypes(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["everywhere", "pool", "labeled", "column"])
def test_missing_numbers(container, where, population, rng):
    X, y = population[0].copy(), population[1]
    gaps = rng.random(X.shape) < 0.1
    gaps[:120] &= where != "pool"
    gaps[120:] &= where != "labeled"
    X[gaps] = np.nan
    if where == "column":
        X[:, 3] = np.nan
    model = rectified().fit(container(X), y)
    assert model.efficiency_ > 1.1
    assert np.isfinite(model.predict(container(X))).all()
    assert model.mean_ == pytest.approx(rectified().fit(X, y).mean_, rel=1e-4)


def test_what_is_missing_may_tell_something(rng):
    missing = rng.random(1_000) < 0.5
    X = np.where(missing, np.nan, rng.normal(size=1_000))[:, None]
    y = np.where(np.arange(1_000) < 200, 3 * missing + rng.normal(size=1_000), np.nan)
    assert rectified().fit(X, y).efficiency_ > 1.8


def test_infinite_numbers_are_refused(population, table):
    X, y = population[0].copy(), population[1]
    X[500, 2] = np.inf
    with pytest.raises(ValueError, match="contains infinity"):
        rectified().fit(X, y)
    frame, y, _ = table
    frame.loc[500, "price"] = np.inf
    with pytest.raises(ValueError, match="Column 'price' of X contains infinity"):
        rectified().fit(frame, y)


# Tables


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"cv": None},
        {"cv": 10, "pool_prediction": "split"},
        {"cv": None, "split_ratio": 4},
    ],
    ids=str,
)
def test_a_table(table, parameters):
    X, y, truth = table
    model = rectified(**parameters).fit(X, y)
    assert abs(model.mean_ - truth.mean()) < 4 * model.standard_error_
    assert model.efficiency_ > (0.9 if parameters.get("split_ratio") else 1.5)
    assert model.predict(X.iloc[:1]).shape == (1,)
    assert np.isfinite(model.score(X, truth))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_table_says_more_than_its_numbers(table):
    X, y, _ = table
    numbers = rectified().fit(X[["price"]], y)
    whole = rectified().fit(X[["price", "kind", "day"]], y)
    assert whole.efficiency_ > 1.5 * numbers.efficiency_


@pytest.mark.thorough
def test_each_kind_of_column_by_itself(table):
    X, y, _ = table
    for name in X.columns:
        assert np.isfinite(rectified().fit(X[[name]], y).mean_), name
    for name, least in {
        "kind": 1.2,
        "string": 1.2,
        "day": 1.1,
        "zone": 1.1,
        "month": 1.1,
        "interval": 1.1,
    }.items():
        assert rectified().fit(X[[name]], y).efficiency_ > least, name


def test_days(table):
    encoder = TableEncoder().fit(
        pd.DataFrame({"day": ["a"], "d": pd.to_datetime(["2024-01-02 12:00"])})
    )
    days = encoder.encoder_.named_transformers_["days"][0].transform
    for dates in (
        pd.to_datetime(["1970-01-02 12:00", None]),
        [datetime.datetime(1970, 1, 2, 12), None],
        pd.to_datetime(["1970-01-02 13:00", None]).tz_localize("Europe/Paris"),
    ):
        np.testing.assert_array_equal(days(pd.DataFrame({"d": dates})), [[1.5], [np.nan]])
    for dates in ([datetime.date(1970, 1, 2)], pd.PeriodIndex(["1970-01-02"], freq="D")):
        assert days(pd.DataFrame({"d": dates})) == [[1.0]]


def test_names_do_not_make_a_thousand_columns(table):
    X, y, _ = table
    pipeline = default_estimator().fit(X[["id", "kind"]].iloc[:200], y[:200])
    assert pipeline[:-1].transform(X[["id", "kind"]]).shape[1] <= 6
    many = pd.DataFrame({"word": [f"w{i % 90}" for i in range(1_000)]})
    assert default_estimator().fit(many, np.arange(1_000.0))[:-1].transform(many).shape == (1_000, 30)


def test_categories_that_training_has_not_seen(table):
    """One in the pool only, one in a single fold, and one that nobody has seen at all."""
    X, y, truth = table
    rare = X[["kind", "price"]].copy()
    rare.loc[[300, 400], "kind"] = "only in the pool"
    rare.loc[7, "kind"] = "labeled once"
    model = rectified().fit(rare, y)
    assert abs(model.mean_ - truth.mean()) < 4 * model.standard_error_
    new, unseen = (model.predict(rare.assign(kind=kind)) for kind in ("new", "only in the pool"))
    np.testing.assert_allclose(new, unseen)


def test_integers_of_a_category_are_the_same_with_and_without_gaps():
    X = pd.DataFrame({"c": pd.Categorical([1, 2, 1, 2, None] * 10, categories=[1, 2])})
    model = default_estimator().fit(X, [0.0, 10.0, 0.0, 10.0, 5.0] * 10)
    np.testing.assert_allclose(model.predict(X.iloc[:2]), model.predict(X)[:2])
    assert np.ptp(model.predict(X.iloc[:2])) > 5


@pytest.mark.grid(2)
@pytest.mark.parametrize("output", ["pandas", "default"])
def test_the_user_may_want_frames_of_transformers(output, table):
    X, y, _ = table
    expected = rectified().fit(X, y).mean_
    with sklearn.config_context(transform_output=output):
        assert rectified().fit(X, y).mean_ == pytest.approx(expected)


def test_arrays_and_lists_of_objects(table):
    X, y, _ = table
    X = X[["kind", "price", "yes"]]
    expected = rectified().fit(X, y)
    objects = X.astype(object).to_numpy()
    texts = np.array([[str(value) for value in row] for row in objects])
    for values in (objects, objects.tolist()):
        model = rectified().fit(values, y)
        assert model.mean_ == pytest.approx(expected.mean_)
    # In an array of texts True is a text, and numbers are read; "nan" is a gap in either column.
    assert rectified().fit(texts, y).mean_ == pytest.approx(expected.mean_, abs=0.01)


def test_polars_and_pyarrow(table):
    pl = pytest.importorskip("polars")
    X, y, _ = table
    X = X[["kind", "price", "yes", "nullable", "maybe", "day"]]
    columns = {name: X[name].astype(object).where(X[name].notna(), None).tolist() for name in X.columns}
    columns["day"] = [None if day is None else day.to_pydatetime() for day in columns["day"]]
    frame = pl.DataFrame(columns)
    expected = rectified().fit(X, y).mean_
    assert rectified().fit(frame, y).mean_ == pytest.approx(expected)
    categorical = frame.with_columns(pl.col("kind").cast(pl.Categorical))
    assert rectified().fit(categorical, y).mean_ == pytest.approx(expected)
    pytest.importorskip("pyarrow")
    encoder = TableEncoder().fit(frame.to_arrow())
    np.testing.assert_allclose(
        sparse.csr_array(encoder.transform(frame.to_arrow())).toarray(),
        sparse.csr_array(TableEncoder().fit(X).transform(X)).toarray(),
    )


@pytest.mark.thorough
def test_in_every_estimator(table):
    X, y, truth = table
    corrector = PredictionCorrector(column="yes")
    for model in (rectified(corrector), rectified(corrector, cv=None, split_ratio=0)):
        assert abs(model.fit(X, y).mean_ - truth.mean()) < 4 * model.standard_error_
    cheap = {"folds": (2,), "n_bootstrap": 10, "pilot_cost": 0.5, "random_state": 0}
    for model in (None, rectified(corrector)):
        assert FineTuneRectifyAllocator(model, **cheap).fit(X, y).efficiency_ > 1
    assert RectifiedLinearRegression(covariates=["yes"], cv=3).fit(X, y).coef_.shape == (1,)
    assert np.isfinite(RectifiedDifference(group="yes", cv=3).fit(X, y).difference_)
    assert rectified().__sklearn_tags__().input_tags.allow_nan
    assert not RectifiedLinearRegression().__sklearn_tags__().input_tags.allow_nan
    assert not rectified(RidgeCV()).__sklearn_tags__().input_tags.allow_nan


# What is refused

SOME = ["price", "day", "nullable", "id"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1], "list"),
        ({"a": 1}, "dict"),
        (np.zeros(2), "ndarray"),
        (1j, "complex"),
        (object(), "object"),
    ],
)
def test_columns_that_cannot_be_read(values, kind, table):
    X, y = table[0][SOME], table[1]
    with pytest.raises(
        TypeError, match=f"Column 'odd' of X has values of type {kind}; .* Leave the column out"
    ):
        rectified(cv=None).fit(X.assign(odd=[values] * len(X)), y)
    with pytest.raises(TypeError, match=f"Column 'id' of X has values of type {kind}"):
        rectified(cv=None).fit(X, y).predict(X.assign(id=[values] * len(X)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("price", "dear", "numbers"),
        ("day", "monday", "dates"),
        ("nullable", datetime.date(2020, 1, 1), "numbers"),
    ],
)
def test_columns_that_change_their_kind(name, value, expected, table):
    X, y = table[0][SOME], table[1]
    new = X.assign(**{name: X[name].astype(object).where(np.arange(len(X)) != 5, value)})
    model = rectified(cv=None).fit(X, y)
    with pytest.raises(
        ValueError, match=rf"Column '{name}' of X has the value .*; expected {expected}, as in"
    ):
        model.predict(new)
    new = X.assign(**{name: X[name].astype(object).where(np.arange(len(X)) != 500, value)})
    with pytest.raises(ValueError, match=rf"Column '{name}' of X has the value"):
        rectified(cv=None).fit(new, y)


def test_other_columns_than_in_training(table):
    X, y, _ = table
    model = rectified().fit(X, y)
    for new, message in [
        (X[X.columns[::-1]], "must be in the same order"),
        (X.drop(columns="kind"), "now missing:\n- kind"),
        (X.assign(more=1), "unseen at fit time:\n- more"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(new)


@pytest.mark.parametrize(
    "container", [list, np.array, pd.Series, lambda texts: np.array(texts, dtype=object)]
)
def test_texts_have_a_regressor_of_their_own(container, population):
    X = container([f"text {i}" for i in range(900)])
    with pytest.raises(
        ValueError, match=r"X is a sequence of \d+ texts; .* estimator=TextVarianceRegressor\(\)"
    ):
        rectified().fit(X, population[1])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        rectified().fit(np.arange(900), population[1])


# skrub


def test_skrub_where_it_is_installed(with_skrub, table):
    X, y, truth = table
    model = rectified().fit(X, y)
    assert "skrub" in repr(type(model.estimators_[0][0].encoder_[1][0]))
    assert abs(model.mean_ - truth.mean()) < 4 * model.standard_error_
    assert model.efficiency_ > 1.5
    assert rectified().fit(X, y).mean_ == model.mean_
    with pytest.raises(ValueError, match="Column 'price' of X has the value 'dear'"):
        model.predict(X.assign(price="dear"))
    assert rectified().fit(X[["price", "nullable"]], y).efficiency_ > 1
    assert RectifiedMeanEstimator(PredictionCorrector(column="yes"), cv=2).fit(X, y).efficiency_ > 1
