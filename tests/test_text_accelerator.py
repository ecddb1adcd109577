"""Texts on an accelerator, where one is at hand: the same answers as on the CPU, in both precisions.

    SKLEARN_FTR_DEVICE=cpu python -m pytest tests/test_text_accelerator.py

runs them on a device by name; otherwise it is the machine's accelerator, and without one they are skipped.
"""

import os
import pickle

import numpy as np
import pytest

pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from language_models import WORDS, tiny_architecture

from sklearn_ftr import (
    FineTuneRectifyAllocator,
    RectifiedMeanEstimator,
    TextEmbedder,
    TextVarianceRegressor,
)

FOUND = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
DEVICE = os.environ.get("SKLEARN_FTR_DEVICE", None if FOUND is None else FOUND.type)
pytestmark = pytest.mark.skipif(DEVICE is None, reason="no accelerator here")
# How far answers may be from those of the CPU in float32, in standard deviations of the labels.
NEAR = {"float32": 0.02, "bfloat16": 0.5}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    def make(family, end="Model", **settings):
        return tiny_architecture(family, end, tmp_path_factory.mktemp(family), **settings)

    return {
        "encoder": make("Bert"),
        "decoder": make("Llama"),
        "mixture": make("Mixtral"),
        "reads padding": make("FNet"),
        "head": make("GPT2", "ForSequenceClassification", num_labels=1),
    }


KINDS = ["encoder", "decoder", "mixture", "reads padding", "head"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, 36, size=rng.integers(1, 13)) for _ in range(80)]
    texts = np.array([" ".join(WORDS[number] for number in row) for row in numbers], dtype=object)
    return texts, np.array([3 + np.mean(row < 18) for row in numbers])


def quick(folder, device=DEVICE, **parameters):
    defaults = {"max_epochs": 2, "random_state": 0, "embedding_cache": None}
    return TextVarianceRegressor(folder, device=device, **defaults | parameters)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_the_cpu(kind, dtype, folders, data):
    expected = TextEmbedder(folders[kind], embedding_cache=None).fit_transform(data[0])
    found = TextEmbedder(folders[kind], device=DEVICE, dtype=dtype, embedding_cache=None).fit_transform(
        data[0]
    )
    assert np.abs(found - expected).mean() < (1e-3 if dtype == "float32" else 0.1) * expected.std()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["head", "lora", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_fits_are_near_those_of_the_cpu(kind, method, dtype, folders, data):
    texts, y = data
    model = quick(folders[kind], method=method, dtype=dtype).fit(texts, y)
    expected = quick(folders[kind], "cpu", method=method, dtype="float32").fit(texts, y)
    assert next(model.net_.module_.parameters()).device.type == DEVICE
    # Dropout is drawn otherwise on every device.
    difference = model.predict(texts) - expected.predict(texts)
    assert np.abs(difference).mean() < NEAR[dtype] * y.std() + (
        0.2 * y.std() if method != "head" else 0
    )
    assert np.mean(y - model.predict(texts)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_training_lowers_the_residual_variance(method, folders, data):
    model = quick(folders["encoder"], method=method, max_epochs=30, learning_rate=3e-3).fit(*data)
    assert model.residual_variance_ < 0.8 * data[1].var()


@pytest.mark.parametrize("method", ["head", "lora", "full"])
def test_pickles_and_zero_shot(method, folders, data):
    texts, y = data
    model = quick(folders["head"], method=method)
    untrained = model.initialize(texts).predict(texts)
    own = quick(folders["head"], "cpu", method=method, dtype="float32").initialize(texts).predict(texts)
    assert np.abs(untrained - own).mean() < 0.1 * own.std()
    restored = pickle.loads(pickle.dumps(model.fit(texts, y)))
    np.testing.assert_allclose(restored.predict(texts), model.predict(texts), rtol=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_gradient_checkpointing(method, dtype, folders, data):
    once, twice = (
        quick(folders["decoder"], method=method, dtype=dtype, gradient_checkpointing=asked).fit(*data)
        for asked in (False, True)
    )
    np.testing.assert_allclose(once.predict(data[0]), twice.predict(data[0]), rtol=1e-2)


@pytest.mark.parametrize("method", ["head", "lora"])
def test_rectified_and_allocated(method, folders, data):
    texts, y = data
    y = np.where(np.arange(80) < 40, y, np.nan)
    model = quick(folders["encoder"], method=method, max_epochs=1)
    assert np.isfinite(RectifiedMeanEstimator(model, cv=2, random_state=0).fit(texts, y).mean_)
    allocator = FineTuneRectifyAllocator(RectifiedMeanEstimator(model), random_state=0).fit(texts, y)
    assert np.isfinite(allocator.mean_)


def test_the_seed_decides_and_the_random_state_is_left_alone(folders, data):
    state = torch.random.get_rng_state()
    first, second = (quick(folders["encoder"], method="lora").fit(*data).predict(data[0]) for _ in "ab")
    np.testing.assert_allclose(first, second, rtol=1e-3)
    assert torch.equal(state, torch.random.get_rng_state())
