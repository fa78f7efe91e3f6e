"""What lies behind the objects of drawn scenes: regions painted as objects are, strokes and specks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.data.outlines import Plane
from cellscope.data.paint import COLOURS, TEXTURES, Paint

REGIONS, STROKES, SPECKS = 3, 4, 24
"""How many of each a ground has at most."""
TEXTURED = 1 / 8
"""The share of regions that have a texture."""


@dataclass(frozen=True, eq=False)
class Ground:
    """canvas  what is painted, 0 to 1 [channel, row, column]
    owner   which of `paints` it is painted with, counted from 1, uint8 [row, column]; 0 where a speck lies
    """

    canvas: Plane
    owner: NDArray[np.uint8]
    paints: tuple[Paint, ...]


def ground(rng: np.random.Generator, size: int, taken: set[str]) -> Ground:
    """One to three regions of colours that are not `taken`, up to four strokes of any colour, and specks.

    Colours and light are those of objects, so that neither of them says that a place is part of an object.
    """
    free = [name for name in COLOURS if name not in taken]
    canvas, owner = np.zeros((3, size, size), np.float32), np.zeros((size, size), np.uint8)
    paints: list[Paint] = []
    for _ in range(int(rng.integers(1, REGIONS + 1))):
        texture = TEXTURES[rng.integers(len(TEXTURES))] if rng.random() < TEXTURED else ""
        paints.append(Paint.of(rng, free[rng.integers(len(free))], texture, size / 64))
        _region(rng, canvas, owner, paints[-1], len(paints))
    for _ in range(rng.integers(0, STROKES + 1)):
        paints.append(Paint.of(rng, list(COLOURS)[rng.integers(len(COLOURS))], "", size / 64))
        rows, columns = _stroke(rng, size)
        canvas[:, rows, columns], owner[rows, columns] = paints[-1].tint[:, None], len(paints)
    where = rng.integers(0, size, (2, int(rng.integers(0, SPECKS + 1))))
    canvas[:, where[0], where[1]], owner[where[0], where[1]] = rng.uniform(0, 1, (3, where.shape[1])), 0
    return Ground(canvas, owner, tuple(paints))


def _region(rng: np.random.Generator, canvas: Plane, owner: NDArray[np.uint8], paint: Paint, number: int) -> None:
    """Paint everything (the first), or what lies beyond a wave through the scene; its border smoothed over a pixel."""
    size = len(owner)
    y: Plane = np.arange(size, dtype=np.float32)[:, None] + np.float32(0.5 - size / 2)
    x = y.T
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u: Plane = x * cos + y * sin
    v: Plane = y * cos - x * sin
    high, shift = np.float32(rng.uniform(0.03, 0.12) * size), np.float32(rng.uniform(-0.35, 0.35) * size)
    turn = np.float32(2 * np.pi / (rng.uniform(0.5, 1.5) * size))
    if number == 1:
        canvas[:], owner[:] = paint.at(u, v), number
        return
    beyond: Plane = u - shift - high * np.sin(v * turn + np.float32(phase))
    canvas += (paint.at(u, v) - canvas) * (beyond + np.float32(0.5)).clip(0, 1)
    owner[beyond >= 0] = number


def _stroke(rng: np.random.Generator, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pixels of a straight or bent stroke, one to three pixels wide."""
    start, angle, length = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9) * size
    along = np.arange(0, length, 0.7)
    turns = angle + rng.uniform(-0.04, 0.04) * along * 64 / size
    rows = (start[0] + np.cumsum(0.7 * np.sin(turns))).astype(np.int64)
    columns = (start[1] + np.cumsum(0.7 * np.cos(turns))).astype(np.int64)
    beside = np.array([(0, 0), (1, 0), (0, 1)])[: rng.integers(1, 4)]
    wide = np.concatenate([np.stack([rows, columns]) + step[:, None] for step in beside], 1)
    inside = wide[:, ((wide >= 0) & (wide < size)).all(0)]
    return inside[0], inside[1]
