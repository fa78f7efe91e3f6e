"""MNIST's own file format, idx: a header that states the shape, then the bytes; plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.data.images import ImageSet
from cellscope.errors import InputError

UNSIGNED_BYTES = 0x08
LIMIT = 1 << 32
"""The most bytes that are read from one file: MNIST has 47 million."""


def open_idx(path: Path) -> ImageSet:
    """The pictures of an idx file, uint8 [picture, 1, row, column], with the labels of the file beside it.

    That file's name has `labels` and `idx1` where the pictures' has `images` and `idx3`; without one there are no
    labels, and a remark. InputError where a file is no idx file, is cut short, or has another count than its fellow.
    """
    pictures = read_idx(path)
    if pictures.ndim == 1:
        raise InputError(f"{path} holds labels, not pictures; give the file of the pictures (*-images-idx3-ubyte)")
    if pictures.ndim != 3:
        raise InputError(f"{path} has the shape {list(pictures.shape)}; pictures are [picture, row, column]")
    beside = _labels_of(path)
    if beside is None:
        remark = f"no labels: beside {path.name} there is no file of that name with labels-idx1 for images-idx3"
        return ImageSet(path.name, pictures[:, None], remarks=(remark,), source=str(path.absolute()))
    labels = read_idx(beside)
    if labels.ndim != 1:
        raise InputError(f"{beside} has the shape {list(labels.shape)}; labels are [picture]")
    if len(labels) != len(pictures):
        raise InputError(f"{path} has {len(pictures):,} pictures and {beside.name} {len(labels):,} labels")
    classes = tuple(str(number) for number in range(int(labels.max(initial=0)) + 1))
    return ImageSet(path.name, pictures[:, None], labels.astype(np.int64), classes, source=str(path.absolute()))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes of an idx file; InputError where it is cut short or no such file."""
    zipped = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if zipped else path.open("rb") as file:
            shape = _shape(path, file)
            size = math.prod(shape)
            body = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if len(body) != size:
        found = f"{len(body):,}" if len(body) < size else "more"
        raise InputError(f"{path} should hold {size:,} bytes after its header and holds {found}")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _shape(path: Path, file: gzip.GzipFile | BufferedReader) -> tuple[int, ...]:
    """What the header says: two zeros, the kind of number, the count of axes, and their lengths."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or not 1 <= head[3] <= 4:
        raise InputError(f"{path} is no idx file: it begins with {head.hex(' ') or 'nothing'}, not with 00 00 08 03")
    if head[2] != UNSIGNED_BYTES:
        raise InputError(f"{path} holds numbers of kind {head[2]:02x}; only unsigned bytes (08) are read")
    lengths = file.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise InputError(f"{path} ends within its header")
    shape = struct.unpack(f">{head[3]}I", lengths)
    if not 0 < math.prod(shape) <= LIMIT:
        raise InputError(f"{path} says that its shape is {list(shape)}, which is empty or too large to be true")
    return shape


def _labels_of(path: Path) -> Path | None:
    """The file of labels beside one of pictures, plain or gzipped."""
    stem = path.name.removesuffix(".gz")
    name = stem.replace("images", "labels").replace("idx3", "idx1")
    if name == stem:
        return None
    beside = [path.with_name(name), path.with_name(name + ".gz")]
    return next((file for file in beside if file.is_file()), None)
