"""Vectors of texts as a transformer, and the head on them that is solved instead of trained."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline

pytest.importorskip("transformers")
pytest.importorskip("peft")

from language_models import WORDS, tiny_model

from sklearn_ftr import RectifiedMeanEstimator, TextEmbedder, TextVarianceRegressor
from sklearn_ftr.finetuning._ridge import fit_ridge


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model("BertModel", tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def data():
    """Texts of one to twelve words, rated by the share of early words."""
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(80)]
    texts = [" ".join(WORDS[number] for number in row) for row in numbers]
    return texts, np.array([3 + np.mean(row < 20) for row in numbers]) + rng.normal(scale=0.05, size=80)


def frame_of(texts, **columns):
    return pytest.importorskip("pandas").DataFrame({"review": texts, **columns})


# Vectors


def test_vectors_are_those_that_a_head_learns_from(folder, data):
    texts, y = data
    vectors = TextEmbedder(folder).fit_transform(texts)
    assert vectors.shape == (80, 16)
    assert vectors.dtype == np.float32
    model = TextVarianceRegressor(folder).fit(texts, y)
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
    layer = model.net_.module_.network.layers[-1]
    head = normed @ layer.weight.detach().numpy()[0] + layer.bias.item()
    assert model.predict(texts) == pytest.approx(model.offset_[0] + model.scale_ * head, abs=1e-5)


def test_columns_stand_side_by_side_and_have_names(folder, data):
    texts = data[0]
    frame = frame_of(texts, answer=texts[::-1], price=np.arange(80.0))
    both = TextEmbedder(folder).fit(frame[["review", "answer"]])
    vectors = both.transform(frame[["review", "answer"]])
    one = TextEmbedder(folder).fit_transform(texts)
    np.testing.assert_allclose(vectors, np.hstack([one, one[::-1]]), atol=1e-5)
    names = both.get_feature_names_out()
    assert list(names[[0, 15, 16]]) == ["review_0", "review_15", "answer_0"]
    assert list(TextEmbedder(folder).fit(texts).get_feature_names_out()[:2]) == ["text_0", "text_1"]
    with pytest.raises(ValueError, match="1 columns of texts; expected 2"):
        both.transform(texts)
    with pytest.raises(ValueError, match="in this order"):
        both.transform(frame[["answer", "review"]])


@pytest.mark.parametrize("column", ["review", ["review"], ["review", "answer"]])
def test_in_a_column_transformer_beside_numbers(folder, data, column):
    texts, y = data
    frame = frame_of(texts, answer=texts[::-1], price=np.random.default_rng(1).random(80))
    columns = make_column_transformer((TextEmbedder(folder), column), ("passthrough", ["price"]))
    columns.set_output(transform="pandas")
    told = columns.fit_transform(frame)
    width = 16 * (2 if len(column) == 2 else 1)
    assert told.shape == (80, width + 1)
    assert told.columns[0] == "textembedder__review_0"
    labels = y + 10 * frame["price"].to_numpy()
    # scikit-learn 1.6 loses the index of rows that are handed over as a Series.
    plain = clone(columns).set_output(transform="default")
    model = RectifiedMeanEstimator(make_pipeline(plain, RidgeCV()), cv=3, random_state=0)
    labels[40:] = np.nan
    assert model.fit(frame, labels).predict(frame).shape == (80,)


def test_polars_and_pyarrow(folder, data):
    texts = data[0]
    expected = TextEmbedder(folder).fit_transform(texts)
    for name in ("polars", "pyarrow"):
        library = pytest.importorskip(name)
        table = (library.DataFrame if name == "polars" else library.table)({"review": texts})
        told = TextEmbedder(folder).fit(table)
        np.testing.assert_allclose(told.transform(table), expected, atol=1e-5)
        assert told.get_feature_names_out()[0] == "review_0"


def test_a_clone_and_a_pickle_carry_no_weights(folder, data):
    told = TextEmbedder(folder).fit(data[0])
    stored = pickle.dumps(told)
    assert len(stored) < 2_000
    np.testing.assert_allclose(
        pickle.loads(stored).transform(data[0]), told.transform(data[0]), atol=1e-6
    )
    assert "fingerprint_" not in vars(clone(told))


def test_another_model_is_refused(folder, data, tmp_path):
    told = TextEmbedder(folder).fit(data[0])
    told.set_params(model=tiny_model("BertModel", tmp_path, initializer_range=0.3))
    with pytest.raises(ValueError, match="has changed since this transformer was fitted"):
        told.transform(data[0])


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ("one text", "one str; expected a sequence"),
        (["a", None], "1 of 2 values that are not text"),
        ([["a", "b"], ["c", 1.0]], "row 1 of column 1"),
        ([], "no rows"),
        (np.empty((2, 0), dtype=object), "columns of texts"),
    ],
)
def test_bad_texts(folder, texts, match):
    with pytest.raises(ValueError, match=match):
        TextEmbedder(folder).fit(texts)


# The head


def test_a_linear_head_is_solved(folder, data):
    texts, y = data
    model = TextVarianceRegressor(folder).fit(texts[:60], y[:60])
    assert model.n_epochs_ == 0
    assert model.penalty_ > 0
    trained = TextVarianceRegressor(folder, max_epochs=30, random_state=0).fit(texts[:60], y[:60])
    assert trained.n_epochs_ == 30
    assert not hasattr(trained, "penalty_")
    left = [np.var(y[60:] - one.predict(texts[60:])) for one in (model, trained)]
    assert left[0] < left[1]
    assert not hasattr(model.set_params(max_epochs=2).fit(texts, y), "penalty_")


@pytest.mark.parametrize(
    "asked",
    [
        {"criterion": "mse"},
        {"early_stopping": True},
        {"learning_rate": 1e-3},
        {"hidden_layer_sizes": (3,)},
    ],
)
def test_what_only_training_has_is_trained(folder, data, asked):
    settings = {"max_epochs": 2} if asked.get("criterion") or asked.get("hidden_layer_sizes") else {}
    model = TextVarianceRegressor(folder, random_state=0, **asked, **settings).fit(*data)
    assert model.n_epochs_ > 0


def test_units_and_a_weight_of_two(folder, data):
    texts, y = data
    twice = TextVarianceRegressor(folder).fit(texts + texts[:20], np.r_[y, y[:20]])
    weights = np.r_[np.full(20, 2.0), np.ones(60)]
    ridge = [
        fit_ridge(TextEmbedder(folder).fit_transform(rows).astype(float), target[:, None], weight)
        for rows, target, weight in (
            (texts, y, weights / weights.mean()),
            (texts + texts[:20], np.r_[y, y[:20]], None),
        )
    ]
    # Penalties differ: a row that stands twice is left out by halves only.
    assert ridge[0].coefficients.shape == ridge[1].coefficients.shape == (1, 16)
    scaled = TextVarianceRegressor(folder).fit(texts + texts[:20], 1e6 + 1e3 * np.r_[y, y[:20]])
    assert (scaled.predict(texts) - 1e6) / 1e3 == pytest.approx(twice.predict(texts), abs=1e-4)


@pytest.mark.parametrize(("n", "d"), [(40, 12), (12, 40)])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_the_best_of_those_left_out_one_by_one(n, d, weighted):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d)) + 3
    y = X[:, :3] @ rng.normal(size=(3, 2)) + rng.normal(size=(n, 2))
    weight = rng.uniform(0.2, 2.0, size=n) if weighted else np.ones(n)
    weight /= weight.mean()
    told = fit_ridge(X, y, weight if weighted else None)
    for output in (0, 1):

        def left_out(penalty, output=output):
            errors = []
            for row in range(n):
                rest = np.arange(n) != row
                fit = Ridge(alpha=penalty).fit(X[rest], y[rest, output], weight[rest])
                errors.append(y[row, output] - fit.predict(X[[row]])[0])
            return np.sum(weight * np.square(errors))

        penalty = told.penalty[output]
        assert left_out(penalty) <= 1.02 * min(left_out(penalty / 3), left_out(3 * penalty))
        same = Ridge(alpha=penalty).fit(X, y[:, output], weight)
        np.testing.assert_allclose(told.coefficients[output], same.coef_, rtol=1e-6, atol=1e-9)
        assert told.intercept[output] == pytest.approx(same.intercept_)


def test_labels_that_are_all_equal_and_texts_that_are(folder):
    model = TextVarianceRegressor(folder).fit(["w1", "w2", "w3"], [2.0, 2.0, 2.0])
    assert model.predict(["w9"]) == pytest.approx([2.0])
    model = TextVarianceRegressor(folder).fit(["w1", "w1", "w1"], [1.0, 2.0, 6.0])
    assert model.predict(["w1"]) == pytest.approx([3.0], abs=1e-5)
