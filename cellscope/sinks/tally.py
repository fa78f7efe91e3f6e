"""The tally: how often each unit was in each bin, over all and inside every feature, block by block.

Every score of every unit against every feature is read off these counts; no activation is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.products import MOMENTS, add_products
from cellscope.sinks.quantise import BINS, Quantiser
from cellscope.sinks.waiting import Waiting

COUNTED = ("total", "positive", "inside", "powers", "products", "numbers")
PARTS = 8
"""Shares of the lanes that are summed side by side."""
BINNED = tuple(Quantiser.__dataclass_fields__)


class Tally:
    """Counts of `units` units against features, in `blocks` blocks; a sum over chunks, in whatever order they come.

    total     int32 [block, unit, bin]
    positive  int32 [block, span_feature, unit, bin]
    inside    float64 [unit, bin, 2], count and sum of the activations in a bin, of some steps; in the far bins of all
    powers    float64 [block, unit, 2], sum and sum of squares
    products  float64 [block, numeric_feature, unit, MOMENTS], over every `stride`-th step
    numbers   float64 [block, numeric_feature, 5], n and sums of the labels, over the same steps

    Activations are summed less the unit's `middle`: where it runs far from zero its square would drown the rest.
    """

    def __init__(self, quantiser: Quantiser, spans: int, numerics: int, blocks: int, *, stride: int = 1) -> None:
        units = len(quantiser)
        self.quantiser, self.stride = quantiser, stride
        self._inside = np.zeros((PARTS, units, BINS, 2))
        self._powers = np.zeros((PARTS, blocks, units, 2))
        self.products = np.zeros((blocks, numerics, units, len(MOMENTS)))
        self.numbers = np.zeros((blocks, numerics, 5))
        self._waiting = Waiting(units, spans, blocks)

    @property
    def inside(self) -> NDArray[np.float64]:
        return _folded(self._inside)

    @property
    def powers(self) -> NDArray[np.float64]:
        return _folded(self._powers)

    @property
    def middle(self) -> NDArray[np.float32]:
        """What is taken off the activations before they are summed [unit]."""
        return self.quantiser.edges[:, BINS // 2]

    def means(self) -> NDArray[np.float64]:
        """The mean activation in each bin less the unit's middle [unit, bin]; of a bin that no counted step met, what
        lies halfway between its edges.
        """
        edges = (self.quantiser.edges - self.middle[:, None]).astype(np.float64)
        halfway = (np.concatenate([edges[:, :1], edges], 1) + np.concatenate([edges, edges[:, -1:]], 1)) / 2
        count, total = np.moveaxis(self.inside, -1, 0)
        means: NDArray[np.float64] = np.divide(total, count, out=halfway, where=count > 0)
        return means

    @property
    def total(self) -> NDArray[np.int32]:
        return self._waiting.counted()[0]

    @property
    def positive(self) -> NDArray[np.int32]:
        return self._waiting.counted()[1]

    def add(self, chunk: Chunk, grid: LabelGrid) -> NDArray[np.float32]:
        """Count a chunk; the ranks of every `stride`-th step come back, [step, lane, unit]."""
        ranks = self.add_bins(chunk, grid)
        self.add_products(chunk, grid, ranks)
        return ranks

    def add_bins(self, chunk: Chunk, grid: LabelGrid) -> NDArray[np.float32]:
        """What `add` does, but for the products with numeric labels."""
        kept = np.empty((len(chunk.positions), -(-chunk.steps // self.stride), len(self.quantiser)), np.float32)
        at = self._waiting.room(chunk, grid)
        base = 0
        for values in chunk.values.values():
            self._to_bins(np.ascontiguousarray(values.swapaxes(0, 1)), chunk.blocks, base, at, kept)
            base += values.shape[2]
        return kept.swapaxes(0, 1)

    def add_products(self, chunk: Chunk, grid: LabelGrid, ranks: NDArray[np.float32]) -> None:
        """The rest of `add`, given the ranks that `add_bins` returned."""
        if len(grid.label):
            add_products(chunk, grid, ranks, self.stride, self.middle, self.products, self.numbers)

    def _to_bins(
        self,
        values: NDArray[np.float32],
        blocks: NDArray[np.int64],
        base: int,
        at: int,
        kept: NDArray[np.float32],
    ) -> None:
        """Bin one site's values [lane, step, unit], each worker its own lanes; unit 0 of the site is unit `base`."""
        from cellscope.sinks import kernels

        q, bins, lanes = self.quantiser, self._waiting.bins, len(values)
        maps = q.edges, q.ranks, q.centre, q.scale, q.bins, q.searched, self.middle

        def share(first: int, last: int) -> None:
            for part in range(first, last):
                sums, here = (
                    (self._inside[part], self._powers[part]),
                    (part * lanes // PARTS, (part + 1) * lanes // PARTS),
                )
                kernels.to_bins(values, blocks, base, *maps, at, bins, *sums, self.stride, kept, *here)

        in_shares(PARTS, share, grain=1, each=4)

    def merge(self, other: Tally) -> Tally:
        """The tally of both; the two must share their bins and blocks."""
        if self.total.shape != other.total.shape or not np.array_equal(self.quantiser.edges, other.quantiser.edges):
            raise ValueError("only tallies with the same bins, blocks and units can be merged")
        both = Tally(
            self.quantiser, self.positive.shape[1], self.products.shape[1], len(self.total), stride=self.stride
        )
        for name in COUNTED:
            getattr(both, name)[...] = getattr(self, name) + getattr(other, name)
        return both

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that was counted, as arrays by name; `of_state` makes the same tally of them."""
        made: dict[str, NDArray[Any]] = {f"bins {name}": getattr(self.quantiser, name) for name in BINNED}
        return made | {name: getattr(self, name) for name in COUNTED}

    @classmethod
    def of_state(cls, state: Mapping[str, NDArray[Any]], *, stride: int) -> Tally:
        """The tally whose `state` this is."""
        blocks, spans = state["positive"].shape[:2]
        quantiser = Quantiser(**{name: state[f"bins {name}"] for name in BINNED})
        made = cls(quantiser, spans, state["products"].shape[1], blocks, stride=stride)
        for name in COUNTED:
            getattr(made, name)[...] = state[name]
        return made

    def half(self, parity: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts of the even (0: choosing) or odd (1: reporting) blocks: total [unit, bin], positive [span_feature,
        unit, bin].
        """
        return self.total[parity::2].sum(0, dtype=np.int64), self.positive[parity::2].sum(0, dtype=np.int64)


def _folded(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of what the parts [part, ..] hold, which the first then holds alone: a view of it."""
    parts[0] += parts[1:].sum(0)
    parts[1:] = 0
    whole: NDArray[np.float64] = parts[0]
    return whole
