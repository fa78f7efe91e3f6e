"""From the sums of profiles to kinds: every clock is fitted to every unit, and the verdict drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.clocks import CLOCKS, INSIDE
from cellscope.evidence.fits import Fitted, Sums, fit, weights_of
from cellscope.evidence.kinds import ORDER, ClockFit, Kind, judged
from cellscope.evidence.onsets import Onset, onset
from cellscope.features.feature import Feature
from cellscope.sinks.profiles import Profiles

FEWEST = 20
"""So many characters are needed inside and outside, in either half."""


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
            found = {name: _one(name, f, column, middle) for name, f in fitted.items()}
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


def _one(name: str, f: Fitted, unit: int, middle: float) -> ClockFit:
    names = ("r2", "low", "high", "gain", "gain_low", "gain_high", "within", "chosen", "swing")
    figures = {part: float(getattr(f, part)[unit]) for part in names}
    clock, profile = CLOCKS[name], f.profile[:, unit]
    shown = clock.inside & ~np.isnan(profile)
    numbers, means = clock.values[shown], profile[shown] + middle
    return ClockFit(
        clock=name, rises=int(f.rises[unit]), numbers=tuple(numbers.tolist()), means=tuple(means.tolist()), **figures
    )


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
    n = counts[:, where : where + 3].sum(0)
    inside, outside = (middle + level for level in _levels(counts.sum(0), sums.sum(0), bool(feature.pattern)))
    clock, word = ("", "") if remark else judged(fits, feature.counter)
    return Kind(
        unit, feature.name, feature.kind == "numeric", bool(feature.pattern), word, clock, tuple(fits.values()), lag,
        float(inside), float(outside), int(n.sum()), int(n[2]), None if remark else lasts, remark,
    )  # fmt: skip


def _levels(n: Any, s: Any, spans: bool) -> tuple[float, float]:
    """The mean inside and outside; of a number of the whole text those of its upper and of its lower third."""
    here = CLOCKS["inside" if spans else "value"].bins
    n, s = n[here], s[here]
    if spans:
        high = np.arange(len(n)) == INSIDE
        low = ~high
    else:
        middle = (np.cumsum(n) - n / 2) / max(n.sum(), 1)
        last, first = middle[n > 0].max(initial=0), middle[n > 0].min(initial=1)
        high, low = middle >= min(2 / 3, last), middle <= max(1 / 3, first)
    return float(s[high].sum() / max(n[high].sum(), 1)), float(s[low].sum() / max(n[low].sum(), 1))
