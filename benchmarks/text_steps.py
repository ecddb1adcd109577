"""What a training step of MiniLM costs: texts of similar length read together, layers computed twice, compiled.

    python benchmarks/text_steps.py parts --data FOLDER [--batches 4]
    python benchmarks/text_steps.py checkpointing
    python benchmarks/text_steps.py compiled --data FOLDER [--batches 2]

All weights train, on one thread; seconds are the processor's. `parts`: batches of 32 random texts in one piece and in parts of similar
length, in turn, the faster of two rounds. `checkpointing`: one step on 16 texts of 128 word pieces, with the growth of the largest resident
memory, in a process of its own each. `compiled`: torch.compile of the language model with dynamic shapes; prediction of 256 sentences of EmoBank
and training on batches of 32, the first round with compilation and the faster of two after it.
"""

import argparse
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sklearn_ftr.finetuning._rows import TokenRows
from sklearn_ftr.finetuning._text_model import DEFAULT_MODEL, Checkpoint, Source
from sklearn_ftr.finetuning._text_network import TextNetwork

CPU = torch.device("cpu")
SETS = {"EmoBank": "emobank", "wine": "wine_reviews_first10k"}


def network(method="full", twice=False):
    torch.set_num_threads(1)
    checkpoint = Checkpoint(Source(DEFAULT_MODEL), "auto", 256, 0)
    made = TextNetwork(checkpoint, method, 8, (), 1, torch.float32, twice).train()
    torch.nn.init.normal_(made.head.network.layers[-1].weight)
    return made


def step(net, tokens):
    net.zero_grad()
    net(tokens).var().backward()


def steps(net, batches):
    for tokens in batches:
        step(net, tokens)


def seconds(function, *arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def random_texts(folder, file, n):
    texts = pd.read_csv(folder / "text" / f"{file}.csv.gz", keep_default_na=False)["text"].to_numpy(
        object
    )
    return list(np.random.default_rng(1).permutation(texts)[:n])


def parts(options):
    net = network()
    for name, file in SETS.items():
        texts = random_texts(options.data, file, 32 * options.batches)
        batches = list(net.encoder.rows(texts, CPU).batches(None, options.batches))
        taken = {True: [], False: []}
        for _ in range(2):
            for apart, rounds in taken.items():
                net.encoder.training = apart
                rounds.append(seconds(steps, net, batches))
        apart, whole = min(taken[True]), min(taken[False])
        print(f"{name}: in one piece {whole:.1f} s, in parts {apart:.1f} s, ratio {apart / whole:.2f}")


def one_step(method, twice):
    net = network(method, twice)
    pieces = torch.randint(1000, 20_000, (16, 128), generator=torch.Generator().manual_seed(0)).tolist()
    tokens = next(TokenRows(pieces, 0, CPU).batches(None, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = seconds(lambda: step(net, tokens))
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{method}, layers computed twice: {twice}, {growth:.0f} MiB more, {taken:.1f} s", flush=True)


def checkpointing(options):
    for method in ("full", "lora"):
        for twice in (False, True):
            process = multiprocessing.get_context("spawn").Process(
                target=one_step, args=(method, twice)
            )
            process.start()
            process.join()


def predict(net, rows):
    with torch.inference_mode():
        for _, tokens in rows.blocks():
            net.encoder.read(tokens)


def compiled(options):
    net = network()
    predicted = net.encoder.rows(random_texts(options.data, SETS["EmoBank"], 256), CPU)
    trained = net.encoder.rows(random_texts(options.data, SETS["EmoBank"], 32 * options.batches), CPU)
    ways = {
        "predicting": lambda: predict(net.eval(), predicted),
        "training": lambda: [
            step(net.train(), tokens) for tokens in trained.batches(None, options.batches)
        ],
    }
    plain = {name: min(seconds(way) for _ in range(2)) for name, way in ways.items()}
    net.encoder.model.forward = torch.compile(net.encoder.model.forward, dynamic=True)
    for name, way in ways.items():
        first, *later = (seconds(way) for _ in range(3))
        print(
            f"{name}: {plain[name]:.1f} s, compiled {min(later):.1f} s, the first time {first:.1f} s",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["parts", "checkpointing", "compiled"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--batches", type=int, default=4)
    options = parser.parse_args()
    {"parts": parts, "checkpointing": checkpointing, "compiled": compiled}[options.what](options)


if __name__ == "__main__":
    main()
