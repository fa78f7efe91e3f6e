"""The search over pictures: every unit of every layer against every concept in one showing of the set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.chunks import Round
from cellscope.count import Counts
from cellscope.data.images import ImageSet
from cellscope.evidence.baselines import Contexts
from cellscope.evidence.colours import colour_keys
from cellscope.evidence.terms import PLACES, ROWS, WHOLE
from cellscope.features.concepts import Concept
from cellscope.hooks.modules import Outlet
from cellscope.look import BATCH, BLOCKS, Glance, Places, look
from cellscope.models.classifier import Classifier
from cellscope.sinks.labels import LabelGrid, Ranker
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

FEW = 128
"""Places of a map that go to the null, at most: neighbours say nearly the same."""
DRAWS = 499
"""Draws of the null: the same for all layers, so that a draw turns the masks of all of them alike."""


def count_pictures(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], concepts: Sequence[Concept], *, seed: int = 0,
    evidence: bool = True, progress: Progress | None = None,
) -> tuple[Counts, ...]:  # fmt: skip
    """Show the set once and count every unit against every concept: the counts of each outlet, in bounded memory.

    Masks are read at the pixels that the places of a map are centred on; for a layer without places, a concept is on in
    a picture that has any of it. Without `evidence` there is no null and no baseline (for the untrained control).
    """
    counters = {outlet.site: _Counter(outlet, images, concepts, seed, evidence) for outlet in outlets}
    shown = 0
    for glance in look(network, images, outlets, seed=seed):
        masks = images.masks_of(glance.index)
        for site, counter in counters.items():
            counter.add(glance, masks, site)
        shown += len(glance.index)
        if progress:
            progress(shown, len(images), "")
    return tuple(counter.counts() for counter in counters.values())


class _Counter:
    """All sinks of one site."""

    def __init__(
        self, outlet: Outlet, images: ImageSet, concepts: Sequence[Concept], seed: int, evidence: bool
    ) -> None:
        self.outlet, self.images, self.seed = outlet, images, seed
        self.places = Places.of(outlet.grid)
        self.concepts = tuple(sorted(concepts, key=lambda c: c.kind != "span"))
        self.chosen = [images.mask_names.index(c.name) for c in self.concepts if c.kind == "span"]
        self.columns = [images.columns.index(c.name) for c in self.concepts if c.kind == "numeric"]
        self.ranker = Ranker()
        spans, numbers = len(self.chosen), len(self.columns)
        self.tally: Tally | None = None
        groups = 4 if len(images) < 16 * BATCH else 1
        total = spans + numbers
        self.stride = max(1, len(self.places) // FEW)
        self.shifts = (
            Shifts(total, outlet.units, groups=groups, seed=seed, stride=self.stride, draws=DRAWS) if evidence else None
        )
        self.contexts = Contexts(spans, numbers) if evidence and not images.flat else None
        self.labelled = np.zeros(total, np.int64)
        self.heard = 0

    def add(self, glance: Glance, masks: NDArray[np.bool_], site: Site) -> None:
        chunk, part = glance.chunks[site], glance.rounds[site]
        grid = self._labels(glance, masks, part)
        self.labelled += np.concatenate([grid.spans.sum(1, dtype=np.int64), grid.mask.sum(1).astype(np.int64)])
        if self.tally is None:
            sample = np.concatenate([values.reshape(-1, values.shape[2]) for values in chunk.values.values()])
            quantiser = Quantiser.from_sample(sample[:: max(1, len(sample) // 2**15)])
            self.tally = Tally(quantiser, len(self.chosen), len(self.columns), BLOCKS, stride=self.stride)
        ranks = self.tally.add(chunk, grid)
        if self.shifts is not None:
            self.shifts.add(chunk, grid, ranks)
            self.shifts.close()
        if self.contexts is not None:
            keys = colour_keys(glance.pixels, self.outlet.grid, self.places.rows, self.places.columns)
            self.contexts.add_keys(part, keys, grid)
        self.heard += chunk.steps * len(chunk.positions)

    def _labels(self, glance: Glance, masks: NDArray[np.bool_], part: Round) -> LabelGrid:
        """The labels of a batch at the places of this site."""
        if masks.shape[2:] == (1, 1):
            on = np.broadcast_to(masks[:, self.chosen, :, 0], (len(masks), len(self.chosen), len(self.places)))
        elif self.places.whole:
            flat = masks[:, self.chosen].reshape(len(masks), len(self.chosen), -1)
            on = np.asarray(flat.any(2))[:, :, None]
        else:
            rows, columns = self.places.centres((masks.shape[2], masks.shape[3]))
            on = masks[:, :, rows[:, None], columns][:, self.chosen].reshape(len(masks), len(self.chosen), -1)
        spans = np.moveaxis(on, 1, 0).reshape(len(self.chosen), part.stop - part.start)
        numbers = glance.pixels[:, self.columns].T if self.columns else np.zeros((0, spans.shape[1]), np.float32)
        return self.ranker.grid(part.start, spans, numbers)

    def counts(self) -> Counts:
        assert self.tally is not None
        units = tuple(Unit(self.outlet.site, i) for i in range(self.outlet.units))
        terms = ROWS if self.images.flat else WHOLE if self.places.whole else PLACES
        sums = self.tally, None, self.shifts, self.contexts
        return Counts(units, self.concepts, self.heard, self.labelled, *sums, self.seed, terms)
