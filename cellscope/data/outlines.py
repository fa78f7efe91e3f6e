"""Outlines of flat figures as signed distances: below 0 inside, above 0 outside, in the unit of their coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Outline:
    """A figure whose area is pi: as large as a circle of radius 1, so that sizes can be compared across figures.

    distance  signed distance [row, column] of points (x, y), exact inside and across edges, less than exact at corners
    reach     radius of the circle around it
    """

    distance: Callable[[Plane, Plane], Plane]
    reach: float


def _circle(x: Plane, y: Plane) -> Plane:
    return np.hypot(x, y) - np.float32(1)


def _square(x: Plane, y: Plane) -> Plane:
    return np.maximum(np.abs(x), np.abs(y)) - np.float32(np.sqrt(np.pi) / 2)


_TRIANGLE = np.sqrt(np.pi / (3 * np.sqrt(3)))  # radius of the circle inside: its area is 3 sqrt(3) times that squared


def _triangle(x: Plane, y: Plane) -> Plane:
    side = np.abs(x) * np.float32(np.sqrt(3) / 2) + y * np.float32(0.5)
    return np.maximum(side, -y) - np.float32(_TRIANGLE)


_ARM = np.sqrt(np.pi / (8 * 0.36 - 4 * 0.36**2))  # two bars of half-width .36 arms


def _cross(x: Plane, y: Plane) -> Plane:
    x, y = np.abs(x), np.abs(y)
    long, short = np.maximum(x, y) - np.float32(_ARM), np.minimum(x, y) - np.float32(0.36 * _ARM)
    return np.maximum(long, short)


_OUTER = np.sqrt(1 / (1 - 0.58**2))  # the hole has .58 of the radius


def _ring(x: Plane, y: Plane) -> Plane:
    middle, half = _OUTER * 1.58 / 2, _OUTER * 0.42 / 2
    return np.abs(np.hypot(x, y) - np.float32(middle)) - np.float32(half)


_TIP = np.sqrt(np.pi / (5 * 0.45 * np.sin(np.pi / 5)))  # ten triangles from the centre, notches at .45 of the tips


def _star(x: Plane, y: Plane) -> Plane:
    """All tenths are folded onto one, whose edge is a straight line from a tip to a notch."""
    fifth = 2 * np.pi / 5
    turned: Plane = np.arctan2(x, y)
    folds: Plane = np.round(turned / np.float32(fifth))
    turned -= folds * np.float32(fifth)
    along: Plane = np.hypot(x, y) * np.cos(turned)
    across: Plane = np.hypot(x, y) * np.abs(np.sin(turned))
    notch = 0.45 * np.cos(fifth / 2), 0.45 * np.sin(fifth / 2)
    steep = np.arctan2(1 - notch[0], notch[1])
    return along * np.float32(np.cos(steep)) + across * np.float32(np.sin(steep)) - np.float32(_TIP * np.cos(steep))


OUTLINES: dict[str, Outline] = {
    "circle": Outline(_circle, 1.0),
    "square": Outline(_square, float(np.sqrt(np.pi / 2))),
    "triangle": Outline(_triangle, float(2 * _TRIANGLE)),
    "star": Outline(_star, float(_TIP)),
    "cross": Outline(_cross, float(_ARM * np.hypot(1, 0.36))),
    "ring": Outline(_ring, float(_OUTER)),
}
