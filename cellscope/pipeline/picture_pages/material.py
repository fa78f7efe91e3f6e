"""What several pages need and is measured once: maps on a few pictures, examples of every unit, what they see."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.evidence.several import Sample
from cellscope.hooks.outlets import Outlet
from cellscope.models.classifier import Classifier
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.picture_pages.bounds import shrunk
from cellscope.pipeline.picture_pages.maps import maps_of, maps_of_pairs
from cellscope.pipeline.picture_pages.sample import samples
from cellscope.vision.examples import WHICH, Examples, examples
from cellscope.vision.receptive import ReceptiveField, receptive_fields

SHOWN = 6
"""Pictures on which a layer's maps are shown."""
HELD = 1 << 26
"""Numbers in the maps of examples that are held at a time."""


@dataclass(frozen=True, eq=False)
class Material:
    """The search and what was measured for its pages.

    `shown` are the numbers of the pictures whose maps are shown, one a class first; `maps[site]` float32
    [picture, unit, row, column] of them.
    """

    search: PictureSearch
    shown: NDArray[np.int64]
    maps: dict[Site, NDArray[np.float32]]
    examples: dict[Site, Examples]
    fields: dict[Site, ReceptiveField]
    samples: dict[Site, Sample]
    _maps: dict[Site, dict[str, NDArray[np.float32]]] = field(default_factory=dict)

    @classmethod
    def of(cls, search: PictureSearch, progress: Progress | None = None) -> Material:
        """Everything, for all searched sites."""
        network, images = search.network, search.images
        sites = [outlet.site for outlet in search.outlets]
        told: Progress | None = (lambda done, total, _: progress(done, total, "examples")) if progress else None
        shown = _shown(search)
        found = examples(network, images, sites, seed=search.findings.counts.seed, progress=told)
        fields = receptive_fields(network, search.outlets)
        return cls(search, shown, maps_of(network, images.pixels(shown), sites), found, fields, samples(search))

    @property
    def network(self) -> Classifier:
        return self.search.network

    def example_maps(self, site: Site) -> dict[str, NDArray[np.float32]]:
        """What every unit of a layer does on its top, bottom and random examples, each [unit, k, row, column]."""
        if site not in self._maps:
            self._maps.clear()
            self._maps.update(self._next_maps(site))
        return self._maps[site]

    def _next_maps(self, first: Site) -> dict[Site, dict[str, NDArray[np.float32]]]:
        """Those of a layer and of the next ones, as many as can be held, so that one pass serves them all."""
        kept: dict[Site, list[NDArray[np.int64]]] = {}
        held, sites = 0, list(self.examples)
        for site in sites[sites.index(first) :]:
            own = [self.examples[site].kept(which).pictures for which in WHICH]
            held += sum(part.size for part in own) * prod(self.examples[site].grid)
            if kept and held > HELD:
                break
            kept[site] = own
        pairs = {
            site: (np.concatenate(own, 1).ravel(), np.repeat(np.arange(len(own[0])), sum(p.shape[1] for p in own)))
            for site, own in kept.items()
        }
        found = maps_of_pairs(self.network, self.search.images, pairs)
        made = {}
        for site, own in kept.items():
            each = [part.shape[1] for part in own]
            maps = found[site].reshape(len(own[0]), sum(each), *found[site].shape[1:])
            made[site] = dict(zip(WHICH, np.split(maps, np.cumsum(each)[:-1], axis=1), strict=True))
        return made

    @cached_property
    def main(self) -> tuple[Outlet, ...]:
        """The layers that what is dear is measured of: what blocks hand on (activations), and the class scores.

        All of them where a network has no activation modules.
        """
        outlets = self.search.outlets
        some = [o for o in outlets if o.kind in ACTIVATIONS]
        last = [outlets[-1]] if outlets and outlets[-1].kind not in ACTIVATIONS else []
        return tuple([*some, *last] if some else outlets)


ACTIVATIONS = (
    "ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Hardswish",
)  # fmt: skip


def as_shown(
    network: Classifier, pixels: NDArray[np.float32], size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Pictures as the network gets them, for people: uint8 [picture, row, column] or [picture, row, column, 3]; made
    `size` (rows, columns), if that is smaller.
    """
    undone = network.preprocessing.undo(network.prepare(pixels).cpu()).clamp(0, 1).numpy()
    return coloured(undone if size is None else shrunk(undone, size))


def coloured(pictures: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Pictures in 0..1 [picture, channel, row, column] as uint8: colours of three channels, else their mean in grey."""
    whole = np.rint(np.clip(pictures, 0, 1) * 255)
    colours = np.moveaxis(whole, 1, -1) if pictures.shape[1] == 3 else np.rint(whole.mean(1))
    made: NDArray[np.uint8] = colours.astype(np.uint8)
    return made


def _shown(search: PictureSearch) -> NDArray[np.int64]:
    """A few pictures: one of each class in turn, in an order drawn by chance."""
    order = np.random.default_rng(search.findings.counts.seed).permutation(len(search.images))
    labels = search.images.labels
    if labels is None:
        return np.asarray(order[:SHOWN])
    turn = np.empty(len(order), np.int64)
    for label in np.unique(labels):
        own = labels[order] == label
        turn[own] = np.arange(own.sum())
    return np.asarray(order[np.lexsort((labels[order], turn))][:SHOWN])
