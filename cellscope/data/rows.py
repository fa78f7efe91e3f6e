"""Rows of numbers with a label, from CSV, parquet and npz files, for networks whose input is no picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellscope.data.csv_head import LABELS
from cellscope.data.images import ImageSet
from cellscope.data.tables import classes, numbers, read_table
from cellscope.errors import InputError, not_found


def open_rows(path: Path, *, label: str | None = None) -> ImageSet:
    """The rows of a table, float32 [row, column], every column a feature by its name but for one of labels.

    `label` is that column's name, or its place from 0 where the file names none; without it, it is the first of those
    called label, target, class or y, in any case, else the last column; "" says that there is none. Its values are the
    classes. InputError, naming column and row, where a feature is no number or a value is missing.
    """
    table = read_table(path)
    chosen = _label(path, list(table), label)
    labels, names = (None, ()) if chosen is None else classes(path, chosen, table.pop(chosen))
    if not table:
        raise InputError(f"{path} has no column beside its label {chosen!r}")
    rows = np.stack([numbers(path, name, column) for name, column in table.items()], axis=1)
    return ImageSet(path.name, rows, labels, names, columns=tuple(table), source=str(path.absolute()))


def _label(path: Path, columns: list[str], label: str | None) -> str | None:
    """The name of the column of labels."""
    if label == "":
        return None
    if label is None:
        lower = {name.strip().lower(): name for name in reversed(columns)}
        return next((lower[name] for name in LABELS if name in lower), columns[-1])
    if label not in columns and label.isdecimal() and int(label) < len(columns):
        return columns[int(label)]
    if label not in columns:
        raise not_found(f"column in {path}", label, columns)
    return label
