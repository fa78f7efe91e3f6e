"""How units of a network for pictures come to track concepts: who is best at each snapshot, how like the last one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.data.images import ImageSet
from cellscope.evidence.formation import Formation, Stage, Track, likeness
from cellscope.findings import Findings
from cellscope.look import SIDE
from cellscope.models.classifier import Classifier
from cellscope.pipeline.picture_pages.bounds import shrunk
from cellscope.pipeline.picture_pages.maps import maps_of

BATCH = 64

Heard = dict[Unit, NDArray[np.float32]]


def followed_concepts(
    snapshots: Sequence[tuple[int, Classifier]], images: ImageSet, found: Sequence[Findings]
) -> tuple[Formation, ...]:
    """A formation for each concept that could be judged in the last snapshot, those that are found there first.

    `snapshots` are (step, network) in the order of their steps, `found` what a search of `images` says of each.
    """
    last = found[-1]
    ends = {f: e.unit for f, e in enumerate(last.evidence) if e.unit is not None and not e.remark}
    goals = _hear(snapshots[-1][1], images, list(ends.values()))
    stages: dict[int, list[Stage]] = {f: [] for f in ends}
    for (step, network), findings in zip(snapshots, found, strict=True):
        best = {f: findings.evidence[f].unit or end for f, end in ends.items()}
        heard = _hear(network, images, [*best.values(), *ends.values()])
        for f, end in ends.items():
            alike = {unit: likeness(heard[unit].ravel(), goals[end].ravel()) for unit in (best[f], end)}
            then = _track(findings, f, best[f], None, alike[best[f]])
            still = _track(findings, f, end, last.evidence[f].sign, alike[end])
            stages[f].append(Stage(step, then, still, findings.evidence[f].found, math.nan, math.nan, math.nan))
    terms, seed = last.counts.terms, last.counts.seed
    made = [
        Formation(last.features[f].name, last.features[f].kind, tuple(own), len(images), 0, seed, terms)
        for f, own in stages.items()
    ]
    return tuple(sorted(made, key=lambda one: (one.stays is None, -np.nan_to_num(one.stages[-1].best.score))))


def _track(findings: Findings, concept: int, unit: Unit, sign: int | None, alike: float) -> Track:
    """A unit at one snapshot, scored in its own direction there, or in that of `sign`."""
    row, span = findings.units.index(unit), findings.features[concept].kind == "span"
    names = ("auc", "auc_low", "auc_high") if span else ("rank_r", "rank_low", "rank_high")
    score, low, high = (float(findings.scores[name][concept, row]) for name in names)
    if sign is not None and findings.scores["sign"][concept, row] == -sign:
        score, low, high = (1 - v for v in (score, high, low)) if span else (-v for v in (score, high, low))
    return Track(unit, score, low, high, None, alike)


def _hear(network: Classifier, images: ImageSet, units: Sequence[Unit]) -> Heard:
    """What these units do, float32 [picture, row, column], brought to one grid for all layers."""
    sites = list(dict.fromkeys(unit.site for unit in units))
    grid = (1, 1) if images.flat else (SIDE, SIDE)
    parts: dict[Unit, list[NDArray[np.float32]]] = {unit: [] for unit in units}
    for at in range(0, len(images) if sites else 0, BATCH):
        maps = maps_of(network, images.pixels(slice(at, min(at + BATCH, len(images)))), sites)
        for unit, own in parts.items():
            own.append(shrunk(maps[unit.site][:, unit.index], grid))
    return {unit: np.concatenate(own) for unit, own in parts.items()}
