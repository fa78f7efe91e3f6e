"""Tables in CSV and parquet files: their columns by name, as numbers, or as classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.data.csv_head import MISSING, Head, is_number
from cellscope.data.folders import shown
from cellscope.errors import InputError


def read_table(path: Path, *, pixels: bool = False) -> dict[str, Any]:
    """The columns of a CSV or parquet file, pyarrow arrays by name, in their order; `pixels`: of a CSV of 0..255."""
    import pyarrow as pa

    try:
        table = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, pixels)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        text = str(error).strip().splitlines()
        raise InputError(f"{path} cannot be read: {text[0] if text else type(error).__name__}") from error
    names = [shown(name) for name in table.column_names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path} has several columns called {', '.join(map(repr, twice))}")
    if not names or table.num_rows == 0:
        raise InputError(f"{path} has no rows")
    return {name: table.column(place) for place, name in enumerate(names)}


def numbers(path: Path, name: str, column: Any) -> NDArray[np.float32]:
    """A column as float32; InputError, naming the row (from 0) or what is there instead, where it cannot be."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            or pa.types.is_decimal(kind) or pa.types.is_null(kind)):  # fmt: skip
        raise InputError(f"{path}: column {name!r} holds {_content(column)}; leave it out, or turn it into numbers")
    values = column.cast(pa.uint8()) if pa.types.is_boolean(kind) else column
    made: NDArray[np.float32] = values.cast(pa.float64()).to_numpy().astype(np.float32)
    _none_missing(path, name, ~np.isfinite(made))
    return made


def classes(path: Path, name: str, column: Any) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A column of labels as numbers of its different values in order: whole numbers, texts, or true and false."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        values = numbers(path, name, column).astype(np.float64)
        if (values % 1 != 0).any():
            broken = values[values % 1 != 0][0]
            raise InputError(f"{path}: column {name!r} holds {broken:g}, which is no label; name the column of labels")
        column = pa.chunked_array([values.astype(np.int64)])
    texts = [value.strip() if isinstance(value, str) else value for value in column.to_pylist()]
    _none_missing(path, name, np.array([value is None or value == "" for value in texts]))
    known = sorted(set(texts), key=lambda value: value if isinstance(value, int) else str(value))
    if len(known) > 1000 or len(known) > len(texts) / 2 > 10:
        raise InputError(
            f"{path}: column {name!r} has {len(known):,} different values in {len(texts):,} rows, which are no labels; "
            "name the column of labels"
        )
    number = {value: place for place, value in enumerate(known)}
    return np.array([number[value] for value in texts], np.int64), tuple(shown(str(value)) for value in known)


def _none_missing(path: Path, name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        many = f" and in {int(missing.sum()) - 1:,} more" if missing.sum() > 1 else ""
        row = int(np.argmax(missing))
        raise InputError(f"{path}: column {name!r} has no value, or an infinite one, in row {row} (from 0){many}")


def _content(column: Any) -> str:
    """What a column of no numbers holds, with the first cell that is none."""
    for row, value in enumerate(column.to_pylist()):
        if isinstance(value, str) and not is_number(value):
            return f"text ({shown(value[:40])!r} in row {row}, from 0)"
    return str(column.type)


def _parquet(path: Path) -> Any:
    from pyarrow import parquet

    table = parquet.read_table(path)
    return table.select([name for name in table.column_names if not name.startswith("__index_level_")])


def _csv(path: Path, pixels: bool) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow

    head = Head.of(path)
    if not head.lines:
        raise InputError(f"{path} is empty, or no text in UTF-8")
    types = dict.fromkeys(head.columns, pa.uint8()) if pixels else None
    return arrow.read_csv(
        path,
        read_options=arrow.ReadOptions(column_names=None if head.named else head.columns),
        parse_options=arrow.ParseOptions(delimiter=head.separator),
        convert_options=arrow.ConvertOptions(column_types=types, null_values=MISSING),
    )
