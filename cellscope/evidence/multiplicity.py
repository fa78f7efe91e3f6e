"""Many units and many features looked at: p-values that count all units, q-values that count all features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def family_wise(effects: Floats, maxima: Floats) -> Floats:
    """p of each effect against the largest effect of *any* unit under the null (Westfall and Young 1993).

    It is (1 + draws that exceed it) / (1 + draws). Beyond all draws it falls on as the exponential through the largest
    tenth of them does: rather too slowly, for the largest of many effects has a lighter tail (compare Knijnenburg et
    al. 2009). Without that, no single finding among many features could have a q below 5 %.

    effects  [feature, unit], either sign
    maxima   [draw, feature]
    """
    ordered, draws = np.sort(maxima, axis=0), len(maxima)
    tail = draws // 10
    p = np.empty(effects.shape)
    for f, row in enumerate(np.abs(effects)):
        beyond = draws - np.searchsorted(ordered[:, f], row, side="left")
        p[f] = (1 + beyond) / (1 + draws)
        if tail >= 10:
            border = ordered[-tail - 1, f]
            spread = max(float((ordered[-tail:, f] - border).mean()), 1e-9)
            further = tail / draws * np.exp(-np.maximum(row - border, 0) / spread)
            p[f] = np.where(beyond == 0, np.minimum(p[f], further), p[f])
    return p


def q_values(p: Floats) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p for each of [feature]; NaN stays NaN and counts for nothing."""
    q = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])[::-1]]
    best = 1.0
    for rank, i in zip(range(len(order), 0, -1), order, strict=True):
        best = min(best, p[i] * len(order) / rank)
        q[i] = best
    return q
