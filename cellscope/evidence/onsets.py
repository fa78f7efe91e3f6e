"""When a unit knows: how long after a span has begun it tells inside from outside, and when it lets go of it.

The separation at an offset is the mean activation there less the mean outside; the plateau is its median over the
characters inside. A unit knows at the first offset at which the separation is nine tenths of the plateau, and has let
go at the first one, from the span's last characters on, at which a tenth is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.clocks import AFTER, BEFORE, CLOCKS, EDGES, FAR, NEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KNOWN, GONE = 0.9, 0.1
"""Of the plateau: what must be there for a unit to know, and what may be left once it has let go."""
FEWEST = 20
"""Offsets that are seen less often than this are passed over."""
STARTS = np.concatenate([np.arange(-BEFORE, 0), EDGES])
"""Offsets from the first character of a span: 0 is on reading that character, -1 the one before."""
NEARBY = int((EDGES < AFTER).sum())
ENDS = np.concatenate([-EDGES[:NEARBY][::-1], np.arange(1, AFTER + 1)])
"""Offsets from the last character of a span: 0 is on reading that character, 1 the one after."""


@dataclass(frozen=True, eq=False)
class Onset:
    """When a unit knows of a span and when it lets go, in characters; None where it never does within view.

    knows       the offset from the span's first character (0: on reading that very character, 1: the second)
    lets_go     the offset from its last character (0: on reading that very character, 1: the one after)
    knows_range, lets_go_range   the least and the most of that when each block of the text is left out in turn
    outside, plateau   the mean activation outside, and that of the plateau
    starts, ends       the separation over the plateau at each offset, NaN where it is seen too seldom
    """

    knows: int | None
    knows_range: tuple[int, int] | None
    lets_go: int | None
    lets_go_range: tuple[int, int] | None
    outside: float
    plateau: float
    start_offsets: Ints
    starts: Floats
    end_offsets: Ints
    ends: Floats

    @property
    def in_words(self) -> str:
        """`knows on reading the second character, lets go one character after the last`."""
        known = "never knows for sure" if self.knows is None else f"knows {_at_start(self.knows)}"
        gone = f"holds on for more than {AFTER} characters" if self.lets_go is None else _at_end(self.lets_go)
        return f"{known}, {gone}"


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _at_start(offset: int) -> str:
    if offset < 0:
        return f"{_characters(-offset)} before it begins"
    named = _ORDINALS[offset] if offset < len(_ORDINALS) else f"{offset + 1}th"
    return f"on reading its {named} character"


def _at_end(offset: int) -> str:
    if offset > 0:
        return f"lets go {_characters(offset)} after its last"
    return "lets go on reading its last character" if offset == 0 else f"lets go {_characters(-offset)} before its last"


def _characters(count: int) -> str:
    return "one character" if count == 1 else f"{count} characters"


def onset(counts: Ints, sums: Floats, *, middle: float = 0.0, lag: int = 0) -> Onset:
    """The onset of one unit from its sums over the bins of all clocks: counts and sums [block, bin].

    `middle` was taken off the activations that were summed; the codes were moved by `lag`.
    """
    whole = _Separation(counts.sum(0), sums.sum(0))
    some = [b for b in range(len(counts)) if counts[b].any()]
    less = [_Separation(counts.sum(0) - counts[b], sums.sum(0) - sums[b]) for b in some]
    return Onset(
        _moved(whole.knows(), lag), _range([s.knows() for s in less], lag),
        _moved(whole.lets_go(), lag), _range([s.lets_go() for s in less], lag),
        float(whole.outside) + middle, float(whole.outside + whole.plateau) + middle,
        STARTS + lag, whole.starts, ENDS + lag, whole.ends,
    )  # fmt: skip


class _Separation:
    """The mean at every offset less the mean outside, over the plateau."""

    def __init__(self, counts: Ints, sums: Floats) -> None:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(counts >= FEWEST, sums / counts, np.nan)
        where = CLOCKS["inside"].bins.start
        away = slice(where + FAR, where + FAR + 1)
        if counts[away].sum() < max(FEWEST, counts[where : where + 2].sum() // 100):
            away = slice(where + FAR, where + NEAR + 1)  # spans lie so close that nothing is far from them
        self.outside = sums[away].sum() / max(counts[away].sum(), 1)
        since, until = CLOCKS["since"], CLOCKS["until"]
        inside = slice(since.bins.start + BEFORE + 1, since.bins.stop)
        levels = means[inside] - self.outside
        self.plateau = _median(levels, counts[inside])
        before = means[since.bins.start : since.bins.start + BEFORE] - self.outside
        last = slice(until.bins.start + AFTER + 1, until.bins.start + AFTER + 1 + NEARBY)
        after = means[until.bins.start : until.bins.start + AFTER] - self.outside
        scale = self.plateau if self.plateau else np.nan
        self.starts = np.concatenate([before, levels]) / scale
        self.ends = np.concatenate([means[last][::-1] - self.outside, after]) / scale

    def knows(self) -> int | None:
        """The first offset from the start at which the unit is as far from outside as KNOWN of the plateau."""
        return _first(self.starts >= KNOWN, STARTS)

    def lets_go(self) -> int | None:
        """The first offset from the end from which on no more than GONE is left."""
        return _first(self.ends <= GONE, ENDS)


def _median(levels: Floats, counts: Ints) -> float:
    """The median of levels that stand for so many characters each; 0 where there are none."""
    known = np.flatnonzero(~np.isnan(levels))
    if not len(known):
        return 0.0
    order = known[np.argsort(levels[known])]
    half = np.cumsum(counts[order])
    return float(levels[order[np.searchsorted(half, half[-1] / 2)]])


def _first(met: NDArray[np.bool_], offsets: Ints) -> int | None:
    return int(offsets[np.argmax(met)]) if met.any() else None


def _moved(offset: int | None, lag: int) -> int | None:
    return None if offset is None else offset + lag


def _range(offsets: list[int | None], lag: int) -> tuple[int, int] | None:
    known = [o for o in offsets if o is not None]
    return (min(known) + lag, max(known) + lag) if known and len(known) == len(offsets) else None
