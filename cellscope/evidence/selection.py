"""Which few units to read: greedy forward selection, and the order in which the lasso takes them up."""

from __future__ import annotations

from collections.abc import Sequence
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


def lasso(covariance: Floats, label: Floats, counts: Sequence[int]) -> list[NDArray[np.int64]]:
    """For each of `counts` the units that the lasso's path holds where it first holds so many (Efron et al. 2004,
    scikit-learn); the last ones where it never does.
    """
    from sklearn.linear_model import lars_path_gram

    live = np.flatnonzero(np.diag(covariance) > 0)
    if not len(live) or not np.abs(label[live]).max() > 0:
        return [np.empty(0, np.int64) for _ in counts]
    # The path's drops cost steps of their own, so there are some more than units.
    _, _, path = lars_path_gram(
        label[live].copy(), covariance[np.ix_(live, live)].copy(), n_samples=1, method="lasso",
        max_iter=int(1.25 * max(counts)) + 4,
    )  # fmt: skip
    held = (path != 0).sum(0)
    enough = [np.flatnonzero(held >= k) for k in counts]
    return [live[np.flatnonzero(path[:, at[0] if len(at) else int(held.argmax())])] for at in enough]
