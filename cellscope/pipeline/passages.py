"""Which stretches of a text a page shows: one to read, and short contexts that were chosen for a reason."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.pipeline.scan import Scan, Survey

READING = 3_800
"""Characters to read, about, where nothing else is asked for."""
SHORTEST, LONGEST = 100, 100_000
"""So few and so many can be asked for."""
BEFORE, AFTER = 80, 40
"""Characters of a context before and after its peak: what led to it matters more than what follows."""

GOOD, TRIED = 0.6, 64
"""Passages with this share of the most that one has of a feature are good enough; so many of them are compared."""
BORDER = 2
"""So near to the border of a span nothing counts as wrong."""


@dataclass(frozen=True)
class Cut:
    """A stretch [start, stop) of the corpus, why and for which unit it is shown, and the position meant, `peak`."""

    kind: str
    start: int
    stop: int
    unit: str = ""
    peak: int | None = None


def reading(corpus: Corpus, labels: Survey, feature: int, *, length: int = READING) -> Cut:
    """About `length` characters from the start of a line, with many spans of the feature and much text outside of them.

    For a numeric feature: where it counts most often and varies most.
    """
    flags = labels.flags(feature)
    size = min(length, len(flags))
    firsts = np.arange(0, len(flags) - size + 1, 128)
    share = _means(flags, firsts, size)
    if labels.is_span(feature):
        begun = flags & ~np.concatenate([[False], flags[:-1]])
        worth = share * (1 - share) * np.sqrt(_means(begun, firsts, size))
    else:
        known, count = np.nan_to_num(labels.row(feature)).astype(np.float64), np.maximum(share, 1e-9)
        variance = _means(known**2, firsts, size) / count - (_means(known, firsts, size) / count) ** 2
        worth = share * np.sqrt(np.maximum(variance, 0))
    good = labels.start + firsts[worth >= GOOD * worth.max()]
    good = good[:: -(-len(good) // TRIED)]
    # Of those that are rich enough the least repetitive: a table of a hundred lines shows one thing a hundred times.
    best = max(good.tolist(), key=lambda start: len(zlib.compress(_utf8(corpus.text(start, start + size)))))
    start = _line_start(corpus, best, lowest=labels.start)
    return Cut("reading", start, min(start + size, labels.stop))


def contexts(scan: Scan, feature: int, index: int, unit: Unit, sign: int, *, count: int) -> list[Cut]:
    """The `count` highest, lowest and most wrong places of a unit, no two of which overlap."""
    values = scan.unit(index)
    kinds = [("top", values), ("bottom", -values), ("wrong", wrongness(values, scan.labels, feature, sign))]
    return [_around(kind, scan, peak, str(unit)) for kind, score in kinds for peak in peaks(score, count)]


def at_random(scan: Scan, *, count: int, seed: int) -> list[Cut]:
    """`count` places drawn without regard to anything."""
    draw = np.random.default_rng(seed).permutation(len(scan.values))
    chosen: list[int] = []
    for place in draw.tolist():
        if len(chosen) == count:
            break
        if all(abs(place - other) >= BEFORE + AFTER for other in chosen):
            chosen.append(place)
    return [_around("random", scan, place, "") for place in chosen]


def wrongness(values: NDArray[np.float32], labels: Survey, feature: int, sign: int) -> NDArray[np.float32]:
    """How much a unit says the opposite of the label, by ranks [position]: high where it is on outside or off inside.

    Both sides count alike, however rare the feature is. NaN where the label does not count, and around the borders of
    spans where there is anything else: that a unit is a little late is no mistake worth showing.
    """
    flags = labels.flags(feature)
    oriented = values * np.float32(sign)
    if labels.is_span(feature):
        place = _ranks(oriented)
        wrong = np.where(flags, 1 - place, place).astype(np.float32)
        inner = ~_near(np.flatnonzero(flags[1:] != flags[:-1]) + 1, len(flags))
        return np.where(inner, wrong, np.float32(np.nan)) if inner.any() else wrong
    wrong = np.full(len(values), np.nan, np.float32)
    if flags.any():
        wrong[flags] = np.abs(_ranks(oriented[flags]) - _ranks(labels.row(feature)[flags]))
    return wrong


def peaks(score: NDArray[np.float32], count: int, *, apart: int = BEFORE + AFTER) -> list[int]:
    """The places of the `count` highest scores, at least `apart` from one another; NaN is never chosen."""
    left = np.where(np.isnan(score), -np.inf, score)
    found = []
    for _ in range(count):
        place = int(np.argmax(left))
        if left[place] == -np.inf:
            break
        found.append(place)
        left[max(0, place - apart + 1) : place + apart] = -np.inf
    return found


def _around(kind: str, scan: Scan, place: int, unit: str) -> Cut:
    peak = scan.start + place
    return Cut(kind, max(scan.start, peak - BEFORE), min(scan.labels.stop, peak + AFTER), unit, peak)


def _near(borders: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Within BORDER characters of a border, bool [position]."""
    near = np.zeros(length, bool)
    for step in range(-BORDER, BORDER):
        near[np.clip(borders + step, 0, length - 1)] = True
    return near


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mid-rank of every value among all, 0 to 1."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float32] = ((rankdata(values) - 0.5) / len(values)).astype(np.float32)
    return ranks


def _means(values: NDArray[Any], firsts: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    means: NDArray[np.float64] = (sums[firsts + size] - sums[firsts]) / max(size, 1)
    return means


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _line_start(corpus: Corpus, position: int, *, lowest: int) -> int:
    """The last start of a line at or before the position, unless it is far."""
    first = max(lowest, position - 400)
    newline = corpus.text(first, position).rfind("\n")
    return first + newline + 1 if newline >= 0 or first == 0 else position
