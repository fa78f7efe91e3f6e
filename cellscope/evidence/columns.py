"""What rows of numbers alone give away: the best prediction of a concept from one of their columns, without a network.

A unit that reads a row and tells a class no better than the best single column does has shown nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.chunks import Chunk
from cellscope.scores.association import auroc
from cellscope.scores.correlation import pearson
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.tally import Tally

Floats = NDArray[np.float64]
TYPED = 8
"""Columns, evenly spread, that make the type of a row, at most: 256 types."""


class Columns:
    """Counts of every column against every concept; `own` is the column of each numeric concept.

    Column and direction are chosen on the choosing half and scored on the reporting half, as units are. A column is no
    prediction of itself: a numeric concept is predicted from the others.
    """

    def __init__(self, spans: int, own: Sequence[int], blocks: int) -> None:
        self.spans, self.own, self.blocks = spans, tuple(own), blocks
        self._tally: Tally | None = None

    def add(self, chunk: Chunk, rows: NDArray[np.float32], grid: LabelGrid) -> None:
        """Count rows [row, column], which are the lanes of a chunk of one step."""
        if self._tally is None:
            self._tally = Tally(Quantiser.from_sample(rows), self.spans, len(self.own), self.blocks)
        values = {Site("row"): np.ascontiguousarray(rows[None])}
        self._tally.add(Chunk(chunk.positions, chunk.blocks, values, 0, 1), grid)

    def aucs(self) -> tuple[Floats, Floats]:
        """Held-out AUC of the best column, twice (there are no neighbours to read with it), each [span_feature]."""
        assert self._tally is not None
        (total, positive), (total_b, positive_b) = self._tally.half(0), self._tally.half(1)
        chosen, reported = auroc(positive, total[None]), auroc(positive_b, total_b[None])
        best = np.abs(chosen - 0.5).argmax(1)[:, None]
        up = np.take_along_axis(chosen, best, 1) >= 0.5
        score = np.take_along_axis(reported, best, 1)
        made: Floats = np.where(up, score, 1 - score)[:, 0]
        return made, made

    def correlations(self) -> tuple[Floats, Floats]:
        """Held-out rank correlation of the best other column, twice, each [numeric_feature]."""
        assert self._tally is not None
        chosen, reported = (self._ranked(parity) for parity in (0, 1))
        if not len(self.own) or chosen.shape[1] < 2:
            return np.zeros(len(self.own)), np.zeros(len(self.own))
        chosen[np.arange(len(self.own)), self.own] = 0.0
        best = np.abs(chosen).argmax(1)[:, None]
        sign = np.where(np.take_along_axis(chosen, best, 1) >= 0, 1.0, -1.0)
        made: Floats = (np.take_along_axis(reported, best, 1) * sign)[:, 0]
        return made, made

    def _ranked(self, parity: int) -> Floats:
        """Spearman's correlation of every numeric concept with every column, [numeric_feature, column]."""
        assert self._tally is not None
        moments, labels = (x[parity::2].sum(0) for x in (self._tally.products, self._tally.numbers))
        rank, rr, qr = (moments[..., k] for k in (3, 4, 5))
        n, q, qq = (labels[:, [k]] for k in (0, 3, 4))
        return pearson(n, rank, rr, q, qq, qr)


def row_types(rows: NDArray[np.float32], middle: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The type of every row [row]: which of TYPED columns lie above `middle` [column]."""
    count = rows.shape[1]
    some = np.unique(np.linspace(0, count - 1, min(TYPED, count)).astype(np.int64))
    high = (rows[:, some] > middle[some]).astype(np.uint64)
    made: NDArray[np.uint64] = high @ (np.uint64(1) << np.arange(len(some), dtype=np.uint64))
    return made
