"""Which lesions answer whether a network needs units: theirs, those of the controls, and how they are told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.errors import InputError
from cellscope.evidence.controls import Held, alike, held_at, others, powers, random_sets, ratios
from cellscope.evidence.lesions import Changes, Lesion, lesion_changes
from cellscope.evidence.needs import Effect, Kept, Need, Several, effects_of, free_of

FEW = 5
"""Random sets beside each k, and random sets that are kept."""


@dataclass(frozen=True)
class Numbered:
    """The lesions that answer for one feature, by their number."""

    own: int
    random: tuple[int, ...]
    several: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    kept: tuple[int, int, tuple[int, ...]] | None = None


@dataclass
class Plan:
    """All lesions of one question, each of them once, and which of them answers what."""

    name: str
    many: int
    fill: str
    seed: int
    ratios: tuple[float, float] = (math.nan, math.nan)
    noun: str = "unit"
    lesions: list[Lesion] = field(default_factory=list)
    numbered: list[Numbered] = field(default_factory=list)

    def add(self, lesion: Lesion) -> int:
        """The lesion's number."""
        self.lesions.append(lesion)
        return len(self.lesions) - 1

    def needs(self, subject: Any, *, progress: Progress | None = None) -> tuple[Need, ...]:
        """Lesion the network, and say what came out for each feature of the subject."""
        changes = lesion_changes(
            subject.network, subject.corpus, subject.features, self.lesions, start=subject.start, progress=progress
        )
        return tuple(self.need(subject, changes, feature) for feature in range(len(subject.features)))

    def need(self, subject: Any, changes: Changes, feature: int) -> Need:
        """What came out for one feature."""
        at = self.numbered[feature]

        def inside(lesions: Sequence[int]) -> tuple[float, ...]:
            return tuple(effect.inside.value for effect in effects_of(changes, lesions, feature))

        kept = None
        if at.kept is not None:
            only, none, drawn = at.kept
            kept = Kept(Effect.of(changes, only, feature), Effect.of(changes, none, feature), inside(drawn))
        several = tuple(Several(k, Effect.of(changes, b, feature), inside(r)) for k, b, r in at.several)
        plain = need_of(changes, at.own, at.random, feature, name=self.name, many=self.many, fill=self.fill,
                        of=subject.features[feature].name, characters=subject.characters,
                        chosen=subject.moments.characters, seed=self.seed, ratios=self.ratios,
                        noun=self.noun)  # fmt: skip
        return replace(plain, several=several, kept=kept)


def need_of(
    changes: Changes, own: int, random: Sequence[int], feature: int, *, of: str, many: int = 1, **more: Any
) -> Need:
    """What lesion `own` costs a feature (called `of`), beside the lesions `random`; `more` are fields of Need."""
    inside, end, elsewhere = changes.counts.sum(0)[feature].tolist()
    return Need(
        feature=of, many=many, free=free_of(changes, feature), counted=(inside, end, elsewhere),
        effect=Effect.of(changes, own, feature), random=effects_of(changes, random, feature),
        blocks=len(changes.counts), **more,
    )  # fmt: skip


def planned(subject: Any, held: Held, name: str, *, fill: str, draws: int, deep: bool, seed: int) -> Plan:
    """The lesions of `held` for every feature of the subject; `deep` adds the best units and the complement."""
    moments, rng = subject.moments, np.random.default_rng(seed)
    sizes = {site: len(moments.mean[site]) for site in held}
    drawn = alike(held, moments.variance, draws, rng)
    chances = random_sets(sum(sizes.values()), powers(sum(sizes.values())), FEW, rng) if deep else []
    plan = Plan(name, sum(map(len, held.values())), fill, seed, ratios(held, drawn, moments.variance))
    means = {site: moments.fill(site, "mean") for site in held}
    kept = _complement(plan, held, drawn[:FEW], sizes, means) if deep else None
    shared: Numbered | None = None
    for feature in range(len(subject.features)):
        fills = {site: moments.fill(site, fill, feature) for site in held}
        if shared is None or fill == "outside":
            own = plan.add(held_at(name, held, fills))
            beside = tuple(plan.add(held_at(_said(units), units, fills)) for units in drawn)
            shared = Numbered(own, beside, (), kept)
            sets = random_of(plan, chances, sizes, fills)
        several = best_of(plan, moments, sizes, feature, fills, sets) if deep else ()
        plan.numbered.append(Numbered(shared.own, shared.random, several, kept))
    return plan


Sets = Sequence[tuple[int, ...]]
Fills = Mapping[Site, NDArray[np.float32]]


def random_of(
    plan: Plan, chances: Sequence[Sequence[NDArray[np.int64]]], sizes: Mapping[Site, int], fills: Fills
) -> Sets:
    """The lesions of the sets that were drawn for each number of units."""
    return [tuple(plan.add(held_at("random", _apart(s, sizes), fills)) for s in k) for k in chances]


def best_of(
    plan: Plan, moments: Any, sizes: Mapping[Site, int], feature: int, fills: Fills, sets: Sets
) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """The lesions of the k best units of a feature, with the k of them and those of k random ones."""
    order = _best(moments, sizes, feature)
    several = []
    for k, random in zip(powers(len(order)), sets, strict=True):
        best = random[0] if k == len(order) else plan.add(held_at(f"best {k}", _apart(order[:k], sizes), fills))
        several.append((k, best, random))
    return tuple(several)


def _complement(
    plan: Plan, held: Held, drawn: Sequence[Held], sizes: Mapping[Site, int], means: Mapping[Site, NDArray[np.float32]]
) -> tuple[int, int, tuple[int, ...]] | None:
    """Keep only these, keep none, keep random ones in their place; all others are held at their means."""
    rest = others(held, sizes)
    if not any(len(units) for units in rest.values()):
        return None
    every = {site: np.arange(size) for site, size in sizes.items()}
    only, none = plan.add(held_at("kept", rest, means)), plan.add(held_at("none kept", every, means))
    return only, none, tuple(plan.add(held_at("random kept", others(units, sizes), means)) for units in drawn)


def _best(moments: Any, sizes: Mapping[Site, int], feature: int) -> NDArray[np.int64]:
    """The units of all sites, numbered through, those that tell the feature best first."""
    auc = np.concatenate([moments.auc[site][feature] for site in sizes])
    if not np.isfinite(auc).all():
        name = moments.features[feature]
        raise InputError(f"feature {name!r} is too rare in the text before the lesioned part to choose units on")
    return np.argsort(-np.abs(auc - 0.5), kind="stable")


def _apart(numbers: NDArray[np.int64], sizes: Mapping[Site, int]) -> dict[Site, NDArray[np.int64]]:
    """The units of each site among `numbers`, which number all sites through."""
    found, at = {}, 0
    for site, size in sizes.items():
        found[site] = np.sort(numbers[(numbers >= at) & (numbers < at + size)]) - at
        at += size
    return found


def _said(held: Held) -> str:
    units = [f"{site}/{unit}" for site, own in held.items() for unit in own.tolist()]
    return ", ".join(units[:8]) + (" ..." if len(units) > 8 else "")
