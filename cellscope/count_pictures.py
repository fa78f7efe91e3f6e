"""The search over pictures: every unit of every layer against every concept in one showing of the set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.chunks import Chunk, Round
from cellscope.count import Counts
from cellscope.data.images import ImageSet
from cellscope.evidence.baselines import Contexts
from cellscope.evidence.colours import colour_keys
from cellscope.evidence.columns import Columns
from cellscope.evidence.terms import FILLED, PLACES, ROWS, WHOLE
from cellscope.features.concepts import Concept
from cellscope.hooks.modules import Outlet
from cellscope.look import BATCH, BLOCKS, Glance, Places, look
from cellscope.models.classifier import Classifier
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid, Ranker
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

FEW = 64
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
    grids = {outlet.grid: _Grid(outlet.grid, images, concepts, evidence) for outlet in outlets}
    counters = {outlet.site: _Counter(outlet, grids[outlet.grid], seed, evidence) for outlet in outlets}
    shown = 0
    for glance in look(network, images, outlets, seed=seed):
        masks = np.ascontiguousarray(images.masks_of(glance.index).swapaxes(0, 1))
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
        self.places, self.images = Places.of(grid), images
        self.concepts = tuple(sorted(concepts, key=lambda c: c.kind != "span"))
        self.chosen = [images.mask_names.index(c.name) for c in self.concepts if c.kind == "span"]
        self.columns = [images.columns.index(c.name) for c in self.concepts if c.kind == "numeric"]
        self.ranker = Ranker()
        self.contexts: Contexts | None = None
        self.alone: Columns | None = None
        if evidence and images.flat:
            self.alone = Columns(len(self.chosen), self.columns, BLOCKS)
        elif evidence:
            self.contexts = Contexts(len(self.chosen), len(self.columns))
        self.labelled = np.zeros(len(self.concepts), np.int64)
        self.together = np.zeros((len(self.chosen), len(self.chosen)), np.int64)
        self.heard = 0

    def read(self, glance: Glance, masks: NDArray[np.bool_], part: Round) -> LabelGrid:
        """The labels of a batch, from its masks [concept, picture, row, column]; the baseline learns from them at
        once.
        """
        spans = self._spans(masks).reshape(len(self.chosen), part.stop - part.start)
        numbers = glance.pixels[:, self.columns].T if self.columns else np.zeros((0, spans.shape[1]), np.float32)
        labels = self.ranker.grid(part.start, spans, numbers)
        self.labelled += np.concatenate([spans.sum(1, dtype=np.int64), labels.mask.sum(1).astype(np.int64)])
        on = torch.from_numpy(labels.spans.astype(np.float32))
        self.together += (on @ on.T).long().numpy()
        if self.contexts is not None:
            self.contexts.add_keys(part, self._keys(glance), labels)
        if self.alone is not None:
            self.alone.add(next(iter(glance.chunks.values())), glance.pixels, labels)
        self.heard += part.stop - part.start
        return labels

    def _keys(self, glance: Glance) -> NDArray[np.uint64]:
        """The colours of every place [picture x place], some pictures on each core."""
        many, size = len(glance.index), len(self.places)
        keys = np.empty(many * size, np.uint64)

        def share(first: int, last: int) -> None:
            keys[first * size : last * size] = colour_keys(
                glance.pixels[first:last], self.places.grid, self.places.rows, self.places.columns
            )

        in_shares(many, share, each=2)
        return keys

    def _spans(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where each concept is on, bool [concept, picture, place]."""
        if self.chosen != list(range(len(masks))):
            masks = masks[self.chosen]
        many = masks.shape[:2]
        if masks.shape[2:] == (1, 1):
            return np.broadcast_to(masks[..., 0], (*many, len(self.places)))
        if self.places.whole:
            return np.asarray(masks.reshape(*many, masks.shape[2] * masks.shape[3]).any(2))[..., None]
        rows, columns = (_stepped(c) for c in self.places.centres((masks.shape[2], masks.shape[3])))
        return masks[:, :, rows][..., columns].reshape(*many, -1)


def _stepped(index: NDArray[np.int64]) -> Any:
    """The index as a slice where it is one: a view costs nothing."""
    steps = np.unique(np.diff(index))
    if len(index) == 1 or (len(steps) == 1 and steps[0] > 0):
        step = int(steps[0]) if len(steps) else 1
        return slice(int(index[0]), int(index[-1]) + 1, step)
    return index


class _Counter:
    """The sinks of one site."""

    def __init__(self, outlet: Outlet, grid: _Grid, seed: int, evidence: bool) -> None:
        self.outlet, self.grid, self.seed = outlet, grid, seed
        self.tally: Tally | None = None
        total, places = len(grid.concepts), len(grid.places)
        groups = 4 if len(grid.images) < 16 * BATCH else 1
        self.stride = max(1, places // FEW)
        self.shifts = (
            Shifts(total, outlet.units, groups=groups, seed=seed, stride=self.stride, draws=DRAWS) if evidence else None
        )

    def add(self, chunk: Chunk, labels: LabelGrid) -> None:
        if self.tally is None:
            values = chunk.values[self.outlet.site]
            sample = values.reshape(-1, values.shape[2])
            quantiser = Quantiser.from_sample(sample[:: max(1, len(sample) // 2**15)])
            spans, numbers = len(self.grid.chosen), len(self.grid.columns)
            self.tally = Tally(quantiser, spans, numbers, BLOCKS, stride=self.stride)
        ranks = self.tally.add(chunk, labels)
        if self.shifts is not None:
            self.shifts.add(chunk, labels, ranks)
            self.shifts.close()

    def counts(self) -> Counts:
        assert self.tally is not None
        grid = self.grid
        units = tuple(Unit(self.outlet.site, i) for i in range(self.outlet.units))
        spread = FILLED if grid.images.masks is None else PLACES
        terms = ROWS if grid.images.flat else WHOLE if grid.places.whole else spread
        sums = self.tally, None, self.shifts, grid.contexts or grid.alone
        return Counts(units, grid.concepts, grid.heard, grid.labelled, *sums, self.seed, terms, grid.together)
