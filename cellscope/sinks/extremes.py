"""The k greatest (or least) values of every unit, and where they were, in memory that does not grow."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_compiled = numba.njit(nogil=True, cache=True)


class Extremes:
    """Of every unit the `kept` greatest values (or with `least` the least) with picture and place, best first.

    Pictures come in the order of their numbers; of equal values the earlier picture's is the better one.
    """

    def __init__(self, units: int, kept: int, *, least: bool = False) -> None:
        self.least = least
        self._keys = np.full((units, kept), -np.inf, np.float32)
        self.pictures: NDArray[np.int64] = np.full((units, kept), -1, np.int64)
        self.places: NDArray[np.int64] = np.full((units, kept), -1, np.int64)

    @property
    def values(self) -> NDArray[np.float32]:
        """[unit, rank]; infinite where there is nothing yet, and there pictures and places are -1."""
        return -self._keys if self.least else self._keys

    def enters(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which values [picture, unit] may be kept; the places of the others need not be looked for."""
        made: NDArray[np.bool_] = (-values if self.least else values) > self._keys[:, -1]
        return made

    def add(
        self,
        values: NDArray[np.float32],
        units: NDArray[np.int64],
        pictures: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> None:
        """Offer finite values [n] of these units, seen in these pictures at these places (row after row)."""
        keys = -values if self.least else values
        _insert(self._keys, self.pictures, self.places, keys, units, pictures, places)


@_compiled
def _insert(keys: Any, pictures: Any, places: Any, values: Any, units: Any, numbers: Any, where: Any) -> None:
    """Put every value that beats its unit's last into the unit's list, behind those that are at least as great."""
    last = keys.shape[1] - 1
    for n in range(values.shape[0]):
        unit, value, at = units[n], values[n], last
        if value <= keys[unit, last]:
            continue
        while at > 0 and keys[unit, at - 1] < value:
            keys[unit, at] = keys[unit, at - 1]
            pictures[unit, at] = pictures[unit, at - 1]
            places[unit, at] = places[unit, at - 1]
            at -= 1
        keys[unit, at], pictures[unit, at], places[unit, at] = value, numbers[n], where[n]
