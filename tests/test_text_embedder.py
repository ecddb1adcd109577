"""The transformer of texts, by itself and in pipelines, with tiny language models."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("pandas")

import pandas as pd
from language_models import WORDS, tiny_model

from sklearn_ftr import RectifiedMeanEstimator, TextEmbedder, TextVarianceRegressor
from sklearn_ftr.finetuning import _embedding


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model("BertModel", tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return tiny_model("LlamaForCausalLM", tmp_path_factory.mktemp("decoder"))


@pytest.fixture(scope="module")
def reviews():
    """Reviews, titles, prices, judge's answers and ratings that depend on all but titles."""
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(120)]
    texts = [" ".join(WORDS[number] for number in row) for row in numbers]
    share, price = np.array([np.mean(row < 20) for row in numbers]), rng.normal(size=120)
    frame = pd.DataFrame({"review": texts, "title": [WORDS[row[0]] for row in numbers], "price": price})
    y = share + 0.3 * price + rng.normal(scale=0.05, size=120)
    return frame.assign(judge=y + rng.normal(scale=0.3, size=120)), y


def test_vectors_are_those_that_the_regressor_learns_from(folder, reviews):
    texts = reviews[0]["review"]
    vectors = TextEmbedder(folder).fit_transform(texts)
    assert vectors.shape == (120, 16)
    assert vectors.dtype == np.float32
    checkpoint = TextVarianceRegressor(folder)._checkpoint()
    frozen = TextVarianceRegressor(folder)._embedder(checkpoint, "cpu")
    np.testing.assert_array_equal(vectors, frozen(texts.to_numpy(object)))


def test_the_cache_is_shared_with_the_regressor(folder, reviews, monkeypatch, tmp_path):
    counts, compute = [], _embedding.Embedder._compute
    monkeypatch.setattr(
        _embedding.Embedder,
        "_compute",
        lambda self, texts: counts.append(len(texts)) or compute(self, texts),
    )
    texts, y = reviews[0]["review"], reviews[1]
    TextEmbedder(folder, embedding_cache=tmp_path).fit_transform(texts)
    _embedding.forget()
    TextVarianceRegressor(folder, embedding_cache=tmp_path).fit(texts, y)
    assert sum(counts) == texts.nunique()


@pytest.mark.parametrize("kind", ["list", "array", "column", "series", "pandas", "polars", "pyarrow"])
def test_every_kind_of_sequence(kind, folder, reviews):
    texts = reviews[0]["review"].to_list()[:9]
    if kind in ("polars", "pyarrow"):
        module = pytest.importorskip(kind)
        X = (module.DataFrame if kind == "polars" else module.table)({"review": texts})
    else:
        X = {
            "list": texts,
            "array": np.array(texts),
            "column": np.array(texts)[:, None],
            "series": pd.Series(texts, name="review"),
            "pandas": pd.DataFrame({"review": texts}),
        }[kind]
    model = TextEmbedder(folder).fit(X)
    np.testing.assert_array_equal(model.transform(X), TextEmbedder(folder).fit_transform(texts))
    named = kind in ("series", "pandas", "polars", "pyarrow")
    assert model.get_feature_names_out()[3] == ("review_3" if named else "text_3")
    assert hasattr(model, "feature_names_in_") == named


def test_several_columns_are_side_by_side(folder, reviews):
    columns = reviews[0][["review", "title"]]
    model = TextEmbedder(folder).fit(columns)
    sides = [TextEmbedder(folder).fit_transform(columns[name]) for name in columns]
    np.testing.assert_array_equal(model.transform(columns), np.hstack(sides))
    names = model.get_feature_names_out()
    assert list(names[[0, 16]]) == ["review_0", "title_0"]
    assert model.get_feature_names_out(["a", "b"])[31] == "b_15"
    with pytest.raises(ValueError, match="has 1 names; expected 2"):
        model.get_feature_names_out("a")
    with pytest.raises(ValueError, match=r"X has 1 columns of texts; expected 2"):
        model.transform(columns["review"])
    with pytest.raises(ValueError, match=r"columns \['title', 'review'\]; expected"):
        model.transform(columns[["title", "review"]])
    plain = TextEmbedder(folder).fit(columns.to_numpy())
    assert list(plain.get_feature_names_out()[[0, 16]]) == ["text0_0", "text1_0"]


@pytest.mark.parametrize("column", ["review", ["review"], ["review", "title"]])
def test_in_a_column_transformer_that_makes_frames(column, folder, reviews):
    frame = reviews[0]
    columns = make_column_transformer((TextEmbedder(folder), column), remainder="passthrough")
    out = columns.set_output(transform="pandas").fit_transform(frame)
    assert "textembedder__review_0" in out
    assert out.index.equals(frame.index)
    np.testing.assert_array_equal(out["remainder__price"], frame["price"])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "X is one str"),
        ([], "X has no rows"),
        (["a", None], r"1 of 2 values that are not text, the first in row 1 \(NoneType"),
        ([["a", "b"], ["c", np.nan]], r"1 of 4 values .* in row 1 of column 1 \(float: nan\)"),
        (np.empty((2, 0), dtype=object), r"X has shape \(2, 0\)"),
        ([1.0, 2.0], "2 of 2 values"),
    ],
)
def test_bad_texts(X, message, folder):
    with pytest.raises(ValueError, match=message):
        TextEmbedder(folder).fit(X)


def test_bad_parameters(folder):
    for parameters, message in (
        ({"pooling": "max"}, "pooling. parameter"),
        ({"max_length": 0}, "max_length. parameter"),
        ({"device": "nonsense"}, "device is 'nonsense'"),
    ):
        with pytest.raises(ValueError, match=message):
            TextEmbedder(folder, **parameters).fit(["w1"])


def test_clone_and_pickle_carry_no_weights(folder):
    model = TextEmbedder(folder, max_length=5)
    with pytest.raises(NotFittedError):
        model.transform(["w1"])
    vectors = model.fit_transform(["w1 w2", "w3"])
    content = pickle.dumps(model)
    assert len(content) < 2_000
    np.testing.assert_array_equal(pickle.loads(content).transform(["w1 w2", "w3"]), vectors)
    assert clone(model).get_params() == model.get_params()


def test_another_model_is_refused(folder, decoder):
    model = TextEmbedder(folder).fit(["w1", "w2"])
    for other in ({"model": decoder}, {"max_length": 3}, {"pooling": "first"}):
        with pytest.raises(ValueError, match="has changed since this transformer was fitted"):
            clone(model).fit(["w1"]).set_params(**other).transform(["w1"])


def test_refitting_forgets_the_names(folder):
    model = TextEmbedder(folder).fit(pd.DataFrame({"review": ["w1"]})).fit(["w1"])
    assert not hasattr(model, "feature_names_in_")
    assert model.get_feature_names_out()[0] == "text_0"


# --- text and columns together, several predictors at once


def text_and_columns(folder, *columns):
    parts = make_column_transformer((TextEmbedder(folder), "review"), (StandardScaler(), list(columns)))
    return make_pipeline(parts, RidgeCV(np.logspace(-3, 3, 13)))


def test_review_and_price_know_more_than_the_review(folder, reviews):
    frame, y = reviews
    alone = make_pipeline(
        make_column_transformer((TextEmbedder(folder), "review")), RidgeCV(np.logspace(-3, 3, 13))
    )
    left = [
        np.var(y[60:] - model.fit(frame[:60], y[:60]).predict(frame[60:]))
        for model in (text_and_columns(folder, "price"), alone)
    ]
    assert left[0] < 0.5 * left[1]


def stack(folder, decoder):
    """Vectors of two encoders, a fine-tuned model and a judge's column."""
    reader = TextVarianceRegressor(folder, method="lora", max_epochs=1, random_state=0)
    review = make_column_transformer(("passthrough", ["review"]))
    return StackingRegressor(
        [
            ("encoder", text_and_columns(folder, "price")),
            ("decoder", text_and_columns(decoder, "price")),
            ("tuned", make_pipeline(review, reader)),
            ("judge", make_pipeline(make_column_transformer(("passthrough", ["judge"])), RidgeCV())),
        ],
        LinearRegression(positive=True),
        cv=3,
    )


@pytest.mark.thorough
def test_a_stack_is_cross_fitted_on_labels_it_has_not_seen(folder, decoder, reviews, monkeypatch):
    """Each training sees the labels of other folds only, and of these again only others to weigh its members."""
    frame, y = reviews
    partly = np.where(np.arange(120) < 60, y, np.nan)
    seen = []
    fit = RidgeCV.fit

    def watched(self, X, y, *args, **kwargs):
        seen.append(len(y))
        return fit(self, X, y, *args, **kwargs)

    monkeypatch.setattr(RidgeCV, "fit", watched)
    model = RectifiedMeanEstimator(stack(folder, decoder), cv=3, random_state=0).fit(frame, partly)
    # 40 labels of each fold: three ridges on all of them, and on two thirds of them three times.
    assert sorted(set(seen)) == [26, 27, 40]
    low, high = model.confidence_interval()
    assert low < y.mean() < high
    assert model.result_.standard_error < 0.8 * model.result_.labels_only.standard_error
