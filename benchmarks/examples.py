"""Examples of every unit of every layer over 10,000 pictures, against the bare forward pass over the same pictures.

Both prepare the pictures (8-bit, 64 x 64, three channels) and play them through the same network in the same batches;
the bare pass keeps nothing. Batches take turns, so that both meet the machine in the same state: after each batch of
the one pass that keeps examples, a copy of the network, without hooks, plays the same pictures.
"""

from __future__ import annotations

import copy
import time
from functools import cache

import numpy as np
import torch

from cellscope.data.images import ImageSet
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.examples import BATCH, examples

PICTURES, TENTHS = 10_000, 10
SHAPE = (3, 64, 64)


@cache
def network() -> Classifier:
    """A small_cnn with weights drawn from a seed: its speed does not depend on what it has learnt."""
    torch.manual_seed(0)
    return wrap(SmallCNNConfig(SHAPE, 10).build().eval(), SHAPE)


@cache
def pictures() -> ImageSet:
    """Smooth random pictures, each different."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (PICTURES, 3, 16, 16), dtype=np.uint8)
    return ImageSet("noise", small.repeat(4, 2).repeat(4, 3))


def rows() -> list[tuple[str, str, str, bool]]:
    """One row: every unit of every site, nine pictures each of top, bottom and random."""
    own, images = network(), pictures()
    other = copy.deepcopy(own)
    examples(own, images, part=range(256))
    times: list[tuple[float, float]] = []
    begun = time.perf_counter()

    def bare(done: int, total: int, text: str) -> None:
        nonlocal begun
        ended = time.perf_counter()
        at = (done - 1) // BATCH * BATCH
        other.module(other.prepare(images.pixels(slice(at, done))))
        mine, begun = ended - begun, time.perf_counter()
        times.append((mine, begun - ended))

    other.module(other.example)
    begun = time.perf_counter()
    examples(own, images, progress=bare)
    ours, passes = (sum(t[k] for t in times) for k in (0, 1))
    tenths = [times[k::TENTHS] for k in range(TENTHS)]
    ratios = [sum(t[0] for t in part) / sum(t[1] for t in part) for part in tenths]
    known = outlets(own.module, own.example)
    what = (
        f"top 9, bottom 9 and 9 random of {PICTURES:,} pictures 64 x 64, all {sum(o.units for o in known)} units of "
        f"all {len(known)} layers of a small_cnn, against the bare forward pass"
    )
    measured = f"{ours / passes:.2f}x (tenths of the batches {min(ratios):.2f}-{max(ratios):.2f})"
    return [(what, "<= 1.2x", measured, ours / passes <= 1.2)]
