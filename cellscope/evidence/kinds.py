"""What kind of cell: a switch, a counter, a timer or a position, or of no kind at all.

A switch is on inside a feature and off outside. A counter goes with the depth of nesting, a timer with the time since
a span began or until it ends, a position with the column of the line. Each is a clock (see clocks.py) whose fit to the
unit is scored on text that it was not fitted on; CRITERION says when one of them is the unit's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.onsets import Onset
from cellscope.evidence.verdicts import digits, named

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
    """How a clock fits a unit (see fits.Fitted); `means` is the unit's mean where the clock shows `numbers`, inside."""

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
    numbers: tuple[float, ...] = ()
    means: tuple[float, ...] = ()

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
    inside, outside   the mean activation there; of a number of the whole text, such as the column, where it is in its
                      upper third and in its lower third; `sign` is +1 where `inside` is higher
    onset    when it knows and when it lets go
    remark   why nothing could be said, or empty
    """

    unit: Unit
    feature: str
    numeric: bool
    spans: bool
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
    def sides(self) -> tuple[str, str]:
        """What `inside` and `outside` are called: a number of the whole text is large or small."""
        return ("inside", "outside") if self.spans else (f"{self.feature} large", f"{self.feature} small")

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
