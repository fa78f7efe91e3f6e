"""Pictures by name or path: what `cellscope train X` may be given where a network for pictures is meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cellscope.axes import Progress
from cellscope.data.folders import SUFFIXES
from cellscope.errors import InputError, not_found

if TYPE_CHECKING:  # what a command asks first is whether X is a set of pictures at all, and numpy need not be there
    from cellscope.data.images import ImageSet

KNOWN = ("shapes", "digits")
FORMS = ("a folder of pictures", "an idx file (MNIST's, .gz or not)", "a CSV, parquet or npz of rows")


def is_image_set(name_or_path: str | Path) -> bool:
    """Whether `open_images` is meant rather than a text: a known name, or a file or folder that looks like pictures.

    Quick: a folder is looked through until its first picture, of a CSV the first lines are read.
    """
    if str(name_or_path) in KNOWN:
        return True
    path = Path(name_or_path)
    if path.is_dir():
        from cellscope.data.folders import files_under

        return any(True for _ in files_under(path, SUFFIXES))
    if path.is_file() and _kind(path) == "csv":
        from cellscope.data.csv_head import looks_like_rows

        return looks_like_rows(path)
    return path.is_file() and _kind(path) != ""


def open_images(
    name_or_path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fit: str = "crop",
    channels: int | None = None,
    label: str | None = None,
    masks: str | Path | None = None,
    seed: int = 0,
    count: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """The pictures or rows of that name; MissingError, saying what can be given, where there are none.

    All pictures are made `size` (rows, columns), by `fit`, with `channels` (1 or 3; arrays may have any). `masks`
    belongs to a folder of pictures, `label` to a table; elsewhere they are an InputError. `seed` draws the scenes of
    `shapes`, `count` is how many; of any other set that many are chosen at random by `seed`, in their order.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if name not in KNOWN and not path.exists():
        raise not_found("set of pictures", name, (*KNOWN, *FORMS))
    folder = name not in KNOWN and (path.is_dir() or _kind(path) == "picture")
    if masks is not None and not folder:
        raise InputError(f"{name} is no folder of pictures, and takes no folder of masks")
    if label is not None and (name in KNOWN or _kind(path) not in ("csv", "parquet")):
        raise InputError(f"{name} is no table with columns; a column of labels cannot be named")
    if folder:
        from cellscope.data.picture_folder import open_picture_folder

        beside = None if masks is None else Path(masks)
        found = open_picture_folder(path, size=size, fit=fit, channels=channels, masks=beside, progress=progress)
        return _some(found, count, seed)
    if name == "shapes":
        from cellscope.data.shapes import shapes

        found = shapes(6000 if count is None else count, seed=seed, progress=progress)
    elif name == "digits":
        from cellscope.data.digits import digits

        found = _some(digits(), count, seed)
    else:
        found = _some(_open_file(path, label), count, seed)
    if size is None and channels is None:
        return found
    from cellscope.data.refit import refit

    return refit(found, size, fit, channels)


def _open_file(path: Path, label: str | None) -> ImageSet:
    """A file that holds a whole set."""
    kind = _kind(path)
    if kind == "idx":
        from cellscope.data.idx import open_idx

        return open_idx(path)
    if kind == "npz":
        from cellscope.data.npz import open_npz

        return open_npz(path)
    if kind not in ("csv", "parquet"):
        raise InputError(f"{path} is no set of pictures; there is {', '.join((*KNOWN, *FORMS))}")
    from cellscope.data.pixel_rows import is_pixel_rows, open_pixel_rows
    from cellscope.data.rows import open_rows

    pixels = kind == "csv" and label is None and is_pixel_rows(path)
    return open_pixel_rows(path) if pixels else open_rows(path, label=label)


def _kind(path: Path) -> str:
    """What a file is by its name: picture, idx, npz, parquet, csv, or nothing of that."""
    name = path.name.lower()
    if re.search(r"[.-]idx\d?([.-]ubyte)?(\.gz)?$", name):
        return "idx"
    if name.endswith(SUFFIXES):
        return "picture"
    return {".npz": "npz", ".parquet": "parquet", ".csv": "csv", ".tsv": "csv"}.get(path.suffix.lower(), "")


def _some(images: ImageSet, count: int | None, seed: int) -> ImageSet:
    """`count` of the pictures, chosen at random, in their order; all of them where there are no more."""
    if count is None or count >= len(images):
        return images
    if count < 1:
        raise InputError(f"a set has 1 picture or more, not {count:,}")
    import numpy as np

    return images.take(np.sort(np.random.default_rng(seed).choice(len(images), count, replace=False)))
