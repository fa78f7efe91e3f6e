"""Bins that wait to be counted: a table is far larger than a cache, so that few, long visits are quicker than many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.quantise import BINS

_BYTES = 2**27
_LONGEST = 2**13


class Waiting:
    """The bins of the last chunks of a round, and the tables into which they are counted.

    bins  uint8 [tile, lane, step, TILE], to be written by whoever asked for room
    """

    def __init__(self, units: int, spans: int, blocks: int) -> None:
        from cellscope.sinks.kernels import TILE

        self._units, self._tiles = units, -(-units // TILE)
        self._total = np.zeros((blocks, self._tiles * TILE, BINS), np.int32)
        self._positive = np.zeros((blocks, spans, self._tiles * TILE, BINS), np.int32)
        self.bins = np.empty((0, 0, 0, TILE), np.uint8)
        self._grid: LabelGrid | None = None
        self._blocks = np.empty(0, np.int64)
        self._offsets: list[NDArray[np.int64]] = []
        self._at: list[int] = []
        self._steps = 0

    def room(self, chunk: Chunk, grid: LabelGrid) -> int:
        """The step of `bins` at which a chunk's own begin."""
        lanes = len(chunk.positions)
        if (
            grid is not self._grid
            or not np.array_equal(chunk.blocks, self._blocks)
            or self._steps + chunk.steps > self.bins.shape[2]
        ):
            self._count()
            self._grid, self._blocks = grid, chunk.blocks
        longest = max(chunk.steps, min(_LONGEST, chunk.of, _BYTES // (self._tiles * lanes * self.bins.shape[3])))
        if self.bins.shape[1] != lanes or self.bins.shape[2] < chunk.steps:
            self.bins = np.zeros((self._tiles, lanes, longest, self.bins.shape[3]), np.uint8)
        at = self._steps
        self._at.append(at)
        self._offsets.append(chunk.positions - grid.start)
        self._steps += chunk.steps
        return at

    def counted(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Every chunk's counts: total [block, unit, bin] and positive [block, span_feature, unit, bin]."""
        self._count()
        return self._total[:, : self._units], self._positive[:, :, : self._units]

    def _count(self) -> None:
        from cellscope.sinks import kernels

        if not self._steps or self._grid is None:
            return
        spans, steps, blocks = self._grid.spans, self._steps, self._blocks
        lanes = len(blocks)
        index = np.empty((lanes, len(spans), steps + 1), np.uint16 if steps < 2**16 else np.uint32)
        counts = np.empty((lanes, len(spans)), np.int32)
        offsets, at = np.stack(self._offsets), np.array(self._at)
        in_shares(lanes, lambda a, b: kernels.listed(spans, offsets, at, steps, index, counts, a, b))

        def share(first: int, last: int) -> None:
            kernels.count(self.bins, steps, blocks, index, counts, self._total, self._positive, first, last)

        in_shares(self._tiles, share, grain=1, each=4)
        self._steps, self._at, self._offsets, self._grid = 0, [], [], None
