"""Encoders in the format of sentence-transformers: each vector is that of the library's own `encode`."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("sentence_transformers")

import torch
from language_models import WORDS, tiny_model
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer import modules

from sklearn_ftr import TextVarianceRegressor
from sklearn_ftr.finetuning import _embedding, _sentence_encoder, _text_model
from sklearn_ftr.finetuning._text_model import Checkpoint, Source

POOLINGS = ("mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")
TEXTS = np.array(
    [
        "w1",
        "w1 w2 w3 w4 w5",
        "w7 w7",
        "W8 w9",
        " ".join(WORDS[:30]),
        "https://w1.w2/w3.png",
        "w1\ud83d",
    ],
    dtype=object,
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def language_models(tmp_path_factory):
    return {
        name: tiny_model(kind, tmp_path_factory.mktemp(name), **settings)
        for name, kind, settings in [
            ("encoder", "BertModel", {"framed": True}),
            ("frameless", "BertModel", {}),
            ("layers", "BertModel", {"framed": True, "output_hidden_states": True}),
            ("roberta", "RobertaModel", {"framed": True}),
            ("decoder", "LlamaForCausalLM", {"framed": True}),
        ]
    }


@pytest.fixture
def save(language_models, tmp_path):
    """A function that saves modules after a tiny language model, and says where."""

    def saved(*later, model="encoder", folder="model", reading=None, **settings):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            parts = [modules.Transformer(language_models[model], **(reading or {}))]
            parts += [part() if callable(part) else part for part in later]
        whole = SentenceTransformer(modules=parts, device="cpu", **settings)
        whole.save(str(tmp_path / folder), create_model_card=False)
        return str(tmp_path / folder)

    return saved


def pooling(*modes, width=16, **settings):
    return lambda: modules.Pooling(width, tuple(modes), **settings)


def dense(n_in, n_out, **settings):
    return lambda: modules.Dense(n_in, n_out, **settings)


def embedder(folder, pooling="auto", max_length=256, cache=None):
    return _embedding.Embedder(
        Checkpoint(Source(folder), pooling, max_length, 0), "cpu", torch.float32, cache
    )


def encoded(folder, texts=TEXTS):
    """What the folder's own library says, which cannot read half of a surrogate pair."""
    readable = [text.encode("utf-8", "replace").decode() for text in texts]
    own = SentenceTransformer(folder, device="cpu", local_files_only=True)
    # One by one: padding changes the last digits.
    return np.array([own.encode([text])[0] for text in readable])


def rewrite(folder, file, **changes):
    path = Path(folder) / file
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | changes))


def quick(model, **parameters):
    return TextVarianceRegressor(model, **{"max_epochs": 2, "random_state": 0} | parameters)


# --- as the library reads it


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("modes", "model"),
    [
        *[((mode,), "encoder") for mode in POOLINGS],
        (("cls", "mean"), "encoder"),
        (POOLINGS, "encoder"),
        (POOLINGS, "decoder"),
    ],
)
def test_every_pooling(modes, model, save):
    folder = save(pooling(*modes), model=model)
    np.testing.assert_allclose(embedder(folder)(TEXTS), encoded(folder), atol=1e-5)


@pytest.mark.grid(4)
@pytest.mark.parametrize("mode", POOLINGS)
def test_poolings_as_they_were_saved_in_the_past(mode, save):
    folder = save(pooling(mode))
    expected = encoded(folder)
    names = dict.fromkeys(POOLINGS, False) | {mode: True}
    endings = {"cls": "_token", "mean": "_tokens", "max": "_tokens", "weightedmean": "_tokens"}
    old = {f"pooling_mode_{name}{endings.get(name, '')}": chosen for name, chosen in names.items()}
    (Path(folder) / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 16} | old)
    )
    types = ("Transformer", "Pooling")
    saved = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_Pooling" * i,
            "type": f"sentence_transformers.models.{t}",
        }
        for i, t in enumerate(types)
    ]
    (Path(folder) / "modules.json").write_text(json.dumps(saved))
    np.testing.assert_allclose(embedder(folder)(TEXTS), expected, atol=1e-5)


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("later", "settings"),
    [
        ([pooling("mean"), modules.Normalize], {}),
        ([pooling("cls"), dense(16, 8)], {}),
        ([pooling("cls", "max"), dense(32, 24), dense(24, 8, bias=False), modules.Normalize], {}),
        ([pooling("mean"), dense(16, 8, activation_function=torch.nn.Identity())], {}),
        ([pooling("mean"), lambda: modules.LayerNorm(16), lambda: modules.Dropout(0.5)], {}),
        ([lambda: modules.WeightedLayerPooling(16, 2, 1), pooling("mean")], {"model": "layers"}),
        (
            [
                lambda: modules.WordWeights(
                    ["[PAD]", "[UNK]", "[EOS]", *WORDS], {"w1": 3.0, "w2": 0.1}
                ),
                pooling("mean"),
            ],
            {},
        ),
        ([pooling("mean"), modules.Normalize], {"truncate_dim": 5}),
        ([pooling("cls")], {"model": "roberta"}),
    ],
    ids=[
        "normalize",
        "dense",
        "dense-dense-normalize",
        "identity",
        "norm-dropout",
        "layers",
        "weights",
        "truncated",
        "roberta",
    ],
)
def test_modules_after_the_first(later, settings, save):
    folder = save(*later, **settings)
    vectors = embedder(folder)(TEXTS)
    np.testing.assert_allclose(vectors, encoded(folder), atol=1e-5)
    assert vectors.dtype == np.float32


@pytest.mark.grid(4)
@pytest.mark.parametrize(
    ("mode", "include"), [("mean", True), *[(mode, False) for mode in POOLINGS if mode != "lasttoken"]]
)
def test_prompts(mode, include, save):
    prompts = {"prompts": {"read": "w11 w12 w13: ", "other": "w20"}, "default_prompt_name": "read"}
    folder = save(pooling(mode, include_prompt=include), **prompts)
    vectors = embedder(folder)(TEXTS)
    np.testing.assert_allclose(vectors, encoded(folder), atol=1e-5)
    rewrite(folder, "config_sentence_transformers.json", default_prompt_name=None)
    assert np.abs(embedder(folder)(TEXTS) - vectors).max() > 1e-3
    np.testing.assert_allclose(embedder(folder)(TEXTS), encoded(folder), atol=1e-5)


def test_lower_case(save):
    folder = save(pooling("mean"), reading={"do_lower_case": True})
    np.testing.assert_allclose(embedder(folder)(TEXTS), encoded(folder), atol=1e-5)
    lower, upper = embedder(folder)(np.array(["w8 w9", "W8 w9"], dtype=object))
    np.testing.assert_allclose(lower, upper, atol=1e-6)
    lower, upper = embedder(save(pooling("mean")))(np.array(["w8 w9", "W8 w9"], dtype=object))
    assert np.abs(lower - upper).max() > 1e-3


def lengths(reader, texts):
    return [len(pieces) for pieces in reader.encoder.rows(texts, reader.device).pieces]


@pytest.mark.parametrize(("model", "positions"), [("encoder", 64), ("roberta", 63)])
def test_the_folders_own_length(model, positions, save):
    long = np.array([" ".join(WORDS * 3)], dtype=object)  # more words than there are positions
    folder = save(pooling("mean"), model=model, reading={"max_seq_length": 7})
    assert lengths(embedder(folder), long) == [7]
    np.testing.assert_allclose(embedder(folder)(long), encoded(folder, long), atol=1e-5)
    whole = save(pooling("mean"), model=model, folder="whole")
    assert lengths(embedder(whole), long) == [positions]  # the library fails at RoBERTa's 64th
    assert np.isfinite(embedder(whole)(long)).all()
    assert lengths(embedder(whole, max_length=5), long) == [5]
    assert lengths(embedder(whole, max_length=1), long) == [3]  # one piece in its frame


def test_a_prompt_that_fills_the_whole_length(save):
    prompts = {"prompts": {"read": "w1 w2 w3 w4 "}, "default_prompt_name": "read"}
    folder = save(pooling("mean", include_prompt=False), **prompts)
    assert len(np.unique(embedder(folder, max_length=7)(TEXTS), axis=0)) > 2
    with pytest.raises(ValueError, match=r"max_length=6 leaves no word piece.*takes 6; raise it"):
        embedder(folder, max_length=6)


def test_texts_without_word_pieces(save):
    vectors = embedder(save(pooling("mean"), model="frameless"))(
        np.array(["", " ", "w1"], dtype=object)
    )
    assert np.isfinite(vectors).all()


@pytest.mark.grid(3)
@pytest.mark.parametrize(("asked", "mode"), [("mean", "mean"), ("first", "cls"), ("last", "lasttoken")])
def test_a_pooling_that_is_named_replaces_the_folders(asked, mode, save):
    prompts = {"prompts": {"read": "w11 w12 "}, "default_prompt_name": "read"}
    later = [dense(16, 8), modules.Normalize]
    folder = save(pooling("max", include_prompt=False), *later, **prompts)
    expected = encoded(save(pooling(mode, include_prompt=False), *later, folder="named", **prompts))
    np.testing.assert_allclose(embedder(folder, asked)(TEXTS), expected, atol=1e-5)


def test_a_language_model_in_a_folder_of_its_own(save):
    """As the library saved before its second version."""
    folder = Path(save(pooling("cls")))
    expected = encoded(str(folder))
    inner = folder / "0_Transformer"
    inner.mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.name not in ("modules.json", "config_sentence_transformers.json"):
            path.rename(inner / path.name)
    saved = json.loads((folder / "modules.json").read_text())
    saved[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(saved))
    np.testing.assert_allclose(embedder(str(folder))(TEXTS), expected, atol=1e-5)


def test_texts_that_are_written_into_a_chat(save):
    prompts = {"prompts": {"read": "w11 w12"}, "default_prompt_name": "read"}
    folder = save(pooling("lasttoken", "mean"), model="decoder", **prompts)
    path = {"method": "forward", "method_output_name": "last_hidden_state"}
    both = {"text": path, "message": path | {"format": "flat"}}
    settings = {"modality_config": both, "module_output_name": "token_embeddings"}
    rewrite(folder, "sentence_bert_config.json", **settings)
    template = "{% for part in messages %}w20 {{ part['content'] }} w21 {% endfor %}"
    rewrite(folder, "tokenizer_config.json", chat_template=template)
    read = embedder(folder)
    np.testing.assert_allclose(read(TEXTS), encoded(folder), atol=1e-5)
    assert lengths(read, TEXTS[:1]) == [7]  # w20 w11 w12 w21, w20 w1 w21


def test_half_precision_is_that_of_the_language_model_only(save):
    folder = save(pooling("mean"), modules.Normalize)
    checkpoint = Checkpoint(Source(folder), "auto", 256, 0)
    low = _embedding.Embedder(checkpoint, "cpu", torch.bfloat16, None)(TEXTS)
    assert 1e-6 < np.abs(low - encoded(folder)).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(low, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("projected", [False, True])
def test_only_the_language_model_is_held_in_low_precision(projected, save):
    """What follows it stays exact, to the last digit of what was saved."""
    folder = save(pooling("mean"), *([dense(16, 8)] if projected else []))
    checkpoint = Checkpoint(Source(folder), "auto", 256, 0)
    low, exact = (
        _embedding.Embedder(checkpoint, "cpu", dtype, None).encoder
        for dtype in (torch.bfloat16, torch.float32)
    )
    matrices = {p.dtype for p in low.model.parameters() if p.dim() > 1}
    assert matrices == {torch.bfloat16}
    torch.testing.assert_close(low.others.state_dict(), exact.others.state_dict(), rtol=0, atol=0)
    assert bool(exact.others.state_dict()) is projected


def test_a_language_model_that_answers_in_half_precision(save):
    read = embedder(save(pooling("mean"), dense(16, 8)))
    exact = read(TEXTS)

    def halved(module, given, features):
        return features | {"token_embeddings": features["token_embeddings"].bfloat16()}

    read.encoder.transformer.register_forward_hook(halved)
    rounded = _embedding.Embedder.__call__(read, TEXTS)
    np.testing.assert_allclose(rounded, exact, atol=0.05)


# --- what cannot be read


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "custom_code.Reader"}, r"module 1 of 2 is a custom_code.Reader; expected modules of"),
        (
            {"type": "sentence_transformers.models.CNN"},
            "module 1 of 2 is a sentence_transformers.models.CNN",
        ),
        ({"type": "sentence_transformers.models.Transformer"}, "module 1 of 2 is a"),
        ({"path": "../elsewhere"}, "module 1 lies outside the folder"),
        ({"path": "/elsewhere"}, "module 1 lies outside the folder"),
        ({"type": None}, "module 1 of 2 is a None"),
    ],
)
def test_modules_that_are_not_read(change, message, save):
    folder = save(pooling("mean"))
    saved = json.loads((Path(folder) / "modules.json").read_text())
    saved[1] |= change
    (Path(folder) / "modules.json").write_text(json.dumps(saved))
    (Path(folder) / "custom_code.py").write_text("raise SystemExit('this code was run')")
    with pytest.raises(OSError, match=rf"model='.*' could not be loaded: {message}"):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "modules.json is an empty list"),
        ("{}", "modules.json is an empty list"),
        ('["Transformer"]', "modules.json is no list of modules"),
        ("7", "modules.json is no list of modules"),
        ("[{", "json says"),
        (
            '[{"path": "", "type": "sentence_transformers.models.StaticEmbedding"}]',
            "is a .*StaticEmbedding",
        ),
    ],
)
def test_a_damaged_list_of_modules(content, message, save):
    folder = save(pooling("mean"))
    (Path(folder) / "modules.json").write_text(content)
    with pytest.raises(OSError, match=message):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])


@pytest.mark.parametrize(
    "file", ["1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"]
)
def test_damaged_settings(file, save):
    folder = save(pooling("mean"))
    for content, message in (
        ("[1]", rf"{file} holds a list in the place of settings"),
        ("{", "json says"),
    ):
        (Path(folder) / file).write_text(content)
        with pytest.raises(OSError, match=message):
            quick(folder).fit(["w1", "w2"], [1.0, 2.0])


def test_modules_that_do_not_fit_together(save):
    folder = save(pooling("cls", "mean"), dense(32, 8))
    with pytest.raises(OSError, match=r"do not fit together with pooling='mean'"):
        quick(folder, pooling="mean").fit(["w1", "w2"], [1.0, 2.0])
    without = save(folder="without")
    with pytest.raises(OSError, match=r"do not fit together \("):
        quick(without).fit(["w1", "w2"], [1.0, 2.0])


def test_lost_weights_and_untrusted_activations(save):
    folder = save(pooling("mean"), dense(16, 8))
    rewrite(folder, "2_Dense/config.json", activation_function="custom_code.Swish")
    with pytest.raises(OSError, match=r"activation custom_code\.Swish, which is not torch's"):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])
    rewrite(folder, "2_Dense/config.json", activation_function="torch.nn.modules.activation.Tanh")
    (Path(folder) / "2_Dense" / "model.safetensors").unlink()
    with pytest.raises(OSError, match="sentence-transformers says: "):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])


def test_encoders_that_read_more_than_word_pieces(save, monkeypatch):
    folder = save(pooling("mean"))
    path = {"method": "forward", "method_output_name": "last_hidden_state"}
    settings = {
        "modality_config": {"text": path, "image": path},
        "module_output_name": "token_embeddings",
    }
    rewrite(folder, "sentence_bert_config.json", **settings)
    with pytest.raises(OSError, match="could not be loaded: it reads image as well as texts"):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])
    preprocess = modules.Transformer.preprocess

    def typed(self, *arguments, **settings):
        read = preprocess(self, *arguments, **settings)
        read["token_type_ids"] = torch.ones_like(read["input_ids"])
        return read

    monkeypatch.setattr(modules.Transformer, "preprocess", typed)
    with pytest.raises(OSError, match="its tokenizer marks word pieces with types"):
        quick(save(pooling("mean"), folder="typed")).fit(["w1", "w2"], [1.0, 2.0])


def test_encoders_of_another_family(save):
    folder = save(pooling("mean"))
    rewrite(folder, "config_sentence_transformers.json", model_type="SparseEncoder")
    with pytest.raises(OSError, match="saved as a SparseEncoder, which gives no single vector"):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])


def test_without_the_library(save, monkeypatch):
    folder = save(pooling("mean"))
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(ImportError, match=r"saved by sentence-transformers and needs .*pip install"):
        quick(folder).fit(["w1", "w2"], [1.0, 2.0])


def test_a_cross_encoder_has_a_head_of_its_own(tmp_path):
    tiny = tiny_model("BertForSequenceClassification", tmp_path / "tiny", num_labels=1)
    own = CrossEncoder(tiny, device="cpu")
    own.save(str(tmp_path / "saved"))
    plain, saved = (
        quick(str(folder)).initialize(list(TEXTS)).predict(list(TEXTS))
        for folder in (tiny, tmp_path / "saved")
    )
    np.testing.assert_allclose(saved, plain, atol=1e-6)


# --- fine-tuning, pickles, caches


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 40, size=rng.integers(1, 13)) for _ in range(60)]
    texts = np.array([" ".join(WORDS[number] for number in row) for row in numbers], dtype=object)
    return texts, np.array([3 + np.mean(row < 20) for row in numbers])


@pytest.fixture
def demanding(save):
    prompts = {"prompts": {"read": "w11 w12 "}, "default_prompt_name": "read"}
    return save(
        pooling("cls", "mean", include_prompt=False), dense(32, 24), modules.Normalize, **prompts
    )


@pytest.mark.grid(4)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_every_method_learns_and_is_pickled_as_a_recipe(method, demanding, data, capfd):
    texts, y = data
    epochs = 150 if method == "head" else 20
    model = quick(demanding, method=method, max_epochs=epochs, learning_rate=3e-3).fit(texts, y)
    assert model.residual_variance_ < 0.7 * y.var()
    assert not model.is_pretrained()
    content = pickle.dumps(model)
    trained = sum(4 * p.numel() for p in model.net_.module_.parameters() if p.requires_grad)
    assert len(content) < 1.2 * trained + 45_000
    np.testing.assert_array_equal(pickle.loads(content).predict(texts), model.predict(texts))
    assert capfd.readouterr() == ("", "")


@pytest.mark.grid(4)
@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_the_seed_decides_whether_or_not_the_model_was_known(method, demanding, data):
    predictions = []
    for _ in "ab":
        predictions.append(quick(demanding, method=method).fit(*data).predict(data[0]))
        if method != "head":
            _embedding.forget()
    np.testing.assert_array_equal(*predictions)


def test_what_is_trained(demanding, data):
    """LoRA freezes what comes after the language model; full fine-tuning does not."""
    frozen, moved = (
        quick(demanding, method=method, learning_rate=1e-2).fit(*data).net_.module_.encoder
        for method in ("lora", "full")
    )
    start = SentenceTransformer(demanding, device="cpu")[2].linear.weight
    assert torch.equal(frozen.others[1].linear.weight, start)
    assert not torch.equal(moved.others[1].linear.weight, start)
    assert any("lora" in name for name, p in frozen.named_parameters() if p.requires_grad)


CHANGES = {
    "prompt": ("config_sentence_transformers.json", {"prompts": {"read": "w30 w31 "}}),
    "prompt's name": ("config_sentence_transformers.json", {"default_prompt_name": None}),
    "width": ("config_sentence_transformers.json", {"truncate_dim": 7}),
    "pooling": ("1_Pooling/config.json", {"pooling_mode": ["mean", "max"]}),
    "prompt in pooling": ("1_Pooling/config.json", {"include_prompt": True}),
    "activation": ("2_Dense/config.json", {"activation_function": "torch.nn.modules.linear.Identity"}),
    "length": ("sentence_bert_config.json", {"max_seq_length": 6}),
    "case": ("sentence_bert_config.json", {"do_lower_case": True}),
}


@pytest.mark.grid(5)
@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_a_vector_decides_where_it_is_kept(change, demanding, data, tmp_path):
    texts = np.array([*data[0], "W1 W2"], dtype=object)
    cache = str(tmp_path / "vectors")
    before = embedder(demanding, cache=cache)
    fitted = {
        method: pickle.dumps(quick(demanding, method=method).fit(*data)) for method in ("head", "full")
    }
    file, changes = CHANGES[change]
    before_change = before(texts)
    rewrite(demanding, file, **changes)
    if (Path(demanding) / file).name == "sentence_bert_config.json" and "max_seq_length" in changes:
        rewrite(demanding, "tokenizer_config.json", model_max_length=6)
    after = embedder(demanding, cache=cache)
    assert after.store.path != before.store.path
    vectors = after(texts)
    np.testing.assert_allclose(vectors, encoded(demanding, texts), atol=1e-5)
    assert vectors.shape != before_change.shape or np.abs(vectors - before_change).max() > 1e-3
    for content in fitted.values():
        with pytest.raises(ValueError, match=r"the way in which texts are read.*Fit again"):
            pickle.loads(content).predict(texts)


def test_other_weights_of_a_later_module(demanding, data):
    content = pickle.dumps(quick(demanding).fit(*data))
    from safetensors.torch import load_file, save_file

    path = Path(demanding) / "2_Dense" / "model.safetensors"
    save_file({name: 2 * value for name, value in load_file(path).items()}, path)
    with pytest.raises(ValueError, match="has changed since this regressor was fitted"):
        pickle.loads(content).predict(data[0])


@pytest.mark.parametrize("method", ["head", "lora"])
def test_a_subfolder_that_is_saved_again_is_read_again(method, demanding, data):
    first = quick(demanding, method=method).fit(*data).predict(data[0])
    rewrite(demanding, "1_Pooling/config.json", pooling_mode=["max", "mean"])
    second = quick(demanding, method=method).fit(*data).predict(data[0])
    assert np.abs(first - second).max() > 1e-4


def test_a_model_of_the_hub_is_asked_how_it_is_read(demanding, data, monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    def fetched(name, file, revision=None):
        assert (name, revision) == ("someone/encoder", "v1")
        if not (Path(demanding) / file).exists():
            raise EntryNotFoundError(file)
        return str(Path(demanding) / file)

    def refusing(error):
        def raises(name, file, revision=None):
            raise error

        return raises

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetched)
    source = Source("someone/encoder", "v1")
    assert source.sentence_format == Source(demanding).sentence_format
    for error in (LocalEntryNotFoundError("no network"), OSError("cut off"), ValueError("bad name")):
        _text_model._sentence_format.cache_clear()
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", refusing(error))
        with pytest.raises(OSError, match=r"model on the hub \(is there a network\?\).*says: "):
            _ = source.sentence_format


def test_texts_become_word_pieces_in_blocks(demanding, data, monkeypatch):
    encoder = embedder(demanding).encoder
    whole = encoder.rows(data[0], torch.device("cpu")).pieces
    monkeypatch.setattr(_sentence_encoder, "_BLOCK_TEXTS", 7)
    # A frame of two around the prompt of two and the words.
    assert [len(pieces) - 4 for pieces in whole] == [len(text.split()) for text in data[0]]
    assert encoder.rows(data[0], torch.device("cpu")).pieces == whole
    encoder.transformer.processing_kwargs = {}  # padded, as the library leaves them
    assert encoder.rows(data[0], torch.device("cpu")).pieces == whole


def test_a_folder_without_modules_is_read_as_before(demanding, language_models):
    assert Source(demanding).sentence_format is not None
    assert Source(language_models["encoder"]).sentence_format is None
