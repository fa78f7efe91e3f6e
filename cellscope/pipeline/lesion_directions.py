"""Directions are lesioned like units: the state's part along them is held, beside random ones of like variance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.evidence.bases import held_in
from cellscope.evidence.controls import held_at, powers, random_sets
from cellscope.evidence.lesions import Lesion, Span
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.components import Component, Learn, component_of
from cellscope.pipeline.lesion_plan import FEW, Numbered, Plan, best_of, random_of

HEARD = 2**14
"""Characters before the lesioned part on which variances along directions are measured."""
CANDIDATES = 200
"""Random directions of either sort, of which those of nearest variance are taken."""

Floats = NDArray[np.float64]
Spans = Mapping[Site, Floats]
"""For each stream orthonormal axes [axis, unit] of what is held."""


def components_by(network: Network, addresses: Sequence[str], directions: Sequence[str]) -> tuple[Component, ...]:
    """The components among the addresses, and those that `SITE=FILE` names; InputError where there are units beside
    them, or one lies over several streams.
    """
    found = []
    for text in directions:
        name, equals, file = text.partition("=")
        known = component_of(network, f"{name.replace(':', '.')}:{file}") if equals else None
        if known is None or not known.choice.saved:
            raise InputError(f"{text!r} is no direction; write SITE=FILE, as in lstm.0:cell=probe.npy")
        found.append(known)
    own = {address: component_of(network, address) for address in addresses}
    found += [component for component in own.values() if component is not None]
    units = [address for address, component in own.items() if component is None]
    if found and units:
        raise InputError(f"units and directions are lesioned apart: leave {units[0]} out, or the directions")
    for component in found:
        held_in(component.over)
    return tuple(found)


def spans_of(components: Sequence[Component], learn: Learn) -> tuple[Spans, str]:
    """What the components span in each stream, and what they are called together."""
    vectors: dict[Site, dict[str, Floats]] = {}
    for component in components:
        basis, unit = learn(component)
        some, name = vectors.setdefault(basis.stream, {}), basis.called(unit.index)
        vector = basis.held(unit.index, 0.0)[0]
        if not np.array_equal(some.get(name, vector), vector):  # files of one name lie in two folders
            name = f"{basis.site.path}:{component.choice.kind}/{unit.index}"
        some[name] = vector
    return {site: axes_of(list(some.values())) for site, some in vectors.items()}, ", ".join(
        name for some in vectors.values() for name in some
    )


def axes_of(vectors: Sequence[Floats]) -> Floats:
    """Orthonormal axes [axis, unit] of what the vectors span; InputError where one follows from the others."""
    given = np.stack([v / np.linalg.norm(v) for v in vectors])
    if np.linalg.matrix_rank(given, tol=1e-4) < len(given):
        raise InputError(f"{len(given)} directions do not lead {len(given)} ways: leave one of them out")
    axes: Floats = np.linalg.qr(given.T)[0].T
    return axes


def planned_directions(subject: Any, held: Spans, name: str, *, fill: str, draws: int, deep: bool, seed: int) -> Plan:
    """The lesion of what directions span, for every feature of the subject, and of random ones in their place; `deep`
    adds the best units of the same streams, and the complement: all of the streams held but what is spanned.
    """
    moments, rng = subject.moments, np.random.default_rng(seed)
    sizes = {site: len(moments.mean[site]) for site in held}
    heard = {site: _heard(subject, site) for site in held}
    alike = [(site, [_alike(axis, axes, heard[site], draws, rng) for axis in axes]) for site, axes in held.items()]
    many = min(len(some) for _, each in alike for some in each)
    drawn = [{site: axes_of([some[k] for some in each]) for site, each in alike} for k in range(many)]
    chances = random_sets(sum(sizes.values()), powers(sum(sizes.values())), FEW, rng) if deep else []
    plan = Plan(name, sum(map(len, held.values())), fill, seed, _ratios(held, drawn, heard), "direction")
    means = {site: moments.fill(site, "mean") for site in held}
    kept = _complement(plan, held, drawn[:FEW], means) if deep else None
    shared: Numbered | None = None
    for feature in range(len(subject.features)):
        fills = {site: moments.fill(site, fill, feature) for site in held}
        if shared is None or fill == "outside":
            own = plan.add(_lesion(name, held, fills))
            beside = tuple(plan.add(_lesion(f"random {k + 1}", one, fills)) for k, one in enumerate(drawn))
            shared = Numbered(own, beside, (), kept)
            sets = random_of(plan, chances, sizes, fills)
        several = best_of(plan, moments, sizes, feature, fills, sets) if deep else ()
        plan.numbered.append(Numbered(shared.own, shared.random, several, kept))
    return plan


def _lesion(name: str, spans: Spans, points: Mapping[Site, NDArray[np.float32]], *, rest: bool = False) -> Lesion:
    return Lesion(name, {}, {site: Span(axes.astype(np.float32), points[site], rest) for site, axes in spans.items()})


def _complement(
    plan: Plan, held: Spans, drawn: Sequence[Spans], means: Mapping[Site, NDArray[np.float32]]
) -> tuple[int, int, tuple[int, ...]]:
    """Keep only what is spanned, keep nothing, keep random directions in its place; all else is at its mean."""
    every = {site: np.arange(len(mean)) for site, mean in means.items()}
    only, none = plan.add(_lesion("kept", held, means, rest=True)), plan.add(held_at("none kept", every, means))
    return only, none, tuple(plan.add(_lesion("random kept", one, means, rest=True)) for one in drawn)


def _heard(subject: Any, site: Site) -> Floats:
    """What a site does before the lesioned part, less its mean, [position, unit]."""
    before = subject.corpus.part(0, subject.start)
    with NetworkSource(subject.network, before, (site,)) as source:
        values = source.play(rounds(len(before), start=max(0, len(before) - HEARD))[0])[0][site].astype(np.float64)
    centred: Floats = values - values.mean(0)
    return centred


def _alike(vector: Floats, held: Floats, heard: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Random directions [draw, unit] of unit length, those along which the state varies most nearly as along `vector`:
    out of some that point anywhere, some that mix a few states at random, and some that mix a few principal axes, among
    which there are directions of little variance too.

    Where there is room they are at right angles to all axes `held`, [axis, unit]: if the state varies most along one of
    these, what varies as much would else be nearly that axis again. None where all axes there are, are held.
    """
    if len(held) == len(vector):
        return np.empty((0, len(vector)))
    anywhere = rng.standard_normal((CANDIDATES, len(vector)))
    states, weights = heard[rng.integers(0, len(heard), (CANDIDATES, 8))], rng.standard_normal((CANDIDATES, 8))
    mixed = np.einsum("ksu,ks->ku", states, weights)
    axes = np.linalg.eigh(heard.T @ heard)[1].T[rng.integers(0, len(vector), (CANDIDATES, 4))]
    turned = np.einsum("ksu,ks->ku", axes, rng.standard_normal((CANDIDATES, 4)))
    made = np.concatenate([anywhere, mixed, turned])
    made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
    if 2 * len(held) <= len(vector):
        made -= made @ held.T @ held
    length = np.linalg.norm(made, axis=1)
    made = made[length > 1e-6] / length[length > 1e-6, None]
    along = np.log(np.maximum(((heard @ made.T) ** 2).mean(0), 1e-12))
    own = np.log(max(float(((heard @ vector) ** 2).mean()), 1e-12))
    nearest: Floats = made[np.argsort(np.abs(along - own), kind="stable")[:draws]]
    return nearest


def _ratios(held: Spans, drawn: Sequence[Spans], heard: Mapping[Site, Floats]) -> tuple[float, float]:
    """The least and the most variance within the drawn spans, as multiples of that within what is held."""

    def variance(spans: Spans) -> float:
        return sum(float(((heard[site] @ axes.T) ** 2).sum(1).mean()) for site, axes in spans.items())

    own = max(variance(held), 1e-12)
    found = [variance(one) / own for one in drawn]
    return (min(found), max(found)) if found else (math.nan, math.nan)
