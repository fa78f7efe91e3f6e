"""The strings of a text as a trie that is read backwards, and what a longer text says of them: compiled loops.

A node is a string, its children the same string with one more character before it. A node's number is its place in a
hash table, whose keys are (parent, character) themselves, so that nothing is ever mistaken for anything else; the root
is the number after the last place.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from cellscope.evidence.hashing import EMPTY, place_of

BITS = 20
"""Bits of a key that are a symbol's."""


@numba.njit(nogil=True, cache=True, inline="always")
def _key(node: Any, symbol: Any) -> Any:
    return (np.uint64(node) << np.uint64(BITS)) | np.uint64(symbol)


@numba.njit(nogil=True, cache=True)
def plant(ids: Any, first: int, order: int, trie: Any) -> None:
    """Put every string of up to `order` characters that ends at `first` or later into the trie."""
    for at in range(first, len(ids)):
        node = np.uint64(len(trie))
        for back in range(min(order, at + 1)):
            key = _key(node, ids[at - back])
            node = place_of(trie, key)
            trie[node] = key


@numba.njit(nogil=True, cache=True)
def _walk(ids: Any, at: int, order: int, trie: Any, path: Any) -> int:
    """The nodes of the strings of 0, 1, .. characters that end at `at`, as far as they are in the trie; how many."""
    node = np.uint64(len(trie))
    path[0] = node
    for back in range(min(order, at + 1)):
        key = _key(node, ids[at - back])
        node = place_of(trie, key)
        if trie[node] != key:
            return back + 1
        path[back + 1] = node
    return min(order, at + 1) + 1


@numba.njit(nogil=True, cache=True)
def count(
    ids: Any, first: int, order: int, trie: Any, seen: Any, others: Any, seen_others: Any, outside: Any, used: Any
) -> int:
    """Count positions from `first` on: `seen` [node, 2] occurrences of strings of the trie and different characters
    before them; the same of `others`, (context, follower) whose string is not in the trie. `outside` holds (context,
    follower, character before) where that and the context make none of the trie. Stops where one of the two tables,
    filled to `used`, may become too full.
    """
    context, whole = np.empty(order + 1, np.uint64), np.empty(order + 1, np.uint64)
    known = _walk(ids, first - 1, order - 1, trie, context)
    for at in range(first, len(ids)):
        if used[0] + order > len(others) * 2 // 3 or used[1] + 1 > len(outside) * 2 // 3:
            return at
        there = _walk(ids, at, order, trie, whole)
        new = False
        for length in range(known - 1, -1, -1):
            inside = length + 1 < there
            if inside:
                place, counts = whole[length + 1], seen
            else:
                key = _key(context[length], ids[at])
                place, counts = place_of(others, key), seen_others
                if others[place] != key:
                    others[place] = key
                    used[0] += 1
            if length == known - 1 and length < order - 1 and at > length:
                # No longer context is in the trie, so the characters before this one are told apart here.
                key = _key(_key(context[length], ids[at]), ids[at - length - 1])
                there_too = place_of(outside, key)
                new = outside[there_too] != key
                if new:
                    outside[there_too] = key
                    used[1] += 1
            was = counts[place, 0]
            counts[place, 0] = was + 1
            counts[place, 1] += new
            new = was == 0  # for the next shorter context, this string has one character more before it
        known = min(there, order)
        context[:known] = whole[:known]
    return len(ids)


@numba.njit(nogil=True, cache=True)
def add_up(
    ids: Any, first: int, order: int, trie: Any, seen: Any, others: Any, seen_others: Any, discounts: Any, depth: Any,
    total: Any, spare: Any,
) -> None:  # fmt: skip
    """For every context: `total` [node, 2] of what follows it, and `spare` [node, 2], what that gives up."""
    context, whole = np.empty(order + 1, np.uint64), np.empty(order + 1, np.uint64)
    done = np.zeros(len(trie), np.bool_)
    for at in range(first, len(ids)):
        known, there = _walk(ids, at - 1, order - 1, trie, context), _walk(ids, at, order, trie, whole)
        for length in range(known):
            depth[context[length]] = length
            if length + 1 < there and not done[whole[length + 1]]:
                done[whole[length + 1]] = True
                _give_up(seen[whole[length + 1]], discounts[length], total[context[length]], spare[context[length]])
    for k in range(len(others)):
        if others[k] != EMPTY:
            node = others[k] >> np.uint64(BITS)
            _give_up(seen_others[k], discounts[depth[node]], total[node], spare[node])


@numba.njit(nogil=True, cache=True, inline="always")
def _give_up(counts: Any, discounts: Any, total: Any, spare: Any) -> None:
    for kind in range(2):
        if counts[kind]:
            total[kind] += counts[kind]
            spare[kind] += discounts[kind, min(counts[kind], np.uint32(3)) - 1]


@numba.njit(nogil=True, cache=True)
def score(
    ids: Any, first: int, order: int, trie: Any, seen: Any, discounts: Any, total: Any, spare: Any, symbols: int,
    nats: Any,
) -> None:  # fmt: skip
    """Nats of every character from `first` on in the models of 1 to `order` characters, [order, position]."""
    context, whole = np.empty(order + 1, np.uint64), np.empty(order + 1, np.uint64)
    for at in range(first, len(ids)):
        known = _walk(ids, at - 1, order - 1, trie, context)
        _walk(ids, at, order, trie, whole)
        shorter = 1.0 / symbols
        for length in range(order):
            both = (shorter, shorter)
            if length < known:
                node, counts = context[length], seen[whole[length + 1]]
                both = (
                    _share(counts[0], discounts[length, 0], total[node, 0], spare[node, 0], shorter),
                    _share(counts[1], discounts[length, 1], total[node, 1], spare[node, 1], shorter),
                )
            nats[length, at - first] = -np.log(both[0])
            shorter = both[1]


@numba.njit(nogil=True, cache=True, inline="always")
def _share(count: Any, discounts: Any, total: Any, spare: Any, shorter: Any) -> Any:
    """The probability of a follower that was counted `count` times; that of the shorter context where none was."""
    if not total:
        return shorter
    own = count - discounts[min(count, np.uint32(3)) - 1] if count else 0.0
    return (own + spare * shorter) / total
