"""Masks as a folder beside the pictures': CONCEPT/ and within it the same paths as the pictures', as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cellscope.data.decoded import Decoded
from cellscope.data.folders import files_under, listed, shown
from cellscope.data.picture_file import Form, read_mask
from cellscope.errors import InputError


@dataclass(frozen=True)
class MaskFolder:
    """Masks of the pictures of a folder: bool [picture, concept, row, column], decoded as asked for."""

    masks: Decoded
    concepts: tuple[str, ...]
    remarks: tuple[str, ...]


def open_mask_folder(root: Path, names: Sequence[str], sizes: Sequence[tuple[int, int]], form: Form) -> MaskFolder:
    """The masks of the pictures `names` (paths in their folder) of `sizes` (rows, columns), one concept a sub-folder.

    The mask of `dogs/rex.jpg` is `CONCEPT/dogs/rex.png` or `CONCEPT/dogs/rex.jpg.png`; where there is none, the concept
    is nowhere in that picture. Links and hidden files as in `files_under`. InputError where no mask fits a picture.
    """
    if not root.is_dir():
        raise InputError(f"no folder of masks {root}")
    concepts = sorted(item.name for item in root.iterdir() if item.is_dir() and not item.name.startswith("."))
    if not concepts:
        raise InputError(f"{root} has no sub-folders; masks are kept as {root.name}/CONCEPT/PICTURE.png")
    numbers: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        for key in (f"{name}.png", str(PurePosixPath(name).with_suffix(".png"))):
            numbers.setdefault(key, []).append(number)
    there = np.zeros((len(names), len(concepts)), bool)
    strays = []
    for column, concept in enumerate(concepts):
        for file in files_under(root / concept, (".png",)):
            there[numbers.get(file, []), column] = True
            if file not in numbers:
                strays.append(f"{shown(concept)}/{shown(file)}")
    if not there.any():
        example = f"{concepts[0]}/{PurePosixPath(names[0]).with_suffix('.png')}"
        raise InputError(f"{root} has no mask of any picture; that of {shown(names[0])} would be {shown(example)}")

    def make(number: int) -> NDArray[np.bool_]:
        on = np.zeros((len(concepts), *form.size), bool)
        for column in np.flatnonzero(there[number]).tolist():
            whole = root / concepts[column] / f"{names[number]}.png"
            file = whole if whole.exists() else (root / concepts[column] / names[number]).with_suffix(".png")
            on[column] = read_mask(file, form, sizes[number])
        return on

    remarks = (f"{len(strays):,} masks belong to no picture: {listed(strays)}",) if strays else ()
    masks = Decoded(len(names), (len(concepts), *form.size), bool, make)
    return MaskFolder(masks, tuple(shown(concept) for concept in concepts), remarks)
