"""The search over pictures: every unit of every layer against every concept in one showing of the set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.chunks import Chunk, Round
from cellscope.count import Counts
from cellscope.data.images import ImageSet
from cellscope.evidence.baselines import Contexts
from cellscope.evidence.columns import Columns
from cellscope.evidence.concept_reading import ConceptReader, masks_in
from cellscope.features.concepts import Concept
from cellscope.hooks.outlets import Outlet
from cellscope.look import BATCH, BLOCKS, Glance, look
from cellscope.models.classifier import Classifier
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

FEW = 80
"""Places of a map that go to the null, at most: neighbours say nearly the same."""
DRAWS = 499
"""Draws of the null: the same for all layers, so that a draw turns the masks of all of them alike."""


def count_pictures(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], concepts: Sequence[Concept], *, seed: int = 0,
    evidence: bool = True, batch: int | None = None, progress: Progress | None = None,
) -> tuple[Counts, ...]:  # fmt: skip
    """Show the set once and count every unit against every concept: the counts of each outlet, in bounded memory.

    What is labelled is a matter of `ConceptReader`. Without `evidence` there is no null and no baseline (for the
    untrained control). Which pictures choose and which report hangs on `seed` and `batch` (see look).
    """
    grids = {outlet.grid: _Grid(outlet.grid, images, concepts, evidence) for outlet in outlets}
    counters = {outlet.site: _Counter(outlet, grids[outlet.grid], seed, evidence) for outlet in outlets}
    shown = 0
    for glance in look(network, images, outlets, seed=seed, batch=batch):
        masks = masks_in(images, glance)
        parts = {outlet.grid: glance.rounds[outlet.site] for outlet in outlets}
        labels = {size: grid.read(glance, masks, parts[size]) for size, grid in grids.items()}
        for site, counter in counters.items():
            counter.add(glance.chunks[site], labels[counter.outlet.grid])
        shown += len(glance.index)
        if progress:
            progress(shown, len(images), "")
    return tuple(counter.counts() for counter in counters.values())


class _Grid:
    """What all sites with maps of one size share: the labels of their places, and what colours alone give away."""

    def __init__(self, grid: tuple[int, int], images: ImageSet, concepts: Sequence[Concept], evidence: bool) -> None:
        self.reader = ConceptReader(grid, images, concepts)
        self.spans = len(self.reader.chosen)
        self.contexts: Contexts | None = None
        self.alone: Columns | None = None
        if evidence and images.flat:
            self.alone = Columns(self.spans, self.reader.columns, BLOCKS)
        elif evidence:
            self.contexts = Contexts(self.spans, len(self.reader.columns), BLOCKS)
        self.labelled = np.zeros(len(self.reader.concepts), np.int64)
        self.together = np.zeros((self.spans, self.spans), np.int64)
        self.heard = 0

    def read(self, glance: Glance, masks: NDArray[np.bool_], part: Round) -> LabelGrid:
        """The labels of a batch, from its masks; the baseline learns from them at once."""
        labels = self.reader.grid(glance, masks, part)
        self.labelled += np.concatenate([labels.spans.sum(1, dtype=np.int64), labels.mask.sum(1).astype(np.int64)])
        on = torch.from_numpy(labels.spans.astype(np.float32))
        self.together += (on @ on.T).long().numpy()
        if self.contexts is not None:
            self.contexts.add_keys(part, self.reader.colours(glance), labels)
        if self.alone is not None:
            self.alone.add(next(iter(glance.chunks.values())), glance.pixels, labels)
        self.heard += part.stop - part.start
        return labels


class _Counter:
    """The sinks of one site."""

    def __init__(self, outlet: Outlet, grid: _Grid, seed: int, evidence: bool) -> None:
        self.outlet, self.grid, self.seed = outlet, grid, seed
        self.tally: Tally | None = None
        total = len(grid.reader.concepts)
        groups = 4 if len(grid.reader.images) < 16 * BATCH else 1
        self.stride = grid.reader.places.stride(FEW)
        self.shifts = (
            Shifts(total, outlet.units, groups=groups, seed=seed, stride=self.stride, draws=DRAWS) if evidence else None
        )

    def add(self, chunk: Chunk, labels: LabelGrid) -> None:
        if self.tally is None:
            values = chunk.values[self.outlet.site]
            sample = values.reshape(-1, values.shape[2])
            quantiser = Quantiser.from_sample(sample[:: max(1, len(sample) // 2**15)])
            numbers = len(self.grid.reader.columns)
            self.tally = Tally(quantiser, self.grid.spans, numbers, BLOCKS, stride=self.stride)
        ranks = self.tally.add(chunk, labels)
        if self.shifts is not None:
            self.shifts.add(chunk, labels, ranks)
            self.shifts.close()

    def counts(self) -> Counts:
        assert self.tally is not None
        grid = self.grid
        units = tuple(Unit(self.outlet.site, i) for i in range(self.outlet.units))
        sums = self.tally, None, self.shifts, grid.contexts or grid.alone
        return Counts(
            units, grid.reader.concepts, grid.heard, grid.labelled, *sums, self.seed, grid.reader.terms, grid.together
        )  # fmt: skip
