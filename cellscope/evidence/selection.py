"""Which few units to read, chosen greedily: each one explains most of what the ones before leave."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NARROW = 1e-4
"""A unit of which the chosen ones leave less than this share of its variance adds nothing that can be told."""


@numba.njit(nogil=True, cache=True)
def _greedy(covariance: Any, label: Any, most: int, narrow: float, order: Any) -> int:
    """Write the units chosen one after the other to `order`; how many. A pivoted Cholesky factor, row by row."""
    units = len(label)
    left, own, spread = label.copy(), np.empty(units), np.empty(units)
    for u in range(units):
        own[u] = covariance[u, u]
        spread[u] = own[u]
    rows = np.zeros((most, units))
    for k in range(most):
        best, gain = -1, 0.0
        for u in range(units):
            if spread[u] > narrow * own[u] and left[u] * left[u] > gain * spread[u]:
                best, gain = u, left[u] * left[u] / spread[u]
        if best < 0:
            return k
        order[k] = best
        root = np.sqrt(spread[best])
        row = rows[k]
        for u in range(units):
            row[u] = covariance[best, u]
        for i in range(k):
            pivot = rows[i, best]
            before = rows[i]
            for u in range(units):
                row[u] -= pivot * before[u]
        step = left[best] / root
        for u in range(units):
            row[u] /= root
            left[u] -= step * row[u]
            spread[u] -= row[u] * row[u]
        spread[best] = 0.0
    return most


def greedy(covariance: Floats, label: Floats, most: int) -> NDArray[np.int64]:
    """Units in the order in which each explains most of what the ones before leave of a label (forward selection by
    orthogonal least squares; Chen et al. 1989): covariance [unit, unit], label [unit] its covariance with each.
    """
    order = np.empty(most, np.int64)
    return order[: _greedy(covariance, label, most, NARROW, order)]
