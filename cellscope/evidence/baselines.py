"""What the text alone gives away: the best prediction of a label from the current character, and from the last three.

For each context of characters, how often the label is on there in the choosing half is the prediction for the reporting
half; a context that was never seen gets the rate of the shorter one. No network is involved, so a unit that does
not beat this has shown nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.evidence.context_blocks import ContextBlocks
from cellscope.evidence.intervals import Replicates
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid

Floats = NDArray[np.float64]
Counted = NDArray[np.int64]

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
def _count(contexts: Any, spans: Any, label: Any, mask: Any, seen: Any, on: Any, sums: Any) -> None:
    """Add positions to the counts of their contexts: seen [context], on [feature, context], sums [numeric, 2,
    context].
    """
    for t in range(len(contexts)):
        if contexts[t] >= 0:
            seen[contexts[t]] += 1
    for f in range(spans.shape[0]):
        for t in range(len(contexts)):
            if spans[f, t] and contexts[t] >= 0:
                on[f, contexts[t]] += 1
    for f in range(label.shape[0]):
        for t in range(len(contexts)):
            if contexts[t] >= 0:
                sums[f, 0, contexts[t]] += label[f, t]
                sums[f, 1, contexts[t]] += mask[f, t]


class Contexts:
    """Counts of labels by the last three characters, of the choosing half together and of the reporting half, in
    `blocks` blocks of both, block by block; `add` takes rounds in order.

    At most `limit` contexts are told apart; positions in any further ones are not counted, and `left_out` says how
    many. Predictions come from the choosing half alone, so that they stay as they are where a reporting block is left
    out.
    """

    def __init__(self, spans: int, numerics: int, blocks: int, *, limit: int = 2**18) -> None:
        self.limit, self.left_out, self.used = limit, 0, 0
        self._table = np.full(limit * 2, _EMPTY, np.uint64)
        self._ids = np.zeros(limit * 2, np.int64)
        self._known = np.zeros(limit, np.uint64)
        room = 4096
        self.seen = np.zeros(room, np.int64)
        self.on = np.zeros((spans, room), np.int32)
        self.sums = np.zeros((numerics, 2, room))
        self.reported = ContextBlocks(spans, numerics, blocks // 2, limit)

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
        first = part.starts[np.flatnonzero(np.diff(part.block_of, prepend=-1))]
        stretches = []
        for block, (start, stop) in enumerate(pairwise([*first.tolist(), part.stop])):
            own, here = contexts[start - part.start : stop - part.start], grid.part(start, stop)
            if block % 2:
                stretches.append((block // 2, own, here))
            else:
                # Units are scored on the ranks of a number, so what they are compared with must be, too.
                _count(own, here.spans, here.rank, here.mask, self.seen, self.on, self.sums)
        self.reported.add(stretches, self.used)

    def merge(self, other: Contexts) -> Contexts:
        """Both together, in place of this one; what of the other has no room here is left out."""
        if self.reported.shape != other.reported.shape:
            raise ValueError("only Contexts of the same features and blocks can be merged")
        places = np.empty(other.used, np.int64)
        self.used = _look_up(other._known[: other.used], self._table, self._ids, self._known, self.used, places)
        self._grow()
        room = places >= 0
        for name in ("seen", "on", "sums"):
            getattr(self, name)[..., places[room]] += getattr(other, name)[..., : other.used][..., room]
        lost = other.seen[: other.used] + other.reported.seen(other.used)
        self.left_out += other.left_out + int(lost[~room].sum())
        self.reported.merge(other.reported, places)
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

    def aucs(self) -> tuple[Floats, Replicates]:
        """Held-out AUC of the best prediction from the current character and from the last three, each
        [span_feature]; of the latter also without each reporting block.
        """
        seen, on, last = self.seen[: self.used], self.on[:, : self.used], self._shorter()
        short_seen, short_reported = (np.bincount(last, s) for s in (seen, self.reported.seen(self.used)))
        # Few contexts have any one label: all others of one character and as often seen get one prediction.
        _, first, alike = np.unique(last * (seen.max() + 1) + seen, return_index=True, return_inverse=True)
        one, three = np.empty(len(on)), np.empty((self.reported.blocks + 1, len(on)))

        def share(start: int, stop: int) -> None:
            for f in range(start, stop):
                rate = (np.bincount(last, on[f]) + on[f].sum() / max(seen.sum(), 1)) / (short_seen + 1)
                one[f] = _auc(rate, np.bincount(last, self.reported.on(f, self.used)), short_reported)
                own = np.flatnonzero(on[f])
                some = np.concatenate([first, own])
                hits = np.concatenate([np.zeros(len(first)), on[f, own]])
                distinct, level = np.unique((hits + rate[last[some]]) / (seen[some] + 1), return_inverse=True)
                of = level[alike].astype(np.int32)
                of[own] = level[len(first) :]
                three[:, f] = self.reported.left_out(f, of, len(distinct))

        in_shares(len(on), share, grain=1)
        return one, Replicates(three[-1], three[:-1])

    def correlations(self) -> tuple[Floats, Replicates]:
        """Held-out correlation of the rank of a numeric feature with its mean after one character, and after three,
        the latter also without each reporting block.
        """
        last, one, three = self._shorter(), [], []
        for f, (total, count) in enumerate(self.sums[:, :, : self.used]):
            short = [np.bincount(last, s) for s in (total, count)]
            mean = (short[0] + total.sum() / max(count.sum(), 1)) / (short[1] + 1)
            one.append(float(self.reported.correlation(f, mean[last]).whole))
            three.append(self.reported.correlation(f, (total + mean[last]) / (count + 1)))
        left = np.zeros((self.reported.blocks, len(three)))
        for f, made in enumerate(three):
            left[:, f] = made.left
        return np.array(one), Replicates(np.array([made.whole for made in three]), left)


def _auc(score: Floats, on: Counted, seen: Counted) -> float:
    """AUC of a score that is constant within each context, from counts of the label by context."""
    _, place = np.unique(score, return_inverse=True)
    hits, all_ = np.bincount(place, on), np.bincount(place, seen)
    off = all_ - hits
    pairs = hits.sum() * off.sum()
    return float((hits * (np.cumsum(off) - off / 2)).sum() / pairs) if pairs else 0.5
