"""What a text costs models of 1 to 20 characters: streamed counts with interpolated modified Kneser-Ney smoothing.

Only strings that occur in the asked text are counted, and what follows or precedes them: memory depends on that text.

With c(hw) occurrences in the learnt text of a context h and a character w after it, and D what such a count gives up
(`discounts`), Chen and Goodman (1998, section 3) have

    P(w | h) = (max(c(hw) - D, 0) + sum of D over what follows h * Q(w | h without its first character)) / c(h),

where Q is the same with c(hw) replaced by the number of different characters before hw, and so on down to the empty
context, below which all characters of the vocabulary are alike. A context that was never seen says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.evidence import tries
from cellscope.evidence.discounts import Sampled
from cellscope.evidence.hashing import empty_table, grown
from cellscope.evidence.tries import BITS

ORDER = 20
"""Characters of the longest model, the predicted one included, as in Karpathy, Johnson and Fei-Fei (2015)."""
STRINGS = 5 * 2**20
"""Strings of the asked text that are looked for at a time; each piece of it reads the learnt text again."""
WINDOW = 2**20
"""Characters of the learnt text that are held at a time."""

Ids = NDArray[np.int64]


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
        tries.plant(asked, self._first, order, self._trie)
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
            first = tries.count(
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
        tries.add_up(
            self.asked, self._first, self.order, self._trie, self._seen, self._others, self._seen_others, discounts,
            depth, total, spare,
        )  # fmt: skip
        nats = np.empty((self.order, len(self.asked) - self.lead), np.float32)
        tries.score(
            self.asked, self.lead, self.order, self._trie, self._seen, discounts, total, spare, self.symbols, nats
        )
        return nats

    def _grow(self) -> None:
        """Twice the places for whichever table is getting full."""
        if self._used[0] + self.order > len(self._others) * 2 // 3:
            self._others, self._seen_others = grown(self._others, self._seen_others)
        if self._used[1] + 1 > len(self._outside) * 2 // 3:
            (self._outside,) = grown(self._outside)


def ngram_pieces(
    corpus: Any,
    vocabulary: Any,
    start: int,
    stop: int,
    *,
    learnt: Any,
    order: int = ORDER,
    progress: Progress | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Nats of each character of corpus[start:stop) in models of 1 to `order` characters that are counted in the corpus
    `learnt`, one piece after the other, float32 [order, position].

    Characters are told apart as the vocabulary does. The learnt text is streamed, once for every so many STRINGS.
    """
    piece = max(1, STRINGS // order)
    pieces = range(start, stop, piece)
    for turn, first in enumerate(pieces):
        last, lead = min(first + piece, stop), min(first, order)
        asked = vocabulary.encode(corpus.codes(first - lead, last))
        model = NGrams(asked, lead=lead, symbols=len(vocabulary), order=order)
        for at in range(0, len(learnt), WINDOW):
            model.learn(vocabulary.encode(learnt.codes(at, min(at + WINDOW, len(learnt)))))
            if progress:
                progress(turn * len(learnt) + model.learnt, len(pieces) * len(learnt), "counting n-grams")
        yield model.nats()
