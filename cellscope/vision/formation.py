"""Over training: sparsity and locality of activations, dead units and first-layer filters, snapshot by snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import Outlet, choose_outlets, outlets
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Numbers, batches, class_numbers, sample
from cellscope.vision.map_sums import WINDOW, MapSums

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Formation:
    """What the activations of every site were like at every snapshot, on the same pictures.

    zeros      float64 [step, site], share of activations that are exactly 0
    density    float64 [step, site], Treves and Rolls' a = <|x|>^2 / <x^2> over the numbers of a site for one picture,
               mean over pictures: 1 where all are alike, 1/n where one of n has it all; a small one is sparse
    locality   float64 [step, site], share of a map's energy (sum of squares) in the 3 x 3 places about its peak, mean
               over maps that are not all 0; `flat` [site] is what an even map would give
    dead       bool [site][step, unit], units that are one number at all places of all pictures
    accuracy   float64 [step], NaN where the pictures have no labels
    filters    float32 [step, unit, channel, row, column] of the first convolution or the linear layer on pixels;
               None where the first layer is neither
    settled    float64 [step, unit], cosine of each filter with what it is in the last snapshot
    """

    steps: Numbers
    outlets: tuple[Outlet, ...]
    zeros: Floats
    density: Floats
    locality: Floats
    flat: Floats
    dead: tuple[NDArray[np.bool_], ...]
    accuracy: Floats
    filters: NDArray[np.float32] | None
    filter_site: Site | None
    settled: Floats | None
    pictures: int
    seed: int

    @property
    def dead_counts(self) -> Numbers:
        """How many units are dead, [step, site]."""
        return np.stack([dead.sum(1) for dead in self.dead], 1)


def formation(
    snapshots: Sequence[tuple[int, Classifier]],
    images: ImageSet,
    *,
    sites: Iterable[str] = (),
    most: int = 256,
    seed: int = 0,
    batch: int = 64,
    progress: Progress | None = None,
) -> Formation:
    """Hear the same sample of pictures with every snapshot, in the order of their steps."""
    if not snapshots:
        raise InputError("no snapshots to compare; give (step, network) of one at least")
    ordered = sorted(snapshots, key=lambda snapshot: snapshot[0])
    chosen = choose_outlets(ordered[-1][1].module, ordered[-1][1].example, sites)
    some = images.take(sample(len(images), most, seed))
    rows, filters = [], []
    for number, (step, network) in enumerate(ordered):
        rows.append(_Row(network, some, chosen, batch))
        filters.append(first_filters(network))
        if progress:
            progress(number + 1, len(ordered), f"step {step:,}")
    last = filters[-1]
    kept = None if last is None else np.stack([weights for found in filters if found for weights in (found[1],)])
    flat = [min(1.0, np.prod(np.minimum(outlet.grid, WINDOW)) / np.prod(outlet.grid)) for outlet in chosen]
    return Formation(
        np.array([step for step, _ in ordered]), chosen,
        np.stack([row.zeros for row in rows]), np.stack([row.density for row in rows]),
        np.stack([row.locality for row in rows]), np.array(flat),
        tuple(np.stack([row.dead[at] for row in rows]) for at in range(len(chosen))),
        np.array([row.accuracy for row in rows]), kept, last[0] if last else None,
        _settled(kept) if kept is not None else None, len(some), seed,
    )  # fmt: skip


class _Row:
    """One snapshot: sums over pictures, then means."""

    @torch.no_grad()
    def __init__(self, network: Classifier, images: ImageSet, chosen: tuple[Outlet, ...], batch: int) -> None:
        sites = len(chosen)
        self.zeros, self.density, self.locality = np.zeros(sites), np.zeros(sites), np.zeros(sites)
        live = np.zeros(sites)
        ends = [(np.full(outlet.units, np.inf), np.full(outlet.units, -np.inf)) for outlet in chosen]
        right = 0
        truth = class_numbers(network, images) if images.labels is not None else None
        with watch(network.module, (outlet.site for outlet in chosen)) as seen:
            for part in batches(len(images), batch):
                scores = network.logits(network.prepare(images.pixels(part)))
                if truth is not None:
                    right += int((scores.argmax(1).cpu().numpy() == truth[part]).sum())
                for at, outlet in enumerate(chosen):
                    x = seen[outlet.site].float().cpu().numpy()
                    sums = MapSums.of(x if x.ndim == 4 else x[:, :, None, None])
                    self.zeros[at] += sums.zeros.sum() / (outlet.units * sums.places)
                    self.density[at] += sums.density().sum()
                    shares, own = sums.locality()
                    self.locality[at] += shares.sum()
                    live[at] += own.sum()
                    low, high = ends[at]
                    ends[at] = np.minimum(low, sums.low.min(0)), np.maximum(high, sums.high.max(0))
        self.zeros /= len(images)
        self.density /= len(images)
        self.locality = np.divide(self.locality, live, out=np.zeros(sites), where=live > 0)
        self.dead = [low == high for low, high in ends]
        self.accuracy = right / len(images) if truth is not None else float("nan")


def first_filters(network: Classifier) -> tuple[Site, NDArray[np.float32]] | None:
    """The weights that meet the picture, float32 [unit, channel, row, column], and their site; None where there is no
    convolution or linear layer that reads it.
    """
    modules = dict(network.module.named_modules())
    fired = [outlet.site.path for outlet in outlets(network.module, network.example)]
    path = next((path for path in fired if isinstance(modules.get(path), (nn.Conv2d, nn.Linear))), None)
    if path is None:
        return None
    module = modules[path]
    assert isinstance(module.weight, Tensor)
    weight = module.weight.detach().cpu().float().numpy()
    if isinstance(module, nn.Linear):
        if weight.shape[1] != int(np.prod(network.shape)):
            return None
        weight = weight.reshape(len(weight), *(network.shape if len(network.shape) == 3 else (1, 1, *network.shape)))
    return Site(path), weight.copy()


def _settled(filters: NDArray[np.float32]) -> Floats:
    flat = filters.reshape(*filters.shape[:2], -1).astype(np.float64)
    product = (flat * flat[-1]).sum(-1)
    size = np.linalg.norm(flat, axis=-1) * np.linalg.norm(flat[-1], axis=-1)
    cosine: Floats = np.divide(product, size, out=np.zeros_like(product), where=size > 0)
    return cosine
