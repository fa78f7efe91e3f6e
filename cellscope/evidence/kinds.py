"""What kind of cell: a switch, a counter, a timer or a position, or of no kind at all.

A switch is on inside a feature and off outside. A counter goes with the depth of nesting, a timer with the time since
a span began or until it ends, a position with the column of the line. Each is a clock (see clocks.py) whose fit to the
unit is scored on text that it was not fitted on; CRITERION says when one of them is the unit's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.clocks import CLOCKS, INSIDE
from cellscope.evidence.fits import Fitted, Sums, fit, weights_of
from cellscope.evidence.onsets import Onset, onset
from cellscope.evidence.verdicts import digits, named
from cellscope.features.feature import Feature
from cellscope.sinks.profiles import Profiles

FITS = 0.1
"""A clock fits where it surely (its interval's lower end) explains so much of what the unit does."""
SWING = 0.25
"""A switch that also goes with a clock is more than a switch where the profile's spread inside is so large against
its distance from outside: a straight ramp has it if it ends 2.5 times as high as it starts, a second depth if it is 1.7
times as high as the first.
"""
SHARE = 0.25
"""So is one of which the clock explains so much that two levels do not, as a share of what it explains."""
TIE = 0.01
"""Clocks that explain as much as the best to within this are told apart by their order."""
FEWEST = 20
"""So many characters are needed inside and outside, in either half."""
ORDER = ("value", "column", "depth", "since", "until")
"""Of clocks that explain the same the first is meant: what was asked for, then the simpler."""
BY_CLOCK = {"inside": "switch", "depth": "counter", "since": "timer", "until": "timer", "column": "position"}
BY_COUNTER = {
    "column": "position", "line-length": "position", "depth": "counter", "indentation-depth": "counter",
}  # fmt: skip
"""The kind of a unit that goes with the number of a numeric feature, by its counter; any other counts time."""
CRITERION = (
    f"A clock fits a unit if it surely explains {FITS:.0%} of what the unit does on blocks that it was not fitted on. "
    f"Two levels, inside and outside, make a switch. It is more, a counter, timer or position, if that clock "
    f"surely explains more than two levels do, and much more: {SHARE:.0%} of what it explains is beyond a switch, or "
    f"the unit swings inside by {SWING:g} of its distance from outside. Otherwise there is no kind."
)


@dataclass(frozen=True)
class ClockFit:
    """How a clock fits a unit (see fits.Fitted)."""

    clock: str
    r2: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float
    within: float
    chosen: float
    swing: float
    rises: int

    @property
    def fits(self) -> bool:
        """Whether it surely explains something."""
        return self.low >= FITS


@dataclass(frozen=True, eq=False)
class Kind:
    """What kind of cell a unit is for a feature: `kind` is switch, counter, timer, position, or empty for none.

    clock    the clock that it goes with; the best one where there is no kind
    fits     every clock's fit, the plain switch first
    lag      so many characters late (early, where negative) the unit answers; the fits are at this lag
    inside, outside   the mean activation there; `sign` is +1 where inside is higher
    onset    when it knows and when it lets go
    remark   why nothing could be said, or empty
    """

    unit: Unit
    feature: str
    numeric: bool
    kind: str
    clock: str
    fits: tuple[ClockFit, ...]
    lag: int
    inside: float
    outside: float
    characters: int
    labelled: int
    onset: Onset | None
    remark: str = ""

    @property
    def sign(self) -> int:
        """+1 where the unit is higher inside than outside."""
        return 1 if self.inside >= self.outside else -1

    @property
    def name(self) -> str:
        """The kind in one word, `none` where there is none."""
        return self.kind or "none"

    def of(self, clock: str) -> ClockFit | None:
        """The fit of a clock, if it was tried."""
        return next((f for f in self.fits if f.clock == clock), None)

    @property
    def sentence(self) -> str:
        """The verdict in words, with its figures."""
        if self.remark:
            return f"{named(self.unit)} is of no kind: {self.remark}"
        best, plain = self.of(self.clock), self.of("inside")
        assert best is not None
        assert plain is not None
        if not self.kind:
            return f"{named(self.unit)} is of no kind: nothing about {self.feature} surely explains a tenth of what " \
                   f"it does (best: {_what(best, self)}, R2 {_figure(best)})"  # fmt: skip
        if self.kind == "switch":
            state = "on" if self.sign > 0 else "off"
            more = max((f for f in self.fits if f.clock != "inside"), key=lambda f: f.gain, default=None)
            added = f", {_what(more, self)} adds {digits(max(more.gain, 0.0))}" if more else ""
            return f"{named(self.unit)} is a switch, {state} inside {self.feature}{self._late}: " \
                   f"R2 {_figure(plain)}{added}"  # fmt: skip
        verb = "rises" if best.rises >= 0 else "falls"
        return f"{named(self.unit)} is a {self.kind}: it {verb} with {_what(best, self)}{self._late}: " \
               f"R2 {_figure(best)}, a switch {digits(plain.r2)}"  # fmt: skip

    @property
    def timing(self) -> str:
        """When a switch or counter knows and when it lets go, in words; empty for others, which know no such moment."""
        return self.onset.in_words if self.onset is not None and self.kind in ("switch", "counter") else ""

    @property
    def _late(self) -> str:
        if not self.lag:
            return ""
        many = "one character" if abs(self.lag) == 1 else f"{abs(self.lag)} characters"
        return f", {many} {'late' if self.lag > 0 else 'early'}"


def _figure(f: ClockFit) -> str:
    interval = "" if np.isnan(f.low) else f" ({digits(f.low)}-{digits(f.high)})"
    return digits(f.r2) + interval


def _what(f: ClockFit, kind: Kind) -> str:
    """What a clock shows, in words."""
    return {
        "inside": f"being inside {kind.feature}", "since": f"the time since {kind.feature} began",
        "until": f"the time until {kind.feature} ends", "depth": f"the depth of {kind.feature}",
        "column": "the column in the line", "value": kind.feature,
    }[f.clock]  # fmt: skip


def kinds(profiles: Profiles, units: Mapping[int, Unit], features: Sequence[Feature]) -> dict[Unit, Kind]:
    """The kind of every unit of the profiles; group g is about feature `features[profiles.groups[g].subject]`."""
    made = {}
    for g, group in enumerate(profiles.groups):
        feature = features[group.subject]
        here = profiles.units(g)
        counts, sums = profiles.counts[:, g], profiles.sums[:, :, here]
        remark = _remark(counts, feature)
        weights = weights_of(counts, balanced=bool(feature.pattern))
        fitted = {} if remark else _fits(Sums(counts, sums, profiles.squares[:, :, here], weights), feature)
        for column, index in enumerate(group.units.tolist()):
            middle = float(profiles.middle[here][column])
            found = {name: _one(name, f, column) for name, f in fitted.items()}
            lasts = onset(counts, sums[:, :, column], middle=middle, lag=group.lag)
            made[units[index]] = _kind(units[index], feature, found, counts, sums[:, :, column], middle, group.lag,
                                       lasts, remark)  # fmt: skip
    return made


def _fits(sums: Sums, feature: Feature) -> dict[str, Fitted]:
    """The fits of every clock that the feature has, the plain switch first."""
    made = {"inside": fit(sums, CLOCKS["inside"])}
    for name in ORDER:
        clock = CLOCKS[name]
        seen = sums.counts[:, clock.bins].sum(0) > 0
        levels = np.unique(clock.level[seen])
        if clock.inside[levels].sum() > 1:  # one level inside is the switch again
            made[name] = fit(sums, clock)
    return made


def _one(name: str, f: Fitted, unit: int) -> ClockFit:
    names = ("r2", "low", "high", "gain", "gain_low", "gain_high", "within", "chosen", "swing")
    figures = {part: float(getattr(f, part)[unit]) for part in names}
    return ClockFit(clock=name, rises=int(f.rises[unit]), **figures)


def _remark(counts: Any, feature: Feature) -> str:
    """Why the clocks of a feature cannot be fitted, or an empty string."""
    where = CLOCKS["inside"].bins.start
    inside = np.array([counts[half::2, where + INSIDE].sum() for half in (0, 1)])
    outside = np.array([counts[half::2, where : where + INSIDE].sum() for half in (0, 1)])
    if not inside.sum():
        return f"{feature.name} is nowhere in the characters that were read"
    if inside.min() < FEWEST or outside.min() < FEWEST:
        return f"{feature.name} is on {inside.sum():,} of {inside.sum() + outside.sum():,} characters, too " \
               f"{'few' if inside.min() < FEWEST else 'many'}"  # fmt: skip
    if (counts[1::2].sum(1) > 0).sum() < 3:
        return "the text is too short"
    return ""


def _kind(
    unit: Unit, feature: Feature, fits: dict[str, ClockFit], counts: Any, sums: Any, middle: float, lag: int,
    lasts: Onset, remark: str,
) -> Kind:  # fmt: skip
    where = CLOCKS["inside"].bins.start
    n, s = counts[:, where : where + 3].sum(0), sums[:, where : where + 3].sum(0)
    inside, outside = middle + s[2] / max(n[2], 1), middle + s[:2].sum() / max(n[:2].sum(), 1)
    clock, word = ("", "") if remark else judged(fits, feature.counter)
    return Kind(
        unit, feature.name, feature.kind == "numeric", word, clock, tuple(fits.values()), lag, float(inside),
        float(outside), int(n.sum()), int(n[2]), None if remark else lasts, remark,
    )  # fmt: skip


def judged(fits: dict[str, ClockFit], counter: str = "") -> tuple[str, str]:
    """The clock and the kind that the fits of a unit amount to, by CRITERION; the kind is empty where there is none."""
    plain = fits["inside"]
    most = max(f.chosen for f in fits.values())
    others = [fits[name] for name in ORDER if name in fits and fits[name].chosen >= most - TIE]
    best = others[0] if others else plain
    beyond = best is not plain and best.fits and best.gain_low > 0
    more = best.clock == "column" or best.swing >= SWING or best.gain >= SHARE * best.r2
    if beyond and (more or not plain.fits):
        return best.clock, (BY_COUNTER.get(counter, "timer") if best.clock == "value" else BY_CLOCK[best.clock])
    if plain.fits:
        return "inside", "switch"
    return best.clock, ""
