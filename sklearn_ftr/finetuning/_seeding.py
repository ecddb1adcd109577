"""Reproducible training that leaves torch's global random state alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
