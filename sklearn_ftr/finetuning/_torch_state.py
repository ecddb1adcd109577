"""Torch's global state, borrowed and given back: random numbers and threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Multiplications in one batch below which a second thread costs more than it does (its waiting, above all:
# with another process on the machine, training was 80 times slower on two threads than on one).
_ONE_THREAD_WORK = 10_000_000


@contextmanager
def seeded_torch(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch for this block and restore its global state, on the device too, afterwards."""
    device = torch.device(device)
    accelerator = device.type != "cpu"
    with torch.random.fork_rng(
        devices=[device.index or 0] if accelerator else [],
        device_type=device.type if accelerator else "cuda",
    ):
        torch.manual_seed(seed)
        yield


@contextmanager
def suitable_threads(module: torch.nn.Module, batch_size: int) -> Iterator[None]:
    """One thread for small networks; the user's number for others."""
    threads = torch.get_num_threads()
    work = batch_size * sum(parameter.numel() for parameter in module.parameters())
    if work < _ONE_THREAD_WORK:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
