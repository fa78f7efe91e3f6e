"""Clocks of a feature: what a counter, a timer or a ruler would show at every character, in bins.

Each clock reads the text's labels alone. `inside` tells in from out; `since` counts from a span's first character (0),
`until` down to its last (0); `depth` is how many brackets are around; `column` is the place in the line; `value` is the
number of a numeric feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller
from cellscope.sinks.lags import REACH

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BEFORE, AFTER = 8, 16
"""So many characters before a span and after it are told apart."""
EDGES = np.unique(np.concatenate([np.arange(16), np.rint(16 * 2 ** (np.arange(25) / 4))])).astype(np.int64)
"""Where the bins of a count begin: every number below 16, then four bins an octave up to 1,024."""
DEEPEST = 7
NONE = 255
"""The code of a character that no clock can tell: of a span that began before the reading did, or ends after it."""
WAY = 40
"""Bins for the way through a span, from 0 to 1."""
LEAD = 2**18
"""Characters before a round that the labeller reads, so that whatever is open there is known."""
MARGIN = 2**12
"""Characters beside a round whose labels are looked at, for spans that cross its borders."""


@dataclass(frozen=True, eq=False)
class Clock:
    """A clock's bins among those of all clocks, and the levels that a fit of it has: all of outside is one.

    bins    the place of its bins
    level   int64 [bin], the level of each bin
    inside  bool [level], whether the level lies inside the feature
    values  float64 [level], what the clock shows there, the middle of the bin; NaN outside
    widths  float64 [level], how many numbers share the bin
    """

    name: str
    bins: slice
    level: Ints
    inside: NDArray[np.bool_]
    values: Floats
    widths: Floats


def _middles() -> tuple[Floats, Floats]:
    ends = np.append(EDGES[1:], 2 * EDGES[-1] - EDGES[-2])
    return (EDGES + ends - 1) / 2, (ends - EDGES).astype(float)


def _clock(name: str, first: int, outside: int, values: Floats, widths: Floats) -> Clock:
    """A clock whose first `outside` bins are one level, and every other bin a level of its own."""
    level = np.concatenate([np.zeros(outside, np.int64), 1 + np.arange(len(values))])
    inside = np.arange(1 + len(values)) > 0
    return Clock(name, slice(first, first + len(level)), level, inside, np.append(np.nan, values), np.append(1, widths))


def _clocks() -> dict[str, Clock]:
    middles, widths = _middles()
    depths = np.arange(1.0, DEEPEST + 1)
    plans = [
        ("inside", 2, np.array([1.0]), np.array([1.0])),
        ("since", BEFORE + 1, middles, widths),
        ("until", AFTER + 1, middles, widths),
        ("depth", 1, depths, np.ones(DEEPEST)),
        ("value", 1, middles, widths),
    ]
    made, first = {}, 0
    for name, outside, values, wide in plans:
        made[name] = _clock(name, first, outside, values, wide)
        first = made[name].bins.stop
    # The column is the one clock that goes on outside: its levels are those of the line, inside and outside alike.
    levels = np.tile(np.arange(len(EDGES)), 2)
    both = Clock("column", slice(first, first + len(levels)), levels, np.ones(len(EDGES), bool), middles, widths)
    return made | {"column": both}


CLOCKS = _clocks()
BINS = max(clock.bins.stop for clock in CLOCKS.values())
OFFSETS = np.array([clock.bins.start for clock in CLOCKS.values()])
"""The first bin of each clock, in the order of the rows of codes."""
FAR, NEAR, INSIDE = 0, 1, 2
"""Bins of the clock `inside`: outside and away from any span, outside near one, inside."""


def read_clocks(features: Sequence[Feature], corpus: Any, part: Round, steps: int) -> Codes:
    """Codes of the first `steps` of every lane of a round, with REACH more on either side: uint8 [feature, clock, lane,
    step].
    """
    lead = max(0, part.start - LEAD)
    text = corpus.part(lead, len(corpus)) if lead else corpus
    asked = [labels_for(feature, str(k)) for k, feature in enumerate(features)]
    ruler = Feature(name="column", kind="numeric", counter="column")
    labeller = Labeller([ruler, *(own for of in asked for own in of.values())], text)
    first, stop = max(0, part.start - lead - MARGIN), min(len(text), part.stop - lead + MARGIN)
    labels = labeller.read(first, stop)
    rows = {f.name: row for f, row in zip(labeller.spans, labels.spans, strict=True)}
    numbers = {f.name: row for f, row in zip(labeller.numeric, labels.numbers, strict=True)}
    places = part.starts[:, None] - lead - first + np.arange(-REACH, steps + REACH)
    places = np.clip(places, 0, stop - first - 1)
    borders = lead + first == 0, lead + stop == len(corpus)
    made = np.empty((len(features), len(CLOCKS), *places.shape), np.uint8)
    for k, own in enumerate(asked):
        here = {role: (rows | numbers)[f.name] for role, f in own.items()}
        made[k] = _codes(features[k], here, numbers["column"], borders)[:, places]
    return made


def labels_for(feature: Feature, stem: str) -> dict[str, Feature]:
    """What is labelled for the clocks of a feature, by its role: inside, start, depth, value."""
    bare: dict[str, Any] = {"description": "", "example": "", "counterexample": "", "values": ()}
    made = {}
    if feature.kind == "numeric":
        made["value"] = replace(feature, name=f"{stem}.value", **bare)
    if feature.pattern:
        span = replace(feature, name=f"{stem}.inside", kind="span", counter="", **bare)
        made["inside"] = span
        if span.where == "inside" and span.scan != "runs":
            made["start"] = replace(span, name=f"{stem}.start", where="start")
        if span.where == "inside" and span.scan == "brackets":
            made["depth"] = replace(span, name=f"{stem}.depth", kind="numeric", counter="depth")
    return made


def _codes(
    feature: Feature, rows: Mapping[str, NDArray[Any]], column: NDArray[np.float32], borders: tuple[bool, bool]
) -> Codes:
    """The codes of one feature from its rows of labels by role."""
    value, depth = rows.get("value"), rows.get("depth")
    if value is not None and feature.counter == "along":
        value = value * WAY
    inside = rows["inside"] if "inside" in rows else np.nan_to_num(rows["value"]) > 0
    start = rows.get("start", inside & (feature.where != "inside"))
    if depth is not None:
        start = start & (depth <= 1)  # spans within a span are depth, not spans of their own
    return codes_of(inside, start, depth, column, value, borders=borders)


def codes_of(
    inside: NDArray[np.bool_], start: NDArray[np.bool_], depth: NDArray[Any] | None, column: NDArray[Any],
    value: NDArray[Any] | None, *, borders: tuple[bool, bool] = (True, True),
) -> Codes:  # fmt: skip
    """The bin of every clock at every position, uint8 [clock, position]; NONE in the first row where none can be told.

    inside, start  bool [position]; every rise of `inside` is a start, too
    depth, value   numbers [position], where the feature has them
    column         the place in the line [position]
    borders        whether the text itself begins with the first position, and ends with the last
    """
    count, place = len(inside), np.arange(len(inside))
    begins = inside & (start | np.diff(inside, prepend=not borders[0]))
    ends = inside & np.append(~inside[1:] | begins[1:], borders[1])
    since, until = place - _last(begins), _next(ends) - place
    after, before = place - _last(ends), _next(begins) - place
    known = ~inside | ((since < count) & (until < count))
    near = (before <= BEFORE) | (after <= AFTER)
    outside = np.where(near, NEAR, FAR)
    rows = [
        np.where(known, np.where(inside, INSIDE, outside), NONE),
        np.where(inside, BEFORE + 1 + _binned(since), np.where(before <= BEFORE, BEFORE - before, BEFORE)),
        np.where(inside, AFTER + 1 + _binned(until), np.minimum(after, AFTER + 1) - 1),
        np.where(inside, np.clip(1 if depth is None else depth, 1, DEEPEST), 0),
        np.zeros(count) if value is None else np.where(inside, 1 + _binned(np.nan_to_num(value)), 0),
        np.where(inside, len(EDGES), 0) + _binned(column),
    ]
    return np.stack(rows).astype(np.uint8)


def _last(marks: NDArray[np.bool_]) -> Ints:
    """The position of the last mark at or before each position; far away where there is none."""
    last: Ints = np.maximum.accumulate(np.where(marks, np.arange(len(marks)), -(2**40)))
    return last


def _next(marks: NDArray[np.bool_]) -> Ints:
    """The position of the next mark at or after each position; far away where there is none."""
    following: Ints = np.minimum.accumulate(np.where(marks, np.arange(len(marks)), 2**40)[::-1])[::-1]
    return following


_TABLE = (np.searchsorted(EDGES, np.arange(EDGES[-1] + 1), side="right") - 1).astype(np.uint8)


def _binned(numbers: NDArray[Any]) -> Codes:
    binned: Codes = _TABLE[np.clip(numbers, 0, EDGES[-1]).astype(np.int64)]
    return binned
