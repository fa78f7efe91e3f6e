"""Square grey pictures as lines of a CSV: a label first, then the pixels 0..255 row by row, as MNIST goes about."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from cellscope.data.csv_head import Head
from cellscope.data.images import ImageSet
from cellscope.data.tables import classes, read_table
from cellscope.errors import InputError

MNIST = 28 * 28


def is_pixel_rows(path: Path) -> bool:
    """Whether a CSV's columns are called like pixels (`pixel0`, `1x1`), or unnamed and 784 beside a label."""
    head = Head.of(path)
    if not head.lines:
        return False
    if not head.named:
        return len(head.lines[0]) == 1 + MNIST
    return _side(head.columns) is not None


def open_pixel_rows(path: Path) -> ImageSet:
    """uint8 [picture, 1, row, column]; the label is the first column, unless that is a pixel as the others are.

    InputError where a value is none of 0..255 or missing.
    """
    table = read_table(path, pixels=True)
    names = list(table)
    labelled = not _is_pixel(names[0])
    labels, known = classes(path, names[0], table.pop(names[0])) if labelled else (None, ())
    side = math.isqrt(len(table))
    pixels = np.empty((len(next(iter(table.values()))), len(table)), np.uint8)
    for place, (name, column) in enumerate(table.items()):
        if column.null_count:
            raise InputError(f"{path}: column {name!r} has {column.null_count:,} missing values")
        pixels[:, place] = column.to_numpy()
    return ImageSet(path.name, pixels.reshape(-1, 1, side, side), labels, known, source=str(path.absolute()))


def _side(columns: list[str]) -> int | None:
    """The rows of a picture whose pixels these columns are, beside one for the label at most."""
    pixels = columns[1:] if not _is_pixel(columns[0]) else columns
    side = math.isqrt(len(pixels))
    return side if pixels and side * side == len(pixels) and all(map(_is_pixel, pixels)) else None


def _is_pixel(name: str) -> bool:
    return re.fullmatch(r"(pixel|px|p)[ _]?\d+|\d+x\d+", name.strip().lower()) is not None
