"""A unit at a feature in full: what kind of cell, when it knows, what moves it, how long it keeps, what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.chunks import Chunk, Round
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, hear
from cellscope.evidence.clocks import BINS, INSIDE, NONE, OFFSETS, read_clocks
from cellscope.evidence.kind_fits import kinds
from cellscope.evidence.kinds import Kind
from cellscope.evidence.promotion import Effect, effect, sampled
from cellscope.evidence.timescales import time_scale_of_lanes
from cellscope.evidence.writers import Movements, Moves, memory_of
from cellscope.features.feature import Feature
from cellscope.observe import Source, rounds
from cellscope.sinks.lags import REACH
from cellscope.sinks.profiles import Group, Profiles, limits_of

MOST = 2**18
"""Characters that are looked at, about: the first of every lane of the text's last round."""
SEED = 123


@dataclass(frozen=True)
class Stretch:
    """The part of a text that is looked at: the first `steps` characters of every lane of a round.

    Its blocks are those of the search over the same rounds, so that what chose a unit does not report on it.
    """

    part: Round
    steps: int

    @classmethod
    def of(cls, parts: Sequence[Round], *, most: int = MOST) -> Stretch:
        """About `most` characters of the last of some rounds, from all of its blocks."""
        last = parts[-1]
        return cls(last, min(last.steps, max(1, most // last.lanes)))

    @property
    def characters(self) -> int:
        """How many they are."""
        return self.steps * self.part.lanes


@dataclass(frozen=True, eq=False)
class Portrait:
    """Everything about one unit at one feature.

    time_scale   characters until the unit's autocorrelation has fallen to 1/e; NaN for a constant one
    moves        what writes and erases it; effect: what it does to the next character, None where it cannot be told
    characters   how many were looked at; seed: of the positions at which the effect was measured
    """

    kind: Kind
    time_scale: float
    moves: Moves
    effect: Effect | None
    characters: int
    seed: int

    def figures(self) -> dict[str, Any]:
        """Everything by its name, as JSON has it; the verdict in words, too."""
        kind, told = self.kind, asdict(self.kind)
        told |= {"unit": str(kind.unit), "kind": kind.name, "sentence": kind.sentence, "timing": kind.timing}
        if kind.onset is not None:
            told["onset"] = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in told["onset"].items()}
        moves = asdict(self.moves) | {"memory": self.moves.memory}
        effect = None if self.effect is None else asdict(self.effect)
        rest = {"time_scale": self.time_scale, "effect": effect, "heard": self.characters, "seed": self.seed}
        return told | moves | rest


def portray(
    network: Any, corpus: Any, unit: Unit, feature: Feature, *, stretch: Stretch | None = None, lag: int = 0,
    sign: int = 1, seed: int = SEED, basis: Basis | None = None, progress: Progress | None = None,
) -> Portrait:  # fmt: skip
    """One unit, or component of `basis`, at one feature, from one pass over a stretch of the text and the intervention.

    `lag` is the unit's best (sinks.Lags), `sign` +1 where it is higher inside: both chosen elsewhere.
    """
    stretch = stretch or Stretch.of(rounds(len(corpus)))
    codes = read_clocks([feature], corpus, stretch.part, stretch.steps)
    pass_ = _Pass(network, corpus, unit, stretch, codes, sign, basis)
    pass_.run(progress)
    kind = kinds(pass_.profiles(feature, lag), {0: unit}, (feature,))[unit]
    return Portrait(
        kind, time_scale_of_lanes(pass_.values), pass_.moved(), pass_.caused(kind, codes, seed),
        stretch.characters, seed,
    )  # fmt: skip


class _Pass:
    """One pass over a stretch that hears a unit, its memory and its gates."""

    def __init__(
        self, network: Any, corpus: Any, unit: Unit, stretch: Stretch, codes: NDArray[np.uint8], sign: int,
        basis: Basis | None,
    ) -> None:  # fmt: skip
        from cellscope.hooks.sites import recurrent_layers

        self.network, self.corpus, self.unit, self.stretch, self.codes = network, corpus, unit, stretch, codes
        self.basis, self.memory = basis, unit.site
        self.gates: tuple[Site, ...] = ()
        if basis is None:  # a component has no gates of its own: what moves it is what moves itself
            kind = next(layer.kind for layer in recurrent_layers(network.module) if layer.path == unit.site.path)
            self.memory, self.gates = memory_of(unit, kind)
        self.moves = Movements(tuple(g.stream for g in self.gates), len(network.vocabulary), sign)
        self.values = np.empty((stretch.steps, stretch.part.lanes), np.float32)

    def run(self, progress: Progress | None) -> None:
        """Hear the stretch."""
        sites = tuple(dict.fromkeys([self.unit.site, self.memory, *self.gates]))
        stretch, total = self.stretch, self.stretch.characters
        with hear(self.network, self.corpus, sites, [self.basis] if self.basis else []) as source:
            for chunk in source.play(stretch.part)[1]:
                if chunk.step >= stretch.steps:
                    break
                self._add(chunk, min(chunk.steps, stretch.steps - chunk.step))
                if progress:
                    progress(min(chunk.step + chunk.steps, stretch.steps) * stretch.part.lanes, total, "what kind")

    def _add(self, chunk: Chunk, steps: int) -> None:
        def of(site: Site) -> NDArray[np.float32]:
            return chunk.values[site][:steps, :, self.unit.index]

        at = chunk.step
        self.values[at : at + steps] = values = of(self.unit.site)
        around = self.codes[..., at : at + steps + 2 * REACH]
        gates = np.stack([of(g).T for g in self.gates]) if self.gates else np.empty((0, *values.T.shape), np.float32)
        read = np.stack([self.corpus.codes(p, p + steps) for p in chunk.positions.tolist()])
        ids = self.network.vocabulary.encode(read)
        self.moves.add(of(self.memory).T, gates, ids, around[0, :, :, REACH : REACH + steps])

    def profiles(self, feature: Feature, lag: int) -> Profiles:
        """The unit's profiles along every clock."""
        part = self.stretch.part
        groups = [Group(0, lag, np.zeros(1, np.int64))]
        values = np.ascontiguousarray(self.values.T)[..., None]
        sink = Profiles(
            groups, _limits(groups, values, part.block_of, self.codes, [feature]), OFFSETS, BINS, part.blocks
        )
        sink.add(values, part.block_of, self.codes, REACH)
        return sink

    def moved(self) -> Moves:
        """What moved the unit."""
        return self.moves.moves(str(self.memory.stream), self.network.vocabulary.symbols)

    def caused(self, kind: Kind, codes: NDArray[np.uint8], seed: int) -> Effect | None:
        """What the unit does to the next character; None where it has only one level, or too little text."""
        where = codes[0, 0, :, REACH : REACH + self.stretch.steps]
        places = self.stretch.part.starts[:, None] + np.arange(self.stretch.steps)
        known = where != NONE
        if kind.remark or not np.isfinite([kind.inside, kind.outside]).all():
            return None
        try:
            inside = where[known] == INSIDE if kind.spans else np.random.default_rng(seed).random(known.sum()) < 0.5
            some = sampled(inside, places[known], seed=seed)
            levels = kind.outside, kind.inside
            return effect(self.network, self.corpus, self.unit, some, levels, basis=self.basis)
        except InputError:
            return None


def kinds_of(
    source: Source, corpus: Any, plans: Mapping[Unit, tuple[Feature, int]], *, stretch: Stretch | None = None,
    progress: Progress | None = None,
) -> dict[Unit, Kind]:  # fmt: skip
    """The kind of every unit of `plans`, {unit: (feature, lag)}, from one pass of a source over a stretch of a text."""
    if not plans:
        return {}
    stretch = stretch or Stretch.of(rounds(len(corpus), size=source.round_length))
    features = tuple({f.name: f for f, _ in plans.values()}.values())
    codes = read_clocks(features, corpus, stretch.part, stretch.steps)
    sites = tuple(dict.fromkeys(unit.site for unit in plans))
    sinks: dict[Site, Profiles] = {}
    for chunk in source.play(stretch.part)[1]:
        if chunk.step >= stretch.steps:
            break
        steps = min(chunk.steps, stretch.steps - chunk.step)
        around = codes[..., chunk.step : chunk.step + steps + 2 * REACH]
        for site in sites:
            values = chunk.values[site].swapaxes(0, 1)[:, :steps]
            if site not in sinks:
                groups = _groups(site, plans, features)
                limits = _limits(groups, values, chunk.blocks, around, features)
                sinks[site] = Profiles(groups, limits, OFFSETS, BINS, stretch.part.blocks)
            sinks[site].add(values, chunk.blocks, around, REACH)
        if progress:
            progress((chunk.step + steps) * stretch.part.lanes, stretch.characters, "kinds")
    found: dict[Unit, Kind] = {}
    for site, sink in sinks.items():
        found |= kinds(sink, {index: Unit(site, index) for index in sink.order.tolist()}, features)
    return {unit: found[unit] for unit in plans}


def _limits(
    groups: list[Group], values: NDArray[np.float32], blocks: NDArray[np.int64], codes: NDArray[np.uint8],
    features: Sequence[Feature],
) -> NDArray[np.float32]:  # fmt: skip
    """What the activations of units are clipped to, from the even blocks."""
    even = blocks % 2 == 0
    return limits_of(groups, values[even], codes[:, :, even], REACH, [bool(f.pattern) for f in features])


def _groups(site: Site, plans: Mapping[Unit, tuple[Feature, int]], features: Sequence[Feature]) -> list[Group]:
    """The units of a site, by feature and lag."""
    row = {f.name: k for k, f in enumerate(features)}
    members: dict[tuple[int, int], list[int]] = {}
    for unit, (feature, lag) in plans.items():
        if unit.site == site:
            members.setdefault((row[feature.name], lag), []).append(unit.index)
    return [Group(subject, lag, np.array(sorted(m))) for (subject, lag), m in sorted(members.items())]
