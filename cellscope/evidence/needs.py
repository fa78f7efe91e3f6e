"""Whether a network needs units for a feature: what it loses without them, beside what random units of like variance
cost, the best units for the feature, and all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from cellscope.evidence.controls import LIKE
from cellscope.evidence.lesions import Changes, mean_and_interval
from cellscope.evidence.need_words import TEXT, Words
from cellscope.evidence.zones import ELSEWHERE, INSIDE, ZONES

FILLED = {"zero": "held at zero", "mean": "held at {its} mean", "outside": "held at {its} mean outside {feature}"}


@dataclass(frozen=True)
class Change:
    """A change of the loss in nats a character, with its 95 % interval."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def words(self) -> str:
        """`+0.21 (0.18 to 0.24)`."""
        return nats(self.value) + ("" if math.isnan(self.low) else f" ({nats(self.low)} to {nats(self.high)})")


@dataclass(frozen=True)
class Effect:
    """What one lesion changes inside a feature, at its end and elsewhere; `over` is inside less elsewhere."""

    name: str
    inside: Change
    end: Change
    elsewhere: Change
    over: Change

    @classmethod
    def of(cls, changes: Changes, lesion: int, feature: int) -> Effect:
        """The effect of one lesion on one feature."""
        value, low, high = (x[feature] for x in changes.of(lesion))
        inside, end, elsewhere = (Change(*map(float, ends)) for ends in zip(value, low, high, strict=True))
        return cls(changes.names[lesion], inside, end, elsewhere, _over(changes, lesion, feature))


def _over(changes: Changes, lesion: int, feature: int) -> Change:
    from cellscope.evidence.intervals import jackknife

    sums = changes.changed[lesion, :, feature][:, [INSIDE, ELSEWHERE]]
    counts = changes.counts[:, feature][:, [INSIDE, ELSEWHERE]].astype(float)

    def difference(parts: list[Any]) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = parts[0] / parts[1]
        return ratio[..., 0] - ratio[..., 1]

    low, high = jackknife(difference, [sums, counts])
    return Change(float(difference([sums.sum(0), counts.sum(0)])), float(low), float(high))


@dataclass(frozen=True)
class Several:
    """The k best units of a feature held together, beside the changes inside that random sets of k cause."""

    k: int
    best: Effect
    random: tuple[float, ...]


@dataclass(frozen=True)
class Kept:
    """What is lost where only these units are kept, and where none is; inside, random units kept in their place."""

    only: Effect
    none: Effect
    random: tuple[float, ...]

    @property
    def restored(self) -> float:
        """The share of what is lost inside without any unit that keeping these brings back."""
        return 1 - self.only.inside.value / self.none.inside.value if self.none.inside.value > 0 else math.nan


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a network loses on a feature without some units.

    free        nats a character of the network as it is, by zone; `counted` characters by zone
    effect      of the lesion; `random` of random units of like variance, one after the other
    several     the k best units and k random ones; `kept` the complement; where they were asked for
    ratios      the least and the most variance of the random units, as multiples of that of the units themselves
    characters  that were read under the lesion, `chosen` those from which means, variances and best units come: before
                them where `before`
    noun        what is held, `unit` or `direction`; the random ones are of the same sort
    """

    name: str
    many: int
    feature: str
    fill: str
    free: tuple[float, float, float]
    counted: tuple[int, int, int]
    effect: Effect
    random: tuple[Effect, ...]
    several: tuple[Several, ...] = ()
    kept: Kept | None = None
    ratios: tuple[float, float] = (math.nan, math.nan)
    characters: int
    chosen: int
    blocks: int
    seed: int
    before: bool = True
    noun: str = "unit"
    words: ClassVar[Words] = TEXT

    @property
    def above(self) -> int:
        """How many of the random ones cost at least as much inside."""
        return sum(r.inside.value >= self.effect.inside.value for r in self.random)

    @property
    def most(self) -> float:
        """The most that any of the random units costs inside; NaN where there are none."""
        return max((r.inside.value for r in self.random), default=math.nan)

    @property
    def needed(self) -> bool:
        """Whether the whole interval of the change inside lies above 0 and above what each of the random units
        causes.
        """
        return bool(self.effect.inside.low > max(0.0, self.most)) if self.random else False

    @property
    def specific(self) -> bool:
        """Whether it is needed inside more than elsewhere, with the whole interval of the difference."""
        return self.needed and self.effect.over.low > 0

    @property
    def verdict(self) -> str:
        """`needed`, `needed everywhere`, `not needed` or `not judged`."""
        if not self.random or math.isnan(self.effect.inside.low):
            return "not judged"
        return "needed" if self.specific else "needed everywhere" if self.needed else "not needed"

    @property
    def how(self) -> str:
        """What was done to the units, in words."""
        return FILLED[self.fill].format(its="its" if self.many == 1 else "their", feature=self.feature)

    @property
    def sentence(self) -> str:
        """The verdict in words, with its figures."""
        elsewhere = nats(self.effect.elsewhere.value)
        cost = f"{self.how}, {self.words.cost} {self.effect.inside.words} nats; {self.words.rest} {elsewhere}"
        return f"{self._claim}: {cost}. {self._beside}"

    @property
    def _claim(self) -> str:
        where = self.words.where.format(feature=self.feature)
        if self.verdict == "needed":
            return f"The network needs {self.name} {where}"
        if self.verdict == "needed everywhere":
            return f"The network needs {self.name}, but {where} no more than {self.words.elsewhere}"
        if self.verdict == "not judged":
            return f"Whether the network needs {self.name} {where} cannot be told from {self.words.little}"
        if self.effect.inside.low > 0:
            return f"The network does not need {self.name} {where} more than {self.noun}s drawn at random"
        return f"The network does not need {self.name} {where}"

    @property
    def _beside(self) -> str:
        if not self.random:
            return f"There are no other {self.noun}s of like variance to compare with."
        low = min(r.inside.value for r in self.random)
        what = f"{self.noun}s" if self.many == 1 else f"sets of {self.many} {self.noun}s"
        many = "None" if not self.above else str(self.above)
        return (
            f"{many} of {len(self.random)} random {what} {self.likeness} cost{'s' * (self.above == 0)} as much "
            f"({nats(low)} to {nats(self.most)})."
        )

    @property
    def likeness(self) -> str:
        """Of which variance the random units are, in words: where none is like it, that is said."""
        least, most = self.ratios
        if math.isnan(least):
            return "of like variance"
        times = f"{least:.2g} to {most:.2g} times {'its' if self.many == 1 else 'theirs'}"
        if least > LIKE or most < 1 / LIKE:
            return f"of nearest variance, none of it alike ({times}),"
        return f"of {'like' if least >= 1 / LIKE and most <= LIKE else 'nearest'} variance ({times})"

    def figures(self) -> dict[str, Any]:
        """Every figure by its name, with the verdict and the sentence."""
        kept = None if self.kept is None else {**asdict(self.kept), "restored": self.kept.restored}
        own = {**asdict(self), "kept": kept, "above": self.above, "needed": self.needed, "specific": self.specific}
        own["free"], own["counted"] = (dict(zip(ZONES, own[name], strict=True)) for name in ("free", "counted"))
        return {**own, "verdict": self.verdict, "sentence": self.sentence}


def free_of(changes: Changes, feature: int) -> tuple[float, float, float]:
    """Nats a character of the network as it is, inside, at the end and elsewhere."""
    value, _, _ = mean_and_interval(changes.free, changes.counts)
    inside, end, elsewhere = value[feature].tolist()
    return inside, end, elsewhere


def effects_of(changes: Changes, lesions: Sequence[int], feature: int) -> tuple[Effect, ...]:
    """The effects of several lesions on one feature."""
    return tuple(Effect.of(changes, lesion, feature) for lesion in lesions)


def nats(value: float) -> str:
    """`+0.21`: three digits after the point below a tenth, never `-0.000`."""
    if math.isnan(value):
        return "-"
    text = f"{value:+.3f}" if abs(value) < 0.1 else f"{value:+.2f}"
    return text.replace("-0.000", "+0.000")
