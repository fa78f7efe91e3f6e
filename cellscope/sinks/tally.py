"""The tally: how often each unit was in each bin, over all and inside every feature, block by block.

Every score of every unit against every feature is read off these counts; no activation is kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.products import MOMENTS, add_products
from cellscope.sinks.quantise import BINS, Quantiser


class Tally:
    """Counts of `units` units against features, in `blocks` blocks; a sum over chunks, in whatever order they come.

    total     int32 [block, unit, bin]
    positive  int32 [block, span_feature, unit, bin]
    inside    float64 [unit, bin, 2], count and sum of the activations in a bin, of every `stride`-th step
    powers    float64 [block, unit, 2], sum and sum of squares
    products  float64 [block, numeric_feature, unit, MOMENTS], over every `stride`-th step
    numbers   float64 [block, numeric_feature, 5], n and sums of the labels, over the same steps
    """

    def __init__(self, quantiser: Quantiser, spans: int, numerics: int, blocks: int, *, stride: int = 1) -> None:
        units = len(quantiser)
        self.quantiser, self.stride = quantiser, stride
        # What one unit needs lies together; the arrays of the face are views of these.
        self._total = np.zeros((units, blocks, BINS), np.int32)
        self._positive = np.zeros((units, blocks, spans, BINS), np.int32)
        self._powers = np.zeros((units, blocks, 2))
        self.total = self._total.transpose(1, 0, 2)
        self.positive = self._positive.transpose(1, 2, 0, 3)
        self.powers = self._powers.transpose(1, 0, 2)
        self.inside = np.zeros((units, BINS, 2))
        self.products = np.zeros((blocks, numerics, units, len(MOMENTS)))
        self.numbers = np.zeros((blocks, numerics, 5))
        self._edges = quantiser.padded

    def add(self, chunk: Chunk, grid: LabelGrid) -> NDArray[np.float32]:
        """Count a chunk; the ranks of every `stride`-th step come back, [step, lane, unit]."""
        from cellscope.sinks import kernels

        steps, lanes, features = chunk.steps, len(chunk.positions), len(grid.spans)
        index, counts = np.empty((lanes, features, steps), np.uint16), np.empty((lanes, features), np.int32)
        offsets = chunk.positions - grid.start
        in_shares(lanes, lambda a, b: kernels.positives(grid.spans, offsets, steps, index, counts, a, b))
        kept = np.empty((-(-steps // self.stride), lanes, len(self.quantiser)), np.float32)
        base = 0
        for values in chunk.values.values():
            here = slice(base, base + values.shape[2])
            self._count(values, chunk.blocks, here, index, counts, kept[:, :, here])
            base = here.stop
        if len(grid.label):
            centre = self.quantiser.edges[:, BINS // 2]
            add_products(chunk, grid, kept, self.stride, centre, self.products, self.numbers)
        return kept

    def _count(
        self,
        values: NDArray[np.float32],
        blocks: NDArray[np.int64],
        units: slice,
        index: NDArray[np.uint16],
        counts: NDArray[np.int32],
        kept: NDArray[np.float32],
    ) -> None:
        """Count one site's values, each worker its own units."""
        from cellscope.sinks import kernels

        maps = self._edges[units], self.quantiser.ranks[units]
        tables = self._total[units], self._positive[units], self.inside[units], self._powers[units]

        def share(first: int, last: int) -> None:
            kernels.tally(values, blocks, *maps, index, counts, *tables, self.stride, kept, first, last)

        in_shares(values.shape[2], share, grain=kernels.TILE)

    def merge(self, other: Tally) -> Tally:
        """The tally of both; the two must share their bins and blocks."""
        if self.total.shape != other.total.shape or not np.array_equal(self.quantiser.edges, other.quantiser.edges):
            raise ValueError("only tallies with the same bins, blocks and units can be merged")
        both = Tally(
            self.quantiser, self.positive.shape[1], self.products.shape[1], len(self.total), stride=self.stride
        )
        for name in ("total", "positive", "inside", "powers", "products", "numbers"):
            getattr(both, name)[...] = getattr(self, name) + getattr(other, name)
        return both

    def half(self, parity: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts of the even (0: choosing) or odd (1: reporting) blocks: total [unit, bin], positive [span_feature,
        unit, bin].
        """
        total = self._total[:, parity::2].sum(1, dtype=np.int64)
        return total, self._positive[:, parity::2].sum(1, dtype=np.int64).transpose(1, 0, 2)
