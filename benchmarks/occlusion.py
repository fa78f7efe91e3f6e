"""Occlusion of one picture against captum's `Occlusion`: the same windows, and the best batch for each.

Both search the same list of batches first; then they run in turn, and the ratio is the median over pairs.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import Occlusion

from cellscope.models.classifier import Classifier, wrap
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.occlusion import occlusion

BATCHES = (1, 4, 8, 16, 32, 64, 128, 256)
SHAPE = (3, 64, 64)
PAIRS = 15
TARGET = 3
Work = Callable[[int | None], np.ndarray]


def network() -> Classifier:
    """The network that pictures of this size are trained on; its weights do not matter for its speed."""
    torch.manual_seed(0)
    return wrap(SmallCNNConfig(SHAPE, 10).build().eval(), SHAPE)


def both(window: int, stride: int) -> tuple[Work, Work]:
    """captum's map and ours, [row, column], by batch."""
    found = network()
    picture = torch.rand((1, *SHAPE), generator=torch.Generator().manual_seed(0))
    theirs = Occlusion(found.module)

    def captum(batch: int | None) -> np.ndarray:
        made = theirs.attribute(
            picture, (3, window, window), strides=(3, stride, stride), baselines=0.5, target=TARGET,
            perturbations_per_eval=batch,
        )  # fmt: skip
        return made[0, 0].numpy()

    def ours(batch: int | None) -> np.ndarray:
        return occlusion(found, picture, TARGET, window=window, stride=stride, fill=0.5, batch=batch).values[0]

    return captum, ours


def timed(work: Work, batch: int | None) -> float:
    """Seconds of one map."""
    start = time.perf_counter()
    work(batch)
    return time.perf_counter() - start


def best(work: Work) -> int:
    """The batch that is quickest, by the median of rounds through all of them."""
    for batch in BATCHES:
        work(batch)
    rounds = [[timed(work, batch) for batch in BATCHES] for _ in range(5)]
    return BATCHES[int(np.median(rounds, axis=0).argmin())]


def rows() -> list[dict[str, object]]:
    """The bar of occlusion, for two windows, and with the batch that cellscope takes by itself."""
    out: list[dict[str, object]] = []
    for window, stride in ((8, 4), (16, 8)):
        captum, ours = both(window, stride)
        theirs, own = best(captum), best(ours)
        worst = float(np.abs(captum(theirs) - ours(own)).max())
        for said, batch in ((f"batch {own}", own), ("the batch it takes by itself", None)):
            ratios = []
            for _ in range(PAIRS):
                base = timed(captum, theirs)
                ratios.append(timed(ours, batch) / base)
            value = statistics.median(ratios)
            out.append({
                "what": f"occlusion of a 64 x 64 x 3 picture, window {window}, stride {stride}, {said}, "
                f"against captum's (batch {theirs})",
                "reach": "<= 1.0x, equal to 1e-5",
                "measured": f"{value:.2f}x ({min(ratios):.2f}-{max(ratios):.2f}), equal to {worst:.0e}",
                "ok": value <= 1.0 and worst <= 1e-5,
            })  # fmt: skip
            print(out[-1]["what"], out[-1]["measured"], file=sys.stderr)
    return out
