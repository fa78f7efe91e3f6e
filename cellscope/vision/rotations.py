"""Groups of filters that are one another, turned: rotated copies of one template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import rotate
from scipy.spatial.distance import squareform

from cellscope.errors import InputError

Floats = NDArray[np.float64]
STEP = 15
LEAST = 0.8


@dataclass(frozen=True, eq=False)
class Rotations:
    """likeness  correlation of every two filters at the best angle, [unit, unit], over a disc and all channels
    angle     that angle: filter a, turned anticlockwise by angle[a, b] degrees, is most like filter b
    upright   their correlation without turning
    groups    units of each group of two or more whose members are all alike by `least` or more, largest group first
    least     the likeness that was asked for, or the greatest among as many filters of noise, if that is more
    noise     the greatest likeness among as many filters of noise of this shape, drawn from `seed`
    """

    likeness: Floats
    angle: NDArray[np.int64]
    upright: Floats
    groups: tuple[tuple[int, ...], ...]
    least: float
    noise: float
    seed: int


def rotations(filters: NDArray[np.floating], *, least: float = LEAST, step: int = STEP, seed: int = 0) -> Rotations:
    """Compare filters [unit, channel, row, column] at every `step` degrees; a quarter turn is exact.

    Filters are compared within the largest disc that they hold, less each channel's mean there. InputError where a
    filter is smaller than 3 x 3, is not square, or the step does not divide 90.
    """
    weights = np.asarray(filters, np.float64)
    if weights.ndim != 4 or min(weights.shape[2:]) < 3 or weights.shape[2] != weights.shape[3]:
        raise InputError(f"filters are turned if they are square and have 3 x 3 pixels or more, not {weights.shape}")
    if step < 1 or 90 % step:
        raise InputError(f"steps of {step} degrees do not meet 90; take 15")
    if not 0 < least <= 1:
        raise InputError(f"a likeness of {least:g}; give one above 0, up to 1")
    random = np.random.default_rng(seed).standard_normal(weights.shape)
    chance, _, _ = _compare(random, step)
    noise = float(np.max(chance - 2 * np.eye(len(chance)))) if len(chance) > 1 else 0.0
    likeness, angle, upright = _compare(weights, step)
    needed = max(least, noise)
    return Rotations(likeness, angle, upright, _groups(likeness, needed), needed, noise, seed)


def _compare(weights: Floats, step: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Likeness, angle and upright likeness of every two; two angles are one test of both directions."""
    angles = np.arange(0, 360, step)
    side = weights.shape[2]
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    disc = rows**2 + columns**2 <= (side / 2) ** 2
    standing = _unit_length(weights, disc)
    turned = np.stack([_unit_length(_turned(weights, int(a)), disc) @ standing.T for a in angles])  # [angle, a, b]
    back = turned[(-np.arange(len(angles))) % len(angles)].transpose(0, 2, 1)
    both = (turned + back) / 2  # turning a, and turning b back, blur differently
    best = both.argmax(0)
    return both.max(0), angles[best].astype(np.int64), turned[0]


def _turned(weights: Floats, angle: int) -> Floats:
    if angle % 90 == 0:
        return np.rot90(weights, angle // 90, (2, 3))
    made: Floats = rotate(weights, angle, axes=(3, 2), reshape=False, order=3, mode="nearest")
    return made


def _unit_length(weights: Floats, disc: NDArray[np.bool_]) -> Floats:
    """[unit, value]: what lies in the disc, less its channel's mean, of length 1; 0 where nothing varies."""
    inside = weights[:, :, disc]
    inside = (inside - inside.mean(2, keepdims=True)).reshape(len(weights), -1)
    length = np.sqrt((inside**2).sum(1, keepdims=True))
    made: Floats = inside / np.where(length > 1e-12, length, 1)
    return made


def _groups(likeness: Floats, least: float) -> tuple[tuple[int, ...], ...]:
    """Complete linkage: within a group every two are alike."""
    if len(likeness) < 2:
        return ()
    away = np.clip(1 - (likeness + likeness.T) / 2, 0, 2)
    np.fill_diagonal(away, 0)
    member = fcluster(linkage(squareform(away, checks=False), "complete"), 1 - least, "distance")
    found = [tuple(np.flatnonzero(member == k).tolist()) for k in np.unique(member)]
    return tuple(sorted((g for g in found if len(g) > 1), key=lambda g: (-len(g), g)))
