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
from sklearn_ftr.finetuning._ridge import fit_ridge
from sklearn_ftr.finetuning._ridge_of_blocks import (
    _AtPenalty,
    _Problem,
    fit_ridge_of_blocks,
)
from sklearn_ftr.finetuning._text_table import text_table

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


@pytest.mark.parametrize("n", [25, 60])
@pytest.mark.parametrize("factor", [None, np.array([[1.0], [-2.0]])])
def test_penalties_have_the_smallest_error_of_rows_that_were_left_out(n, factor):
    """Against ridge regression without each row, on columns divided by the roots of their penalties."""
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(n, 40)), 100 * rng.normal(size=(n, 2)), rng.normal(size=(n, 3))]
    y = blocks[0][:, :2] + blocks[1] / 100 + rng.normal(size=(n, 2))
    weight = rng.uniform(0.5, 1.5, size=n)
    weight /= weight.mean()
    problem = _Problem.of(blocks, y, weight, factor)
    at, penalties = problem.at(14), np.array([3.0, 20.0]) * problem.units
    scale = 1 / np.sqrt(np.repeat([at.penalty, *penalties], [40, 2, 3]))
    errors = np.empty_like(y)
    for row in range(n):
        others = np.delete(np.arange(n), row)
        X = np.hstack(blocks) * scale
        model = Ridge(1.0).fit(X[others], y[others], sample_weight=weight[others])
        errors[row] = y[row] - model.predict(X[[row]])[0]
    for group in problem.groups:
        wanted = errors[:, group] if factor is None else errors @ factor
        expected = np.sum(weight @ wanted**2)
        assert at.loss(group, penalties) == pytest.approx(expected, rel=1e-6)
    coefficients, _ = at.solution(np.arange(2), penalties)
    whole = Ridge(1.0).fit(np.hstack(blocks) * scale, y, sample_weight=weight)
    np.testing.assert_allclose(coefficients, (whole.coef_ * scale).T, atol=1e-8)


@pytest.mark.parametrize("factor", [None, np.eye(2)])
def test_the_penalties_that_are_chosen(factor):
    rng = np.random.default_rng(4)
    blocks = [rng.normal(size=(50, 30)), rng.normal(size=(50, 2)), rng.normal(size=(50, 1))]
    y = np.c_[blocks[0] @ rng.normal(size=30) / 3, blocks[1] @ [3, 1]] + rng.normal(size=(50, 2))
    found = fit_ridge_of_blocks(blocks, y, None, factor)
    problem = _Problem.of(blocks, y, np.ones(50), factor)
    for group, (near, own) in zip(problem.groups, problem.best_penalties(), strict=True):
        at = _AtPenalty(problem, found.penalty[group[0]])
        best = at.loss(group, own * problem.units)
        assert found.penalty[group] == pytest.approx(found.penalty[group[0]])
        for number in range(max(near - 4, 0), near + 5):
            assert best <= problem.at(number).loss(group, own * problem.units) * (1 + 1e-9)
        for block in range(2):
            for factor_ in (0.1, 10.0):
                other = own * np.where(np.arange(2) == block, factor_, 1.0)
                at_rough = problem.at(near)
                if other.min() >= 1 and other.max() <= 1e5:
                    least = at_rough.loss(group, own * problem.units)
                    assert least <= at_rough.loss(group, other * problem.units) * (1 + 1e-9)


def test_a_block_without_variance_is_as_if_it_were_not_there():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(80, 3)), rng.normal(size=(80, 1))
    y += X[:, :1]
    flat = np.full((80, 20), 7.0)
    expected = fit_ridge_of_blocks([X, rng.normal(size=(80, 1)) * 0], y)
    for blocks, kept in (([flat, X], slice(20, 23)), ([X, flat], slice(0, 3))):
        found = fit_ridge_of_blocks(blocks, y)
        np.testing.assert_allclose(found.coefficients[:, kept], expected.coefficients[:, :3], rtol=0.1)
        others = np.delete(found.coefficients, kept, axis=1)
        assert not others.any()


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_units_of_one_output_are_nothing_to_another(unit):
    rng = np.random.default_rng(5)
    wide, narrow = rng.normal(size=(200, 100)), rng.normal(size=(200, 1))
    y = np.c_[narrow[:, 0], wide @ rng.normal(size=100)] + 0.1 * rng.normal(size=(200, 2))
    both = fit_ridge_of_blocks([wide, narrow], y * [1, unit]).coefficients
    alone = [fit_ridge_of_blocks([wide, narrow], y[:, [k]]).coefficients[0] for k in range(2)]
    np.testing.assert_allclose(both, alone * np.array([[1], [unit]]), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("period", [2, 3])
def test_rows_in_a_regular_order(period):
    """Questions in turn about each text, more rows than penalties are chosen among."""
    rng = np.random.default_rng(6)
    question = np.tile(np.arange(period), 4_000 // period + 1)[:4_000, None].astype(float)
    y = question + 3 * rng.normal(size=(4_000, 1))
    found = fit_ridge_of_blocks([rng.normal(size=(4_000, 50)), question], y)
    assert found.coefficients[0, -1] == pytest.approx(1, abs=0.2)


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


@pytest.mark.grid(3)
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


@pytest.mark.grid(3)
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
        ([], "expected one of these or a list of some"),
        ("price", r"column 'price' of X has 160 of 160 values that are not text"),
        (1, r"whose columns are \['price'"),
        (True, "expected one of these"),
        ([False, True, False], "expected one of these"),
        (np.array([["review"]]), "expected one of these"),
    ],
)
def test_columns_that_are_not_there(columns, message, folder, wines):
    with pytest.raises(ValueError, match=message):
        reader(folder, text_columns=columns).fit(*wines)


def test_texts_without_a_table(folder, wines):
    frame, y = wines
    records = [dict(row) for row in frame.to_dict("records")]
    masked = np.ma.masked_array(frame.to_numpy(), mask=False)
    for X in (frame["review"], frame["review"].tolist(), records, masked, frame.to_dict("list")):
        with pytest.raises(ValueError, match=r"X is a \w+.* names columns; expected a data frame"):
            reader(folder).fit(X, y)
    with pytest.raises(ValueError, match=r"text_columns"):
        reader(folder, text_columns=None).fit(frame, y)
    with pytest.raises(ValueError, match=r"X has rows of \[1, 2\] values"):
        reader(folder, text_columns=0).fit([["w1", 2], ["w2"]], [1, 2])


def test_equal_texts_leave_the_columns(folder, wines):
    frame, y = wines
    for text in ("w1", "w1 w2", ""):
        assert left(reader(folder), (frame.assign(review=text), y)) < 0.2


def test_one_missing_price_says_nothing_of_others(folder, wines):
    frame, y = wines
    one = frame.assign(price=frame["price"].mask(np.arange(160) == 7))
    odd = np.where(np.arange(160) == 7, y + 6, y)
    missing = frame.assign(price=np.nan)
    models = [reader(folder).fit(one, rated) for rated in (y, odd)]
    gap = np.subtract(*(model.predict(missing).mean() for model in models))
    assert abs(gap) < 0.5


def test_prices_that_are_missing_for_a_reason_count(folder, wines):
    frame, y = wines
    gone = np.arange(160) % 4 == 0
    rated = y + 5 * gone
    assert left(reader(folder), (frame.assign(price=frame["price"].mask(gone)), rated)) < 0.25


def test_arrays_of_strings_hold_texts_that_look_like_numbers(folder, wines):
    frame, y = wines
    table = np.array(
        [[text, str(price)] for text, price in zip(frame.review, frame.price, strict=True)]
    )
    table[3, 0], table[5, 0] = "2020", "nan"
    model = reader(folder, text_columns=0).fit(table, y)
    rows = [[text, float(price)] for text, price in table.tolist()]
    np.testing.assert_allclose(
        model.predict(table), reader(folder, text_columns=0).fit(rows, y).predict(rows)
    )


def test_a_long_text_among_short_ones_needs_no_table_of_long_ones():
    import tracemalloc

    rows = [["w1 w2", 1.0] for _ in range(4_000)]
    rows[0][0] = "w1 " * 5_000
    tracemalloc.start()
    text_table(rows, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_columns_with_names_of_two_levels(folder, wines):
    frame, _ = wines
    names = [("money", "price"), ("words", "review"), ("place", "country")]
    frame = frame.set_axis(pd.MultiIndex.from_tuples(names), axis=1)
    table, single = (text_table(frame, chosen) for chosen in (names[1], [names[1]]))
    assert table.texts.tolist() == single.texts.tolist() == frame[names[1]].tolist()


@pytest.mark.parametrize("changed", [None, "country"])
def test_a_table_is_read_as_in_training(changed, folder, wines):
    frame, y = wines
    model = reader(folder).fit(frame, y)
    expected = model.predict(frame)
    np.testing.assert_array_equal(model.set_params(text_columns=changed).predict(frame), expected)
    alone = reader(folder, text_columns=None).fit(frame["review"], y)
    expected = alone.predict(frame["review"])
    np.testing.assert_array_equal(
        alone.set_params(text_columns="review").predict(frame["review"]), expected
    )


def test_other_columns_in_predict(folder, wines):
    frame, y = wines
    model = reader(folder).fit(frame, y)
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["price", "review", "country"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match=r"Column 'price' of X has the value 'dear'; expected numbers"):
        model.predict(frame.assign(price="dear"))


@pytest.mark.grid(3)
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


@pytest.mark.thorough
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
