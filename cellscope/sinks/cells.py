"""Cells: a fixed, fast, monotone map from an activation to one of `CELLS` numbers, in which bins are looked up.

A cell's width grows with the distance from the unit's centre, 128 cells an octave of 1 + distance / scale, because that
is read off the bits of a float: sixteen values at a time, where a search among edges would have to jump.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

OCTAVES = 8
HALF = 128 * OCTAVES
CELLS = 2 * HALF
_ONE = np.int32(0x3F800000)
_MOST = np.float32(2.0**OCTAVES)
f32, i32 = np.float32, np.int32

# Not "fast math": edges are found by this very arithmetic, so every compiled copy must round alike.
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def cells(values: Any, centre: Any, scale: Any, out: Any) -> None:
    """The cell of every value [row, column] into `out` [row, column]; centre and scale (inverse) are of a column."""
    rows, columns = values.shape
    for r in range(rows):
        for c in range(columns):
            away = values[r, c] - centre[c]
            bits = f32(min(abs(away) * scale[c] + f32(1), _MOST)).view(np.int32)
            k = min(max((bits - _ONE) >> i32(16), i32(0)), i32(HALF - 1))  # whatever a NaN's bits are
            out[r, c] = i32(HALF) + k if away >= f32(0) else i32(HALF - 1) - k


def cells_of(values: NDArray[np.float32], centre: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.int32]:
    """The cells of one unit's values [value]; centre and scale are float32 [1]."""
    column = values[:, None]
    out = np.empty(column.shape, np.int32)
    cells(column, centre, scale, out)
    return out[:, 0]


@_compiled
def _cell(value: Any, centre: Any, scale: Any, one: Any, out: Any) -> Any:
    one[0, 0] = value
    cells(one, centre, scale, out)
    return out[0, 0]


@_compiled
def _ordered(bits: Any) -> Any:
    """The bits of a float as a number that keeps its order; its own inverse."""
    return bits if bits >= 0 else np.int64(-(2**31)) - bits


@_compiled
def snap(edges: Any, centre: Any, scale: Any, snapped: Any, bins: Any) -> None:
    """Move each edge of a unit down to where its cell begins.

    edges, snapped  float32 [edge], ascending
    centre, scale   float32 [1]
    bins            uint8 [CELLS], the number of snapped edges at or below each cell
    """
    one, out = np.empty((1, 1), np.float32), np.empty((1, 1), np.int32)
    as_bits = one.view(np.int32)
    bins[:] = 0
    one[0, 0] = f32(-3.4028235e38)
    low, before = _ordered(np.int64(as_bits[0, 0])) - 1, -1
    for e in range(edges.shape[0]):
        cell = _cell(edges[e], centre, scale, one, out)
        bins[cell] += 1
        if cell == before:
            snapped[e] = snapped[e - 1]
            continue
        # Floats are ordered as their bits are, so halving the bits finds the first float of the cell.
        one[0, 0] = edges[e]
        high = last = _ordered(np.int64(as_bits[0, 0]))
        while high - low > 1:
            middle = (low + high) // 2
            as_bits[0, 0] = _ordered(middle)
            if _cell(one[0, 0], centre, scale, one, out) >= cell:
                high = middle
            else:
                low = middle
        as_bits[0, 0] = _ordered(high)
        snapped[e], low, before = one[0, 0], last, cell
    for k in range(1, CELLS):
        bins[k] += bins[k - 1]
