"""Feature visualisation of 16 channels against the bare forward and backward passes that it needs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from cellscope.models.classifier import wrap
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.visualise import visualise

UNITS, SITE, STEPS = 16, "features.4", 64
TRIALS, PAIRS = 3, 9
BATCHES = (1, 2, 4, 8, 16)


def bare(network: torch.nn.Module, batch: int) -> None:
    """What no way of optimising pictures can do without: to the channel, and back to the picture."""
    for first in range(0, UNITS, batch):
        pictures = torch.rand(batch, 3, 64, 64, requires_grad=True)
        wanted = torch.arange(first, first + batch)[:, None]
        for _ in range(STEPS):
            torch.autograd.grad(network(pictures).mean((2, 3)).gather(1, wanted).sum(), pictures)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest() -> tuple[float, float, float, int, int]:
    """The median ratio, bare and ours in milliseconds a picture and step, each at its fastest batch, and the batches.

    The fastest batches are found first; then the two are run in turn, again and again, so that what else the machine
    does meets both, and each pair gives a ratio.
    """
    torch.manual_seed(0)
    module = SmallCNNConfig((3, 64, 64), 6).build().eval()
    classifier = wrap(module, (3, 64, 64))
    cut = SmallCNNConfig((3, 64, 64), 6).build().eval().requires_grad_(requires_grad=False).features[:5]
    cut.load_state_dict(module.features[:5].state_dict())
    units = [f"{SITE}/{k}" for k in range(UNITS)]

    def ours(batch: int) -> float:
        return seconds(lambda: visualise(classifier, units, steps=STEPS, batch=batch))

    def theirs(batch: int) -> float:
        return seconds(lambda: bare(cut, batch))

    chosen = [min(BATCHES, key=lambda batch: min(way(batch) for _ in range(TRIALS))) for way in (theirs, ours)]
    pairs = [(theirs(chosen[0]), ours(chosen[1])) for _ in range(PAIRS)]
    ratio = statistics.median(b / a for a, b in pairs)
    one, other = (statistics.median(column) * 1e3 / UNITS / STEPS for column in zip(*pairs, strict=True))
    return ratio, one, other, chosen[0], chosen[1]


def rows() -> list[tuple[str, str, str, bool | None]]:
    """The bar on as many cores as torch takes, and, for information, on one."""
    what = f"feature visualisation of {UNITS} channels (64 x 64 x 3, Fourier, all moves) against the bare passes"
    made: list[tuple[str, str, str, bool | None]] = []
    cores = torch.get_num_threads()
    for threads in dict.fromkeys((cores, 1)):
        torch.set_num_threads(threads)
        ratio, one, other, fast, batch = fastest()
        said = f"{ratio:.2f}x ({other:.2f} ms a picture and step at batch {batch}; bare {one:.2f} at {fast})"
        if threads == cores:
            made.append((f"{what}, each at its fastest batch", "<= 1.25x", said, ratio <= 1.25))
        else:
            made.append(("the same on one core", "", said, None))
    return made
