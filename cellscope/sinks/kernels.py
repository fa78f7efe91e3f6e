"""The counting loops: activations to bins, and bins to tables, one cache-sized tile at a time.

Everything is arranged around memory: a tile is copied unit by unit, so that a search runs along contiguous steps, and
the tables keep all that one unit needs in one place.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

TILE = 32
FOUR = 4
"""Units that are counted side by side."""
PAD = 16
"""A row of a tile is this much longer than its steps, so that rows do not fall upon one another in the cache."""
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
_summing = numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")
i32, f32 = np.int32, np.float32


@_compiled
def positives(spans: Any, offsets: Any, steps: int, index: Any, count: Any, first: int, last: int) -> None:
    """List the labelled steps of lanes first..last: `index` [lane, feature, step], `count` [lane, feature].

    Where more than half of the steps are labelled the others are listed instead, and the count is -1 - their number.
    """
    for lane in range(first, last):
        start = offsets[lane]
        for f in range(spans.shape[0]):
            row, out = spans[f, start : start + steps], index[lane, f]
            total = 0
            for t in range(steps):
                total += row[t]
            listed = total * 2 <= steps
            n = 0
            if 0 < total < steps:
                for t in range(steps):
                    out[n] = t
                    n += row[t] == listed
            count[lane, f] = n if listed else -1 - n


@_compiled
def around(labels: Any, rows: Any, lags: Any, out: Any, first: int, last: int) -> None:
    """Labels [feature, position] at each row less each lag: out [feature, lag, row], for rows first..last."""
    for f in range(labels.shape[0]):
        for k in range(lags.shape[0]):
            for r in range(first, last):
                out[f, k, r] = labels[f, rows[r] - lags[k]]


@_compiled
def _search(values: Any, edges: Any, bins: Any) -> None:
    """The number of edges [BINS] (the last is infinite) at or below each value [step]: 15 comparisons, then a search
    among 8.
    """
    e = edges
    c0, c1, c2, c3, c4, c5, c6, c7 = e[7], e[15], e[23], e[31], e[39], e[47], e[55], e[63]
    c8, c9, c10, c11, c12, c13, c14 = e[71], e[79], e[87], e[95], e[103], e[111], e[119]
    for t in range(values.shape[0]):
        x = values[t]
        a = i32(x >= c0) + i32(x >= c1) + i32(x >= c2) + i32(x >= c3) + i32(x >= c4) + i32(x >= c5) + i32(x >= c6)
        b = i32(x >= c8) + i32(x >= c9) + i32(x >= c10) + i32(x >= c11) + i32(x >= c12) + i32(x >= c13) + i32(x >= c14)
        bins[t] = i32(8) * (a + i32(x >= c7) + b)
    for t in range(values.shape[0]):
        x, b = values[t], bins[t]
        b += i32(4) * i32(x >= e[b + 3])
        b += i32(2) * i32(x >= e[b + 1])
        b += i32(x >= e[b])
        bins[t] = b


@_summing
def _sum(values: Any, powers: Any) -> None:
    """Add the sum of values [step] and of their squares to `powers`, in runs of 64 so that float32 keeps its digits."""
    steps = values.shape[0]
    for start in range(0, steps, 64):
        total, square = f32(0), f32(0)
        for t in range(start, min(start + 64, steps)):
            total += values[t]
            square += values[t] * values[t]
        powers[0] += total
        powers[1] += square


@_compiled
def _count(bins: Any, unit: int, block: int, lane: int, index: Any, counts: Any, total: Any, positive: Any) -> None:
    """Add the bins [FOUR, step] of four units to `total` [unit, block, bin] and `positive` [unit, block, feature, bin].

    Four at a time, because a unit that stays in one bin would wait for its own last update at every step.
    """
    here = np.zeros((FOUR, total.shape[2]), np.int32)
    b0, b1, b2, b3 = bins[0], bins[1], bins[2], bins[3]
    h0, h1, h2, h3 = here[0], here[1], here[2], here[3]
    for t in range(bins.shape[1]):
        h0[b0[t]] += i32(1)
        h1[b1[t]] += i32(1)
        h2[b2[t]] += i32(1)
        h3[b3[t]] += i32(1)
    total[unit : unit + FOUR, block] += here
    for f in range(positive.shape[2]):
        n = counts[lane, f]
        if n == 0:
            continue
        listed, step = index[lane, f], i32(1)
        if n < 0:
            n, step = -1 - n, i32(-1)
            positive[unit : unit + FOUR, block, f] += here
        r0, r1 = positive[unit, block, f], positive[unit + 1, block, f]
        r2, r3 = positive[unit + 2, block, f], positive[unit + 3, block, f]
        for j in range(n):
            t = listed[j]
            r0[b0[t]] += step
            r1[b1[t]] += step
            r2[b2[t]] += step
            r3[b3[t]] += step


@_compiled
def _count_one(bins: Any, unit: int, block: int, lane: int, index: Any, counts: Any, total: Any, positive: Any) -> None:
    """`_count` of the bins [step] of one unit, for those that are left over at the end of a site."""
    here = np.zeros(total.shape[2], np.int32)
    for t in range(bins.shape[0]):
        here[bins[t]] += i32(1)
    total[unit, block] += here
    for f in range(positive.shape[2]):
        n, row = counts[lane, f], positive[unit, block, f]
        if n < 0:
            row += here
        step = i32(1) if n > 0 else i32(-1)
        for j in range(n if n > 0 else -1 - n if n < 0 else 0):
            row[bins[index[lane, f, j]]] += step


@_compiled
def tally(
    values: Any,
    blocks: Any,
    edges: Any,
    ranks: Any,
    index: Any,
    counts: Any,
    total: Any,
    positive: Any,
    inside: Any,
    powers: Any,
    stride: int,
    kept: Any,
    first: int,
    last: int,
) -> None:
    """Count units first..last of `values` [step, lane, unit] into the tables, a unit's rows side by side in memory.

    total [unit, block, bin] and positive [unit, block, feature, bin] count every step; inside [unit, bin, 2] (count and
    sum in a bin) and the ranks that go to `kept` [step, lane, unit] are of every `stride`-th; powers [unit, block, 2].
    """
    steps, lanes, _ = values.shape
    tile = np.empty((TILE, steps + PAD), np.float32)
    bins = np.zeros((FOUR, steps), np.int32)
    for unit in range(first, last, TILE):
        width = min(TILE, last - unit)
        for lane in range(lanes):
            for t in range(steps):
                for k in range(width):
                    tile[k, t] = values[t, lane, unit + k]
            block = blocks[lane]
            for k in range(0, width, FOUR):
                some = min(FOUR, width - k)
                for i in range(some):
                    u, row = unit + k + i, tile[k + i, :steps]
                    _search(row, edges[u], bins[i])
                    _sum(row, powers[u, block])
                    sums, rank = inside[u], ranks[u]
                    for t in range(0, steps, stride):
                        b = bins[i, t]
                        sums[b, 0] += 1
                        sums[b, 1] += row[t]
                        row[t // stride] = rank[b]
                if some == FOUR:
                    _count(bins, unit + k, block, lane, index, counts, total, positive)
                else:
                    for i in range(some):
                        _count_one(bins[i], unit + k + i, block, lane, index, counts, total, positive)
            for t in range((steps + stride - 1) // stride):
                for k in range(width):
                    kept[t, lane, unit + k] = tile[k, t]
