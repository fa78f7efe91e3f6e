"""The counting loops: activations to bins, and bins to tables, sixteen units side by side.

Everything is arranged around memory. Activations are read once, in the order in which they lie, and leave a byte each.
The bytes wait until there are many steps of them, because a table is far larger than a cache: the longer a lane it is
given, the less often it is fetched.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from cellscope.sinks.cells import cells
from cellscope.sinks.quantise import BINS

TILE = 16
"""Units that are binned and counted side by side: one line of memory, one wide register."""
RUN = 256
"""Steps of a lane that are binned at a time: what is in between stays in the nearest cache."""
SUM = 64
"""Steps over which float32 sums keep their digits."""
FAR = 4
"""Bins on either side that lie clearly beyond the extremes of the sample: by 3 % of its range, and more."""
LOOK = 64
"""Labels that are looked at together: most stretches of a text have none."""
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
f32, i32, u8 = np.float32, np.int32, np.uint8


@_compiled
def _search(values: Any, edges: Any, bins: Any) -> None:
    """The number of edges [BINS - 1], ascending, at or below each value, into `bins` [value].

    Seven halvings without a branch: a trained unit's values lie so evenly among its edges that no guess of the
    processor would hold, and each wrong one costs more than all seven.
    """
    for t in range(values.shape[0]):
        value, low = values[t], np.int64(0)
        low += (edges[63] <= value) * 64
        low += (edges[low + 31] <= value) * 32
        low += (edges[low + 15] <= value) * 16
        low += (edges[low + 7] <= value) * 8
        low += (edges[low + 3] <= value) * 4
        low += (edges[low + 1] <= value) * 2
        low += edges[low] <= value
        bins[t] = low


@_compiled
def _sum(values: Any, middle: Any, sums: Any, powers: Any, width: int) -> None:
    """Add the sums of values [step, TILE] less `middle` [TILE] and of their squares to `powers` [unit, 2] of the first
    `width` units.

    `sums` is float32 [2, TILE], to work with.
    """
    total, square = sums[0], sums[1]
    for start in range(0, values.shape[0], SUM):
        for k in range(TILE):
            total[k] = f32(0)
            square[k] = f32(0)
        stop = min(start + SUM, values.shape[0])
        for t in range(start, stop - 3, 4):  # four at once: each addition waits for the one before
            for k in range(TILE):
                m = middle[k]
                a, b, c, d = values[t, k] - m, values[t + 1, k] - m, values[t + 2, k] - m, values[t + 3, k] - m
                total[k] += (a + b) + (c + d)
                square[k] += (a * a + b * b) + (c * c + d * d)
        for t in range(start + (stop - start) // 4 * 4, stop):
            for k in range(TILE):
                a = values[t, k] - middle[k]
                total[k] += a
                square[k] += a * a
        for k in range(width):
            powers[k, 0] += total[k]
            powers[k, 1] += square[k]


@_compiled
def _any_far(bins: Any) -> Any:
    """Whether any of bins [value] is a far one."""
    farthest = u8(0)
    for b in bins:
        farthest = max(farthest, u8(b - u8(FAR)))  # the lowest bins wrap round to the highest
    return farthest >= BINS - 2 * FAR


@_compiled
def _add_far(bins: Any, x: Any, middle: Any, inside: Any, g: int, width: int) -> None:
    """Count and sum the values in the far bins at every step of [step, TILE]: few, and far from one another, so that a
    rare feature's mean hangs on each.
    """
    for t in range(bins.shape[0]):
        for k in range(width):
            b = bins[t, k]
            if b < FAR or b >= BINS - FAR:
                inside[g + k, b, 0] += 1
                inside[g + k, b, 1] += x[t, k] - middle[k]


@_compiled
def to_bins(
    values: Any,
    blocks: Any,
    base: int,
    edges: Any,
    ranks: Any,
    centre: Any,
    scale: Any,
    bin_of: Any,
    searched: Any,
    middle: Any,
    at: int,
    waiting: Any,
    inside: Any,
    powers: Any,
    stride: int,
    kept: Any,
    first: int,
    last: int,
) -> None:
    """Bin lanes first..last of one site's `values` [lane, step, unit], whose unit 0 is unit `base` of everything else.

    All units of a stretch of a lane one after the other: its lines of memory are fetched once, for all of them.

    waiting  uint8 [tile, lane, step, TILE], written from step `at` on
    kept     [lane, step, unit], the rank, of every `stride`-th step
    inside   [unit, bin, 2], count and sum in a bin, of every `stride` squared-th step, of the far bins of every step
    powers   [block, unit, 2], sums and sums of squares
    middle   [unit], taken off the activations before they are summed
    """
    _, steps, units = values.shape
    x, sparse = np.zeros((RUN, TILE), np.float32), stride * stride
    cell, flat = np.empty((RUN, TILE), np.int32), np.zeros(RUN * TILE, np.uint8)
    bins = flat.reshape((RUN, TILE))
    c, s = np.zeros(TILE, np.float32), np.ones(TILE, np.float32)
    sums = np.empty((2, TILE), np.float32)
    look_up = np.zeros((TILE, bin_of.shape[1]), np.uint8)
    for lane in range(first, last):
        for start in range(0, steps, RUN):
            many = min(RUN, steps - start)
            u = 0
            while u < units:
                tile, column = (base + u) // TILE, (base + u) % TILE
                width = min(TILE - column, units - u)
                g = base + u
                for t in range(many):
                    for k in range(width):
                        x[t, k] = values[lane, start + t, u + k]
                for k in range(width):
                    c[k], s[k] = centre[g + k], scale[g + k]
                cells(x[:many], c, s, cell[:many])
                if width == TILE:
                    here = bin_of[g : g + TILE]
                else:
                    here = look_up
                    here[:width] = bin_of[g : g + width]
                for t in range(many):
                    for k in range(TILE):
                        bins[t, k] = here[k, cell[t, k]]
                for k in range(width):
                    if searched[g + k]:
                        _search(x[:many, k], edges[g + k], bins[:many, k])
                out = waiting[tile, lane]
                if width == TILE:
                    for t in range(many):
                        for k in range(TILE):
                            out[at + start + t, k] = bins[t, k]
                else:
                    for t in range(many):
                        for k in range(width):
                            out[at + start + t, column + k] = bins[t, k]
                for k in range(width):
                    c[k] = middle[g + k]
                _sum(x[:many], c, sums, powers[blocks[lane], g : g + width], width)
                for t in range((-start) % stride, many, stride):
                    row = kept[lane, (start + t) // stride]
                    for k in range(width):
                        row[g + k] = ranks[g + k, bins[t, k]]
                for t in range((-start) % sparse, many, sparse):
                    for k in range(width):
                        if FAR <= bins[t, k] < BINS - FAR:
                            inside[g + k, bins[t, k], 0] += 1
                            inside[g + k, bins[t, k], 1] += x[t, k] - c[k]
                if _any_far(flat[: many * TILE]):
                    _add_far(bins[:many], x, c, inside, g, width)
                u += width


@_compiled
def listed(spans: Any, offsets: Any, at: Any, steps: int, index: Any, count: Any, first: int, last: int) -> None:
    """List the labelled steps of lanes first..last: `index` [lane, feature, step], `count` [lane, feature].

    Chunk c of a lane begins at step at[c] of the lane and at column offsets[c, lane] of `spans`. Where more than half
    of the steps are labelled the others are listed instead, and the count is -1 - their number.
    """
    chunks = at.shape[0]
    for lane in range(first, last):
        for f in range(spans.shape[0]):
            out, total = index[lane, f], 0
            for c in range(chunks):
                many = (at[c + 1] if c + 1 < chunks else steps) - at[c]
                row = spans[f, offsets[c, lane] : offsets[c, lane] + many]
                for t in range(many):
                    total += row[t]
            wanted = total * 2 <= steps
            n = 0
            if 0 < total < steps:
                for c in range(chunks):
                    many = (at[c + 1] if c + 1 < chunks else steps) - at[c]
                    row = spans[f, offsets[c, lane] : offsets[c, lane] + many]
                    for t in range(many):
                        out[n] = at[c] + t
                        n += row[t] == wanted
            count[lane, f] = n if wanted else -1 - n


@_compiled
def count(
    waiting: Any, steps: int, blocks: Any, index: Any, counts: Any, total: Any, positive: Any, first: int, last: int
) -> None:
    """Count the first `steps` waiting steps of tiles first..last of `waiting` [tile, lane, step, TILE].

    total [block, unit, bin] and positive [block, feature, unit, bin], units filled up to whole tiles.
    """
    here = np.zeros((TILE, total.shape[2]), np.int32)
    for tile in range(first, last):
        units = slice(tile * TILE, (tile + 1) * TILE)
        for lane in range(waiting.shape[1]):
            bins = waiting[tile, lane]
            here[:] = 0
            for t in range(steps):
                for k in range(TILE):
                    here[k, bins[t, k]] += i32(1)
            total[blocks[lane], units] += here
            for f in range(positive.shape[1]):
                n, step = counts[lane, f], i32(1)
                if n == 0:
                    continue
                table, picked = positive[blocks[lane], f, units], index[lane, f]
                if n < 0:
                    n, step = -1 - n, i32(-1)
                    table += here
                for j in range(n):
                    t = picked[j]
                    for k in range(TILE):
                        table[k, bins[t, k]] += step


@_compiled
def around(
    spans: Any, rows: Any, inner: Any, stride: int, reach: int, x: Any, sums: Any, counts: Any, first: int, last: int
) -> None:
    """Add x[lane, row] to sums [feature, lag, unit] for every label of features first..last within reach of the row.

    rows    [lane, row], columns of `spans` [feature, position], `stride` apart; those that are not `inner` are left out
    counts  [feature, lag], how many rows were added; lag k - reach is that of a label so many columns before the row
    """
    lanes, many = rows.shape
    for f in range(first, last):
        for lane in range(lanes):
            start = rows[lane, 0]
            low, high = max(0, start - reach), min(spans.shape[1], start + (many - 1) * stride + reach + 1)
            for block in range(low, high, LOOK):
                any_, stop = u8(0), min(block + LOOK, high)
                for column in range(block, stop):
                    any_ |= spans[f, column]
                for column in range(block, stop if any_ else block):
                    if spans[f, column] == 0:
                        continue
                    away = column - start
                    for r in range(max(0, -((reach - away) // stride)), min(many - 1, (away + reach) // stride) + 1):
                        if inner[lane, r]:
                            k = r * stride - away + reach
                            counts[f, k] += 1
                            out, row = sums[f, k], x[lane, r]
                            for u in range(out.shape[0]):
                                out[u] += row[u]
