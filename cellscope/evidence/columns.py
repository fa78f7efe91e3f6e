"""What rows of numbers alone give away: the best prediction of a concept from one of their columns, without a network.

A unit that reads a row and tells a class no better than the best single column does has shown nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.chunks import Chunk
from cellscope.evidence.intervals import Replicates, replicates
from cellscope.scores.association import auroc
from cellscope.scores.correlation import rank_correlation
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

    def aucs(self) -> tuple[Floats, Replicates]:
        """Held-out AUC of the best column, twice (there are no neighbours to read with it), each [span_feature]; the
        second also without each reporting block.
        """
        assert self._tally is not None
        total, positive = self._tally.half(0)
        chosen = auroc(positive, total[None])
        best, up = _best(np.abs(chosen - 0.5)), chosen >= 0.5
        rows = np.arange(len(best))
        counts = self._tally.positive[1::2][:, rows, best], self._tally.total[1::2][:, best]

        def score(sums: list[Floats]) -> Floats:
            auc = auroc(*(x.astype(np.int64) for x in sums))
            return np.where(up[rows, best], auc, 1 - auc)

        made = replicates(score, [x.astype(np.float64) for x in counts])
        return made.whole, made

    def correlations(self) -> tuple[Floats, Replicates]:
        """Held-out rank correlation of the best other column, twice, each [numeric_feature]; the second also without
        each reporting block.
        """
        assert self._tally is not None
        moments, labels = self._tally.products, self._tally.numbers
        blocks, rows = len(labels[1::2]), np.arange(len(self.own))
        if not len(self.own) or moments.shape[2] < 2:
            return np.zeros(len(rows)), Replicates(np.zeros(len(rows)), np.zeros((blocks, len(rows))))
        chosen = rank_correlation(moments[::2].sum(0), labels[::2].sum(0)[:, None])
        chosen[rows, self.own] = 0.0
        best = _best(np.abs(chosen))
        sign = np.where(chosen[rows, best] >= 0, 1.0, -1.0)
        made = replicates(lambda sums: rank_correlation(*sums) * sign, [moments[1::2][:, rows, best], labels[1::2]])
        return made.whole, made


def _best(worth: Floats) -> NDArray[np.int64]:
    """The best column of every concept [concept]."""
    return np.asarray(worth.argmax(1))


def row_types(rows: NDArray[np.float32], middle: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The type of every row [row]: which of TYPED columns lie above `middle` [column]."""
    count = rows.shape[1]
    some = np.unique(np.linspace(0, count - 1, min(TYPED, count)).astype(np.int64))
    high = (rows[:, some] > middle[some]).astype(np.uint64)
    made: NDArray[np.uint64] = high @ (np.uint64(1) << np.arange(len(some), dtype=np.uint64))
    return made
