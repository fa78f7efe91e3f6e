"""How much every count of an n-gram model gives up: Chen and Goodman's (1998) discounts, from a sample of strings.

The discounts follow from how many different strings of a length occur once, twice, three and four times. That can be
told from a sample of the strings, and memory stays small however long the text: a string belongs to the sample where
the lowest bits of its hash are zero, so that each of its occurrences is counted, or none (Gibbons 2001). Where a sample
grows too large, one more bit must be zero.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.hashing import EMPTY, place_of

MOST = 2**15
"""Different strings of each length that are kept, and (string, character before it)."""
FLOOR = 0.05
"""A count gives up at least this, or what was never seen would be impossible."""
_PLAIN = (0.5, 1.0, 1.5)
"""The discounts where a text is too short to tell."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


@numba.njit(nogil=True, cache=True)
def _mixed(hash_: Any, symbol: Any) -> Any:
    """The hash of a string with one more character before it."""
    longer = (hash_ ^ (np.uint64(symbol) + np.uint64(1))) * np.uint64(0x9FB21C651E98DF25)
    return longer ^ (longer >> np.uint64(32))


@numba.njit(nogil=True, cache=True)
def _sample(ids: Any, first: int, bits: Any, strings: Any, counts: Any, lefts: Any, owners: Any, used: Any) -> None:
    """Count the sampled strings that end at `first` or later: counts [length, place, 2] occurrences, and different
    characters before them.
    """
    one = np.uint64(1)
    for at in range(first, len(ids)):
        string = np.uint64(0x243F6A8885A308D3)
        for back in range(min(len(bits), at + 1)):
            string = _mixed(string, ids[at - back])
            if string & ((one << bits[back]) - one):
                continue
            if max(used[back, 0], used[back, 1]) >= MOST:
                bits[back] += one
                _thin(bits[back], strings[back], counts[back], lefts[back], owners[back], used[back])
                if string & ((one << bits[back]) - one):
                    continue
            here = place_of(strings[back], string)
            if strings[back, here] != string:
                strings[back, here] = string
                used[back, 0] += 1
            counts[back, here, 0] += 1
            if at > back:
                longer = _mixed(string, ids[at - back - 1])
                there = place_of(lefts[back], longer)
                if lefts[back, there] != longer:
                    lefts[back, there] = longer
                    owners[back, there] = string
                    used[back, 1] += 1
                    counts[back, here, 1] += 1


@numba.njit(nogil=True, cache=True)
def _thin(bits: Any, strings: Any, counts: Any, lefts: Any, owners: Any, used: Any) -> None:
    """Keep the strings whose lowest `bits` are zero, in place."""
    one = np.uint64(1)
    old, had, left, owner = strings.copy(), counts.copy(), lefts.copy(), owners.copy()
    strings[:], lefts[:] = EMPTY, EMPTY
    counts[:], used[:] = 0, 0
    for k in range(len(old)):
        if old[k] != EMPTY and not old[k] & ((one << bits) - one):
            here = place_of(strings, old[k])
            strings[here], counts[here] = old[k], had[k]
            used[0] += 1
        if left[k] != EMPTY and not owner[k] & ((one << bits) - one):
            there = place_of(lefts, left[k])
            lefts[there], owners[there] = left[k], owner[k]
            used[1] += 1


class Sampled:
    """Counts of a sample of the strings of 1 to `order` characters; `add` takes a text in pieces."""

    def __init__(self, order: int) -> None:
        room = (order, 2 * MOST)
        self._bits = np.zeros(order, np.uint64)
        self._strings, self._lefts = np.full(room, EMPTY, np.uint64), np.full(room, EMPTY, np.uint64)
        self._counts, self._owners = np.zeros((*room, 2), np.uint32), np.zeros(room, np.uint64)
        self._used = np.zeros((order, 2), np.int64)

    def add(self, ids: Ids, first: int) -> None:
        """Count strings that end at `first` or later in ids [position]; what is before is their beginning."""
        _sample(ids, first, self._bits, self._strings, self._counts, self._lefts, self._owners, self._used)

    def discounts(self) -> Floats:
        """What a count of 1, of 2, of 3 or more gives up, [length, occurrences | characters before, 3]."""
        found = np.empty((len(self._bits), 2, 3))
        for length, counts in enumerate(self._counts):
            for kind in range(2):
                found[length, kind] = discount(np.bincount(np.minimum(counts[:, kind], 5), minlength=6)[1:5])
        return found


def discount(times: NDArray[np.int64]) -> Floats:
    """Chen and Goodman (1998, equation 26): from how many strings occur 1, 2, 3, 4 times to what 1, 2, 3+ give up."""
    if not times.all():
        return np.array(_PLAIN)
    n1, n2, n3, n4 = (float(n) for n in times)
    share = n1 / (n1 + 2 * n2)
    raw = [1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3]
    return np.clip(raw, FLOOR, np.array([1.0, 2.0, 3.0]) - FLOOR)
