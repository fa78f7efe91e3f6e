"""Rows or pictures in a numpy archive: one array of them, one of labels."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.data.folders import shown
from cellscope.data.images import ImageSet
from cellscope.errors import InputError

PAIRS = (
    ("X", "y"), ("x", "y"), ("data", "labels"), ("data", "target"), ("data", "label"), ("images", "labels"),
    ("features", "labels"), ("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"),
)  # fmt: skip
"""What the arrays are called: the first pair of which both are there is taken, else the first of rows alone."""
COLUMNS = ("columns", "feature_names")
CLASSES = ("classes", "target_names")

Array = NDArray[Any]


def open_npz(path: Path) -> ImageSet:
    """The rows [row, column], as float32, or pictures of an archive, with labels where there are some.

    Pictures are [picture, row, column], [picture, row, column, channel] or [picture, channel, row, column] (the shorter
    axis is the channels), uint8, or floats in 0..1. Arrays of texts `columns` and `classes` give names.
    InputError for Python objects, which are never loaded, and for values that are missing or infinite.
    """
    found = _arrays(path)
    there = [pair for pair in PAIRS if set(pair) <= set(found)] or [pair for pair in PAIRS if pair[0] in found]
    if not there:
        known, other = ", ".join(x for x, _ in PAIRS), ", ".join(list(found)[:12]) or "nothing"
        raise InputError(f"{path} has none of the arrays {known}; there is {other}")
    data, labels = found[there[0][0]], found.get(there[0][1])
    if data.dtype.kind not in "fiub" or data.ndim not in (2, 3, 4) or data.size == 0:
        raise InputError(f"{path} holds {data.dtype} {list(data.shape)}; rows or pictures of numbers are needed")
    own, classes = (None, ()) if labels is None else _classes(path, labels, _texts(found, CLASSES))
    if own is not None and len(own) != len(data):
        raise InputError(f"{path} has {len(data):,} rows and {len(own):,} labels")
    if data.ndim > 2:
        return ImageSet(path.name, _pictures(path, data), own, classes, source=str(path.absolute()))
    columns = _texts(found, COLUMNS) or tuple(f"column {place}" for place in range(data.shape[1]))
    if len(columns) != data.shape[1]:
        raise InputError(f"{path} has {data.shape[1]} columns and {len(columns)} names for them")
    return ImageSet(path.name, _finite(path, data), own, classes, columns=columns, source=str(path.absolute()))


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of an archive that have a name that is known here; the others are there, and empty."""
    wanted = {*COLUMNS, *CLASSES, *(name for pair in PAIRS for name in pair)}
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} cannot be read: it is no archive of numpy's, or cut short")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {shown(name): file[name] if name in wanted else np.empty(0) for name in file.files}
    except Exception as error:
        if "allow_pickle" in str(error):
            raise InputError(f"{path} holds Python objects, which are never loaded; save numbers and texts") from error
        text = str(error).strip().splitlines()
        raise InputError(f"{path} cannot be read: {text[0] if text else type(error).__name__}") from error


def _texts(found: dict[str, Array], names: tuple[str, ...]) -> tuple[str, ...]:
    array = next((found[name] for name in names if name in found), np.empty(0))
    return tuple(shown(str(text)) for text in array.ravel().tolist())


def _classes(path: Path, labels: Array, names: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels as numbers of classes: whole numbers or texts [row] or [row, 1], named by `names` where there are any."""
    flat = labels.reshape(-1) if labels.size == len(labels) else labels
    whole = flat.dtype.kind in "iub" or (flat.dtype.kind == "f" and bool((flat % 1 == 0).all()))
    if flat.ndim != 1 or not (whole or flat.dtype.kind in "US"):
        raise InputError(f"{path} holds labels {flat.dtype} {list(labels.shape)}; whole numbers or texts are needed")
    if names and whole and int(flat.min()) >= 0 and int(flat.max()) < len(names):
        return flat.astype(np.int64), names
    known, own = np.unique(flat.astype(np.int64) if whole else flat.astype(str), return_inverse=True)
    return own.astype(np.int64), tuple(shown(str(value)) for value in known.tolist())


def _pictures(path: Path, data: Array) -> Array:
    """[picture, channel, row, column], uint8 or float32."""
    if data.ndim == 3:
        data = data[:, None]
    elif data.shape[3] <= data.shape[1]:
        data = data.transpose(0, 3, 1, 2)
    if data.dtype.kind in "iu" and data.min() >= 0 and data.max() <= 255:
        return np.ascontiguousarray(data, np.uint8)
    data = _finite(path, data)
    if data.min() < 0 or data.max() > 1:
        raise InputError(f"{path} holds pictures in {data.min():g}..{data.max():g}; give uint8, or numbers in 0..1")
    return data


def _finite(path: Path, data: Array) -> Array:
    made = np.ascontiguousarray(data, np.float32)
    if not np.isfinite(made).all():
        row, *place = np.argwhere(~np.isfinite(made))[0].tolist()
        where = ", ".join(map(str, place))
        raise InputError(f"{path} has no value, or an infinite one, in row {row}, column {where} (from 0)")
    return made
