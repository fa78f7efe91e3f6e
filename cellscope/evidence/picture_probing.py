"""The probes of concepts: one showing of a set of pictures for the covariance of every layer, then as for texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.data.images import ImageSet
from cellscope.evidence.colours import own_colours
from cellscope.evidence.columns import row_types
from cellscope.evidence.concept_reading import ConceptReader, masks_in
from cellscope.evidence.probes import Probe, Probes
from cellscope.evidence.probing import DRAWS, Measured, judged
from cellscope.evidence.tasks import Tasks
from cellscope.features.concepts import Concept
from cellscope.hooks.outlets import Outlet
from cellscope.look import BATCH, Glance, look
from cellscope.models.classifier import Classifier
from cellscope.sinks.covariance import BUDGET, Covariance

FLOATS = 2**20
"""Values of a layer that say on what scale its units lie, about: those of the first BATCH pictures, thinned out."""

FEW = 128
"""Places of a map that are summed, about."""

Labels = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class PictureProbes:
    """Curves of concepts, each over the units of one layer.

    found    one for each layer that was read, its concepts in the order of the set
    layers   all that were in question; `best` float64 [concept, layer]: the share of the concept's variance that the
             layer's best unit tells by itself on the pictures that choose
    """

    concepts: tuple[Concept, ...]
    found: tuple[Probes, ...]
    layers: tuple[Outlet, ...]
    best: NDArray[np.float64]

    @property
    def probes(self) -> tuple[Probe, ...]:
        """All curves, concept by concept."""
        order = {concept.name: at for at, concept in enumerate(self.concepts)}
        return tuple(sorted((p for one in self.found for p in one.probes), key=lambda p: order[p.feature]))

    def told(self, concept: str) -> dict[str, float]:
        """For every layer in question what its best unit tells of a concept, on the pictures that choose."""
        at = [c.name for c in self.concepts].index(concept)
        return {str(layer.site): float(r2) for layer, r2 in zip(self.layers, self.best[at], strict=True)}


def probe_pictures(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], concepts: Sequence[Concept], *,
    each: bool = False, seed: int = 0, draws: int = DRAWS, progress: Progress | None = None,
) -> PictureProbes:  # fmt: skip
    """Probe every concept with 1, 2, 4 ... and all units of a layer, fitted on half of the pictures and scored on the
    others: of `each` of the outlets, or of the one whose best unit tells most of the concept on the choosing half.

    Of outlets of which some have places, only those are in question: "here" and "anywhere in the picture" are two
    questions.
    """
    placed = [outlet for outlet in outlets if outlet.grid != (1, 1)]
    layers = tuple(outlets if each else placed or outlets)
    told: Progress | None = (lambda done, total, _: progress(done, total, "pictures")) if progress else None
    measured = measure_pictures(network, images, layers, concepts, seed=seed, progress=told)
    best = np.stack([one.best for one in measured], axis=1)
    found = []
    for at, one in enumerate(measured):
        # Of layers that tell alike, as a map and the same one scaled do, the first.
        some = np.arange(len(best)) if each else np.flatnonzero(best.round(4).argmax(1) == at)
        if len(some):
            found.append(judged(one, draws, progress, some=some.tolist()))
    return PictureProbes(measured[0].features, tuple(found), layers, best)


def measure_pictures(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], concepts: Sequence[Concept], *, seed: int = 0,
    batch: int | None = None, progress: Progress | None = None,
) -> tuple[Measured, ...]:  # fmt: skip
    """For every outlet the covariance of its units with one another, with every concept and with its control.

    Blocks of pictures are those of `look`: even ones choose, odd ones report, as in a search with the same seed and
    batch.
    """
    sizes = {o.grid: _Size(ConceptReader(o.grid, images, concepts), o.site, seed) for o in outlets}
    sums = _begun(network, images, outlets, sizes, seed, batch)
    shown = 0
    for glance in look(network, images, outlets, seed=seed, batch=batch):
        masks = masks_in(images, glance)
        labels = {grid: size.labels(glance, masks) for grid, size in sizes.items()}
        for outlet in outlets:
            sums[outlet.site].add(glance.chunks[outlet.site], *labels[outlet.grid])
        shown += len(glance.index)
        if progress:
            progress(shown, len(images), "")
    return tuple(
        Measured(
            sums[o.site], sizes[o.grid].tasks, sizes[o.grid].reader.concepts,
            tuple(Unit(o.site, unit) for unit in range(o.units)), sizes[o.grid].heard, seed,
            sizes[o.grid].reader.terms, str(o.site),
        ) for o in outlets
    )  # fmt: skip


def _begun(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], sizes: dict[tuple[int, int], _Size], seed: int,
    batch: int | None,
) -> dict[Site, Covariance]:  # fmt: skip
    """The empty sums of every outlet, once the first pictures have said on what scale its units lie and how frequent
    the concepts are.
    """
    samples: dict[Site, list[NDArray[np.float32]]] = {outlet.site: [] for outlet in outlets}
    blocks = 1
    for glance in _first(look(network, images, outlets, seed=seed, batch=batch)):
        masks = masks_in(images, glance)
        for size in sizes.values():
            size.learn(glance, masks)
        for outlet in outlets:
            rows = glance.chunks[outlet.site].values[outlet.site].reshape(-1, outlet.units)
            thin = max(1, rows.size * BATCH // (FLOATS * len(glance.index)))
            # With the ends of all, so that a unit that is seldom on is neither lost nor cut off.
            samples[outlet.site].append(np.concatenate([rows[::thin], rows.min(0)[None], rows.max(0)[None]]))
            blocks = max(blocks, glance.rounds[outlet.site].blocks)
    squares = sum(outlet.units**2 for outlet in outlets)
    return {
        o.site: Covariance(
            np.concatenate(samples[o.site]), sizes[o.grid].tasks.counted, blocks, stride=sizes[o.grid].stride,
            budget=BUDGET * o.units**2 // squares,
        ) for o in outlets
    }  # fmt: skip


def _first(glances: Iterator[Glance]) -> Iterator[Glance]:
    """Glances at the first BATCH pictures."""
    for glance in glances:
        yield glance
        if glance.first + len(glance.index) >= BATCH:
            return


class _Size:
    """What layers with maps of one size, of which `site` is one, share: the tasks, and their labels."""

    def __init__(self, reader: ConceptReader, site: Site, seed: int) -> None:
        self.reader, self._site = reader, site
        self.tasks = Tasks(reader.concepts, len(reader.chosen), late=0, seed=seed)
        self.heard, self.stride = 0, reader.places.stride(FEW)
        self._middle: NDArray[np.float32] | None = None

    def learn(self, glance: Glance, masks: NDArray[np.bool_]) -> None:
        """Take in how frequent the concepts are, once for all: a control is one function of its types."""
        self.tasks.learn(self.reader.grid(glance, masks, glance.rounds[self._site]), self._types(glance))

    def labels(self, glance: Glance, masks: NDArray[np.bool_]) -> Labels:
        """The labels of a batch, and the masks of those that count only in places (none)."""
        part = glance.rounds[self._site]
        self.heard += part.stop - part.start
        grid = self.reader.grid(glance, masks, part)
        return self.tasks.labels(glance.chunks[self._site], grid, self._types(glance), self.stride)

    def _types(self, glance: Glance) -> NDArray[np.uint64]:
        """What the control's labels are a function of (see control), for every place."""
        if not self.reader.images.flat:
            return own_colours(self.reader.colours(glance))
        if self._middle is None:
            self._middle = np.median(glance.pixels, axis=0).astype(np.float32)
        return row_types(glance.pixels, self._middle)
