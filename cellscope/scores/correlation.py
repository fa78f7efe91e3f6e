"""How well a unit's activation follows a numeric feature: Pearson's r and Spearman's rank correlation, from sums of
products.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pearson(n: Floats, x: Floats, xx: Floats, y: Floats, yy: Floats, xy: Floats) -> Floats:
    """Pearson's r from n and the sums of x, x x, y, y y, x y, all of one shape or broadcast; 0 where either is
    constant.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
    return np.clip(np.nan_to_num(r, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def rank_correlation(moments: Floats, labels: Floats) -> Floats:
    """Spearman's correlation from sums over positions, [..]: of activations (`sinks.products.MOMENTS`) [.., 6], and of
    labels, n and the sums of y, y y, q, q q [.., 5], where q and R are ranks.
    """
    _, _, _, rank, rr, qr = np.moveaxis(moments, -1, 0)
    n, _, _, q, qq = np.moveaxis(labels, -1, 0)
    return pearson(n, rank, rr, q, qq, qr)
