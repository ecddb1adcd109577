"""What padding in buckets of similar length and the cache of vectors save on real texts.

    python benchmarks/text_time.py --data FOLDER [--texts 1000] [--pairs 5] [--threads 1]

Prediction: `TextVarianceRegressor` (MiniLM, untrained head) against a loop over batches of 32 sentences in the order they
come, each padded to a fixed length; both cut at that length, in turn in one process, ratio pair by pair.
Cache: `FineTuneRectifyAllocator` with `method="head"`, 300 labels, all of EmoBank or as many texts as asked for; the
second fit against the first.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sklearn_ftr import FineTuneRectifyAllocator, RectifiedMeanEstimator, TextVarianceRegressor
from sklearn_ftr.finetuning._embedding import forget
from sklearn_ftr.finetuning._text_model import installed_model


def fixed_length_loop(texts, model, tokenizer, length):
    """Mean-pooled vectors, batch after batch."""
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(texts), 32):
            batch = tokenizer(
                list(texts[start : start + 32]),
                padding="max_length",
                truncation=True,
                max_length=length,
                return_tensors="pt",
            )
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            vectors.append((hidden * mask).sum(dim=1) / mask.sum(dim=1))
    return torch.cat(vectors)


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def prediction(texts, y, length, pairs):
    """Ratios of the loop's time to ours."""
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = (kind.from_pretrained(installed_model()) for kind in (AutoModel, AutoTokenizer))
    ours = TextVarianceRegressor(max_length=length, embedding_cache=None, max_epochs=1)
    ours.fit(texts[:8], y[:8])
    ratios = []
    for _ in range(pairs):
        loop = seconds(lambda: fixed_length_loop(texts, model, tokenizer, length))
        mine = seconds(lambda: ours.predict(texts))
        ratios.append(loop / mine)
        print(
            f"length {length}: loop {len(texts) / loop:.0f} texts/s, ours {len(texts) / mine:.0f}",
            flush=True,
        )
    print(
        f"length {length}: {np.median(ratios):.2f} times the loop ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def cache(texts, y, n_labeled=300):
    """Time of the first and the second fit of an allocator."""
    hidden = np.random.default_rng(0).permutation(len(y)) >= n_labeled
    allocator = FineTuneRectifyAllocator(
        RectifiedMeanEstimator(TextVarianceRegressor()), random_state=0
    )
    forget()
    first, second = (seconds(lambda: allocator.fit(texts, np.where(hidden, np.nan, y))) for _ in "ab")
    print(
        f"allocator, {len(texts):,} texts: first fit {first:.1f} s, second {second:.1f} s: {first / second:.1f} times"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    frame = pd.read_csv(options.data / "text" / "emobank.csv.gz", keep_default_na=False)
    texts, y = frame["text"].to_numpy(object), frame["V"].to_numpy(float)
    some = np.random.default_rng(0).permutation(len(y))[: options.texts]
    for length in (64, 128):
        prediction(texts[some], y[some], length, options.pairs)
    cache(texts, y)


if __name__ == "__main__":
    main()
