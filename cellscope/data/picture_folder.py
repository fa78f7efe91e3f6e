"""A folder of picture files as an `ImageSet`: one sub-folder a class, decoded as they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.data.decoded import Decoded
from cellscope.data.folders import SUFFIXES, files_under, listed, shown
from cellscope.data.images import ImageSet
from cellscope.data.mask_folder import open_mask_folder
from cellscope.data.picture_file import Form, Header, read_header, read_picture
from cellscope.errors import InputError

T = TypeVar("T")


def open_picture_folder(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    fit: str = "crop",
    channels: int | None = None,
    masks: Path | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """The pictures under a folder, or one picture file: uint8 [picture, channel, row, column], ordered by path.

    The first sub-folder on a picture's path is its class; without sub-folders there are no labels. `size` (rows,
    columns) is the pictures' own where all have the same; `channels` is 1 where all are grey, else 3. `masks` is a
    folder as `open_mask_folder` reads it.

    A file that is no picture is left out and named in `remarks`; if all are, that is an InputError. Of a set that does
    not fit into memory only the headers are read on opening: a picture that then cannot be decoded is an InputError
    when it is met.
    """
    root = path if path.is_dir() else path.parent
    found, remarks = _found(path, masks)
    headers, bad = _tried(root, found, lambda number: read_header(root / found[number]), "reading headers", progress)
    names = _some_left(path, list(headers), bad)
    form = Form(size or _common_size(path, headers.values()), fit, channels or _common_channels(headers.values()))
    pictures = Decoded(
        len(names), (form.channels, *form.size), np.uint8, lambda number: read_picture(root / names[number], form)
    )
    labels, classes = _labels(path, names)
    made = ImageSet(
        shown(path.name), pictures, labels, classes, names=tuple(map(shown, names)), source=str(path.absolute())
    )
    if masks is not None:
        beside = open_mask_folder(masks, names, [header.size for header in headers.values()], form)
        made = replace(made, masks=beside.masks, concepts=beside.concepts)
        remarks += beside.remarks
    if pictures.fits:
        decoded, worse = _tried(root, names, pictures.__getitem__, "decoding", progress)
        bad |= worse
        _some_left(path, list(decoded), bad)
        if worse:
            made = made.take(np.flatnonzero([name in decoded for name in names]))
    if bad:
        remarks += (f"left out: {_said(bad)}",)
    return replace(made, remarks=remarks)


def _found(path: Path, masks: Path | None) -> tuple[list[str], tuple[str, ...]]:
    """Paths of picture files, relative to the folder, and what is to be said of those passed over."""
    if not path.is_dir():
        return [path.name], ()
    found = list(files_under(path, SUFFIXES, skip=masks))
    if not found:
        raise InputError(f"{path} has no pictures in it ({', '.join(SUFFIXES)})")
    top = [name for name in found if "/" not in name]
    if not top or len(top) == len(found):
        return found, ()
    remark = f"{len(top):,} pictures beside the folders of the classes were left out: {listed(list(map(shown, top)))}"
    return [name for name in found if "/" in name], (remark,)


def _tried(
    root: Path, names: list[str], read: Callable[[int], T], what: str, progress: Progress | None
) -> tuple[dict[str, T], dict[str, str]]:
    """What `read` makes of every number, by name; and why it fails, where it does."""
    made: dict[str, T] = {}
    failed: dict[str, str] = {}
    for number, name in enumerate(names):
        if progress is not None and number % 100 == 0:
            progress(number, len(names), what)
        try:
            made[name] = read(number)
        except InputError as error:
            failed[name] = str(error).removeprefix(shown(str(root / name)))
    return made, failed


def _said(bad: dict[str, str]) -> str:
    return listed([shown(f"{name}{reason}") for name, reason in sorted(bad.items())])


def _some_left(path: Path, names: list[str], bad: dict[str, str]) -> list[str]:
    """The names; InputError where there are none."""
    if not names:
        raise InputError(f"{path} has no picture that can be read: {_said(bad)}")
    return names


def _common_size(path: Path, headers: Iterable[Header]) -> tuple[int, int]:
    sizes = Counter(header.size for header in headers)
    if len(sizes) == 1:
        return next(iter(sizes))
    most = ", ".join(f"{rows} x {columns} ({count:,})" for (rows, columns), count in sizes.most_common(4))
    raise InputError(f"{path} has pictures of {len(sizes):,} sizes, rows x columns: {most}; state one size for all")


def _common_channels(headers: Iterable[Header]) -> int:
    return 3 if any(header.colour for header in headers) else 1


def _labels(path: Path, names: list[str]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Numbers of the classes, which are the first folders of the pictures' paths in alphabetical order."""
    if "/" not in names[0]:
        return None, ()
    folders = [name.partition("/")[0] for name in names]
    classes = sorted(set(folders))
    number = {name: place for place, name in enumerate(classes)}
    readable = tuple(map(shown, classes))
    if len(set(readable)) < len(readable):
        raise InputError(f"{path}: two classes have names that cannot be told apart in print: {', '.join(readable)}")
    return np.array([number[folder] for folder in folders], np.int64), readable
