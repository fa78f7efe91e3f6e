"""Directions are lesioned like units: the state's part along them is held, beside random ones of like variance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.evidence.lesions import Direction, Lesion
from cellscope.hooks.sites import resolve_site, sites_of
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.lesion_plan import Numbered, Plan
from cellscope.pipeline.objectives import read_vectors

HEARD = 2**14
"""Characters before the lesioned part on which variances along directions are measured."""
CANDIDATES = 200
"""Random directions of either sort, of which those of nearest variance are taken."""

Floats = NDArray[np.float64]


def directions_by(network: Network, texts: tuple[str, ...]) -> dict[Site, Floats]:
    """The direction of each site that `SITE=FILE` names, at unit length."""
    known = sites_of(network.module)
    found: dict[Site, Floats] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise InputError(f"{text!r} is no direction; write SITE=FILE, as in lstm.0:cell=probe.npy")
        site = resolve_site(network.module, name)
        read = read_vectors(Path(file)).astype(np.float64)
        if read.shape != (1, known[site]) or site in found:
            raise InputError(f"{file} must hold one direction of {known[site]} numbers for {site}, not {read.shape}")
        length = float(np.linalg.norm(read))
        if not (np.isfinite(length) and length > 0):
            raise InputError(f"{file} holds a direction that is 0 or no number, so it leads nowhere")
        found[site] = read[0] / length
    return found


def planned_directions(subject: Any, held: Mapping[Site, Floats], *, fill: str, draws: int, seed: int) -> Plan:
    """The lesion of the directions for every feature of the subject, and of random ones in their place."""
    rng = np.random.default_rng(seed)
    name = ", ".join(f"the direction in {site}" for site in held)
    plan = Plan(name, len(held), fill, seed)
    drawn = {site: _alike(vector, _heard(subject, site), draws, rng) for site, vector in held.items()}
    shared: Numbered | None = None
    for feature in range(len(subject.features)):
        if shared is None or fill == "outside":
            levels = {site: subject.moments.fill(site, fill, feature).astype(np.float64) for site in held}

            def lesion(said: str, some: Mapping[Site, Floats], at: Mapping[Site, Floats] = levels) -> Lesion:
                made = {s: Direction(v.astype(np.float32), float(v @ at[s])) for s, v in some.items()}
                return Lesion(said, {}, made)

            own = plan.add(lesion(name, held))
            random = [plan.add(lesion(f"random {k + 1}", {s: d[k] for s, d in drawn.items()})) for k in range(draws)]
            shared = Numbered(own, tuple(random))
        plan.numbered.append(shared)
    return plan


def _heard(subject: Any, site: Site) -> Floats:
    """What a site does before the lesioned part, less its mean, [position, unit]."""
    before = subject.corpus.part(0, subject.start)
    with NetworkSource(subject.network, before, (site,)) as source:
        values = source.play(rounds(len(before), start=max(0, len(before) - HEARD))[0])[0][site].astype(np.float64)
    centred: Floats = values - values.mean(0)
    return centred


def _alike(vector: Floats, heard: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Random directions [draw, unit] of unit length, those along which the state varies most nearly as along `vector`:
    out of some that point anywhere, and some that mix a few states at random.
    """
    anywhere = rng.standard_normal((CANDIDATES, len(vector)))
    states, weights = heard[rng.integers(0, len(heard), (CANDIDATES, 8))], rng.standard_normal((CANDIDATES, 8))
    mixed = np.einsum("ksu,ks->ku", states, weights)
    made = np.concatenate([anywhere, mixed])
    made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    along = np.log(np.maximum(((heard @ made.T) ** 2).mean(0), 1e-12))
    own = np.log(max(float(((heard @ vector) ** 2).mean()), 1e-12))
    nearest: Floats = made[np.argsort(np.abs(along - own), kind="stable")[:draws]]
    return nearest
