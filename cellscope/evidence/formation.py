"""How a unit comes to track a feature: snapshot by snapshot, who is best, how good, and what the network loses
without it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from cellscope.axes import Unit
from cellscope.evidence.needs import Change, nats
from cellscope.evidence.terms import PLACES, TEXT, Terms
from cellscope.evidence.verdicts import digits, named

ALIKE = 0.8
"""Two activations are said to be alike from this correlation on, whatever its sign."""


@dataclass(frozen=True)
class Track:
    """One unit at one snapshot.

    score, low, high  AUC (a numeric feature: rank correlation) on blocks that chose nothing, with its interval
    inside            change of the loss inside the feature without the unit; None for a numeric feature
    likeness          correlation of its activation with that of the unit that is best in the end, in the end
    """

    unit: Unit
    score: float
    low: float
    high: float
    inside: Change | None
    likeness: float


@dataclass(frozen=True)
class Stage:
    """One snapshot: the unit that is best then (chosen on other blocks), and the one that is best in the end.

    found      whether the best unit is a finding (see verdicts.Evidence)
    random     the most that the random units of nearest variance cost inside; NaN where there is none
    free, elsewhere  nats a character of the network as it is, inside the feature and elsewhere
    """

    step: int
    best: Track
    last: Track
    found: bool
    random: float
    free: float
    elsewhere: float

    @property
    def needed(self) -> bool:
        """Whether the network needs the best unit: its whole interval lies above 0 and above the random units."""
        return self.best.inside is not None and bool(self.best.inside.low > max(0.0, self.random))


@dataclass(frozen=True)
class Formation:
    """One feature over training; stages in the order of their steps, the last one being where training ended.

    characters  (or pictures) that units were chosen and judged on, `lesioned` those that were read under lesions
    terms       the words for what was looked at
    """

    feature: str
    kind: str
    stages: tuple[Stage, ...]
    characters: int
    lesioned: int
    seed: int
    terms: Terms = TEXT

    @property
    def unit(self) -> Unit:
        """The unit that is best in the end."""
        return self.stages[-1].best.unit

    @property
    def appears(self) -> int | None:
        """The step of the first snapshot in which a unit is found; None where none ever is."""
        return next((stage.step for stage in self.stages if stage.found), None)

    @property
    def stays(self) -> int | None:
        """The step from which on a unit is found at every snapshot; None where none is in the end."""
        steps = []
        for stage in reversed(self.stages):
            if not stage.found:
                break
            steps.append(stage.step)
        return steps[-1] if steps else None

    @property
    def settles(self) -> int:
        """The step from which on the best unit is the one that is best in the end."""
        steps = [self.stages[-1].step]
        for stage in reversed(self.stages[:-1]):
            if stage.best.unit != self.unit:
                break
            steps.append(stage.step)
        return steps[-1]

    @property
    def moves(self) -> tuple[tuple[int, Unit, float], ...]:
        """(step, unit, likeness) wherever another unit becomes best after one was found first."""
        made = []
        before = None
        for stage in self.stages:
            if before is not None and stage.best.unit != before:
                made.append((stage.step, stage.best.unit, stage.best.likeness))
            if before is not None or stage.found:
                before = stage.best.unit
        return tuple(made)

    @property
    def searched(self) -> str:
        """`200,000 characters`, `400 pictures`."""
        return f"{self.characters:,} {'pictures' if self.terms.items == PLACES.items else self.terms.items}"

    @property
    def sentence(self) -> str:
        """When the cell appears, whether it moves, and when the network comes to need it."""
        if self.appears is None:
            where = f"{len(self.stages)} snapshots, each searched on {self.searched}"
            return f"No unit is found for {self.feature} in any of {where}"
        first = next(stage for stage in self.stages if stage.found)
        return (
            f"A unit for {self.feature} is first found at step {self.appears:,} ({self._said(first)}); {self._later()}"
        )

    def _said(self, stage: Stage) -> str:
        score = "AUC" if self.kind == "span" else "rank r"
        return f"{named(stage.best.unit)}, {score} {digits(stage.best.score)}"

    def _later(self) -> str:
        last = self.stages[-1]
        if not last.found:
            return "in the end none is"
        moved = self.moves
        if moved:
            times = "once" if len(moved) == 1 else f"{len(moved)} times"
            told = f"it moves {times}, and from step {self.settles:,} on it is {self._said(last)}"
        else:
            told = f"it stays there, and ends at {digits(last.best.score)}"
        if last.best.inside is None:
            return told
        verb = "needs" if last.needed else "does not need"
        return f"{told}; in the end the network {verb} it ({nats(last.best.inside.value)} nats inside without it)"

    def figures(self) -> dict[str, Any]:
        """Every figure by its name, units by their addresses."""
        stages = []
        for stage in self.stages:
            own = asdict(stage)
            for name in ("best", "last"):
                own[name]["unit"] = str(getattr(stage, name).unit)
            stages.append({**own, "needed": stage.needed})
        moves = [{"step": step, "unit": str(unit), "likeness": r} for step, unit, r in self.moves]
        return {
            "feature": self.feature, "kind": self.kind, "unit": str(self.unit), "appears": self.appears,
            "stays": self.stays, "settles": self.settles, "moves": moves, "sentence": self.sentence,
            "characters": self.characters, "lesioned": self.lesioned, "seed": self.seed, "stages": stages,
        }  # fmt: skip


def likeness(one: Any, other: Any) -> float:
    """Pearson's correlation of two activations [position]; NaN where either is constant."""
    import numpy as np

    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])
