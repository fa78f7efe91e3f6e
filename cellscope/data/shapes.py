"""`shapes`: drawn colour scenes whose every concept is known to the pixel, for networks to be looked into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.data.outlines import OUTLINES, Plane
from cellscope.data.packed import PackedMasks
from cellscope.errors import InputError

FIGURES = tuple(OUTLINES)
TEXTURES = ("striped", "dotted")
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.15, 0.14),
    "green": (0.13, 0.66, 0.22),
    "blue": (0.16, 0.34, 0.88),
    "yellow": (0.93, 0.83, 0.14),
    "purple": (0.60, 0.22, 0.76),
    "white": (0.96, 0.96, 0.96),
}
SIZES = ("large", "small")
CONCEPTS = (*FIGURES, *TEXTURES, *COLOURS, *SIZES, "object", "edge")

LARGE, SMALL = 13.5, 7.0
"""From and up to which size an object is so called: the radius of a circle of its area, in 64ths of the side."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene. Lengths are in pixels; `size` is the radius of the circle of equal area."""

    figure: str
    colour: str
    texture: str
    size: float
    row: float
    column: float
    angle: float
    tint: NDArray[np.float32]
    period: float

    def concepts(self, pixel: float) -> NDArray[np.bool_]:
        """Which of `CONCEPTS` it is, where a 64th of the picture is `pixel` pixels."""
        size = "large" if self.size >= LARGE * pixel else "small" if self.size <= SMALL * pixel else ""
        return np.array([name in (self.figure, self.colour, self.texture, size, "object") for name in CONCEPTS])


def shapes(count: int = 6000, *, seed: int = 0, size: int = 64, progress: Progress | None = None) -> ImageSet:
    """Scenes of one main object among up to three smaller ones; the label is the figure of the largest, in area.

    Pictures are uint8 [picture, 3, size, size]. The main object lies wholly inside; each other one has at most a
    quarter of its area, any figure, and may be cut off by the border or hide a part of what was drawn before. Figure,
    colour and texture (half of the objects have none) are drawn independently of one another and of size and angle.
    Background: a gradient between two muted colours, thin lines and specks that belong to no concept, and noise over
    all. A mask is on at the visible pixels of every object that the concept is true of; `edge` where a pixel and one
    of its four neighbours show different things. Where an object lies is no concept.

    Picture i depends on `seed`, `size` and i alone, not on `count`.
    """
    if count < 1 or not 16 <= size <= 512:
        raise InputError(f"shapes has 1 picture or more, 16 to 512 pixels wide, not {count:,} of {size}")
    pictures = np.empty((count, 3, size, size), np.uint8)
    labels = np.empty(count, np.int64)
    masks = PackedMasks(count, len(CONCEPTS), size, size)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        pictures[number], owner, things, main = _scene(rng, size)
        labels[number] = FIGURES.index(things[main].figure)
        masks[number] = _masks(owner, things, size / 64)
        if progress is not None and (number + 1) % 500 == 0:
            progress(number + 1, count, "drawing shapes")
    return ImageSet("shapes", pictures, labels, FIGURES, masks, CONCEPTS, source="shapes")


def _scene(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[Thing], int]:
    """A picture [channel, row, column], who is seen at each of its pixels (0: nobody), its objects, the main one."""
    things, main = _things(rng, size)
    canvas = _background(rng, size, things[main].tint)
    owner = np.zeros((size, size), np.uint8)
    for number, thing in enumerate(things, start=1):
        _draw(canvas, owner, thing, number)
    canvas += rng.standard_normal((3, size, size), np.float32) * np.float32(rng.uniform(0.02, 0.06))
    return (canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8), owner, things, main


def _things(rng: np.random.Generator, size: int) -> tuple[list[Thing], int]:
    """The objects of a scene from back to front, and which of them is the main one."""
    pixel = size / 64
    main = _thing(rng, rng.uniform(10, 19) * pixel, size, inside=True)
    things = [_thing(rng, rng.uniform(4 * pixel, 0.5 * main.size), size) for _ in range(rng.integers(0, 4))]
    before = int(rng.integers(0, len(things) + 1))
    return [*things[:before], main, *things[before:]], before


def _thing(rng: np.random.Generator, radius: float, size: int, *, inside: bool = False) -> Thing:
    """An object of that size, anywhere, or so that all of it is inside."""
    figure, colour = FIGURES[rng.integers(len(FIGURES))], list(COLOURS)[rng.integers(len(COLOURS))]
    margin = min(OUTLINES[figure].reach * radius + 1, size / 2) if inside else 0.0
    row, column = rng.uniform(margin, size - margin, 2)
    return Thing(
        figure,
        colour,
        ("", "", *TEXTURES)[rng.integers(4)],
        radius,
        float(row),
        float(column),
        float(rng.uniform(0, 2 * np.pi)),
        (np.array(COLOURS[colour]) + rng.uniform(-0.06, 0.06, 3)).astype(np.float32).clip(0, 1),
        float(rng.uniform(4.0, 6.5)) * size / 64,
    )


def _draw(canvas: Plane, owner: NDArray[np.uint8], thing: Thing, number: int) -> None:
    """Paint one object over what is there, edges smoothed over a pixel; it is seen where a pixel's centre is in it."""
    outline, size = OUTLINES[thing.figure], len(owner)
    reach = outline.reach * thing.size + 1
    top, left = max(0, int(thing.row - reach)), max(0, int(thing.column - reach))
    bottom, right = min(size, int(thing.row + reach) + 1), min(size, int(thing.column + reach) + 1)
    y: Plane = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - thing.row)
    x: Plane = np.arange(left, right, dtype=np.float32) + np.float32(0.5 - thing.column)
    cos, sin = np.float32(np.cos(thing.angle)), np.float32(np.sin(thing.angle))
    u: Plane = x * cos + y * sin
    v: Plane = y * cos - x * sin
    scale = np.float32(thing.size)
    distance = outline.distance(u / scale, v / scale) * scale
    paint = thing.tint[:, None, None] * (1 - np.float32(0.68) * _texture(thing, u, v))
    part = canvas[:, top:bottom, left:right]
    part += (paint - part) * (0.5 - distance).clip(0, 1)
    owner[top:bottom, left:right][distance <= 0] = number


def _texture(thing: Thing, u: Plane, v: Plane) -> Plane:
    """How dark an object is painted at its own coordinates, 0 to 1 [row, column]."""
    turn = np.float32(2 * np.pi / thing.period)
    if thing.texture == "striped":
        dark: Plane = np.sin(u * turn) * np.float32(1.5) + np.float32(0.5)
    elif thing.texture == "dotted":
        dark = np.cos(u * turn) + np.cos(v * turn) - np.float32(0.1)
    else:
        dark = np.zeros((1, 1), np.float32)
    return dark.clip(0, 1)


def _background(rng: np.random.Generator, size: int, tint: NDArray[np.float32]) -> Plane:
    """A gradient between two muted colours unlike the main object's, thin lines and specks [channel, row, column]."""
    for _ in range(8):
        ends = rng.uniform(0.08, 0.8, (2, 1)) + rng.uniform(-0.13, 0.13, (2, 3))
        if np.abs(ends - tint).max(1).min() > 0.3:
            break
    y = np.linspace(-0.5, 0.5, size, dtype=np.float32)[:, None]
    x = y.T
    angle = rng.uniform(0, 2 * np.pi)
    share = np.float32(0.5) + (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) * np.float32(0.7)
    first, second = ends.astype(np.float32)[:, :, None, None]
    canvas: Plane = first + (second - first) * share
    for _ in range(rng.integers(0, 4)):
        _line(rng, canvas)
    specks = int(rng.integers(0, 25))
    where = rng.integers(0, size, (2, specks))
    canvas[:, where[0], where[1]] = rng.uniform(0, 1, (3, specks))
    return canvas


def _line(rng: np.random.Generator, canvas: Plane) -> None:
    """A stroke of about a pixel's width, in any colour."""
    size = canvas.shape[1]
    start, angle, length = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9) * size
    steps = np.arange(0, length, 0.7)
    rows = (start[0] + steps * np.sin(angle)).astype(int)
    columns = (start[1] + steps * np.cos(angle)).astype(int)
    there = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    canvas[:, rows[there], columns[there]] = rng.uniform(0, 1, (3, 1))


def _masks(owner: NDArray[np.uint8], things: list[Thing], pixel: float) -> NDArray[np.bool_]:
    """bool [concept, row, column] of a scene, from who is seen at each pixel."""
    table = np.zeros((len(CONCEPTS), len(things) + 1), bool)
    for number, thing in enumerate(things, start=1):
        table[:, number] = thing.concepts(pixel)
    masks = table[:, owner]
    edge = masks[-1]
    down, across = owner[1:] != owner[:-1], owner[:, 1:] != owner[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    return masks
