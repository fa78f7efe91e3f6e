"""Effects read off sums of products with ranks: AUC less a half for a binary label, a correlation for a numeric one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def effect(
    sums: Floats, label: tuple[Floats, Floats], rank: tuple[Floats, Floats], count: int, binary: NDArray[np.bool_]
) -> Floats:
    """The effect for each feature and unit, signed; 0 where it is not defined.

    sums    [feature, .., unit], of label times rank
    others  see `line`
    """
    chance, scale = line(label, rank, count, binary)
    return (sums - chance) * scale


def line(
    label: tuple[Floats, Floats], rank: tuple[Floats, Floats], count: int, binary: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """The effect is linear in the sums of label times rank: less the first of these, times the second.

    With pooled mid-ranks R in 0..1, AUC - 1/2 is the mean of R where the label is on less the mean where it is off
    (Mann and Whitney 1947), which is linear in the labels; so it can be had for any number of shifted labels at once.

    label   sums of the label and of its square, each [feature, .., 1]
    rank    sums of the rank and of its square, each [unit]
    binary  [feature, .., 1], whether the label is 0 or 1
    """
    n = max(count, 1)
    (y, yy), (x, xx) = label, rank
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = n / (y * (n - y))
        r = 1 / np.sqrt((yy - y * y / n) * (xx - x * x / n))
        scale = np.where(binary, auc, r)
    return y * x / n, np.where(np.isfinite(scale), scale, 0.0)
