"""Torch's devices, and its global state, borrowed and given back: random numbers and threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

# Torch's random state belongs to the process: threads that train at once take turns.
_LOCK = RLock()
# Multiplications in one batch below which a second thread costs more than it does (its waiting, above all:
# with another process on the machine, training was 80 times slower on two threads than on one).
_ONE_THREAD_WORK = 10_000_000


@contextmanager
def seeded_torch(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch on the CPU and on `device` for this block and restore both states afterwards."""
    device = torch.device(device)
    with _LOCK, torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed every accelerator of the machine, too.
        torch.default_generator.manual_seed(seed)
        if device.type == "cpu":
            yield
            return
        accelerator = torch.get_device_module(device)
        index = accelerator.current_device() if device.index is None else device.index
        with torch.random.fork_rng(devices=[index], device_type=device.type):
            with torch.device(device):
                accelerator.manual_seed(seed)
            yield


def usable_device(device: str, dtype: str, precision: torch.dtype) -> torch.device:
    """The device by its exact name ("cuda" is "cuda:0", say), or an error where it or the precision is not to be had."""
    try:
        return torch.empty(0, device=torch.device(device), dtype=precision).device
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"device is {device!r} and dtype {dtype!r}, which this machine or this build of "
            f'torch does not have; use device="cpu" or what it has. torch says: {error}'
        ) from error


@contextmanager
def suitable_threads(module: torch.nn.Module, batch_size: int) -> Iterator[None]:
    """One thread for small networks; the user's number for others."""
    work = batch_size * sum(parameter.numel() for parameter in module.parameters())
    with _LOCK:
        threads = torch.get_num_threads()
        torch.set_num_threads(1 if work < _ONE_THREAD_WORK else threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
