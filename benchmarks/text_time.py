"""What padding in buckets of similar length and the cache of vectors save on real texts.

    python benchmarks/text_time.py --data FOLDER [--texts 1000] [--pairs 5] [--threads 1] [--skip-fixed]

Prediction: `TextVarianceRegressor` (MiniLM, untrained head) against two loops over batches of 32 texts, one in the order they
come, each padded to a fixed length, and one sorted by the length in word pieces, padded to the longest of each batch; all cut at
the same length, in turn in one process; the fastest of all rounds of each, in seconds of the processor.
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

SETS = {"EmoBank V": ("emobank", "V"), "wine points": ("wine_reviews_first10k", "points")}


def pooled(model, batch):
    """Vectors that are means over word pieces."""
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


def fixed_length_loop(texts, model, tokenizer, length):
    """Vectors of batch after batch, as the texts come."""
    settings = {"padding": "max_length", "truncation": True, "max_length": length}
    with torch.inference_mode():
        return torch.cat(
            [
                pooled(
                    model, tokenizer(list(texts[start : start + 32]), return_tensors="pt", **settings)
                )
                for start in range(0, len(texts), 32)
            ]
        )


def sorted_loop(texts, model, tokenizer, length):
    """The same, the longest texts first."""
    pieces = tokenizer(list(texts), truncation=True, max_length=length)["input_ids"]
    order = np.argsort([-len(own) for own in pieces], kind="stable")
    vectors = torch.empty((len(texts), model.config.hidden_size))
    with torch.inference_mode():
        for start in range(0, len(texts), 32):
            rows = order[start : start + 32]
            batch = tokenizer.pad({"input_ids": [pieces[row] for row in rows]}, return_tensors="pt")
            vectors[rows] = pooled(model, batch)
    return vectors


def seconds(function):
    """Of the processor: what else the machine does is left out, as far as it does not share its caches."""
    start = time.process_time()
    function()
    return time.process_time() - start


def prediction(name, texts, y, length, pairs, skip_fixed):
    """Time of both loops over ours."""
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = (kind.from_pretrained(installed_model()) for kind in (AutoModel, AutoTokenizer))
    ours = TextVarianceRegressor(max_length=length, embedding_cache=None)
    ours.fit(texts[:8], y[:8])
    ways = {
        "fixed": lambda: fixed_length_loop(texts, model, tokenizer, length),
        "sorted": lambda: sorted_loop(texts, model, tokenizer, length),
        "ours": lambda: ours.predict(texts),
    }
    if skip_fixed:
        del ways["fixed"]
    times = {way: [] for way in ways}
    for _ in range(pairs):
        for way, function in ways.items():
            times[way].append(seconds(function))
    best = {way: min(taken) for way, taken in times.items()}
    speeds = ", ".join(f"{way} {len(texts) / taken:.0f}" for way, taken in best.items())
    print(f"{name}, {len(texts):,} texts, length {length}, texts/s: {speeds}", flush=True)
    for way in times.keys() - {"ours"}:
        ratios = np.array(times[way]) / times["ours"]
        print(
            f"  {way} loop: {best[way] / best['ours']:.2f} times our time (rounds {ratios.min():.2f} to {ratios.max():.2f})",
            flush=True,
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


def ratings(folder, file, column):
    """Texts and ratings of a set."""
    frame = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)
    return frame["text"].to_numpy(object), frame[column].to_numpy(float)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--skip-fixed", action="store_true")
    parser.add_argument(
        "--cached", type=int, default=None, help="texts whose cache is timed; all by default"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name, (file, column) in SETS.items():
        texts, y = ratings(options.data, file, column)
        some = np.random.default_rng(0).permutation(len(y))[: options.texts]
        for length in (64, 128):
            prediction(name, texts[some], y[some], length, options.pairs, options.skip_fixed)
    texts, y = ratings(options.data, *SETS["EmoBank V"])
    cache(texts[: options.cached], y[: options.cached])


if __name__ == "__main__":
    main()
