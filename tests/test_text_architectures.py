"""Language models of many families: how they are read, what LoRA finds in them, precision and memory."""

import json

import numpy as np
import pytest

pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from language_models import DECODERS, ENCODERS, WORDS, tiny_architecture
from torch import nn

from sklearn_ftr import TextVarianceRegressor
from sklearn_ftr.finetuning._adapters import linear_layers
from sklearn_ftr.finetuning._embedding import Embedder
from sklearn_ftr.finetuning._rows import TokenRows
from sklearn_ftr.finetuning._text_model import Checkpoint, Source
from sklearn_ftr.finetuning._text_network import TextNetwork, make_encoder

FAMILIES = {**DECODERS, **ENCODERS}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Folders of tiny models by family, each made once."""
    made = {}

    def make(family, end="Model", **settings):
        key = (family, end, *settings)
        if key not in made:
            made[key] = tiny_architecture(family, end, tmp_path_factory.mktemp(family), **settings)
        if made[key] is None:
            pytest.skip(f"the installed transformers has no {family}")
        return made[key]

    return make


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 36, size=rng.integers(1, 13)) for _ in range(24)]
    texts = np.array([" ".join(WORDS[number] for number in row) for row in numbers], dtype=object)
    return texts, np.array([np.mean(row < 18) for row in numbers])


def quick(folder, **parameters):
    defaults = {"max_epochs": 2, "learning_rate": 1e-2, "random_state": 0, "embedding_cache": None}
    return TextVarianceRegressor(folder, **defaults | parameters)


def checkpoint_of(folder, **settings):
    return Checkpoint(Source(folder), settings.get("pooling", "auto"), 256, settings.get("n_own", 0))


def change_json(folder, name, **values):
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# --- how texts are read


@pytest.mark.parametrize("family", FAMILIES)
def test_a_vector_is_the_librarys_own_whatever_is_padded_beside_it(family, folder_of):
    from transformers import AutoModel

    folder = folder_of(family)
    rng = np.random.default_rng(1)
    pieces = [rng.integers(3, 40, size=length).tolist() for length in (3, 11, 1, 7, 3)]
    own = AutoModel.from_pretrained(folder).eval()
    own = own.get_encoder() if own.config.is_encoder_decoder else own
    rows = TokenRows(pieces, 0, torch.device("cpu"))
    encoder = make_encoder(checkpoint_of(folder), torch.float32, frozen=True)
    with torch.inference_mode():
        hidden = (
            [own(input_ids=torch.tensor([one]), use_cache=False).last_hidden_state[0] for one in pieces]
            if family in DECODERS
            else [own(input_ids=torch.tensor([one])).last_hidden_state[0] for one in pieces]
        )
        together = encoder(next(rows.batches(None, 1)))
    expected = torch.stack([one[-1] if family in DECODERS else one.mean(dim=0) for one in hidden])
    torch.testing.assert_close(together, expected, atol=2e-5, rtol=1e-4)
    assert encoder.reads_padding == (family in ("FNet", "ConvBert"))


@pytest.mark.parametrize("family", ["GPT2", "Llama", "Bloom", "OPT", "Mixtral"])
@pytest.mark.parametrize("padding", ["own", "none", "end of text"])
def test_a_saved_head_answers_as_on_one_text(family, padding, tmp_path, data):
    """Also where a text ends with the piece that the head takes for padding, and where it has none."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tiny_architecture(family, "ForSequenceClassification", tmp_path, num_labels=1)
    if padding == "none":
        change_json(tmp_path, "config.json", pad_token_id=None)
        change_json(tmp_path, "tokenizer_config.json", pad_token=None, padding_side="left")
    if padding == "end of text":
        change_json(tmp_path, "config.json", pad_token_id=2)
        change_json(tmp_path, "tokenizer_config.json", pad_token="[EOS]", padding_side="left")
    texts = [*data[0][:9], "w1 w2 [EOS]", "[EOS] w3 [EOS]"]
    own = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        expected = [
            own(input_ids=torch.tensor([tokenizer(one)["input_ids"]])).logits.item() for one in texts
        ]
    model = quick(folder, method="lora")
    np.testing.assert_allclose(model.initialize(texts).predict(texts), expected, atol=1e-5)
    assert np.isfinite(model.fit(texts, np.arange(11.0)).predict(texts)).all()


# --- training


# Of a family that transformers reads with a tokenizer of its own, whatever is saved, no tiny one is made.
TRAINED = [family for family in FAMILIES if family != "Qwen2"]


@pytest.mark.parametrize("family", TRAINED)
def test_updates_are_found_and_train_in_every_family(family, folder_of, data):
    model = quick(folder_of(family), method="lora").fit(*data)
    trained = {name: p for name, p in model.net_.module_.encoder.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    assert not any(
        "embed_tokens" in name or "lm_head" in name or "word_embeddings." in name for name in trained
    )
    still = {name for name, p in trained.items() if "lora_B" in name and not p.any()}
    assert all("pooler" in name for name in still)  # of which no vector depends
    assert len(still) < len(trained) / 2
    assert model.predict(data[0]).std() > 0


@pytest.mark.parametrize("family", TRAINED)
def test_every_family_trains_in_full(family, folder_of, data):
    head, full = (quick(folder_of(family), method=method).fit(*data) for method in ("head", "full"))
    for model in (head, full):
        assert model.residual_variance_ < data[1].var()
        assert model.predict(data[0]).std() > 0


def test_state_spaces_are_updated_where_their_kernels_look(folder_of):
    from transformers import AutoModel

    layers = list(linear_layers(AutoModel.from_pretrained(folder_of("Mamba"))))
    assert layers == ["layers.0.mixer.in_proj", "layers.1.mixer.in_proj"]


def test_the_layer_that_predicts_words_is_not_updated(folder_of):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder_of("Llama"))
    assert isinstance(model.lm_head, nn.Linear)
    assert len([*linear_layers(model)]) == 14
    assert not any("lm_head" in name for name in linear_layers(model))


def test_a_model_with_nothing_to_update_is_refused(tmp_path, data):
    """SqueezeBERT is made of convolutions; its one linear layer decides on no vector."""
    sizes = {"embedding_size": 16, "hidden_size": 16, "q_groups": 1, "k_groups": 1, "v_groups": 1}
    groups = {"post_attention_groups": 1, "intermediate_groups": 1, "output_groups": 1}
    folder = tiny_architecture("SqueezeBert", "Model", tmp_path, **sizes, **groups)
    with pytest.raises(
        ValueError,
        match=r"no linear layers that the vectors of texts depend on.*Use method=\"head\" or \"full\"",
    ):
        quick(folder, method="lora").fit(*data)
    assert np.isfinite(quick(folder, method="full").fit(*data).predict(data[0])).all()


def test_reading_in_parts_changes_neither_outputs_nor_gradients(folder_of):
    network = TextNetwork(checkpoint_of(folder_of("Llama")), "full", 8, (3,), 1, torch.float32).train()
    pieces = [[5] * length for length in (60, 3, 2, 50, 1, *[4] * 60)]
    tokens = next(TokenRows(pieces, 0, torch.device("cpu")).batches(None, 1))
    nn.init.normal_(network.head.network.layers[-1].weight)
    widths, read = [], network.encoder.model.forward

    def watched(**given):
        widths.append(tuple(given["input_ids"].shape))
        return read(**given)

    network.encoder.model.forward = watched
    outputs, gradients = [], []
    for reads_apart in (True, False):
        network.encoder.training = reads_apart
        network.zero_grad()
        outputs.append(network(tokens))
        outputs[-1].var().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)
    *parts, whole = widths
    assert len(parts) > 1
    assert whole == (65, 60)
    assert sum(n * width for n, width in parts) < 0.3 * 65 * 60


# --- precision and memory


def precisions(module):
    return {(p.requires_grad, p.dim() > 1, p.dtype) for p in module.parameters()}


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_matrices_are_held_in_the_precision_of_the_arithmetic(family, folder_of, data):
    checkpoint = checkpoint_of(folder_of(family))
    low, exact = (Embedder(checkpoint, "cpu", dtype, None) for dtype in (torch.bfloat16, torch.float32))
    assert precisions(low.encoder) <= {(False, True, torch.bfloat16), (False, False, torch.float32)}
    assert precisions(exact.encoder) <= {(False, True, torch.float32), (False, False, torch.float32)}
    difference = np.abs(low(data[0]) - exact(data[0])).mean()
    assert 0 < difference < 0.1 * exact(data[0]).std()


@pytest.mark.grid(3)
@pytest.mark.parametrize("family", ["Bert", "Llama", "GPT2", "FNet"])
def test_what_trains_is_held_in_float32(family, folder_of, data):
    lora, full = (
        quick(folder_of(family), method=method, dtype="bfloat16").fit(*data).net_.module_
        for method in ("lora", "full")
    )
    held = {p.dtype for p in lora.parameters() if p.requires_grad}
    assert held == {torch.float32}
    assert {dtype for trains, matrix, dtype in precisions(lora) if matrix and not trains} == {
        torch.bfloat16
    }
    assert {p.dtype for p in full.parameters()} == {torch.float32}


@pytest.mark.grid(5)
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("family", ["Bert", "Llama", "T5"])
def test_gradients_are_the_same_when_layers_are_computed_twice(family, method, folder_of, data, capfd):
    """Dropout included; of frozen inputs, too."""
    folder_of(family)
    capfd.readouterr()
    models = [
        quick(folder_of(family), method=method, gradient_checkpointing=twice).fit(*data)
        for twice in (False, True)
    ]
    np.testing.assert_allclose(*(model.predict(data[0]) for model in models), atol=1e-4)
    once, twice = (calls_of_a_layer(model.net_.module_, data[0][:4]) for model in models)
    assert (once, twice) == (1, 2)
    assert not capfd.readouterr().err.strip()


def calls_of_a_layer(network, texts):
    """How often a layer is called for one gradient."""
    calls = []
    layer = next(m for m in network.encoder.model.modules() if isinstance(m, nn.ModuleList))[0]
    inner = next(m for m in layer.modules() if isinstance(m, nn.Linear))
    handle = inner.register_forward_hook(lambda *ignored: calls.append(1))
    tokens = next(network.encoder.rows(texts, torch.device("cpu")).batches(None, 1))
    network.train()
    network(tokens).sum().backward()
    handle.remove()
    return len(calls)


def test_a_model_that_cannot_compute_twice_says_so(folder_of, data, monkeypatch):
    from transformers import BertModel

    monkeypatch.setattr(BertModel, "supports_gradient_checkpointing", False)
    with pytest.raises(
        ValueError, match=r"BertModel\) has no gradient checkpointing; set gradient_checkpointing=False"
    ):
        quick(folder_of("Bert"), method="full", gradient_checkpointing=True).fit(*data)
