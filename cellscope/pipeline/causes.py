"""What the network loses without one unit, feature by feature: from the run's map where there is one, else measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellscope.axes import Progress, Unit
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis
from cellscope.evidence.controls import Held, alike, ratios
from cellscope.evidence.moments import Moments
from cellscope.evidence.needs import Need
from cellscope.models.network import Network
from cellscope.pipeline.find import Search
from cellscope.pipeline.lesion_directions import axes_of, planned_directions
from cellscope.pipeline.lesion_map import read_map
from cellscope.pipeline.lesion_plan import need_of, planned
from cellscope.pipeline.lesions import DRAWS, Subject, present, split, subject_of

CHARACTERS = 40_000
"""Characters that are read under each lesion, so that a unit is explained within a minute."""
GATES = 8_000
"""The same for a gate or a component, which the fused steps do not hold."""


def causes_of(search: Search, unit: Unit, *, progress: Progress | None = None) -> tuple[Need, ...]:
    """The unit held at its mean, beside twenty random units of like variance, for every span feature that was searched;
    what costs most inside comes first; a component beside random directions. None where the text is too short or has no
    such feature, for a recording, and for a component that lies over several streams.
    """
    if not isinstance(search.network, Network):
        return ()  # what was recorded cannot run on
    basis = next((b for b in search.bases if b.site == unit.site), None)
    if basis is not None:
        found = _without(search, search.network, basis, unit, progress) if len(basis.over) == 1 else ()
    else:
        moments = Moments.of(search.findings.counts)
        found = _from_map(search, search.network, unit, moments)
        found = found or _measured(search, search.network, unit, moments, progress)
    return tuple(sorted(found, key=lambda need: -need.effect.inside.value))


def _from_map(search: Search, network: Network, unit: Unit, moments: Moments) -> tuple[Need, ...]:
    """The unit's row of the map that the run keeps of these weights and this text, beside those of random units."""
    kept = read_map(search.run, network, search.corpus) if search.run is not None else None
    if kept is None or unit not in kept.units or kept.fill != "mean":
        return ()
    seed = search.findings.counts.seed
    rows = {known: row for row, known in enumerate(kept.units)}
    own, random = {unit.site: np.array([unit.index])}, _random(unit, moments, seed)
    drawn = [rows[Unit(unit.site, int(held[unit.site][0]))] for held in random]
    known = {feature.digest for feature in search.findings.features}
    return tuple(
        need_of(kept.changes, rows[unit], drawn, f, of=name, name=str(unit), fill="mean", characters=kept.characters,
                chosen=moments.characters, seed=seed, before=False, ratios=ratios(own, random, moments.variance))
        for f, (name, digest) in enumerate(zip(kept.features, kept.digests, strict=True))
        if digest in known
    )  # fmt: skip


def _random(unit: Unit, moments: Moments, seed: int) -> list[Held]:
    return [*alike({unit.site: np.array([unit.index])}, moments.variance, DRAWS, np.random.default_rng(seed))]


def _measured(
    search: Search, network: Network, unit: Unit, moments: Moments, progress: Progress | None
) -> tuple[Need, ...]:
    quick = unit.site.stream in ("hidden", "cell")
    corpus, spans = search.corpus, [f for f in search.findings.features if f.kind == "span"]
    try:
        start = split(corpus, CHARACTERS if quick else GATES)
        features, _ = present(corpus, spans, start, asked=False)
    except InputError:
        return ()  # too short a text, or none of the features: then nothing is said of causes
    own = moments.take([spans.index(feature) for feature in features])
    subject = Subject(network, search.run, corpus, features, start, own)
    held: Held = {unit.site: np.array([unit.index])}
    plan = planned(subject, held, str(unit), fill="mean", draws=DRAWS, deep=False, seed=search.findings.counts.seed)
    return tuple(replace(need, before=False) for need in plan.needs(subject, progress=_called(progress)))


def _without(search: Search, network: Network, basis: Basis, unit: Unit, progress: Progress | None) -> tuple[Need, ...]:
    """The component held at its mean, which comes from the text before."""
    spans = [f for f in search.findings.features if f.kind == "span"]
    try:
        subject = subject_of(network, search.run, search.corpus, spans, basis.over, characters=GATES, progress=progress)
    except InputError:
        return ()
    held = {basis.stream: axes_of([basis.held(unit.index, 0.0)[0]])}
    options = {"fill": "mean", "draws": DRAWS, "deep": False, "seed": search.findings.counts.seed}
    plan = planned_directions(subject, held, str(unit), **options)
    return plan.needs(subject, progress=_called(progress))


def _called(progress: Progress | None) -> Progress | None:
    return (lambda done, total, _: progress(done, total, "lesions")) if progress else None
