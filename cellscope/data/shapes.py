"""`shapes`: drawn colour scenes whose every concept is known to the pixel, for networks to be looked into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.data.grounds import ground
from cellscope.data.images import ImageSet
from cellscope.data.in_two import Drawn, in_two
from cellscope.data.outlines import OUTLINES, Plane
from cellscope.data.packed import PackedMasks
from cellscope.data.paint import COLOURS, TEXTURES, Paint
from cellscope.errors import InputError

FIGURES = tuple(OUTLINES)
SIZES = ("large", "small")
CONCEPTS = (*FIGURES, *TEXTURES, *COLOURS, *SIZES, "object", "edge")

LARGE, SMALL = 13.5, 7.0
"""From and up to which size an object is so called: the radius of a circle of its area, in 64ths of the side."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene. Lengths are in pixels; `size` is the radius of the circle of equal area."""

    figure: str
    paint: Paint
    size: float
    row: float
    column: float
    angle: float

    def concepts(self, pixel: float) -> tuple[str, ...]:
        """Which of `CONCEPTS` it is, where a 64th of the picture is `pixel` pixels."""
        size = ("large",) if self.size >= LARGE * pixel else ("small",) if self.size <= SMALL * pixel else ()
        return (self.figure, *self.paint.concepts, *size, "object")


def shapes(count: int = 6000, *, seed: int = 0, size: int = 64, progress: Progress | None = None) -> ImageSet:
    """Scenes of one main object among up to three smaller ones; the label is the figure of the largest, in area.

    Pictures are uint8 [picture, 3, size, size]. The main object lies wholly inside; each other one has at most a
    quarter of its area, any figure, and may be cut off by the border or hide a part of what was drawn before. Figure,
    colour and texture (half of the objects have none) are drawn independently of one another and of size and angle;
    the ground (see `ground`) is painted with the same paints. Noise lies over all. A mask is on at the visible pixels
    of everything that the concept is true of; `edge` where a pixel and one of its four neighbours show different
    objects, or an object and none. Where an object lies is no concept.

    Picture i depends on `seed`, `size` and i alone, not on `count`.
    """
    if count < 1 or not 16 <= size <= 512:
        raise InputError(f"shapes has 1 picture or more, 16 to 512 pixels wide, not {count:,} of {size}")

    def told(done: int, total: int, _: str) -> None:
        if progress is not None:
            progress(count * done // total, count, "drawing shapes")

    pictures, labels, bits = in_two(draw, count, (seed, size), told)
    masks = PackedMasks(count, len(CONCEPTS), size, size, bits)
    return ImageSet("shapes", pictures, labels, FIGURES, masks, CONCEPTS, source="shapes")


def draw(first: int, last: int, seed: int, size: int, progress: Progress | None = None) -> Drawn:
    """Some of the scenes of `shapes`: pictures, labels, and masks as the bits of `PackedMasks`."""
    count = last - first
    pictures, labels = np.empty((count, 3, size, size), np.uint8), np.empty(count, np.int64)
    masks = PackedMasks(count, len(CONCEPTS), size, size)
    for at in range(count):
        pictures[at], masks[at], figure = _scene(np.random.default_rng((seed, first + at)), size)
        labels[at] = FIGURES.index(figure)
        if progress is not None and (at + 1) % 250 == 0:
            progress(at + 1, count, "")
    return pictures, labels, masks.bits


def _scene(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_], str]:
    """A picture [channel, row, column], its masks [concept, row, column], and the figure of its main object."""
    things, main = _things(rng, size)
    behind = ground(rng, size, {thing.paint.colour for thing in things})
    canvas, owner, first = behind.canvas, behind.owner, len(behind.paints) + 1
    for number, thing in enumerate(things, start=first):
        _draw(canvas, owner, thing, number)
    canvas += rng.standard_normal((3, size, size), np.float32) * np.float32(rng.uniform(0.02, 0.06))
    known = [(), *(paint.concepts for paint in behind.paints), *(thing.concepts(size / 64) for thing in things)]
    masks = np.array([[name in own for own in known] for name in CONCEPTS])[:, owner]
    masks[-1] = _edges(np.where(owner < first, 0, owner))
    return (canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8), masks, things[main].figure


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
        Paint.of(rng, colour, ("", "", *TEXTURES)[rng.integers(4)], size / 64),
        radius,
        float(row),
        float(column),
        float(rng.uniform(0, 2 * np.pi)),
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
    part = canvas[:, top:bottom, left:right]
    part += (thing.paint.at(u, v) - part) * (0.5 - distance).clip(0, 1)
    owner[top:bottom, left:right][distance <= 0] = number


def _edges(owner: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where a pixel and one beside it show different objects, or an object and none, bool [row, column]."""
    edge = np.zeros(owner.shape, bool)
    down, across = owner[1:] != owner[:-1], owner[:, 1:] != owner[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    return edge
