"""Texts and columns of one table in one regressor: `text_columns`."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from language_models import WORDS, tiny_model

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    TextEmbedder,
    TextVarianceRegressor,
)
from sklearn_ftr.finetuning._ridge import fit_ridge, fit_ridge_of_blocks

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model("BertModel", tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def headed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headed")
    return tiny_model("BertForSequenceClassification", folder, num_labels=1)


@pytest.fixture(scope="module")
def wines():
    """Ratings that follow the words, the logarithm of the price and the country."""
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(160)]
    price, country = rng.lognormal(3, 1, size=160), rng.choice(["France", "Italy", "Chile"], size=160)
    points = np.array([np.mean(row < 20) for row in numbers]) + np.log(price) + (country == "Italy")
    frame = pd.DataFrame(
        {
            "price": price,
            "review": [" ".join(WORDS[number] for number in row) for row in numbers],
            "country": country,
        }
    )
    return frame, 80 + points + rng.normal(scale=0.1, size=160)


def reader(folder, **settings):
    return TextVarianceRegressor(
        folder,
        **{"text_columns": "review", "embedding_cache": None, "random_state": 0, **settings},
    )


def left(model, wines, n=100):
    frame, y = wines
    model.fit(frame[:n], y[:n])
    return np.var(y[n:] - model.predict(frame[n:])) / np.var(y[n:])


# --- a penalty for each block


def test_blocks_are_a_ridge_whose_columns_have_sizes():
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(60, 30)), 1e4 * rng.normal(size=(60, 2)), np.zeros((60, 1))]
    y = blocks[0] @ rng.normal(size=(30, 2)) / 5 + 2e-4 * blocks[1] + rng.normal(size=(60, 2))
    found = fit_ridge_of_blocks(blocks, y)
    for size in 10.0 ** np.linspace(-7, 1, 400):  # the one that was chosen is among these, nearly
        X = np.hstack([blocks[0], size * blocks[1]])
        solution = [Ridge(found.penalty[k]).fit(X, y[:, k]) for k in range(2)]
        coefficients = [one.coef_ * np.r_[np.ones(30), size, size] for one in solution]
        if np.allclose(found.coefficients[:, :32], coefficients, rtol=0.05, atol=1e-3):
            break
    else:
        pytest.fail("no size of the second block explains the coefficients")
    assert not found.coefficients[:, 32].any()


def test_one_block_is_plain_ridge():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 1))
    expected, found = fit_ridge(X, y), fit_ridge_of_blocks([X], y)
    np.testing.assert_array_equal(found.coefficients, expected.coefficients)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_what_is_scarce_is_not_drowned_in_any_unit(unit):
    """One telling column beside 300 that tell nothing."""
    rng = np.random.default_rng(3)
    noise, telling = rng.normal(size=(2, 200, 300)), unit * rng.normal(size=(2, 200, 1))
    y = telling / unit + 0.1 * rng.normal(size=(2, 200, 1))
    found = fit_ridge_of_blocks([noise[0], telling[0]], y[0])
    errors = y[1] - np.hstack([noise[1], telling[1]]) @ found.coefficients.T
    assert errors.var() < 0.1 * y[1].var()


# --- columns beside texts


def test_columns_leave_less_than_texts_alone(folder, wines):
    assert left(reader(folder), wines) < 0.1
    assert left(reader(folder), (wines[0][["review"]], wines[1])) > 0.7


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_is_trained_begins_with_the_columns(method, folder, wines):
    settings = {"method": method, "learning_rate": 1e-6, "max_epochs": 1, "batch_size": 50}
    assert left(reader(folder, **settings, optimizer=torch.optim.SGD), wines) < 0.25


@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_texts_alone_in_a_table_are_a_sequence_of_texts(method, folder, wines):
    frame, y = wines
    settings = {"method": method} | ({} if method == "head" else {"max_epochs": 1})
    alone = reader(folder, text_columns=None, **settings).fit(frame["review"], y)
    table = reader(folder, **settings).fit(frame[["review"]], y)
    np.testing.assert_array_equal(
        table.predict(frame[["review"]]), alone.predict(frame["review"].tolist())
    )


def test_the_head_is_ridge_on_vectors_and_encoded_columns(folder, wines):
    frame, y = wines
    model = reader(folder).fit(frame, y)
    head = model.net_.module_
    vectors = TextEmbedder(folder, embedding_cache=None).fit_transform(frame["review"]).astype(float)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= vectors.std(axis=1, keepdims=True)
    columns = head.columns(frame[["price", "country"]])
    assert columns.shape == (160, head.columns.width) == (160, 3 + 2)
    blocks = [vectors, *(columns[:, block] for block in head.columns.blocks)]
    expected = fit_ridge_of_blocks(blocks, y[:, None])
    np.testing.assert_allclose(
        model.predict(frame),
        expected.intercept + np.hstack(blocks) @ expected.coefficients[0],
        rtol=1e-5,
    )


def test_the_checkpoints_own_head_and_hidden_layers(headed, folder, wines):
    assert left(reader(headed), wines) < 0.1
    assert left(reader(folder, hidden_layer_sizes=(4,), max_epochs=30), wines) < 0.3
    frame, y = wines
    untrained = reader(headed).initialize(frame, y).predict(frame)
    np.testing.assert_allclose(
        untrained,
        reader(headed, text_columns=None).initialize(frame["review"]).predict(frame["review"]),
    )


def test_several_outputs_and_weights(folder, wines):
    frame, y = wines
    both = np.c_[y, -2 * y]
    model = reader(folder).fit(frame, both)
    np.testing.assert_allclose(model.predict(frame) @ [2, 1], 0, atol=1e-2)
    weight = np.where(np.arange(160) < 100, 1.0, 0.0)
    np.testing.assert_allclose(
        reader(folder).fit(frame, y, sample_weight=weight).predict(frame),
        reader(folder).fit(frame[:100], y[:100]).predict(frame),
        rtol=1e-5,
    )


def test_several_columns_of_texts_are_read_as_one(folder, wines):
    frame, y = wines
    frame = frame.assign(title=frame["review"].str.split().str[0])
    joined = frame.assign(review=frame["title"] + "\n" + frame["review"]).drop(columns="title")
    expected = reader(folder).fit(joined, y).predict(joined)
    model = reader(folder, text_columns=["title", "review"]).fit(frame, y)
    np.testing.assert_allclose(model.predict(frame), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "array", "list"])
@pytest.mark.parametrize("method", ["head", "full"])
def test_other_tables(kind, method, folder, wines):
    frame, y = wines
    settings = {"method": method} | ({} if method == "head" else {"max_epochs": 1})
    expected = reader(folder, **settings).fit(frame, y).predict(frame)
    named = True
    if kind == "polars":
        table = pytest.importorskip("polars").from_pandas(frame)
    elif kind == "pyarrow":
        table = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    else:
        named, table = False, frame.to_numpy() if kind == "array" else frame.to_numpy().tolist()
    model = reader(folder, text_columns="review" if named else 1, **settings).fit(table, y)
    np.testing.assert_allclose(model.predict(table), expected, rtol=1e-6)


def test_gaps_new_categories_and_columns_that_say_nothing(folder, wines):
    frame, y = wines
    gaps = frame.assign(
        price=frame["price"].where(np.arange(160) % 7 > 0),
        empty=np.nan,
        same="x",
        bought=pd.date_range("2020-01-01", periods=160),
        on_sale=np.arange(160) % 2 == 0,
    )
    model = reader(folder).fit(gaps[:100], y[:100])
    later = gaps[100:].assign(country="Peru")
    assert np.isfinite(model.predict(later)).all()
    assert np.var(y[100:] - model.predict(gaps[100:])) < 0.5 * np.var(y[100:])


@pytest.mark.parametrize("outlier", [1e6, -1e6])
def test_a_price_beyond_all_others_is_the_nearest_of_them(outlier, folder, wines):
    frame, y = wines
    model = reader(folder).fit(frame, y)
    nearest = frame["price"].max() if outlier > 0 else frame["price"].min()
    far, near = (model.predict(frame[:1].assign(price=price)) for price in (outlier, nearest))
    np.testing.assert_allclose(far, near)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "text",
            r"text_columns='text' with a table whose columns are \['price', 'review', 'country'\]",
        ),
        (["review", "review"], "each once"),
        ([], "expected one of these or some"),
        ("price", r"160 of 160 values that are not text"),
        (1, r"whose columns are \['price'"),
    ],
)
def test_columns_that_are_not_there(columns, message, folder, wines):
    with pytest.raises(ValueError, match=message):
        reader(folder, text_columns=columns).fit(*wines)


def test_texts_without_a_table(folder, wines):
    frame, y = wines
    for X in (frame["review"], frame["review"].tolist()):
        with pytest.raises(ValueError, match="X has no columns, and text_columns='review' names some"):
            reader(folder).fit(X, y)
    with pytest.raises(ValueError, match=r"text_columns"):
        reader(folder, text_columns=None).fit(frame, y)


def test_other_columns_in_predict(folder, wines):
    frame, y = wines
    model = reader(folder).fit(frame, y)
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["price", "review", "country"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match=r"Column 'price' of X has the value 'dear'; expected numbers"):
        model.predict(frame.assign(price="dear"))


@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_pickles_and_clones(method, folder, wines):
    frame, y = wines
    settings = {"method": method} | ({} if method == "head" else {"max_epochs": 1})
    model = reader(folder, **settings).fit(frame, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(again.predict(frame), model.predict(frame), rtol=1e-6)
    np.testing.assert_allclose(
        clone(model).fit(frame, y).predict(frame), model.predict(frame), rtol=1e-6
    )


def test_rectified_cross_fitted_and_planned(folder, wines):
    frame, y = wines
    known = np.where(np.arange(160) < 40, y, np.nan)
    fitted = RectifiedMeanEstimator(reader(folder), cv=5, random_state=0).fit(frame, known)
    low, high = fitted.confidence_interval()
    assert low < y.mean() < high
    assert fitted.result_.efficiency > 2
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(reader(folder, embedding_cache="memory")), random_state=0
    )
    assert allocator.fit(frame, known).mean_ == pytest.approx(y.mean(), abs=0.5)


def test_grid_search(folder, wines):
    frame, y = wines
    search = GridSearchCV(reader(folder), {"text_columns": ["review"], "max_length": [4, 64]}, cv=2)
    assert search.fit(frame, y).best_params_["max_length"] in (4, 64)


def test_early_stopping_watches_rows_that_the_columns_have_not_seen(folder, wines):
    frame, y = wines
    settings = {"early_stopping": True, "validation_fraction": 0.3, "max_epochs": 2}
    model = reader(folder, method="full", **settings).fit(frame, y)
    assert {"validation_loss", "validation_variance"} <= set(model.history_)
