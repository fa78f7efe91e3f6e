"""What the text alone gives away: the best prediction of a label from the current character, and from the last three.

For each context of characters, how often the label is on there in the choosing half is the prediction for the reporting
half; a context that was never seen gets the rate of the shorter one. No network is involved, so a unit that does
not beat this has shown nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.merging import added_up

Floats = NDArray[np.float64]

_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(nogil=True, cache=True)
def _look_up(keys: Any, table: Any, ids: Any, known: Any, used: int, out: Any) -> int:
    """Number the keys in order of first sight, through an open hash table; stops short where the table is two thirds
    full.
    """
    mask = np.uint64(len(table) - 1)
    for i in range(len(keys)):
        slot = (keys[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
        while table[slot] != keys[i] and table[slot] != np.uint64(0xFFFFFFFFFFFFFFFF):
            slot = (slot + np.uint64(1)) & mask
        if table[slot] == np.uint64(0xFFFFFFFFFFFFFFFF):
            if used == len(known):
                out[i] = -1
                continue
            table[slot] = keys[i]
            ids[slot] = used
            known[used] = keys[i]
            used += 1
        out[i] = ids[slot]
    return used


@numba.njit(nogil=True, cache=True)
def _count(contexts: Any, half: Any, spans: Any, label: Any, mask: Any, seen: Any, on: Any, sums: Any) -> None:
    """Add positions to the counts of their contexts: seen [half, context], on [half, feature, context], sums [half,
    numeric, 2, context].
    """
    for t in range(len(contexts)):
        if contexts[t] >= 0:
            seen[half[t], contexts[t]] += 1
    for f in range(spans.shape[0]):
        for t in range(len(contexts)):
            if spans[f, t] and contexts[t] >= 0:
                on[half[t], f, contexts[t]] += 1
    for f in range(label.shape[0]):
        for t in range(len(contexts)):
            if contexts[t] >= 0:
                sums[half[t], f, 0, contexts[t]] += label[f, t]
                sums[half[t], f, 1, contexts[t]] += mask[f, t]


@numba.njit(nogil=True, cache=True)
def _square(half: Any, label: Any, mask: Any, squares: Any) -> None:
    """Add n and the sums of labels and of their squares to squares [half, numeric, 3]."""
    for f in range(label.shape[0]):
        for t in range(len(half)):
            y = np.float64(label[f, t])
            squares[half[t], f, 0] += mask[f, t]
            squares[half[t], f, 1] += y
            squares[half[t], f, 2] += y * y


class Contexts:
    """Counts of labels by the last three characters, for both halves; `add` takes rounds in order.

    At most `limit` contexts are told apart; positions in any further ones are not counted, and `left_out` says how
    many.
    """

    def __init__(self, spans: int, numerics: int, *, limit: int = 2**18) -> None:
        self.limit, self.left_out, self.used = limit, 0, 0
        self._table = np.full(limit * 2, _EMPTY, np.uint64)
        self._ids = np.zeros(limit * 2, np.int64)
        self._known = np.zeros(limit, np.uint64)
        room = 4096
        self.seen = np.zeros((2, room), np.int64)
        self.on = np.zeros((2, spans, room), np.int32)
        self.sums = np.zeros((2, numerics, 2, room))
        self.squares = np.zeros((2, numerics, 3))

    def add(self, part: Round, codes: NDArray[np.uint32], grid: LabelGrid) -> None:
        """Count a round; `codes` are its code points with the two before them [position + 2]."""
        wide = codes.astype(np.uint64)
        self.add_keys(part, (wide[:-2] << np.uint64(42)) | (wide[1:-1] << np.uint64(21)) | wide[2:], grid)

    def add_keys(self, part: Round, keys: NDArray[np.uint64], grid: LabelGrid) -> None:
        """Count a round by contexts [position], whose lowest 21 bits are the shorter one."""
        contexts = np.empty(len(keys), np.int64)
        self.used = _look_up(keys, self._table, self._ids, self._known, self.used, contexts)
        self.left_out += int((contexts < 0).sum())
        self._grow()
        lane = np.repeat(part.block_of % 2, np.diff(np.append(part.starts, part.stop)))
        here = slice(part.start - grid.start, part.stop - grid.start)
        # Units are scored on the ranks of a number, so what they are compared with must be, too.
        label, mask = grid.rank[:, here], grid.mask[:, here]
        _count(contexts, lane, grid.spans[:, here], label, mask, self.seen, self.on, self.sums)
        _square(lane, label, mask, self.squares)

    def merge(self, other: Contexts) -> Contexts:
        """Both together, in place of this one; what of the other has no room here is left out."""
        if self.on.shape[1] != other.on.shape[1]:
            raise ValueError("only Contexts of the same features can be merged")
        added_up(self, other, ("squares",), ())
        places = np.empty(other.used, np.int64)
        self.used = _look_up(other._known[: other.used], self._table, self._ids, self._known, self.used, places)
        self._grow()
        room = places >= 0
        for name in ("seen", "on", "sums"):
            getattr(self, name)[..., places[room]] += getattr(other, name)[..., : other.used][..., room]
        self.left_out += other.left_out + int(other.seen[:, : other.used][:, ~room].sum())
        return self

    def _grow(self) -> None:
        room = self.seen.shape[-1]
        if self.used > room:
            more = (1 << (self.used - 1).bit_length()) - room
            for name in ("seen", "on", "sums"):
                old = getattr(self, name)
                setattr(self, name, np.pad(old, [(0, 0)] * (old.ndim - 1) + [(0, more)]))

    def _shorter(self) -> NDArray[np.int64]:
        """For every context, the number of its last character [context]."""
        last: NDArray[np.int64]
        _, last = np.unique(self._known[: self.used] & np.uint64(2**21 - 1), return_inverse=True)
        return last

    def aucs(self) -> tuple[Floats, Floats]:
        """Held-out AUC of the best prediction from the current character and from the last three, each
        [span_feature].
        """
        seen, on = self.seen[:, : self.used].astype(float), self.on[:, :, : self.used].astype(float)
        last = self._shorter()
        short_seen = np.stack([np.bincount(last, s) for s in seen])
        one, three = [], []
        for f in range(on.shape[1]):
            short_on = np.stack([np.bincount(last, o) for o in on[:, f]])
            rate = (short_on[0] + on[0, f].sum() / max(seen[0].sum(), 1)) / (short_seen[0] + 1)
            one.append(_auc(rate, short_on[1], short_seen[1]))
            three.append(_auc((on[0, f] + rate[last]) / (seen[0] + 1), on[1, f], seen[1]))
        return np.array(one), np.array(three)

    def correlations(self) -> tuple[Floats, Floats]:
        """Held-out correlation of the rank of a numeric feature with its mean after one character, and after three."""
        sums = self.sums[:, :, :, : self.used]
        last = self._shorter()
        one, three = [], []
        for f in range(sums.shape[1]):
            short = np.stack([[np.bincount(last, s) for s in half] for half in sums[:, f]])
            overall = sums[0, f, 0].sum() / max(sums[0, f, 1].sum(), 1)
            mean = (short[0, 0] + overall) / (short[0, 1] + 1)
            one.append(_correlation(mean, short[1], self.squares[1, f]))
            three.append(
                _correlation((sums[0, f, 0] + mean[last]) / (sums[0, f, 1] + 1), sums[1, f], self.squares[1, f])
            )
        return np.array(one), np.array(three)


def _auc(score: Floats, on: Floats, seen: Floats) -> float:
    """AUC of a score that is constant within each context, from counts of the label by context."""
    _, place = np.unique(score, return_inverse=True)
    hits, all_ = np.bincount(place, on), np.bincount(place, seen)
    off = all_ - hits
    pairs = hits.sum() * off.sum()
    return float((hits * (np.cumsum(off) - off / 2)).sum() / pairs) if pairs else 0.5


def _correlation(guess: Floats, sums: Floats, label: Floats) -> float:
    n, y, yy = label
    g, gg, gy = (guess * sums[1]).sum(), (guess**2 * sums[1]).sum(), (guess * sums[0]).sum()
    spread = (yy - y * y / max(n, 1)) * (gg - g * g / max(n, 1))
    return float((gy - g * y / max(n, 1)) / np.sqrt(spread)) if spread > 0 else 0.0
