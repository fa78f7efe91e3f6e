"""A probe's direction taken away while the network runs on: does it use what the probe reads there?

The projection of a stream on the direction is held at its mean; all that is across it stays. Beside it stand random
directions of like variance in the same stream, and the feature's best single unit, held at its mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.errors import InputError
from cellscope.evidence.lesions import Direction, Lesion, lesion_changes
from cellscope.evidence.needs import Effect, nats
from cellscope.evidence.probes import Probes
from cellscope.evidence.verdicts import named
from cellscope.sinks.covariance import Covariance

DRAWS = 10
POOL = 400
"""Random directions of which those of most like variance are taken."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DirectionLesion:
    """What a network loses without a feature's direction in one site, without its best unit, without random directions.

    `effect` is that of the direction, `alone` that of `unit`, the first that forward selection chose.
    """

    feature: str
    site: Site
    effect: Effect
    unit: Unit
    alone: Effect
    random: tuple[Effect, ...]
    characters: int
    seed: int

    @property
    def needed(self) -> bool:
        """Whether the whole interval inside lies above 0 and above what each random direction costs."""
        most = max(effect.inside.value for effect in self.random)
        return bool(self.effect.inside.low > max(0.0, most))

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        beside = [effect.inside.value for effect in self.random]
        verb = "needs" if self.needed else "does not need"
        return (
            f"the network {verb} the direction of {self.feature} in {self.site}: held at its mean it costs "
            f"{self.effect.inside.words} nats a character inside, {self.effect.elsewhere.words} elsewhere; "
            f"{len(self.random)} random directions of like variance {nats(min(beside))} to {nats(max(beside))} inside; "
            f"the best unit alone, {named(self.unit)}, {self.alone.inside.words}"
        )


def held_in(sites: Sequence[Site]) -> Site:
    """The stream in which a direction can be held; InputError where there are several."""
    if len(sites) != 1:
        raise InputError(
            f"a direction is held in one stream, and this one lies in {', '.join(map(str, sites))}; "
            "name one, as in --streams c"
        )
    return sites[0]


def lesion_directions(
    network: Any, corpus: Any, features: Sequence[Any], found: Probes, covariance: Covariance, *, start: int,
    seed: int = 0, progress: Progress | None = None,
) -> tuple[DirectionLesion, ...]:  # fmt: skip
    """Hold the direction of each of the span `features` while the network reads corpus[start:].

    `found` and `covariance` are those of the text before `start`, so that nothing is fitted where it is judged.
    """
    site = held_in(tuple(found.sites))
    by_name = {p.feature: at for at, p in enumerate(found.probes)}
    told = [f for f in features if found.probes[by_name[f.name]].rungs]
    if not told:
        raise InputError(f"no direction to hold: {found.probes[0].remark}")
    rng = np.random.default_rng(seed)
    mean, square = _raw(covariance)
    lesions: list[Lesion] = []
    for feature in told:
        probe = found.probes[by_name[feature.name]]
        vector = found.weights[by_name[feature.name]].astype(np.float64)
        lesions.append(_held(feature.name, site, vector, mean))
        unit = probe.chosen[0].index
        lesions.append(Lesion(str(probe.chosen[0]), {site: (np.array([unit]), mean[[unit]].astype(np.float32))}))
        lesions += [_held("random", site, v, mean) for v in _alike(vector, square, rng)]
    changes = lesion_changes(network, corpus, told, lesions, start=start, progress=progress)
    made, each = [], 2 + DRAWS
    for at, feature in enumerate(told):
        effects = [Effect.of(changes, at * each + k, at) for k in range(each)]
        probe = found.probes[by_name[feature.name]]
        made.append(
            DirectionLesion(feature.name, site, effects[0], probe.chosen[0], effects[1], tuple(effects[2:]),
                            len(corpus) - start, seed)
        )  # fmt: skip
    return tuple(made)


def _raw(covariance: Covariance) -> tuple[Floats, Floats]:
    """Mean [unit] and covariance [unit, unit] of the activations themselves."""
    moments = covariance.moments(np.arange(len(covariance.gram)))
    scale = covariance.scale.astype(np.float64)
    spread = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    mean = covariance.middle + moments.sums / max(moments.count, 1) * spread
    return mean, moments.covariance * np.outer(spread, spread)


def _held(name: str, site: Site, vector: Floats, mean: Floats) -> Lesion:
    unit = vector / np.linalg.norm(vector)
    return Lesion(name, {}, {site: Direction(unit.astype(np.float32), float(unit @ mean))})


def _alike(vector: Floats, square: Floats, rng: np.random.Generator) -> list[Floats]:
    """Random directions along which the activations vary about as much as along `vector`."""
    unit = vector / np.linalg.norm(vector)
    _, axes = np.linalg.eigh(square)
    # Mixtures of a few axes each: mixtures of all would all vary alike.
    weights = rng.standard_normal((POOL, len(vector))) * (rng.random((POOL, len(vector))) < 4 / len(vector))
    weights = weights[np.abs(weights).max(1) > 0]
    drawn = weights @ axes.T
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    variance = np.einsum("du,uv,dv->d", drawn, square, drawn, optimize=True)
    away = np.abs(np.log(np.maximum(variance, 1e-12) / max(float(unit @ square @ unit), 1e-12)))
    return list(drawn[np.argsort(away, kind="stable")[:DRAWS]])
