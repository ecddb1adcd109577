"""Language models: real MiniLM weights, and tiny models with random weights built here."""

import pickle
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError

pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from language_models import WORDS, save_tokenizer, tiny_model
from sklearn.model_selection import GridSearchCV

from sklearn_ftr import (
    EmbeddingCacheWarning,
    FineTuneRectifyAllocator,
    LabeledKFold,
    RectifiedMeanEstimator,
    TextVarianceRegressor,
)
from sklearn_ftr.finetuning import (
    _embedding,
    _reads_texts,
    _text_encoder,
    _text_variance_regressor,
)
from sklearn_ftr.finetuning._recipe import learning_rates
from sklearn_ftr.finetuning._rows import TokenRows, length_buckets
from sklearn_ftr.finetuning._text_model import (
    DEFAULT_MODEL,
    Checkpoint,
    Source,
    installed_model,
)
from sklearn_ftr.finetuning._text_network import RegressionHead, TextNetwork

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    def make(kind, name, **settings):
        return tiny_model(kind, tmp_path_factory.mktemp(name), **settings)

    return {
        "encoder": make("BertModel", "encoder"),
        "decoder": make("LlamaForCausalLM", "decoder"),
        "headed encoder": make("BertForSequenceClassification", "headed", num_labels=1),
        "headed decoder": make("LlamaForSequenceClassification", "headed-decoder", num_labels=1),
        "two heads": make(
            "BertForSequenceClassification", "two", num_labels=2, problem_type="regression"
        ),
    }


@pytest.fixture(scope="module")
def data():
    """Texts of one to twelve words, rated by the share of early words."""
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(80)]
    texts = np.array([" ".join(WORDS[number] for number in row) for row in numbers], dtype=object)
    return texts, np.array([3 + np.mean(row < 20) for row in numbers]) + rng.normal(scale=0.05, size=80)


def quick(model, **parameters):
    defaults = {"max_epochs": 3, "random_state": 0, "embedding_cache": None}
    return TextVarianceRegressor(model, **defaults | parameters)


@pytest.fixture(scope="module")
def rated_words():
    """Real ratings: words of the VADER lexicon."""
    pytest.importorskip("vaderSentiment")
    from sklearn_ftr.datasets import load_vader_lexicon

    words, ratings = load_vader_lexicon(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(words))[:400]
    return words[order], ratings[order]


# --- real weights


@pytest.mark.grid(3)
@pytest.mark.skipif(installed_model() is None, reason="no installed weights")
@pytest.mark.parametrize(
    ("method", "n", "settings"),
    [
        ("head", 200, {}),
        ("lora", 48, {"max_epochs": 8, "learning_rate": 1e-3}),
        pytest.param("full", 64, {"max_epochs": 8}, marks=pytest.mark.slow),
    ],
)
def test_real_fine_tuning_lowers_the_residual_variance(method, n, settings, rated_words):
    words, ratings = rated_words
    model = TextVarianceRegressor(method=method, max_length=16, random_state=0, **settings)
    model.fit(words[:n], ratings[:n])
    residuals = ratings[200:] - model.predict(words[200:])
    assert residuals.var() < 0.75 * ratings[200:].var()


@pytest.mark.skipif(installed_model() is None, reason="no installed weights")
def test_real_vectors_are_means_of_word_pieces_of_length_one():
    from transformers import AutoModel, AutoTokenizer

    texts = ["A short one.", "A much longer text, of which the other one must not see anything.", ""]
    model, tokenizer = (kind.from_pretrained(installed_model()) for kind in (AutoModel, AutoTokenizer))
    with torch.inference_mode():
        expected = [
            model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0).numpy()
            for text in texts
        ]
    checkpoint = Checkpoint(Source(DEFAULT_MODEL), "auto", 256, 0)
    vectors = _embedding.Embedder(checkpoint, "cpu", torch.float32, None)(np.array(texts, dtype=object))
    expected = np.array(expected) / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


# --- how texts are read


def test_a_decoder_is_read_by_its_last_word(folders):
    from transformers import AutoModel, AutoTokenizer

    texts = np.array(["w1 w2 w3 w4 w5", "w7", "w8 w9"], dtype=object)
    model, tokenizer = (kind.from_pretrained(folders["decoder"]) for kind in (AutoModel, AutoTokenizer))
    with torch.inference_mode():
        expected = [
            model(input_ids=torch.tensor([tokenizer(text)["input_ids"]]))
            .last_hidden_state[0, -1]
            .numpy()
            for text in texts
        ]
    checkpoint = Checkpoint(Source(folders["decoder"]), "auto", 256, 0)
    vectors = _embedding.Embedder(checkpoint, "cpu", torch.float32, None)(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_pooling_can_be_chosen(folders, data):
    texts = data[0][:10]

    def vectors(pooling):
        checkpoint = Checkpoint(Source(folders["decoder"]), pooling, 256, 0)
        return _embedding.Embedder(checkpoint, "cpu", torch.float32, None)(texts)

    np.testing.assert_array_equal(vectors("auto"), vectors("last"))
    assert np.abs(vectors("mean") - vectors("last")).max() > 0.01


def test_long_texts_are_cut_and_empty_ones_read(folders):
    model = quick(folders["encoder"], max_length=4).fit(["w1 w2", "w3", "w5"], [1.0, 2.0, 4.0])
    four, five = model.predict(["w1 w2 w3 w4", "w1 w2 w3 w4 w5"])
    assert four == five
    beyond = " ".join(WORDS * 3)  # more words than the model has positions
    for name in ("encoder", "decoder"):
        texts = [beyond, "", "w3", "\ud83d"]
        predictions = quick(folders[name], max_length=10_000).fit(texts, np.arange(4.0)).predict(texts)
        assert np.isfinite(predictions).all()


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(0, 500), st.integers(1, 2_000)
)
def test_length_buckets_hold_every_row_once_within_the_budget(lengths, fewest, most):
    lengths = np.array(lengths)
    buckets = list(length_buckets(lengths, fewest, most))
    assert sorted(np.concatenate(buckets)) == list(range(len(lengths)))
    for rows in buckets:
        longest = lengths[rows].max()
        assert len(rows) * longest <= most or len(rows) == 1
        assert lengths[rows].min() >= 0.9 * longest or (len(rows) - 1) * longest < fewest


def test_texts_are_padded_no_further_than_the_longest_beside_them():
    rows = TokenRows([[1] * 3, [2], [3] * 9], 0, torch.device("cpu"))
    (first, second) = (tokens for tokens in rows.batches(torch.tensor([0, 1, 2]), 2))
    assert first.input_ids.tolist() == [[1, 1, 1], [2, 0, 0]]
    assert first.attention_mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert second.input_ids.shape == (1, 9)


@pytest.mark.grid(4)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_every_kind_of_sequence(name, method, folders, data):
    pd = pytest.importorskip("pandas")
    texts, y = data[0][:12], data[1][:12]
    model = quick(folders[name], method=method, max_epochs=1).fit(list(texts), y)
    expected = model.predict(texts)
    assert expected.shape == (12,)
    for X in (texts.astype(str), texts[:, None], pd.Series(texts), pd.DataFrame({"text": texts})):
        np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", r"X is one str; expected a sequence of texts"),
        ([1.0, 2.0], r"2 of 2 values that are not text, the first in row 0 \(float: 1.0\)"),
        (
            ["a", None],
            r"1 of 2 values that are not text, the first in row 1 \(NoneType: None\).*Fill missing",
        ),
        (["a", float("nan")], r"1 of 2 values that are not text"),
        ([["a", "b"], ["c", "d"]], r"X has shape \(2, 2\); expected one column of texts"),
        ([], r"X has no rows"),
    ],
)
def test_bad_texts(X, message, folders):
    with pytest.raises(ValueError, match=message):
        quick(folders["encoder"]).fit(X, [1.0, 2.0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan], "NaN"),
        ([1.0], "minimum of 2"),
        ([1.0, np.inf], "infinity"),
        (["a", "b"], "could not convert"),
        ([1.0, 2.0, 3.0], "inconsistent"),
    ],
)
def test_bad_targets(y, message, folders):
    with pytest.raises(ValueError, match=message):
        quick(folders["encoder"]).fit(["w1", "w2"], y)


def test_scikit_learn_checks_that_texts_leave_over(folders, data):
    texts, y = data
    model = quick(folders["encoder"])
    assert model.fit(texts, y) is model
    first = model.predict(texts)
    np.testing.assert_array_equal(model.fit(texts, y).predict(texts), first)
    parameters = model.get_params()
    assert parameters == clone(model).get_params() == model.set_params(**parameters).get_params()
    assert is_regressor(model)
    assert "TextVarianceRegressor(" in repr(model)
    with pytest.raises(NotFittedError):
        clone(model).predict(texts)
    with pytest.raises(ValueError, match=r"batch_size. parameter"):
        quick(folders["encoder"], batch_size=0).fit(texts, y)
    with pytest.raises(ValueError, match="requires y"):
        model.fit(texts, None)


# --- training


@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize("criterion", ["variance", "profiled_variance", "centered_mse", "mse"])
def test_every_method_and_criterion_learns(method, criterion, folders, data):
    texts, y = data
    y = y - 3 if criterion == "mse" else y  # from a raw scale it has a long way to go
    model = quick(folders["encoder"], method=method, criterion=criterion, max_epochs=8)
    model.set_params(learning_rate=0.02).fit(texts, y)
    assert model.residual_variance_ < 0.7 * y.var()
    assert np.mean(y - model.predict(texts)) == pytest.approx(0, abs=1e-6)


@pytest.mark.grid(3)
@pytest.mark.parametrize("batch", [{"batch_size": 1}, {"batch_size": 4}, {"accumulate_batches": 3}])
def test_small_and_accumulated_batches_profile_the_variance(batch, folders, data):
    model = quick(folders["encoder"], max_epochs=10, **batch).fit(*data)
    assert model.net_.criterion_.profiled
    assert model.residual_variance_ < data[1].var()
    assert not quick(folders["encoder"]).fit(*data).net_.criterion_.profiled


def test_what_is_trained(folders, data):
    before = TextNetwork(
        Checkpoint(Source(folders["encoder"]), "auto", 256, 0), "full", 8, (), 1, torch.float32
    ).state_dict()
    for method in ("lora", "full"):
        after = quick(folders["encoder"], method=method).fit(*data).net_.module_
        if method == "lora":
            frozen = {name for name, p in after.named_parameters() if not p.requires_grad}
            assert not any("lora" in name or "head" in name for name in frozen)
            for name in frozen:
                same = before[name.replace(".base_layer", "")]
                assert torch.equal(same, after.get_parameter(name))
        else:
            layer = "encoder.model.encoder.layer.0.attention.self.query.weight"
            assert not torch.equal(before[layer], after.get_parameter(layer))


def test_several_outputs_and_weights(folders, data):
    texts, y = data
    model = quick(folders["encoder"], hidden_layer_sizes=(4,)).fit(texts, np.column_stack([y, -y]))
    assert model.predict(texts).shape == (80, 2)
    weight = np.repeat([1.0, 0.0], 40)
    weighted = quick(folders["encoder"], batch_size=64).fit(texts, y, sample_weight=weight)
    few = quick(folders["encoder"], batch_size=64).fit(texts[:40], y[:40])
    np.testing.assert_allclose(weighted.predict(texts), few.predict(texts), atol=1e-6)


@pytest.mark.grid(3)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_the_seed_decides_and_torch_is_left_alone(method, folders, data):
    state = torch.random.get_rng_state()
    first, second = (quick(folders["encoder"], method=method).fit(*data).predict(data[0]) for _ in "ab")
    np.testing.assert_array_equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())
    other = quick(folders["encoder"], method=method, random_state=1).fit(*data).predict(data[0])
    assert np.abs(first - other).max() > 1e-6


def test_warm_up_then_decay(folders, data):
    rates = []

    class Recorded(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[-1]["lr"])
            return super().step(closure)

    def fit(**settings):
        rates.clear()
        rate = {"learning_rate": 1.0, "max_gradient_norm": 0.01}
        quick(folders["encoder"], optimizer=Recorded, max_epochs=4, **rate, **settings).fit(*data)
        return np.array(rates)

    rising = fit(warmup=0.5)
    assert len(rising) == 20
    assert np.all(np.diff(rising[:11]) > 0)
    assert np.all(np.diff(rising[10:]) < 0)
    assert rising.max() == 1.0
    assert 0 < rising[-1] <= 0.1
    assert set(fit(warmup=None)) == {1.0}


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("method", "n", "epochs"), [("head", 16, 100), ("head", 80, 30), ("lora", 80, 20), ("full", 80, 34)]
)
def test_few_labels_are_read_more_often(method, n, epochs, folders, data):
    model = quick(folders["encoder"], method=method, max_epochs=None, optimizer=torch.optim.AdamW)
    assert model.fit(data[0][:n], data[1][:n]).n_epochs_ == epochs


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("method", "rate", "head_rate"),
    [
        ("lora", 1e-5, 3e-4),
        ("full", 1e-5, 3e-4),
        ("full", None, 3e-4),
        ("lora", 1e-2, 1e-2),
        ("head", 1e-5, 1e-5),
    ],
)
def test_the_head_learns_no_slower_than_it_does_alone(method, rate, head_rate, folders, data):
    """A rate that is right for pretrained weights would leave a head that starts at zero where it is."""
    rates = {}

    class Recorded(torch.optim.SGD):
        def step(self, closure=None):
            for group in self.param_groups:
                for parameter in group["params"]:
                    rates[id(parameter)] = group["lr"]
            return super().step(closure)

    settings = {"learning_rate": rate, "warmup": None, "accumulate_batches": 2}
    model = quick(folders["encoder"], method=method, optimizer=Recorded, **settings).fit(*data)
    module = model.net_.module_
    head = module if method == "head" else module.head
    assert {rates[id(parameter)] for parameter in head.parameters()} == {head_rate}
    assert rates[id(model.net_.criterion_.center)] == pytest.approx(10 * head_rate)
    if method != "head":
        rest = {rates[id(p)] for p in module.encoder.parameters() if p.requires_grad}
        assert rest == {2e-4 if rate is None else rate}


@pytest.mark.parametrize(("width", "rate"), [(16, 2e-4), (384, 2e-4), (768, 1e-4), (4096, 1.875e-5)])
def test_wider_models_have_smaller_rates(width, rate):
    from transformers import BertConfig

    config = BertConfig(hidden_size=width, num_attention_heads=4)
    assert learning_rates("full", None, config) == (pytest.approx(rate), 3e-4)
    assert learning_rates("lora", None, config).body == 3e-4


def test_a_head_learns_the_same_from_vectors_of_any_length():
    head, vectors = (
        RegressionHead(8, 0, 1, ()),
        torch.randn(5, 8, generator=torch.Generator().manual_seed(0)),
    )
    torch.testing.assert_close(head.norm(vectors / 1000), head.norm(vectors))


def test_long_gradients_are_cut(folders, data):
    """One step of plain gradient descent with rate 1 moves the head by the norm of its gradient."""

    def moved(norm):
        model = quick(
            folders["encoder"],
            optimizer=torch.optim.SGD,
            learning_rate=1.0,
            warmup=None,
            weight_decay=0.0,
            batch_size=80,
            max_epochs=1,
            max_gradient_norm=norm,
        ).fit(*data)
        return torch.cat([p.detach().flatten() for p in model.net_.module_.parameters()]).norm().item()

    assert moved(1e-3) == pytest.approx(1e-3, rel=1e-3)
    assert moved(None) > 1e-2


def test_early_stopping_returns_to_the_best_weights(folders, data):
    model = quick(
        folders["encoder"], method="lora", early_stopping=True, learning_rate=0.05, max_epochs=30
    ).fit(*data)
    losses = [row["valid_loss"] for row in model.net_.history]
    assert model.n_epochs_ == np.argmin(losses) + 1 + model.patience < 30
    # The held-out rows' loss is that of the best epoch, not of the last.
    held_out = np.random.RandomState(0).permutation(80)[:8]
    errors = data[1][held_out] - model.predict(data[0][held_out])
    scale = model.scale_
    assert errors.var() / scale**2 == pytest.approx(min(losses), rel=1e-3)


def test_bfloat16_is_close_to_float32(folders, data):
    texts, y = data
    for method in ("head", "lora"):
        high, low = (
            quick(folders["encoder"], method=method, dtype=dtype).fit(texts, y).predict(texts)
            for dtype in ("float32", "bfloat16")
        )
        assert 0 < np.abs(high - low).max() < 0.3 * high.std() + 0.02


class Stopped(torch.optim.AdamW):
    """Somebody presses Ctrl-C in the third step."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        if self.steps == 3:
            signal.raise_signal(signal.SIGINT)
        return super().step(closure)


FAILURES = {
    "divergence": ({"learning_rate": 1e30, "warmup": None}, ["w1", "w2"], ValueError),
    "Ctrl-C": ({"optimizer": Stopped}, [*WORDS[:20]], KeyboardInterrupt),
    "Ctrl-C while watched": (
        {"optimizer": Stopped, "early_stopping": True},
        [*WORDS[:20]],
        KeyboardInterrupt,
    ),
    "no texts": ({}, [1, 2], ValueError),
    "no model": ({"model": "/nowhere/at/all"}, ["w1", "w2"], OSError),
    "missing device": ({"device": "nonsense"}, ["w1", "w2"], ValueError),
}


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_fit_that_fails_changes_nothing(failure, method, fitted, folders, data):
    parameters, texts, error = FAILURES[failure]
    model = quick(folders["encoder"], method=method, max_epochs=4)
    if fitted:
        model.fit(*data)
    before, predictions = dict(vars(model)), model.predict(data[0]) if fitted else None
    own = model.get_params()
    model.set_params(**parameters)
    with pytest.raises(error):
        model.fit(texts, 1e3 * np.arange(len(texts)) ** 2.0)
    assert vars(model.set_params(**own)) == before
    if not fitted:
        with pytest.raises(NotFittedError):
            model.predict(data[0])
    else:
        np.testing.assert_array_equal(model.predict(data[0]), predictions)


@pytest.mark.parametrize("method", ["head", "lora"])
def test_an_initialization_that_is_stopped_changes_nothing(method, folders, data, monkeypatch):
    model = quick(folders["headed encoder"], method=method).fit(*data)
    before, predictions = dict(vars(model)), model.predict(data[0])
    forward = _text_encoder.TextEncoder.forward

    def stopped(self, tokens):
        if len(tokens.input_ids) > 1 or tokens.input_ids.shape[1] > 1:
            raise KeyboardInterrupt
        return forward(self, tokens)

    monkeypatch.setattr(_text_encoder.TextEncoder, "forward", stopped)
    with pytest.raises(KeyboardInterrupt):
        model.initialize(["w1 w2 w3", "w4"])
    monkeypatch.undo()
    assert vars(model) == before
    np.testing.assert_array_equal(model.predict(data[0]), predictions)


# --- before training


@pytest.mark.grid(4)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize("name", ["headed encoder", "headed decoder"])
def test_zero_shot_is_the_models_own_head(name, method, folders, data):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    own = AutoModelForSequenceClassification.from_pretrained(folders[name]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders[name])
    texts, y = data[0][:9], data[1][:9]
    with torch.inference_mode():
        expected = [
            own(input_ids=torch.tensor([tokenizer(text)["input_ids"]])).logits.item() for text in texts
        ]
    model = quick(folders[name], method=method)
    assert model.is_pretrained()
    np.testing.assert_allclose(model.initialize(texts).predict(texts), expected, atol=1e-5)
    # Training starts there: with a vanishing learning rate only the mean changes.
    trained = model.set_params(learning_rate=1e-9, max_epochs=1).fit(texts, y)
    expected = np.array(expected) + np.mean(y - expected)
    np.testing.assert_allclose(trained.predict(texts), expected, atol=1e-2)


def test_no_head_no_zero_shot(folders, data):
    for name, y in (("encoder", None), ("two heads", None), ("headed encoder", np.ones((3, 2)))):
        model = quick(folders[name])
        with pytest.raises(
            ValueError, match=r"has no regression head with \d outputs.*sequence classifier"
        ):
            model.initialize(data[0][:3], y)
    assert not quick(folders["encoder"]).is_pretrained()
    assert quick(folders["two heads"]).is_pretrained(2)
    assert quick(folders["two heads"]).fit(*data).predict(data[0]).shape == (80,)


def test_rectified_without_training(folders, data):
    texts, y = data
    y = np.where(np.arange(80) < 40, y, np.nan)
    model = RectifiedMeanEstimator(quick(folders["headed encoder"]), split_ratio=0).fit(texts, y)
    assert model.n_rectify_ == 40
    with pytest.raises(ValueError, match="no regression head"):
        RectifiedMeanEstimator(quick(folders["encoder"]), split_ratio=0).fit(texts, y)


@pytest.mark.thorough
def test_the_allocator_considers_zero_shot(folders, data):
    texts, y = data
    y = np.where(np.arange(80) < 40, y, np.nan)
    for name, expected in (("headed encoder", True), ("encoder", False)):
        allocator = FineTuneRectifyAllocator(RectifiedMeanEstimator(quick(folders[name], max_epochs=1)))
        plan = allocator.fit(texts, y).plan_
        assert any(option.strategy == "zero-shot" for option in plan.options) is expected


# --- clone, pickle, processes


@pytest.mark.grid(3)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_fitted_models_are_pickled_with_what_was_trained(method, folders, data, monkeypatch):
    model = quick(folders["encoder"], method=method).fit(*data)
    content = pickle.dumps(model)
    module = model.net_.module_
    trained = sum(4 * p.numel() for p in module.parameters() if p.requires_grad)
    assert len(content) < 1.2 * trained + 45_000  # once, and some words about it
    loads = []
    load_model = _text_encoder.load_model
    monkeypatch.setattr(
        _text_encoder, "load_model", lambda *arguments: loads.append(1) or load_model(*arguments)
    )
    np.testing.assert_array_equal(pickle.loads(content).predict(data[0]), model.predict(data[0]))
    assert len(loads) <= 2  # head: the shared one is read again without a cache
    assert len(pickle.dumps(clone(model))) < 3_000


def test_frozen_weights_are_not_in_the_pickle(folders, data):
    module = quick(folders["encoder"], method="lora").fit(*data).net_.module_
    state = module.__reduce__()[1][1]
    assert state
    assert all("lora" in name or name.startswith("head") for name in state)


@pytest.mark.thorough
@pytest.mark.parametrize("method", [pytest.param("head", marks=pytest.mark.slow), "lora"])
def test_processes_agree(method, folders, data, new_processes):
    """A fit and its copy, trained in another process; a second one would load all libraries again."""
    texts, y = data
    y = np.where(np.arange(80) < 40, y, np.nan)
    model = RectifiedMeanEstimator(quick(folders["encoder"], method=method), cv=2, random_state=0)
    elsewhere = get_reusable_executor(max_workers=1).submit(clone(model).fit, texts, y).result()
    assert elsewhere.mean_ == pytest.approx(model.fit(texts, y).mean_, rel=1e-6)
    np.testing.assert_allclose(elsewhere.predict(texts), model.predict(texts), rtol=1e-5)


@pytest.mark.thorough
def test_grid_search(folders, data):
    texts, y = data
    y = np.where(np.arange(80) % 2 == 0, y, np.nan)
    search = GridSearchCV(
        RectifiedMeanEstimator(quick(folders["encoder"], max_epochs=1), random_state=0),
        {"split_ratio": [0.2, 0.5], "estimator__method": ["head", "lora"]},
        cv=LabeledKFold(2),
    ).fit(texts, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# --- models that change


@pytest.fixture
def changing(tmp_path):
    """A folder, and a function that saves other weights there."""

    def save(factor):
        folder = tiny_model("BertModel", tmp_path / "model")
        from safetensors.torch import load_file, save_file

        path = tmp_path / "model" / "model.safetensors"
        scaled = {name: factor * value for name, value in load_file(path).items()}
        save_file(scaled, path, metadata={"format": "pt"})
        return folder

    return save


@pytest.mark.grid(4)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_a_model_that_is_saved_again_is_read_again(method, changing, data):
    predictions = [
        quick(changing(factor), method=method, embedding_cache="memory").fit(*data).predict(data[0])
        for factor in (1.0, 1.5, 1.0)
    ]
    assert np.abs(predictions[0] - predictions[1]).max() > 1e-3
    np.testing.assert_allclose(predictions[0], predictions[2], atol=1e-5)


@pytest.mark.parametrize("method", ["head", "lora"])
def test_a_fitted_regressor_refuses_other_frozen_weights(method, changing, data):
    content = pickle.dumps(quick(changing(1.0), method=method).fit(*data))
    changing(1.5)
    with pytest.raises(ValueError, match=r"has changed since this regressor was fitted.*Fit again"):
        pickle.loads(content).predict(data[0])


def test_an_accelerator_that_is_not_here_is_done_without(folders, data):
    module = quick(folders["encoder"], method="lora").fit(*data).net_.module_
    function, (recipe, state, fingerprint, _) = module.__reduce__()
    elsewhere = function(recipe, state, fingerprint, torch.device("xpu"))
    assert next(elsewhere.parameters()).device.type == "cpu"


# --- all kinds of models


@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize(
    "kind", ["T5Model", "T5EncoderModel", "T5ForSequenceClassification", "GPT2Model"]
)
def test_other_architectures(kind, method, data, tmp_path):
    folder = other_model(kind, tmp_path)
    model = quick(folder, method=method, learning_rate=1e-2, max_epochs=5).fit(*data)
    assert model.residual_variance_ < data[1].var()
    assert not model.is_pretrained()


def other_model(kind, folder):
    import transformers

    sizes = {"vocab_size": 43, "num_layers": 1, "num_heads": 2, "d_model": 16, "d_ff": 32, "d_kv": 8}
    t5 = transformers.T5Config(**sizes, pad_token_id=0, decoder_start_token_id=0, num_labels=1)
    gpt2 = transformers.GPT2Config(vocab_size=43, n_embd=16, n_layer=1, n_head=2, n_positions=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(transformers, kind)(t5 if kind.startswith("T5") else gpt2).save_pretrained(folder)
    save_tokenizer(folder)
    return str(folder)


def test_the_first_piece_can_be_the_text(folders, data):
    first, mean = (
        quick(folders["encoder"], pooling=pooling).fit(*data).predict(data[0])
        for pooling in ("first", "mean")
    )
    assert np.abs(first - mean).max() > 1e-3


def test_threads_cut_at_their_own_length(folders, data):
    texts = [" ".join(WORDS)] * 20

    def lengths(limit):
        checkpoint = Checkpoint(Source(folders["encoder"]), "auto", limit, 0)
        return {len(pieces) for _ in range(30) for pieces in checkpoint.tokenize(texts)}

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lengths, [3, 7, 13, 31])) == [{3}, {7}, {13}, {31}]


@pytest.mark.skipif(installed_model() is None, reason="no installed weights")
def test_one_word_piece_is_the_least(rated_words):
    checkpoint = Checkpoint(Source(DEFAULT_MODEL), "auto", 1, 0)
    assert {len(pieces) for pieces in checkpoint.tokenize(["one two three", "", "x" * 10_000])} <= {
        2,
        3,
    }


# --- streaming and the cache


@pytest.mark.parametrize("method", ["head", "lora"])
def test_texts_are_predicted_in_blocks(method, folders, data, monkeypatch):
    model = quick(folders["encoder"], method=method).fit(*data)
    expected = model.predict(data[0])
    seen = []
    tokenize = Checkpoint.tokenize

    def watched(self, texts):
        texts = list(texts)
        seen.append(len(texts))
        return tokenize(self, texts)

    monkeypatch.setattr(Checkpoint, "tokenize", watched)
    for module in (_embedding, _text_variance_regressor):
        monkeypatch.setattr(module, "BLOCK_TEXTS", 7)
    np.testing.assert_allclose(model.predict(data[0]), expected, atol=1e-5)
    assert max(seen) <= 7


@pytest.fixture
def computed(monkeypatch):
    """How many texts were embedded."""
    counts = []
    compute = _embedding.Embedder._compute

    def counted(self, texts):
        counts.append(len(texts))
        return compute(self, texts)

    monkeypatch.setattr(_embedding.Embedder, "_compute", counted)
    _embedding.forget()
    return counts


def allocate(folder, data, cache):
    texts, y = data
    y = np.where(np.arange(80) < 40, y, np.nan)
    predictor = quick(folder, max_epochs=1, embedding_cache=cache)
    return FineTuneRectifyAllocator(
        RectifiedMeanEstimator(predictor), strategy="cross-fitting", random_state=0
    ).fit(texts, y)


def test_an_allocator_embeds_each_text_once(computed, folders, data, tmp_path):
    distinct = len(set(data[0]))
    first = allocate(folders["encoder"], data, "memory")
    assert sum(computed) == distinct
    second = allocate(folders["encoder"], data, "memory")
    assert sum(computed) == distinct
    assert first.mean_ == second.mean_
    allocate(folders["encoder"], data, None)
    assert sum(computed) > 5 * distinct


@pytest.mark.thorough
def test_a_folder_of_vectors_outlives_the_process(computed, folders, data, tmp_path):
    first = allocate(folders["encoder"], data, tmp_path / "vectors")
    distinct = len(set(data[0]))
    assert sum(computed) == distinct
    _embedding.forget()  # as another process begins
    assert allocate(folders["encoder"], data, tmp_path / "vectors").mean_ == first.mean_
    assert sum(computed) == distinct
    for other in ("decoder", "headed encoder"):
        quick(folders[other], embedding_cache=tmp_path / "vectors").fit(*data)
    assert sum(computed) == 3 * distinct
    quick(folders["encoder"], max_length=3, embedding_cache=tmp_path / "vectors").fit(*data)
    assert sum(computed) == 4 * distinct


def test_a_folder_of_vectors_may_be_moved_away(folders, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = quick(folders["encoder"], embedding_cache="vectors").fit(*data)
    expected = model.predict(data[0])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    np.testing.assert_array_equal(model.predict(data[0]), expected)
    shutil.rmtree(tmp_path / "vectors")
    np.testing.assert_allclose(model.predict(data[0]), expected, atol=1e-6)


def test_another_vocabulary_is_another_model(data, tmp_path):
    folder = tiny_model("BertModel", tmp_path / "model")
    settings = {"embedding_cache": tmp_path / "vectors", "max_epochs": 10}
    first = quick(folder, **settings).fit(*data).predict(data[0])
    path = tmp_path / "model" / "tokenizer.json"
    path.write_text(path.read_text().replace('"w0"', '"w_"').replace('"w39"', '"w0"'))
    second = quick(folder, **settings).fit(*data).predict(data[0])
    assert np.abs(first - second).max() > 1e-4


def test_a_damaged_folder_of_vectors(computed, folders, data, tmp_path):
    model = quick(folders["encoder"], embedding_cache=tmp_path)
    expected = model.fit(*data).predict(data[0])
    (path,) = tmp_path.glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:6000])
    _embedding.forget()
    np.testing.assert_array_equal(model.fit(*data).predict(data[0]), expected)
    assert sum(computed) == 2 * len(set(data[0]))
    _embedding.forget()
    np.testing.assert_array_equal(model.fit(*data).predict(data[0]), expected)
    assert sum(computed) == 2 * len(set(data[0]))


def test_a_folder_that_cannot_be_used(computed, folders, data, tmp_path):
    (tmp_path / "file").write_text("")
    model = quick(folders["encoder"], embedding_cache=tmp_path / "file" / "folder")
    with pytest.warns(EmbeddingCacheWarning) as said:
        predictions = model.fit(*data).predict(data[0])
    assert len(said) == 1
    assert sum(computed) == len(set(data[0]))  # nothing that was computed is thrown away
    np.testing.assert_array_equal(quick(folders["encoder"]).fit(*data).predict(data[0]), predictions)


def test_another_way_to_cut_words_is_another_model(data, tmp_path):
    folder = tiny_model("BertModel", tmp_path / "model")

    def store():
        checkpoint = Checkpoint(Source(folder), "auto", 256, 0)
        return _embedding.Embedder(checkpoint, "cpu", torch.float32, str(tmp_path)).store.path

    first = store()
    Checkpoint(Source(folder), "auto", 7, 0).tokenize(data[0])  # leaves its length with the tokenizer
    assert store() == first
    path = tmp_path / "model" / "tokenizer.json"
    path.write_text(
        path.read_text().replace('"normalizer": null', '"normalizer": {"type": "Lowercase"}')
    )
    assert store() != first


@pytest.mark.parametrize(("name", "times"), [("encoder", 1), ("headed encoder", 1)])
def test_a_fit_reads_each_text_once(name, times, computed, folders, data):
    quick(folders[name], embedding_cache=None).fit(*data)
    assert sum(computed) == times * len(set(data[0]))


def test_another_number_of_outputs_reads_nothing_again(computed, folders, data):
    for y in (data[1], np.column_stack([data[1], data[1]])):
        quick(folders["encoder"], embedding_cache="memory").fit(data[0], y)
    assert sum(computed) == len(set(data[0]))


def test_memory_is_bounded():
    store = _embedding.MemoryStore(limit=3)
    store.add({bytes([i]): np.full(2, i, dtype=np.float32) for i in range(5)})
    assert sorted(store.find([bytes([i]) for i in range(5)])) == [b"\0", b"\1", b"\2"]


# --- quiet, and clear when something is missing


def test_a_plain_fit_prints_nothing(folders, data, capfd):
    for method in ("head", "lora", "full"):
        quick(folders["encoder"], method=method).fit(*data).predict(data[0])
    quick(folders["two heads"]).fit(*data)
    assert capfd.readouterr() == ("", "")


def test_progress(folders, data, capsys, monkeypatch):
    monkeypatch.setattr(_text_variance_regressor, "BLOCK_TEXTS", 50)
    quick(folders["encoder"], verbose=1).fit(*data).predict(data[0])
    printed = capsys.readouterr().err
    assert "reading texts: 100 %" in printed
    assert "training: 100 %, 3 of 3 epochs, loss " in printed
    assert "predicting: 100 %, 50 of 80 texts" in printed  # within the second block


def test_no_such_model(tmp_path):
    with pytest.raises(OSError, match=r"model='.*nowhere' could not be loaded; expected"):
        quick(str(tmp_path / "nowhere")).fit(["a", "b"], [1.0, 2.0])


def test_only_safetensors(folders, data, tmp_path):
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folders["encoder"])
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    model.config.save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(OSError, match="safetensors"):
        quick(str(tmp_path)).fit(*data)


def test_no_code_of_a_model_is_run(data, tmp_path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "homemade", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}'
    )
    (tmp_path / "evil.py").write_text("raise SystemExit('this code was run')")
    save_tokenizer(tmp_path)
    with pytest.raises(OSError, match="could not be loaded"):
        quick(str(tmp_path)).fit(*data)


def test_without_the_extra(monkeypatch):
    monkeypatch.setattr(_reads_texts, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs transformers, peft, safetensors; pip install"):
        TextVarianceRegressor().fit(["a", "b"], [1.0, 2.0])
