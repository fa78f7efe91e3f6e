"""The units of some features, followed through snapshots: searched, heard and lesioned on the same text at each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.controls import held_at
from cellscope.evidence.formation import Stage, Track, likeness
from cellscope.evidence.intervals import Estimate
from cellscope.evidence.lesions import Changes, lesion_changes
from cellscope.evidence.moments import Moments
from cellscope.evidence.needs import Effect, free_of
from cellscope.evidence.zones import ELSEWHERE, INSIDE
from cellscope.features.feature import Feature
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.lesions import present
from cellscope.pipeline.untrained import untrained_scores
from cellscope.training.run import RunFolder, load_network

RANDOM = 16
"""Units of a site that are drawn to compare with, the same at every snapshot."""
NEAR = 8
"""So many of them, those of nearest variance, count beside a unit."""

Values = Mapping[Site, NDArray[np.float32]]
Shown = dict[tuple[int, Unit], NDArray[np.float16]]


@dataclass(frozen=True)
class Snapshot:
    """A network at one step: what a search says of it, what it does on the end of the text, and its lesions there."""

    step: int
    findings: Findings
    moments: Moments
    heard: Values
    units: tuple[Unit, ...]
    changes: Changes | None

    def cost(self, unit: Unit, zoned: int | None) -> Effect | None:
        """What the lesion of a unit changes for a feature, by its number among those that have zones."""
        if self.changes is None or zoned is None:
            return None
        return Effect.of(self.changes, self.units.index(unit), zoned)

    def track(self, unit: Unit, feature: int, zoned: int | None, goal: NDArray[np.float32]) -> Track:
        """One unit's score and cost on a feature, and how alike it is to `goal` [position]."""
        scores, row = self.findings.scores, self.findings.units.index(unit)
        span = self.findings.features[feature].kind == "span"
        names = ("auc", "auc_low", "auc_high") if span else ("rank_r", "rank_low", "rank_high")
        score, low, high = (float(scores[name][feature, row]) for name in names)
        effect = self.cost(unit, zoned)
        alike = likeness(self.heard[unit.site][:, unit.index], goal)
        return Track(unit, score, low, high, effect.inside if effect else None, alike)


@dataclass(frozen=True)
class Follower:
    """The text: corpus[:start], of which the last `characters` are searched, and corpus[start:], read under lesions."""

    run: RunFolder
    corpus: Corpus
    start: int
    characters: int
    seed: int

    def follow(
        self, features: Sequence[Feature], steps: Sequence[int], *, asked: bool, progress: Progress | None = None
    ) -> tuple[tuple[tuple[Stage, ...], ...], tuple[Feature, ...], Shown]:
        """The stages of each feature that is followed (`asked`, or found in the last snapshot), those features, and
        what the shown units did on corpus[start:].

        The last snapshot comes first, because it says which units are looked for in the others.
        """
        network = load_network(self.run, which=steps[-1])
        sites = choose_sites(network.module)
        bars = untrained_scores(
            network, self._before, features, sites, folder=self.run.path / "control", seed=self.seed
        )
        if progress:
            progress(0, len(steps), f"step {steps[-1]:,}")
        findings = self._find(network, features, sites, bars)
        followed = _followed(findings, asked)
        spans = [feature for feature, _ in followed if feature.kind == "span"]
        zoned = present(self.corpus, spans, self.start, asked=False)[0] if spans else ()
        heard = self._hear(network, sites)
        goals = [heard[unit.site][:, unit.index].copy() for _, unit in followed]
        stages: list[list[Stage]] = [[] for _ in followed]
        shown: Shown = {}
        for number, step in enumerate(steps if followed else (), 1):
            snapshot = self._at(step, [f for f, _ in followed], [u for _, u in followed], sites, zoned, bars)
            for k, (feature, end) in enumerate(followed):
                stage = self._stage(snapshot, feature, end, zoned, goals[k])
                stages[k].append(stage)
                for unit in (stage.best.unit, end):
                    shown[step, unit] = snapshot.heard[unit.site][:, unit.index].astype(np.float16)
            if progress:
                progress(number, len(steps), f"step {step:,}")
        return tuple(map(tuple, stages)), tuple(feature for feature, _ in followed), shown

    @property
    def _before(self) -> Corpus:
        return self.corpus.part(0, self.start)

    def _at(
        self, step: int, features: Sequence[Feature], ends: Sequence[Unit], sites: tuple[Site, ...],
        zoned: Sequence[Feature], bars: Mapping[str, Estimate],
    ) -> Snapshot:  # fmt: skip
        """Search, hear and lesion the network of one step."""
        network = load_network(self.run, which=step)
        findings = self._find(network, features, sites, bars)
        moments = Moments.of(findings.counts)
        best = [e.unit for e in findings.evidence if e.unit is not None]
        own = list(dict.fromkeys([*best, *ends]))
        sited = dict.fromkeys(unit.site for unit in own)
        units = tuple(dict.fromkeys([*own, *(d for site in sited for d in self._drawn(site, moments))]))
        fills = {site: moments.fill(site, "mean") for site in sites}
        lesions = [held_at(str(u), {u.site: np.array([u.index])}, fills) for u in units]
        changes = lesion_changes(network, self.corpus, zoned, lesions, start=self.start) if zoned else None
        return Snapshot(step, findings, moments, self._hear(network, sites), units, changes)

    def _stage(
        self, at: Snapshot, feature: Feature, end: Unit, zoned: Sequence[Feature], goal: NDArray[np.float32]
    ) -> Stage:
        """What a snapshot says of one feature, whose best unit in the end is `end`."""
        f = at.findings.features.index(feature)
        evidence = at.findings.evidence[f]
        best = evidence.unit or end
        zone = zoned.index(feature) if feature in zoned else None
        near = [at.cost(unit, zone) for unit in self._near(best, end, at.moments)]
        random = max((effect.inside.value for effect in near if effect is not None), default=math.nan)
        free = free_of(at.changes, zone) if at.changes is not None and zone is not None else (math.nan,) * 3
        return Stage(
            at.step, at.track(best, f, zone, goal), at.track(end, f, zone, goal), evidence.found, random,
            free[INSIDE], free[ELSEWHERE],
        )  # fmt: skip

    def _find(
        self, network: Network, features: Sequence[Feature], sites: tuple[Site, ...], bars: Mapping[str, Estimate]
    ) -> Findings:
        text = self._before
        with NetworkSource(network, text, sites) as source:
            counts = count(source, text, features, start=self.start - self.characters, seed=self.seed)
        return judge(counts, untrained=bars)

    def _hear(self, network: Network, sites: tuple[Site, ...]) -> Values:
        """What every unit does on corpus[start:], [position, unit]; that is little enough to be kept."""
        with NetworkSource(network, self.corpus, sites) as source:
            heard: Values = source.play(rounds(len(self.corpus), start=self.start)[0])[0]
        return heard

    def _drawn(self, site: Site, moments: Moments) -> list[Unit]:
        """Random units of a site, the same at every snapshot."""
        order = np.random.default_rng(self.seed).permutation(len(moments.mean[site]))
        return [Unit(site, int(unit)) for unit in np.sort(order[:RANDOM])]

    def _near(self, unit: Unit, end: Unit, moments: Moments) -> list[Unit]:
        """Those of the random units of the same site whose variance is nearest."""
        scale = np.log(np.maximum(moments.variance[unit.site], 1e-12))
        own = [d for d in self._drawn(unit.site, moments) if d not in (unit, end)]
        return sorted(own, key=lambda d: abs(scale[d.index] - scale[unit.index]))[:NEAR]


def _followed(findings: Findings, asked: bool) -> list[tuple[Feature, Unit]]:
    """The features to follow with their best units: what was asked for, or what is found."""
    kept = [
        (feature, e.unit)
        for feature, e in zip(findings.features, findings.evidence, strict=True)
        if e.unit is not None and (asked or e.found)
    ]
    if asked and not kept:
        raise InputError(f"{findings.evidence[0].reason}; there is nothing to follow through the snapshots")
    return kept
