"""What a text costs models of 1 to 20 characters: streamed counts with interpolated modified Kneser-Ney smoothing.

Only strings that occur in the asked text are counted, and what follows or precedes them: memory depends on that text.
They lie in a trie that is read backwards: a node is a string of up to `order` characters, its children the same string
with one more character before it. A node's number is its place in a hash table, whose keys are (parent, character)
themselves, so that nothing is ever mistaken for anything else.

With c(hw) occurrences in the learnt text of a context h and a character w after it, and D what such a count gives up
(`discounts`), Chen and Goodman (1998, section 3) have

    P(w | h) = (max(c(hw) - D, 0) + sum of D over what follows h * Q(w | h without its first character)) / c(h),

where Q is the same with c(hw) replaced by the number of different characters before hw, and so on down to the empty
context, below which all characters of the vocabulary are alike. A context that was never seen says nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.evidence.discounts import Sampled
from cellscope.evidence.hashing import EMPTY, empty_table, grown, place_of

ORDER = 20
"""Characters of the longest model, the predicted one included, as in Karpathy, Johnson and Fei-Fei (2015)."""
PIECE = 2**18
"""Characters that are asked about at a time; each piece reads the learnt text again."""
WINDOW = 2**20
"""Characters of the learnt text that are held at a time."""
BITS = 20
"""Bits of a key that are a symbol's."""

Ids = NDArray[np.int64]


@numba.njit(nogil=True, cache=True, inline="always")
def _key(node: Any, symbol: Any) -> Any:
    return (np.uint64(node) << np.uint64(BITS)) | np.uint64(symbol)


@numba.njit(nogil=True, cache=True)
def _plant(ids: Any, first: int, order: int, trie: Any) -> None:
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
def _count(
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
def _sum(
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
def _score(
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


class NGrams:
    """Models of 1 to `order` characters, learnt from whatever `learn` is given, for `asked` ids [position] alone.

    The first `lead` of `asked` are only context; `symbols` is the size of the vocabulary.
    """

    def __init__(self, asked: Ids, *, lead: int, symbols: int, order: int = ORDER) -> None:
        if symbols > 2**BITS:
            raise InputError(f"n-grams are counted over at most {2**BITS:,} symbols; this network knows {symbols:,}")
        self.asked, self.lead, self.symbols, self.order = asked, lead, symbols, order
        self._first = max(lead - 1, 0)
        size = int((len(asked) - self._first) * order * 1.5) + 16
        if not 0 <= lead < len(asked) or order < 1 or size > 2 ** (64 - 2 * BITS):
            raise ValueError(f"{len(asked)} characters, {lead} of them context, and an order of {order}")
        self._trie = empty_table(size)
        _plant(asked, self._first, order, self._trie)
        self._seen = np.zeros((size + 1, 2), np.uint32)
        self._others, self._seen_others = empty_table(2**16), np.zeros((2**16, 2), np.uint32)
        self._outside = empty_table(2**16)
        self._used = np.zeros(2, np.int64)
        self._sampled = Sampled(order)
        self._tail = np.empty(0, np.int64)
        self.learnt = 0

    def learn(self, ids: Ids) -> None:
        """Count the next characters of the learnt text, ids [position]; calls go on where the last one ended."""
        joined, first = np.concatenate([self._tail, ids]), len(self._tail)
        self._sampled.add(joined, first)
        while first < len(joined):
            first = _count(
                joined, first, self.order, self._trie, self._seen, self._others, self._seen_others, self._outside,
                self._used,
            )  # fmt: skip
            if first < len(joined):
                self._grow()
        self._tail = joined[-self.order :]
        self.learnt += len(ids)

    def nats(self) -> NDArray[np.float32]:
        """What every asked character costs the models of 1, 2, .. `order` characters, float32 [order, position]."""
        discounts = self._sampled.discounts()
        total, spare = np.zeros(self._seen.shape, np.uint32), np.zeros(self._seen.shape, np.float32)
        depth = np.zeros(len(self._seen), np.uint8)
        _sum(
            self.asked, self._first, self.order, self._trie, self._seen, self._others, self._seen_others, discounts,
            depth, total, spare,
        )  # fmt: skip
        nats = np.empty((self.order, len(self.asked) - self.lead), np.float32)
        _score(self.asked, self.lead, self.order, self._trie, self._seen, discounts, total, spare, self.symbols, nats)
        return nats

    def _grow(self) -> None:
        """Twice the places for whichever table is getting full."""
        if self._used[0] + self.order > len(self._others) * 2 // 3:
            self._others, self._seen_others = grown(self._others, self._seen_others)
        if self._used[1] + 1 > len(self._outside) * 2 // 3:
            (self._outside,) = grown(self._outside)


def ngram_losses(
    corpus: Any,
    vocabulary: Any,
    start: int,
    stop: int,
    *,
    learnt: Any,
    order: int = ORDER,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Nats of each character of corpus[start:stop) in models of 1 to `order` characters that are counted in the corpus
    `learnt`, float32 [order, position].

    Characters are told apart as the vocabulary does. The learnt text is streamed, once for every PIECE that is asked.
    """
    found = np.empty((order, stop - start), np.float32)
    pieces = range(start, stop, PIECE)
    for turn, first in enumerate(pieces):
        last, lead = min(first + PIECE, stop), min(first, order)
        asked = vocabulary.encode(corpus.codes(first - lead, last))
        model = NGrams(asked, lead=lead, symbols=len(vocabulary), order=order)
        for at in range(0, len(learnt), WINDOW):
            model.learn(vocabulary.encode(learnt.codes(at, min(at + WINDOW, len(learnt)))))
            if progress:
                progress(turn * len(learnt) + model.learnt, len(pieces) * len(learnt), "counting n-grams")
        found[:, first - start : last - start] = model.nats()
    return found
