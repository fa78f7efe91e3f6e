"""The search over pictures, all concepts and all channels of a layer, against the bare forward pass over the pictures.

Both prepare the same pictures and play them through the same network; the bare pass keeps nothing, and takes pictures
as they come (a second figure: in channels last, as the search does) in batches of the size that is fastest for it.
Null, the blocks of intervals, the baseline of colours and judging are included; the untrained control, which is made
once a run and kept, is not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch

from cellscope.count_pictures import count_pictures
from cellscope.data.imagesets import open_images
from cellscope.features.concepts import concepts_of
from cellscope.hooks.outlets import Outlet, outlets
from cellscope.judge import judge
from cellscope.models.classifier import wrap
from cellscope.models.small_cnn import SmallCNNConfig

PICTURES, PAIRS = 2_000, 7
BATCHES = (16, 32, 64, 128)
LAYERS = ("features.2", "features.6", "features.10")


def rows() -> list[tuple[str, str, str, bool]]:
    """One row for the layer with the worst ratio, judging included; the others in its figure."""
    torch.manual_seed(0)
    images = open_images("shapes", count=PICTURES)
    network = wrap(SmallCNNConfig((3, 64, 64), 6).build().eval(), (3, 64, 64))
    known = {str(o.site): o for o in outlets(network.module, network.example)}
    concepts = concepts_of(images)

    def bare(batch: int, layout: torch.memory_format = torch.contiguous_format) -> None:
        with torch.inference_mode():
            for at in range(0, PICTURES, batch):
                inputs = network.prepare(images.pixels(slice(at, at + batch)))
                network.module(inputs.contiguous(memory_format=layout))

    def search(layers: Sequence[Outlet]) -> None:
        judge(*count_pictures(network, images, layers, concepts))

    found: dict[str, list[float]] = {name: [] for name in LAYERS}
    last: list[float] = []
    bare(max(BATCHES))
    plain, quick = (_fastest(partial(bare, layout=layout)) for layout in (torch.contiguous_format, torch.channels_last))
    for name in LAYERS:
        search([known[name]])
        for _ in range(PAIRS):
            ours = _time(partial(search, [known[name]]))
            found[name] = sorted([*found[name], ours / _time(partial(bare, plain))])
            last.append(ours / _time(partial(bare, quick, torch.channels_last)))
    worst = max(found, key=lambda name: statistics.median(found[name]))
    middle = {name: statistics.median(ratios) for name, ratios in found.items()}
    said = "; ".join(f"{name} {middle[name]:.2f}x ({r[0]:.2f}-{r[-1]:.2f})" for name, r in found.items())
    said += f", bare in batches of {plain}"
    said += f"; all against the pass in channels last {statistics.median(last):.2f}x ({min(last):.2f}-{max(last):.2f})"
    what = (
        f"find on {PICTURES:,} pictures 64 x 64, all {len(concepts)} concepts, all channels of one layer of a "
        "small_cnn, against the bare forward pass; null, intervals, baselines and judging included"
    )
    return [(what, "<= 1.3x", said, middle[worst] <= 1.3)]


def _fastest(bare: Callable[[int], None]) -> int:
    """The size of batches with which the bare pass is done soonest."""
    return min(BATCHES, key=lambda batch: min(_time(partial(bare, batch)) for _ in range(3)))


def _time(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
