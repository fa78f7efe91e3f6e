"""What a network writes while units are held: how often a feature is on, and how often it ends, held and free."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis
from cellscope.evidence.intervals import Estimate, mean_of

if TYPE_CHECKING:
    from cellscope.hooks.edits import Edit

REACH = {"hidden": (-1.0, 1.0), "candidate": (-1.0, 1.0), "new": (-1.0, 1.0)} | dict.fromkeys(
    ("input", "forget", "output", "reset", "update"), (0.0, 1.0)
)
"""Between what a stream stays by itself; a cell, and a hidden unit of max(0, x), may be anything."""


@dataclass(frozen=True)
class Held:
    """A unit that is held at a value, or a component of `basis`."""

    unit: Unit
    value: float
    basis: Basis | None = None

    @property
    def heard(self) -> tuple[Site, ...]:
        """The streams that have to be heard to know what it does."""
        return (self.unit.site,) if self.basis is None else self.basis.over

    def of(self, values: Mapping[Site, Any]) -> NDArray[np.float32]:
        """What it does [..], from what the streams do, each [.., unit]."""
        if self.basis is None:
            made: NDArray[np.float32] = values[self.unit.site][..., self.unit.index].float().cpu().numpy()
            return made
        return self.basis.of(values)[..., self.unit.index]

    @property
    def name(self) -> str:
        """Its address."""
        return str(self.unit) if self.basis is None else self.basis.called(self.unit.index)

    def __str__(self) -> str:
        return f"{self.name} held at {self.value:+g}"

    def beyond(self, *, relu: bool = False) -> str:
        """What is odd about the value, or an empty string: a held value may lie where the unit never is."""
        low, high = REACH.get(self.unit.site.stream, (-math.inf, math.inf))
        low, high = (0.0, math.inf) if relu and self.unit.site.stream == "hidden" else (low, high)
        if low <= self.value <= high:
            return ""
        ends = f"below {low:g}" if math.isinf(high) else f"outside of {low:g} to {high:g}"
        return f"{self.unit} is never {ends} by itself; it is held at {self.value:+g} all the same"


def edits_of(held: Sequence[Held]) -> dict[Site, Edit]:
    """The edits that hold the units and components, for `listen`; InputError where one is held twice, where what is
    held follows from the rest, and for a component of several streams.
    """
    values: dict[Any, float] = {}
    streams: dict[Site, list[Held]] = {}
    for one in held:
        # The number of a component tells it from others of its basis alone: files and probes may be several.
        which = one.name, None if one.basis is None else one.basis.directions[:, one.unit.index].tobytes()
        if which in values:
            raise InputError(f"{one.name} is held twice, at {values[which]:g} and {one.value:g}; hold it once")
        values[which] = one.value
        streams.setdefault(one.unit.site if one.basis is None else one.basis.stream, []).append(one)
    return {site: _edit(some) for site, some in streams.items()}


def _edit(held: Sequence[Held]) -> Edit:
    """What holds units and components of one stream all at once."""
    from cellscope.hooks.edits import Hold, HoldSpan

    bases = [one.basis for one in held if one.basis is not None]
    if not bases:
        return Hold.of([one.unit.index for one in held], [one.value for one in held])
    size = len(bases[0].directions)
    each: list[tuple[NDArray[np.float64], float]] = [
        (np.eye(size)[one.unit.index], one.value) if one.basis is None else one.basis.held(one.unit.index, one.value)
        for one in held
    ]
    return HoldSpan.of([direction for direction, _ in each], [value for _, value in each])


@dataclass(frozen=True)
class Rates:
    """One feature in `samples` texts of `length` characters, held and free, and the paired difference.

    inside  share of the characters that have the feature
    ends    how often a stretch of it ends, in 1,000 characters
    """

    feature: str
    samples: int
    length: int
    inside: Mapping[str, Estimate]
    ends: Mapping[str, Estimate]

    @property
    def never(self) -> bool:
        """Whether the feature is on nowhere in any sample, so that its rates say nothing."""
        return not (self.inside["held"].value or self.inside["free"].value)

    @property
    def answer(self) -> str:
        """Both shares in words, without intervals."""
        if self.never:
            return f"no character of any sample is inside {self.feature}, held or free"
        held, free = (100 * self.inside[name].value for name in ("held", "free"))
        return f"{held:.1f} % of the characters are inside {self.feature}, against {free:.1f} % free"

    @property
    def sentence(self) -> str:
        """Both rates in words, with the interval of their difference."""
        if self.never:
            return (
                f"no character is inside {self.feature} in {self.samples:,} samples of {self.length:,} characters, "
                "held or free: nothing can be told of it; draw longer samples, prime the network, or ask for another"
            )
        held, free, change = (self.inside[name] for name in ("held", "free", "difference"))
        times, before, fewer = (self.ends[name].value for name in ("held", "free", "difference"))
        ends = self.ends["difference"]
        return (
            f"{100 * held.value:.1f} % of the characters are inside {self.feature} in {self.samples:,} samples of "
            f"{self.length:,} characters, against {100 * free.value:.1f} % free: {100 * change.value:+.1f} points "
            f"(95 % {100 * change.low:+.1f} to {100 * change.high:+.1f}); it ends {times:.1f} times in 1,000 "
            f"characters, against {before:.1f} ({fewer:+.1f}, {ends.low:+.1f} to {ends.high:+.1f})"
        )


def rates(feature: Any, prime: str, held: Sequence[str], free: Sequence[str]) -> Rates:
    """How often a span feature is on in texts that were written after `prime`, k of either from the same chances.

    Labels are those of prime and text together, counted in the text alone. Intervals are Student's over the samples.
    """
    if feature.kind != "span":
        raise InputError(f"{feature.name} is a number, and its rate cannot be told; give a span")
    length = len(held[0])
    ending = replace(feature, name="ends", where="end", example="", counterexample="")
    both = [
        np.array([_labels((feature, ending), prime, text).sum(1, dtype=float) for text in texts])
        for texts in (held, free)
    ]
    found = []
    for k, unit in enumerate((1.0, 1000.0)):
        here, there = (counts[:, k] * unit / max(length, 1) for counts in both)
        found.append({"held": mean_of(here), "free": mean_of(there), "difference": mean_of(here - there)})
    return Rates(feature.name, len(held), length, *found)


def flags_of(feature: Any, prime: str, text: str) -> NDArray[np.bool_]:
    """Where in `text`, which follows `prime`, the feature is on [character]."""
    flags: NDArray[np.bool_] = _labels((feature,), prime, text)[0]
    return flags


def _labels(features: tuple[Any, ...], prime: str, text: str) -> NDArray[np.bool_]:
    """The labels of `text` as it goes on from `prime`, [feature, character]."""
    from cellscope.features.labeller import Labeller
    from cellscope.features.window import Memory

    whole = prime + text
    return Labeller(features, Memory(whole)).read(0, len(whole)).spans[:, len(prime) :]
