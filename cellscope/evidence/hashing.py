"""Open hash tables of 64-bit keys for compiled loops: a key's place is its number, and nothing is ever taken out."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
"""What an empty place holds; no key is this."""
Keys = NDArray[np.uint64]


@numba.njit(nogil=True, cache=True, inline="always")
def place_of(table: Any, key: Any) -> Any:
    """Where a key is in a table of any length below 2**32, or the empty place where it belongs."""
    size = np.uint64(len(table))
    mixed = (key ^ (key >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    at = ((mixed >> np.uint64(32)) * size) >> np.uint64(32)
    while table[at] != key and table[at] != np.uint64(0xFFFFFFFFFFFFFFFF):
        at += np.uint64(1)
        if at == size:
            at = np.uint64(0)
    return at


@numba.njit(nogil=True, cache=True)
def places_of(table: Any, keys: Any) -> Any:
    """Put keys into a table; the place of each [key]."""
    places = np.empty(len(keys), np.int64)
    for k in range(len(keys)):
        at = place_of(table, keys[k])
        table[at] = keys[k]
        places[k] = at
    return places


def empty_table(size: int) -> Keys:
    """A table without keys; up to two thirds of its places may be filled before it becomes slow."""
    return np.full(size, EMPTY, np.uint64)


def grown(table: Keys, *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The table with twice the places, and columns [place, ..] of values that belong to its keys, moved along."""
    used = table != EMPTY
    more = empty_table(2 * len(table))
    places = places_of(more, table[used])
    moved = [np.zeros((len(more), *column.shape[1:]), column.dtype) for column in columns]
    for new, column in zip(moved, columns, strict=True):
        new[places] = column[used]
    return more, *moved
