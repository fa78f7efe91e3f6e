"""Every unit in turn: what the network loses inside each feature without it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.evidence.lesions import Changes, mean_and_interval
from cellscope.evidence.needs import Change, nats
from cellscope.evidence.zones import ELSEWHERE, END, INSIDE

Floats = NDArray[np.float64]
TYPICAL = 0.95
"""The share of all units below which a unit costs nothing out of the ordinary."""


@dataclass(frozen=True)
class Leader:
    """The unit whose loss costs a feature most: chosen on the even blocks of the text, reported on the odd ones.

    typical  what 95 % of the units cost at most inside, on the odd blocks
    free     nats a character inside of the network as it is
    """

    feature: str
    unit: Unit
    inside: Change
    end: Change
    elsewhere: Change
    typical: float
    free: float
    characters: int

    @property
    def needed(self) -> bool:
        """Whether the whole interval lies above 0 and above what 95 % of the units cost."""
        return bool(self.inside.low > max(0.0, self.typical))

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if math.isnan(self.inside.low):
            return f"{self.feature}: too little of it to tell"
        if not self.needed:
            return f"no single unit is needed for {self.feature}: the costliest, {self.unit}, costs {self.inside.words}"
        return (
            f"{self.feature} needs {self.unit}: {self.inside.words} nats inside, {nats(self.elsewhere.value)} elsewhere"
        )

    def figures(self) -> dict[str, Any]:
        """Every figure by its name."""
        zones = {name: vars(getattr(self, name)) for name in ("inside", "end", "elsewhere")}
        own = {"feature": self.feature, "unit": str(self.unit), **zones, "typical": self.typical, "free": self.free}
        return {**own, "characters": self.characters, "needed": self.needed, "sentence": self.sentence}


@dataclass(frozen=True, eq=False)
class LesionMap:
    """The changes that every unit's lesion makes for every feature; lesion u of `changes` is units[u] at `fill`.

    `digests` are those of the features' definitions.
    """

    units: tuple[Unit, ...]
    features: tuple[str, ...]
    changes: Changes
    fill: str
    characters: int
    digests: tuple[str, ...] = ()

    @property
    def inside(self) -> Floats:
        """The change in nats a character inside each feature, [unit, feature]."""
        return self.changes.mean()[:, :, INSIDE]

    def intervals(self) -> tuple[Floats, Floats, Floats]:
        """(change, low, high), each [unit, feature, zone]; all blocks."""
        return mean_and_interval(self.changes.changed.swapaxes(0, 1), self.changes.counts[:, None])

    def leaders(self) -> tuple[Leader, ...]:
        """The unit that each feature needs most, if any; one for every feature."""
        chosen = np.nan_to_num(self.changes.take(slice(0, None, 2)).mean()[:, :, INSIDE], nan=-np.inf).argmax(0)
        odd = self.changes.take(slice(1, None, 2))
        value, low, high = mean_and_interval(odd.changed.swapaxes(0, 1), odd.counts[:, None])
        free = mean_and_interval(odd.free, odd.counts)[0]
        made = []
        for f, (name, u) in enumerate(zip(self.features, chosen.tolist(), strict=True)):
            zones = [Change(float(value[u, f, z]), float(low[u, f, z]), float(high[u, f, z])) for z in range(3)]
            typical = float(np.quantile(np.nan_to_num(value[:, f, INSIDE]), TYPICAL))
            counted = int(odd.counts[:, f, INSIDE].sum())
            made.append(Leader(name, self.units[u], zones[INSIDE], zones[END], zones[ELSEWHERE], typical,
                               float(free[f, INSIDE]), counted))  # fmt: skip
        return tuple(made)

    @property
    def sentence(self) -> str:
        """How many features hang on a unit of their own."""
        needed = [leader for leader in self.leaders() if leader.needed]
        units = len({leader.unit for leader in needed})
        return (
            f"{len(needed)} of {len(self.features)} features need a single unit, {units} different ones of "
            f"{len(self.units)}: held at {'zero' if self.fill == 'zero' else 'its mean'}, it costs more inside than "
            f"{TYPICAL:.0%} of the units do, with its whole interval"
        )
