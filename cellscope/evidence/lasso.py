"""The order in which the lasso takes units up, by least angle regression on a covariance (Efron et al. 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SINGULAR = 1e-7
"""A unit whose part that the held ones do not explain is smaller than this, as a share of its own, is left out."""
ENDED = 1e-12
"""The path is at its end where the correlations with what is left have shrunk to this share of the first."""


@numba.njit(nogil=True, cache=True)
def _factor(gram: Any, active: Any, first: int, count: int, root: Any) -> bool:
    """Rows first..count of the Cholesky factor of the active units' gram; False where it is singular."""
    for i in range(first, count):
        row = root[i]
        for j in range(i):
            before, total = root[j], gram[active[i], active[j]]
            for k in range(j):
                total -= row[k] * before[k]
            row[j] = total / before[j]
        left = gram[active[i], active[i]]
        for k in range(i):
            left -= row[k] * row[k]
        if left <= SINGULAR**2 * gram[active[i], active[i]]:
            return False
        row[i] = np.sqrt(left)
    return True


@numba.njit(nogil=True, cache=True)
def _solve(root: Any, count: int, signs: Any, way: Any) -> None:
    """The way of the active weights along which all their correlations shrink alike: gram @ way = signs."""
    for i in range(count):
        total = signs[i]
        for k in range(i):
            total -= root[i, k] * way[k]
        way[i] = total / root[i, i]
    for i in range(count - 1, -1, -1):
        way[i] /= root[i, i]
        for k in range(i):
            way[k] -= root[i, k] * way[i]


@numba.njit(nogil=True, cache=True)
def _path(gram: Any, label: Any, counts: Any, steps: int, sets: Any) -> None:
    """Write into sets [count, unit] which units the path holds where it first holds so many, or most of all."""
    units, most = len(label), counts[-1]
    left, role = label.copy(), np.zeros(units, np.int8)  # 0 waits, 1 is active, 2 is left out
    active, signs, weights = np.empty(units, np.int64), np.empty(units), np.zeros(units)
    root, way, turned = np.zeros((units, units)), np.empty(units), np.empty(units)
    count, reached, largest, dropped = 0, 0, 0, False
    begun = np.abs(left).max()
    while steps > 0:
        level, entering = 0.0, -1
        for u in range(units):
            if role[u] == 0 and np.abs(left[u]) > level:
                level, entering = np.abs(left[u]), u
        if count:
            level = np.abs(left[active[0]])
        if level <= ENDED * begun:
            return
        if not dropped:
            if entering < 0:
                return
            active[count], signs[count] = entering, np.sign(left[entering])
            if not _factor(gram, active, count, count + 1, root):
                role[entering] = 2
                continue
            role[entering] = 1
            count += 1
        steps -= 1
        _solve(root, count, signs, way)
        turned[:] = 0.0
        for i in range(count):
            row = gram[active[i]]
            for u in range(units):
                turned[u] += way[i] * row[u]
        step, leaving = level, -1
        for u in range(units):
            if role[u] == 0:
                for sign in (1.0, -1.0):
                    far, speed = level - sign * left[u], 1.0 - sign * turned[u]
                    if speed > 1e-12 and 0.0 < far < step * speed:
                        step = far / speed
        for i in range(count):
            if weights[active[i]] * way[i] < 0.0 and -weights[active[i]] / way[i] < step:
                step, leaving = -weights[active[i]] / way[i], i
        for i in range(count):
            weights[active[i]] += step * way[i]
        for u in range(units):
            left[u] -= step * turned[u]
        dropped = leaving >= 0
        if dropped:
            gone = active[leaving]
            role[gone], weights[gone] = 0, 0.0
            for i in range(leaving, count - 1):
                active[i], signs[i] = active[i + 1], signs[i + 1]
            count -= 1
            _factor(gram, active, leaving, count, root)
        if count > largest:
            largest = count
            for at in range(reached, len(counts)):
                sets[at] = role == 1
            while reached < len(counts) and count >= counts[reached]:
                reached += 1
        if count >= most:
            return


def lasso(covariance: Floats, label: Floats, counts: Sequence[int]) -> list[NDArray[np.int64]]:
    """For each of `counts`, ascending, the units that the lasso's path holds where it first holds so many; those it
    holds where it holds most, where it never does. covariance [unit, unit], label [unit] its covariance with each.
    """
    live = np.flatnonzero(np.diag(covariance) > 0)
    sets = np.zeros((len(counts), len(live)), bool)
    if len(live) and len(counts) and np.abs(label[live]).max() > 0:
        # The path's drops cost steps of their own, so there are more than units.
        steps = 2 * max(counts) + 16
        _path(np.ascontiguousarray(covariance[np.ix_(live, live)]), label[live], np.array(counts), steps, sets)
    return [live[np.flatnonzero(held)] for held in sets]
