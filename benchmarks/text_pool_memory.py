"""Peak memory of predicting a large pool of texts, beside the texts themselves.

    python benchmarks/text_pool_memory.py [--texts 200000] [--cache none]

A BERT of two layers of width 32 with random weights reads texts of 3 to 8 words; the model is loaded and has predicted 5,000 texts
before memory is measured. Reported: growth of the largest resident memory (Linux), and what the predictions themselves take.
"""

import argparse
import resource
import tempfile
import time

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from sklearn_ftr import TextVarianceRegressor

WORDS = [f"w{number}" for number in range(1000)]


def tiny_model(folder):
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[EOS]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "eos_token": "[EOS]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained(folder)


def random_texts(n):
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 9, size=n)
    words = np.array(WORDS, dtype=object)
    texts = [" ".join(words[rng.integers(0, len(WORDS), size=length)]) for length in lengths]
    return np.array(texts, dtype=object)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--cache", choices=["none", "memory"], default="none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts = random_texts(options.texts)
    with tempfile.TemporaryDirectory() as folder:
        tiny_model(folder)
        cache = None if options.cache == "none" else options.cache
        model = TextVarianceRegressor(folder, embedding_cache=cache)
        model.fit(texts[:100], np.arange(100.0)).predict(texts[:5000])
        before, start = peak(), time.process_time()
        predictions = model.predict(texts)
        taken = time.process_time() - start
    print(
        f"{options.texts:,} texts, cache {options.cache}: {peak() - before:.0f} MiB more than {before:.0f}, "
        f"predictions {predictions.nbytes / 2**20:.0f} MiB, {taken:.0f} s of the processor"
    )


if __name__ == "__main__":
    main()
