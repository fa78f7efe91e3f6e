"""How often each context occurs in every reporting block, and each label there.

A block has few of the contexts and a context few of the labels: what does not occur takes no room. On code and prose
all blocks together take less than one table of every label and context would; in a text whose every block has most of
the contexts they take twice that, and never more than all contexts in all blocks would.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.intervals import Replicates, replicates
from cellscope.scores.correlation import pearson
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.merging import added_up

Floats = NDArray[np.float64]
Stretch = tuple[int, NDArray[np.int64], LabelGrid]
"""A block, the contexts of its positions, and their labels."""


@numba.njit(nogil=True, cache=True)
def _gather(contexts: Any, used: int, spans: Any, rank: Any, mask: Any) -> Any:
    """The counts of one stretch by row and context, as lists of what is not 0: entries in each row, their contexts,
    their counts; then the contexts, the sums of ranks [number, context], and n and the sums of the ranks and of their
    squares [number, 3]. Rows: every position, each span, each number.
    """
    place = np.full(used, -1, np.int32)
    for t in range(len(contexts)):
        if contexts[t] >= 0:
            place[contexts[t]] = 0
    known = np.flatnonzero(place == 0).astype(np.int32)
    many = len(known)
    for k in range(many):
        place[known[k]] = k
    here = np.empty(len(contexts), np.int32)  # what has no context is counted in a place that nobody reads
    for t in range(len(contexts)):
        here[t] = place[contexts[t]] if contexts[t] >= 0 else many
    features, numbers = len(spans), len(rank)
    size = np.zeros(1 + features + numbers, np.int64)
    column, count = np.empty(many, np.int32), np.empty(many, np.int32)
    now, total, end = np.zeros(many + 1, np.int32), np.zeros((numbers, many + 1)), 0
    squares = np.zeros((numbers, 3))
    for row in range(len(size)):
        if row == 0:
            for t in range(len(here)):
                now[here[t]] += 1
        elif row <= features:
            for t in range(len(here)):
                if spans[row - 1, t]:
                    now[here[t]] += 1
        else:
            n = row - 1 - features
            for t in range(len(here)):
                if mask[n, t]:
                    y = np.float64(rank[n, t])
                    now[here[t]] += 1
                    total[n, here[t]] += y
                    if contexts[t] >= 0:
                        squares[n, 0] += 1
                        squares[n, 1] += y
                        squares[n, 2] += y * y
        if end + many > len(column):
            column = np.append(column, np.empty(end + many, np.int32))
            count = np.append(count, np.empty(end + many, np.int32))
        first = end
        for k in range(many):
            if now[k]:
                column[end], count[end] = known[k], now[k]
                end += 1
        now[:] = 0
        size[row] = end - first
    return size, column[:end].copy(), count[:end].copy(), known, total[:, :many], squares


@numba.njit(nogil=True, cache=True)
def _left_out(level: Any, table: Any, starts: Any, column: Any, count: Any, row: int, rows: int, left: Any) -> None:
    """The AUC without each block, and of all, left [block + 1], of a prediction that is `level` [context]; `table`
    [level, label on or any, block] is zero.
    """
    blocks = table.shape[2]
    for b in range(blocks):
        for which, own in ((0, row), (1, 0)):
            for k in range(starts[b * rows + own], starts[b * rows + own + 1]):
                table[level[column[k]], which, b] += count[k]
    hits, offs, wins = np.zeros(blocks + 1), np.zeros(blocks + 1), np.zeros(blocks + 1)
    for k in range(len(table)):
        on, every = 0, 0
        for b in range(blocks):
            on += table[k, 0, b]
            every += table[k, 1, b]
        for b in range(blocks):
            hit = np.float64(on - table[k, 0, b])
            off = np.float64(every - table[k, 1, b]) - hit
            wins[b] += hit * (offs[b] + off / 2)
            offs[b] += off
            hits[b] += hit
        wins[blocks] += on * (offs[blocks] + (every - on) / 2)
        offs[blocks] += every - on
        hits[blocks] += on
    for b in range(blocks + 1):
        left[b] = wins[b] / (hits[b] * offs[b]) if hits[b] * offs[b] > 0 else 0.5


@numba.njit(nogil=True, cache=True)
def _weighed(weights: Any, starts: Any, column: Any, values: Any, row: int, rows: int, made: Any) -> None:
    """Each block's sum of the values of a row, times the weight of their context, added to made [block]."""
    for b in range(len(made)):
        for k in range(starts[b * rows + row], starts[b * rows + row + 1]):
            made[b] += weights[column[k]] * values[k]


class ContextBlocks:
    """Counts of `blocks` blocks: of positions, of those with each span, and of those that count for each number, by
    context; a sum over stretches, in whatever order they come.

    counts   sparse int32 [block x row, context]; row 0 has all positions, then come the spans and the numbers
    sums     sparse float64 [block x number, context], of the ranks
    squares  float64 [block, number, 3], n and the sums of the ranks and of their squares
    """

    def __init__(self, spans: int, numerics: int, blocks: int, limit: int) -> None:
        self.spans, self.numerics, self.blocks, self.limit = spans, numerics, blocks, limit
        self.counts = self._sparse(self.rows, np.zeros((blocks, self.rows), np.int64), [], [], np.int32)
        self.sums = self._sparse(numerics, np.zeros((blocks, numerics), np.int64), [], [], np.float64)
        self.squares = np.zeros((blocks, numerics, 3))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Blocks, spans and numbers."""
        return self.blocks, self.spans, self.numerics

    @property
    def rows(self) -> int:
        """Rows of a block."""
        return 1 + self.spans + self.numerics

    def add(self, stretches: Iterable[Stretch], used: int) -> None:
        """Count stretches, those of earlier blocks first; contexts are numbers below `used`, or -1 for none."""
        size = np.zeros((self.blocks, self.rows), np.int64)
        wide = np.zeros((self.blocks, self.numerics), np.int64)
        column, count, where, total = [], [], [], []
        for block, contexts, grid in stretches:
            made = _gather(contexts, used, grid.spans, grid.rank, grid.mask)
            size[block], columns, counts, known, ranks, squares = made
            wide[block] = len(known)
            column.append(columns)
            count.append(counts)
            where += [known] * self.numerics
            total.append(ranks.ravel())
            self.squares[block] += squares
        self.counts = self.counts + self._sparse(self.rows, size, column, count, np.int32)
        self.sums = self.sums + self._sparse(self.numerics, wide, where, total, np.float64)

    def merge(self, other: ContextBlocks, places: NDArray[np.int64]) -> ContextBlocks:
        """Both together, in place of this one; `places` are the numbers here of the contexts there, -1 for none."""
        added_up(self, other, ("squares",), ("shape",))
        for name in ("counts", "sums"):
            theirs = getattr(other, name).tocoo()
            column = places[theirs.col]
            kept = column >= 0
            own = getattr(self, name)
            moved = type(theirs)((theirs.data[kept], (theirs.row[kept], column[kept])), shape=own.shape)
            setattr(self, name, own + moved.tocsr())
        return self

    def _sparse(self, rows: int, size: NDArray[np.int64], columns: list[Any], values: list[Any], kind: Any) -> Any:
        """The matrix of entries that are listed by block, row and context; `size` [block, row] says how many."""
        from scipy.sparse import csr_array

        column = np.concatenate([np.zeros(0, np.int32), *columns])
        value = np.concatenate([np.zeros(0, kind), *values])
        starts = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
        return csr_array((value, column, starts), shape=(self.blocks * rows, self.limit))

    def seen(self, used: int) -> NDArray[np.int64]:
        """How often each context occurs [context]."""
        return self.on(-1, used)

    def on(self, span: int, used: int) -> NDArray[np.int64]:
        """How often each context occurs with a span [context]."""
        made = np.zeros(used, np.int64)
        for b in range(self.blocks):
            row = slice(*self.counts.indptr[b * self.rows + 1 + span :][:2])
            made[self.counts.indices[row]] += self.counts.data[row]
        return made

    def left_out(self, span: int, level: NDArray[np.int32], levels: int) -> Floats:
        """The AUC of a prediction without each block, and of all, [block + 1]; `level` [context] is its rank."""
        c, table, made = self.counts, np.zeros((levels, 2, self.blocks), np.int32), np.empty(self.blocks + 1)
        _left_out(level, table, c.indptr, c.indices, c.data, 1 + span, self.rows, made)
        return made

    def correlation(self, number: int, guess: Floats) -> Replicates:
        """The correlation of the rank of a number with a prediction [context]."""
        n, y, yy = self.squares[:, number].T
        g, gg, gy = np.zeros((3, self.blocks))
        c, s, row = self.counts, self.sums, 1 + self.spans + number
        _weighed(guess, c.indptr, c.indices, c.data, row, self.rows, g)
        _weighed(guess**2, c.indptr, c.indices, c.data, row, self.rows, gg)
        _weighed(guess, s.indptr, s.indices, s.data, number, self.numerics, gy)
        return replicates(lambda sums: pearson(*sums), [n, g, gg, y, yy, gy])
