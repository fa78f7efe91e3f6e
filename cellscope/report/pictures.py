"""Arrays as lossless PNG: maps in grey or in colours about a neutral zero, many of them as one near-square grid.

What is scaled is said: `Scaled` and `Grid` carry the range that black and white (or the two ends of the colours) stand
for. Arrays are [unit, row, column], or [unit, row, column, 3] once they are colours.
"""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cellscope.errors import InputError
from cellscope.report.colour import STEPS, ramp

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
SCALES = ("shared", "unit")
PAD = 96
"""Grey of the gaps and of the blank tiles."""
LEVEL = 6
"""Of compression: the highest, 9, takes half as long again and saves one byte in a hundred."""


def png(array: Bytes) -> bytes:
    """uint8 [row, column] or [row, column, 3 or 4] as PNG, lossless; a palette or grey where that says the same."""
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or not array.size:
        raise InputError(f"a picture is uint8 [row, column] or [row, column, 3 or 4], not {array.dtype} {array.shape}")
    out = io.BytesIO()
    _smallest(np.ascontiguousarray(array)).save(out, "PNG", compress_level=LEVEL)
    return out.getvalue()


def _smallest(array: Bytes) -> Image.Image:
    """Grey where red, green and blue agree, a palette where at most 256 colours occur, else as it is."""
    if array.ndim == 2 or array.shape[2] == 4:
        return Image.fromarray(array)
    if (array[..., 0] == array[..., 1]).all() and (array[..., 0] == array[..., 2]).all():
        return Image.fromarray(np.ascontiguousarray(array[..., 0]))
    codes = array.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, places = np.unique(codes, return_inverse=True)
    if len(colours) > 256:
        return Image.fromarray(array)
    made = Image.fromarray(places.reshape(codes.shape).astype(np.uint8))
    made.putpalette(np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.uint8).tobytes(), "RGB")
    return made


def data_uri(encoded: bytes) -> str:
    """A PNG as the address of an image that lies in the page itself."""
    return "data:image/png;base64," + base64.b64encode(encoded).decode("ascii")


def grid_shape(count: int) -> tuple[int, int]:
    """Rows and columns of a near-square grid: 256 is 16 x 16, 96 is 10 x 10, 512 is 23 x 23."""
    columns = math.isqrt(max(count, 1) - 1) + 1
    return -(-max(count, 1) // columns), columns


def tiles(values: NDArray[Any], *, gap: int = 1, pad: float = PAD, columns: int | None = None) -> NDArray[Any]:
    """[unit, row, column(, colour)] as one array [row, column(, colour)]: near-square, in reading order.

    `gap` pixels of `pad` lie between tiles; blank tiles at the end are `pad`. `columns` asks for another width.
    """
    if values.ndim not in (3, 4) or not len(values):
        raise InputError(f"tiles are made of [unit, row, column] or [unit, row, column, colour], not {values.shape}")
    count, height, width = values.shape[:3]
    across = columns or grid_shape(count)[1]
    down = -(-count // across)
    size = (down * (height + gap) - gap, across * (width + gap) - gap)
    made = np.full((*size, *values.shape[3:]), pad, values.dtype)
    for unit in range(count):
        top, left = unit // across * (height + gap), unit % across * (width + gap)
        made[top : top + height, left : left + width] = values[unit]
    return made


@dataclass(frozen=True, eq=False)
class Scaled:
    """`levels` in 0..1 where `low` is 0 and `high` is 1 (one number, or one a unit); .5 is zero if `signed`."""

    levels: Floats
    low: Floats
    high: Floats
    signed: bool


def scaled(values: NDArray[Any], *, scale: str = "shared", signed: bool | None = None) -> Scaled:
    """Values [unit, ..] brought to 0..1, over all units ("shared") or each by itself ("unit").

    Signed values (told, or those below zero) get symmetric limits, so that zero is .5; others go from their least to
    their greatest. Where nothing varies the levels are 0, or .5 if signed. InputError for values that are not finite.
    """
    if scale not in SCALES:
        raise InputError(f"no scale {scale!r}; there is {', '.join(SCALES)}")
    values = np.asarray(values, np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{int((~np.isfinite(values)).sum()):,} values are not finite and cannot be drawn")
    signed = bool(values.size and values.min() < 0) if signed is None else signed
    axes = tuple(range(values.ndim)) if scale == "shared" else tuple(range(1, values.ndim))
    low = np.minimum.reduce(values, axis=axes, keepdims=True)
    high = np.maximum.reduce(values, axis=axes, keepdims=True)
    if signed:
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    span = high.astype(np.float64) - low
    inside = (values - low) / np.where(span > 0, span, 1)
    levels = np.where(span > 0, inside, 0.5 if signed else 0).astype(np.float32)
    shape = () if scale == "shared" else (len(values),)
    return Scaled(levels, low.reshape(shape).astype(np.float32), high.reshape(shape).astype(np.float32), signed)


def grey(levels: Floats) -> Bytes:
    """Levels in 0..1 as grey; .5 is 128, so that a signed map's zero is one grey everywhere."""
    made: Bytes = np.floor(np.clip(levels, 0, 1) * 255 + 0.5).astype(np.uint8)
    return made


def diverging(levels: Floats, theme: str = "light") -> Bytes:
    """Levels in 0..1 as colours [.., 3]: orange below .5, blue above, .5 the paper itself."""
    table = _table(theme)
    made: Bytes = table[np.floor(np.clip(levels, 0, 1) * (len(table) - 1) + 0.5).astype(np.intp)]
    return made


@cache
def _table(theme: str) -> Bytes:
    """The theme's ramp at 241 places, the middle one the paper."""
    anchors = np.array(ramp(theme), np.float64)
    places = np.linspace(0, 2 * STEPS, 6 * 2 * STEPS + 1)
    columns = [np.interp(places, np.arange(len(anchors)), anchors[:, k]) for k in range(3)]
    return np.round(np.stack(columns, 1)).astype(np.uint8)


def shown(picture: NDArray[Any]) -> Bytes:
    """A picture in 0..1 [channel, row, column] as uint8: grey for one channel, colours for three, else their mean."""
    clipped = grey(np.nan_to_num(picture))
    if len(picture) == 3:
        return np.ascontiguousarray(clipped.transpose(1, 2, 0))
    one: Bytes = clipped[0] if len(picture) == 1 else np.floor(clipped.mean(0) + 0.5).astype(np.uint8)
    return one


def enlarged(array: Bytes, factor: int) -> Bytes:
    """Every pixel of [row, column(, colour)] as a square of `factor` pixels."""
    return np.repeat(np.repeat(array, factor, 0), factor, 1)


def at_least(array: Bytes, pixels: int) -> Bytes:
    """Enlarged by the smallest whole factor that makes the longer side `pixels` or more."""
    return enlarged(array, max(1, -(-pixels // max(array.shape[:2]))))


@dataclass(frozen=True, eq=False)
class Grid:
    """Many maps as one picture: `tile` (rows, columns) of each, `columns` of tiles, the ranges they were scaled by.

    Unit k is the tile in row k // columns and column k % columns; tiles begin `gap` apart.
    """

    array: Bytes
    tile: tuple[int, int]
    columns: int
    gap: int
    low: Floats
    high: Floats
    signed: bool

    @property
    def png(self) -> bytes:
        return png(self.array)


def grid(
    values: NDArray[Any],
    *,
    scale: str = "shared",
    signed: bool | None = None,
    gap: int = 1,
    least: int = 3,
    columns: int | None = None,
) -> Grid:
    """Maps [unit, row, column], or units without places [unit] as small squares, as one near-square picture.

    Signed maps are coloured about a neutral zero, others grey; a tile's sides are enlarged to `least` pixels or more.
    """
    values = np.asarray(values, np.float32)
    maps = values[:, None, None] if values.ndim == 1 else values
    if maps.ndim != 3 or not maps.size:
        raise InputError(f"a grid is made of [unit, row, column] or [unit], not {values.shape}")
    made = scaled(maps, scale=scale, signed=signed)
    factor = max(1, -(-least // min(maps.shape[1:])))
    drawn = diverging(made.levels) if made.signed else grey(made.levels)
    drawn = drawn.repeat(factor, 1).repeat(factor, 2)
    across = columns or grid_shape(len(maps))[1]
    array = tiles(drawn, gap=gap, columns=across)
    return Grid(array, drawn.shape[1:3], across, gap, made.low, made.high, made.signed)
