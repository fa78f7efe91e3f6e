"""Pictures of a unit's examples: cut to what the unit sees, with where it is active laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.models.classifier import Classifier
from cellscope.report.pictures import at_least, grid_shape, shown, tiles
from cellscope.vision.examples import Examples
from cellscope.vision.receptive import ReceptiveField

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
DIM = 0.3
"""What is left of the light where a unit is not active."""
FRAME = np.array([255, 214, 0], np.uint8)
BEYOND = 200
"""Grey of what lies beyond a picture's border."""


@dataclass(frozen=True, eq=False)
class Crops:
    """Examples of one unit, seen once more.

    pictures  their numbers [k], and `places` [k, 2] of the maxima
    pixels    the pictures as the network is given them, in 0..1 [k, channel, row, column]
    maps      what the unit does everywhere in them [k, row, column]
    values    the maxima as they were found [k]; `again` as they were now
    boxes     top, bottom, left, right of what the unit sees from the place of its maximum [k, 4]
    """

    unit: Unit
    which: str
    pictures: NDArray[np.int64]
    places: NDArray[np.int64]
    pixels: Floats
    maps: Floats
    values: Floats
    again: Floats
    boxes: NDArray[np.int64]
    field: ReceptiveField

    @property
    def reproduced(self) -> bool:
        """Whether every maximum came out as it was found, up to rounding."""
        return bool(np.allclose(self.values, self.again, rtol=1e-3, atol=1e-4))

    def crop(self, k: int) -> Floats:
        """What the unit sees of example k, [channel, row, column]."""
        top, bottom, left, right = self.boxes[k]
        return self.pixels[k, :, top:bottom, left:right]

    def active(self, k: int) -> Floats:
        """Where the unit is active in example k, 0..1 for every pixel: its map between the centres of its cells.

        0 is the value 0 (or the map's least, if the maximum is not above 0), 1 the map's greatest.
        """
        return _between(_levels(self.maps[k]), self._weights)

    def sheet(self, *, overlay: bool = False, whole: bool = False, least: int = 0, columns: int = 0) -> Bytes:
        """All examples as one grid [row, column, 3], best first; `overlay` dims what the unit is not active on."""
        drawn = [_coloured(shown(picture)) for picture in self.pixels]
        if overlay:
            light = [DIM + (1 - DIM) * self.active(k)[..., None] for k in range(len(drawn))]
            drawn = [np.floor(d * part + 0.5).astype(np.uint8) for d, part in zip(drawn, light, strict=True)]
        return self.sheet_of(drawn, whole=whole, least=least, columns=columns)

    def sheet_of(self, drawn: list[Bytes], *, whole: bool = False, least: int = 0, columns: int = 0) -> Bytes:
        """Pictures of the examples, one each, cut to what the unit sees, as one grid; `least` is a tile's least side.

        A crop at the border is smaller, and lies in its tile where it would be in a full one. `whole` shows all of the
        pictures, with what the unit sees framed where that is less.
        """
        coloured = [_coloured(picture) for picture in drawn]
        if whole:
            made = [_framed(picture, box, least) for picture, box in zip(coloured, self.boxes, strict=True)]
        else:
            size = (int(np.ptp(self.boxes[:, :2], 1).max()), int(np.ptp(self.boxes[:, 2:], 1).max()))
            made = [_cut(picture, box, size) for picture, box in zip(coloured, self.boxes, strict=True)]
        across = columns or grid_shape(len(made))[1]
        return tiles(np.stack([at_least(tile, least) for tile in made]), columns=across, gap=2, pad=255)

    @cached_property
    def _weights(self) -> tuple[Floats, Floats]:
        rows, columns = self.field.centres()
        return _ramp(rows, self.field.picture[0]), _ramp(columns, self.field.picture[1])


def crops(
    classifier: Classifier, images: ImageSet, found: Examples, unit: int, field: ReceptiveField, *, which: str = "top"
) -> Crops:
    """The examples of one unit, played through the network again: pixels, maps and boxes."""
    if not 0 <= unit < len(found.active):
        raise InputError(f"{found.site} has units 0 to {len(found.active) - 1}; there is no {unit}")
    if len(classifier.shape) != 3:
        raise InputError(f"{classifier.name} takes rows of numbers, and they have no places to cut to")
    kept = found.kept(which)
    numbers, places = kept.pictures[unit], kept.places[unit]
    inputs = classifier.prepare(images.pixels(numbers))
    with torch.inference_mode(), watch(classifier.module, [found.site], stop=True) as seen:
        maps = seen.play(inputs)[found.site][:, unit].float().cpu().numpy()
        pixels = classifier.preprocessing.undo(inputs.cpu()).numpy()
    maps = maps.reshape(len(numbers), *found.grid)
    again = maps[np.arange(len(numbers)), places[:, 0], places[:, 1]]
    boxes = np.array([field.box(int(row), int(column)) for row, column in places], np.int64)
    return Crops(Unit(found.site, unit), which, numbers, places, pixels, maps, kept.values[unit], again, boxes, field)


def _coloured(picture: Bytes) -> Bytes:
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def _framed(picture: Bytes, box: NDArray[np.int64], least: int) -> Bytes:
    """A whole picture, enlarged, with a frame around what is seen, unless that is all of it."""
    made = at_least(picture, least)
    top, bottom, left, right = box
    if (bottom - top, right - left) == picture.shape[:2]:
        return made
    factor = made.shape[0] // picture.shape[0]
    wide = max(1, factor // 2)
    made = made.copy()
    ends = [(int(start) * factor, int(end) * factor) for start, end in ((top, bottom), (left, right))]
    outer = tuple(slice(max(0, start - wide), end + wide) for start, end in ends)
    inner = tuple(slice(start, end) for start, end in ends)
    kept = made[inner].copy()
    made[outer] = FRAME
    made[inner] = kept
    return made


def _cut(picture: Bytes, box: NDArray[np.int64], size: tuple[int, int]) -> Bytes:
    """What is seen, in a tile of `size`: at its far end where the picture's border cut it off above or to the left."""
    top, bottom, left, right = box
    rows, columns = size[0] - int(bottom - top), size[1] - int(right - left)
    sides = ((rows, 0) if top == 0 else (0, rows), (columns, 0) if left == 0 else (0, columns), (0, 0))
    return np.pad(picture[top:bottom, left:right], sides, constant_values=BEYOND)


def _levels(values: Floats) -> Floats:
    low = 0.0 if values.max() > 0 else float(values.min())
    span = float(values.max()) - low
    return np.clip((values - low) / span, 0, 1) if span > 0 else np.ones_like(values)


def _ramp(centres: NDArray[np.int64], length: int) -> Floats:
    """Weights [pixel, cell] that draw straight lines between the cells' centres, and level ones beyond."""
    pixels = np.arange(length)
    return np.stack([np.interp(pixels, centres, unit) for unit in np.eye(len(centres))], 1).astype(np.float32)


def _between(levels: Floats, weights: tuple[Floats, Floats]) -> Floats:
    made: Floats = np.einsum("pr,rc,qc->pq", weights[0], levels, weights[1], optimize=True)
    return made
