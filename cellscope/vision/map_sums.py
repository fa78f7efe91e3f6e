"""What a map is like as a whole: sums over its places and about its peak, in one reading of the maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.parallel import in_shares

Floats = NDArray[np.float64]
WINDOW = 3
"""Rows and columns about a map's peak whose share of its energy is its locality."""


@dataclass(frozen=True)
class MapSums:
    """Of every map float64 [picture, unit]: how many of its numbers are 0, the sums of |x|, of x^2, and of x^2 in the
    3 x 3 places about its largest |x|, the smallest and the largest x (NaN where it holds one).

    At the edge the window is moved inwards, so that it is always of one size; a map may be smaller than it.
    """

    places: int
    zeros: Floats
    sizes: Floats
    squares: Floats
    near: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, maps: NDArray[np.floating]) -> MapSums:
        """The sums of maps [picture, unit, row, column]."""
        laid = np.ascontiguousarray(maps)
        sums = np.empty((6, *laid.shape[:2]))
        in_shares(len(laid), lambda first, last: _read(laid, first, last, sums), grain=1)
        return cls(laid.shape[2] * laid.shape[3], *sums)

    def density(self) -> Floats:
        """Treves and Rolls' a = mean(|x|)^2 / mean(x^2) over all the numbers of a picture (1991), [picture]; 0 where
        all are 0.
        """
        numbers = self.zeros.shape[1] * self.places
        squares = self.squares.sum(1) / numbers
        means = self.sizes.sum(1) / numbers
        made: Floats = np.divide(means * means, squares, out=squares.copy(), where=squares > 0)
        return made

    def locality(self) -> tuple[Floats, NDArray[np.bool_]]:
        """The share of each map's energy that lies about its peak, and whether the map is not all zero, each [picture,
        unit]. Without places the share is 1.
        """
        live = self.squares > 0
        return np.divide(self.near, self.squares, out=self.squares.copy(), where=live), live


@numba.njit(nogil=True, cache=True)
def _read(maps: Any, first: int, last: int, sums: Any) -> None:
    """Fill sums [6, picture, unit] of some of the pictures."""
    units, rows, columns = maps.shape[1:]
    tall, wide = min(WINDOW, rows), min(WINDOW, columns)
    for picture in range(first, last):
        for unit in range(units):
            own = maps[picture, unit]
            zeros, sizes, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
            most, row, column = -1.0, 0, 0
            for r in range(rows):
                for c in range(columns):
                    x = np.float64(own[r, c])
                    zeros += x == 0
                    sizes += abs(x)
                    squares += x * x
                    low, high = min(low, x), max(high, x)
                    if abs(x) > most:
                        most, row, column = abs(x), r, c
            top = min(max(row - tall // 2, 0), rows - tall)
            left = min(max(column - wide // 2, 0), columns - wide)
            near = 0.0
            for r in range(top, top + tall):
                for c in range(left, left + wide):
                    near += np.float64(own[r, c]) ** 2
            if np.isnan(sizes):
                low = high = np.nan
            sums[0, picture, unit], sums[1, picture, unit], sums[2, picture, unit] = zeros, sizes, squares
            sums[3, picture, unit], sums[4, picture, unit], sums[5, picture, unit] = near, low, high
