"""What a lesion is measured against: random units of like variance, the best units of a feature, random ones, and all
others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.evidence.lesions import Lesion

Numbers = NDArray[np.int64]
Held = Mapping[Site, Numbers]
"""For each site the units that are held."""
LIKE = 4.0
"""Variances that differ by more than this factor are not alike."""


def held_at(name: str, held: Held, fills: Mapping[Site, NDArray[np.float32]]) -> Lesion:
    """The lesion that holds these units at their fills."""
    return Lesion(name, {site: (units, fills[site][units]) for site, units in held.items() if len(units)})


def others(held: Held, sizes: Mapping[Site, int]) -> dict[Site, Numbers]:
    """All other units of the same sites: what is held where only these are kept."""
    return {site: np.setdiff1d(np.arange(sizes[site]), units) for site, units in held.items()}


def alike(
    held: Held, variance: Mapping[Site, NDArray[np.float64]], draws: int, rng: np.random.Generator
) -> list[dict[Site, Numbers]]:
    """Random units in their place, as many of each site, each one of the `draws` whose variance is nearest to that of
    one of them; at most `draws` different sets, fewer where a site has no more.

    None is one of those that are held, where the site has enough others.
    """
    found: dict[str, dict[Site, Numbers]] = {}
    for _ in range(8 * draws):
        if len(found) == draws:
            break
        drawn = {site: _drawn(units, variance[site], draws, rng) for site, units in held.items()}
        if all(set(drawn[site].tolist()) != set(units.tolist()) for site, units in held.items()):
            found.setdefault(repr({site: sorted(units.tolist()) for site, units in drawn.items()}), drawn)
    return list(found.values())


def _drawn(units: Numbers, variance: NDArray[np.float64], draws: int, rng: np.random.Generator) -> Numbers:
    """One unit of like variance for each of `units`, all different."""
    scale = np.log(np.maximum(variance, 1e-12))
    free = np.ones(len(variance), bool)
    if 2 * len(units) <= len(variance):
        free[units] = False
    drawn = []
    for unit in rng.permutation(units).tolist():
        left = np.flatnonzero(free)
        near = left[np.argsort(np.abs(scale[left] - scale[unit]), kind="stable")[:draws]]
        drawn.append(int(rng.choice(near)))
        free[drawn[-1]] = False
    return np.array(drawn, np.int64)


def ratios(held: Held, drawn: Sequence[Held], variance: Mapping[Site, NDArray[np.float64]]) -> tuple[float, float]:
    """The least and the most that the variance of the drawn sets is, as a multiple of that of the units that are held.

    Of a set it is the ratio of the sums, in the site where that is farthest from 1; NaN where nothing was drawn.
    """
    own = {site: max(float(variance[site][units].sum()), 1e-12) for site, units in held.items()}
    found = [max((float(variance[s][u].sum()) / own[s] for s, u in one.items()), key=_away) for one in drawn]
    return (min(found), max(found)) if found else (math.nan, math.nan)


def _away(ratio: float) -> float:
    return abs(math.log(max(ratio, 1e-12)))


def powers(units: int) -> list[int]:
    """1, 2, 4 ... and all."""
    return sorted({2**k for k in range(units.bit_length()) if 2**k <= units} | {units})


def random_sets(size: int, counts: Sequence[int], draws: int, rng: np.random.Generator) -> list[list[Numbers]]:
    """For each count `draws` random sets of so many of `size` units; one, where it is all of them."""
    return [
        [np.sort(rng.choice(size, k, replace=False)).astype(np.int64) for _ in range(1 if k == size else draws)]
        for k in counts
    ]
