"""One cell or many: how much of a feature 1, 2, 4 ... and all units tell, and what that amounts to in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, site_of
from cellscope.evidence.terms import TEXT, Terms
from cellscope.evidence.verdicts import digits, named

Floats = NDArray[np.float64]
Spread = Literal["local", "sparse", "distributed", "nothing", "unknown"]

SHARE = 0.95
"""Units have what all have when they explain this share of it."""
SPARSE = 16
"""So many units at most, and no more than a quarter of all, are few."""
FLOOR = 0.01
"""Nothing is told where neither the interval of what the best unit explains nor that of what all explain lies above
this share of the variance: these two numbers of units were not chosen, as that which tells most is, on the text that
reports.
"""

_CRITERION = (
    f"R2 of a linear reading, on blocks that it was not chosen on. Local: one unit has {SHARE:.0%} of what all have; "
    f"sparse: at most {SPARSE} units do, and at most a quarter of all; distributed: it takes more; nothing: "
    f"neither the best unit nor all together tell anything for sure (no interval of theirs lies above R2 {FLOOR:g})"
)


def criterion(terms: Terms = TEXT) -> str:
    """What a verdict rests on, in the words of a subject."""
    late = ". A feature is read some characters late where its best unit is"
    return _CRITERION + (late if terms is TEXT else ". All units are those of one layer")


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What `units` units explain of a feature: R2 on the reporting blocks, with the ends of its 95 % interval.

    score       of the units that forward selection chose (of all units: ridge regression)
    lasso       of the units that the lasso chose; NaN where that many were not asked for
    random      mean of sets drawn at random; `least`, `most` the extremes of the draws
    control     of forward selection for Hewitt and Liang's control task; `selectivity` is score less control
    """

    units: int
    score: float
    low: float
    high: float
    lasso: float = math.nan
    lasso_low: float = math.nan
    lasso_high: float = math.nan
    random: float = math.nan
    least: float = math.nan
    most: float = math.nan
    control: float = math.nan

    @property
    def selectivity(self) -> float:
        """What the units tell beyond what a probe of so many can learn by heart, which is not less than nothing."""
        return self.score - (max(self.control, 0.0) if math.isfinite(self.control) else self.control)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One feature's curve over the number of units.

    chosen      the units of forward selection, best first; `rungs[i]` reads the first of them
    share       what the best unit explains as a share of `told`, with its interval
    lag         the label is the feature's so many characters ago: its best unit is that late
    strength    the ridge penalty of all units, chosen within the choosing blocks
    labelled    rows that have the feature (or count for it), of `rows` that were summed
    layer       the one whose units these are, where every layer has a probe of its own
    terms       the words for what was summed
    """

    feature: str
    kind: str
    labelled: int
    rows: int
    of: int
    rungs: tuple[Rung, ...] = ()
    chosen: tuple[Unit, ...] = ()
    share: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    strength: float = math.nan
    lag: int = 0
    layer: str = ""
    remark: str = ""
    terms: Terms = TEXT

    @property
    def all(self) -> Rung:
        """What all units tell."""
        return self.rungs[-1]

    @property
    def told(self) -> float:
        """What all units have: no less than fewer do, though the reading of all may be the worse for its size. That
        number of units is chosen on the text that reports, so it is a measure for shares alone (see FLOOR).
        """
        return self.most.score

    @property
    def most(self) -> Rung:
        """The number of units whose reading tells most."""
        return max(self.rungs, key=lambda rung: rung.score)

    @property
    def needed(self) -> int | None:
        """The fewest units, of those tried, that have what all have; None where nothing is told."""
        if not self.rungs or not max(self.rungs[0].low, self.all.low) > FLOOR:
            return None
        return next(r.units for r in self.rungs if r.score >= SHARE * self.told)

    @property
    def spread(self) -> Spread:
        """Whether one unit tells the feature, or few, or many together, or none."""
        if not self.rungs:
            return "unknown"
        if self.needed is None:
            return "nothing"
        if self.needed == 1:
            return "local"
        return "sparse" if self.needed <= min(SPARSE, self.of // 4) else "distributed"

    @property
    def selective(self) -> float:
        """Selectivity of all units."""
        return self.all.selectivity if self.rungs else math.nan

    @property
    def equalled(self) -> int | None:
        """So many units drawn at random tell as much as the best one does; None where it tells nothing, or more than
        all of the sets that were drawn.
        """
        best = self.rungs[0].score if self.rungs else 0.0
        return next((r.units for r in self.rungs if r.random >= best > FLOOR), None)

    @property
    def verdict(self) -> str:
        """What the curve amounts to, in words."""
        if not self.rungs:
            return self.remark
        if self.needed is None:
            return (
                f"{self._name}: nothing for sure: the best unit tells R2 {_told(self.rungs[0])}, all {self.of:,} "
                f"together {_told(self.all)}"
            )
        part = next(r.score for r in self.rungs if r.units == self.needed) / self.told
        best, alone = named(self.chosen[0]), f"{max(self.share[0], 0):.0%}"
        have = f"the most that units tell ({self.most.units:,} of {self.of:,}: R2 {_told(self.most)})"
        if self.most is self.all:
            have = f"what all {self.of:,} units tell (R2 {_told(self.all)})"
        equal = f"; {self.equalled:,} units drawn at random tell as much as the best one" if self.equalled else ""
        if self.selective <= 0:  # what is read could as well be learnt by heart
            equal += f"; but the probe reads as much of labels by chance (control task, R2 {digits(self.all.control)})"
        late = f", read {self.lag} character{'s' * (self.lag > 1)} late," if self.lag else ""
        if self.spread == "local":
            return f"{self._name}{late} is local: {best} alone has {alone} of {have}{equal}"
        takes = f"it takes {self.needed:,} units to have {part:.0%} of {have}"
        return f"{self._name}{late} is {self.spread}: {takes}; the best one, {best}, has {alone}{equal}"

    @property
    def _name(self) -> str:
        return f"{self.feature} in {self.layer}" if self.layer else self.feature

    def figures(self) -> dict[str, Any]:
        """Every figure by its name, with the verdict; units by their addresses; a layer where there is one."""
        made = asdict(self) | {"chosen": [str(unit) for unit in self.chosen]}
        del made["terms"]
        if not self.layer:
            del made["layer"]
        made["rungs"] = [asdict(rung) | {"selectivity": rung.selectivity} for rung in self.rungs]
        return made | {"spread": self.spread, "needed": self.needed, "equalled": self.equalled, "verdict": self.verdict}


def _told(rung: Rung) -> str:
    return f"{digits(rung.score)}, {digits(rung.low)} to {digits(rung.high)}"


@dataclass(frozen=True, kw_only=True)
class Probes:
    """The curves of features over one set of sites, and how they were made.

    weights     float32 [feature, unit], the reading of all units (ridge), in units of the activations; `intercept`
    characters  how many were heard, every `stride`-th was summed; groups of blocks that chose and that reported
    draws       random sets at each number of units
    """

    probes: tuple[Probe, ...]
    sites: dict[Site, int]
    weights: NDArray[np.float32]
    intercept: NDArray[np.float32]
    characters: int
    stride: int
    choosing: int
    reporting: int
    draws: int
    seed: int

    def directions(self) -> Basis:
        """For each probed feature, in order, the reading of all units as a direction that can be heard, counted and
        lesioned; InputError where no feature could be probed.
        """
        told = [at for at, p in enumerate(self.probes) if p.rungs]
        if not told:
            raise InputError(f"no direction to look at: {self.probes[0].remark}")
        over = tuple(self.sites)
        vectors, offset = np.ascontiguousarray(self.weights[told].T), self.intercept[told]
        about = "directions: for each feature the ridge regression on all units that was fitted on the even blocks"
        names = tuple(self.probes[at].feature for at in told)
        return Basis(site_of(over, "probe"), over, vectors, offset, about=about, names=names)
