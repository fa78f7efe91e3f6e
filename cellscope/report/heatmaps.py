"""A map beside its picture, in colours about a neutral zero; magnitudes use the upper half of them alone.

The caller tells the value at the ends of the colours, and prints it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError
from cellscope.report.pictures import Bytes, at_least, diverging, shown, tiles

LEAST = 256
"""Pixels of the longer side of a picture that is drawn for a person."""


def heat(values: NDArray[Any], limit: float) -> Bytes:
    """A map [row, column] in colours [row, column, 3]: -limit orange, 0 the paper, limit blue."""
    return diverging(_levels(values, limit))


def raw(values: NDArray[Any], limit: float) -> Bytes:
    """A signed map with channels [channel, row, column] in the picture's own colours: 0 is middle grey."""
    return _coloured(shown(_levels(values, limit)))


def overlaid(picture: Bytes, colours: Bytes) -> Bytes:
    """Half the colours of a map, half the picture in grey."""
    lightness = _coloured(picture).astype(np.float32).mean(-1, keepdims=True)
    made: Bytes = np.floor(0.5 * lightness + 0.5 * colours + 0.5).astype(np.uint8)
    return made


def beside(panels: list[Bytes]) -> Bytes:
    """Pictures of one size side by side, enlarged by a whole factor so that a person sees their pixels."""
    return tiles(np.stack([at_least(_coloured(panel), LEAST) for panel in panels]), gap=4, pad=255, columns=len(panels))


def _levels(values: NDArray[Any], limit: float) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise InputError(f"{int((~np.isfinite(values)).sum()):,} values are not finite and cannot be drawn")
    return np.asarray(0.5 + np.asarray(values, np.float64) / (2 * limit if limit > 0 else 1), np.float32)


def _coloured(picture: Bytes) -> Bytes:
    return np.repeat(picture[..., None], 3, -1) if picture.ndim == 2 else picture
