"""Activations that were recorded elsewhere: an array [position, unit] in a .npy, HDF5 or zarr file, read lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.errors import CellscopeError, InputError, not_found

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class RecordedArray:
    """An array [position, unit] on disk: only what `read` asks for comes into memory."""

    path: Path
    key: str | None
    source: Any
    """Anything with `shape`, `dtype` and slices of rows."""

    def __post_init__(self) -> None:
        shape, dtype = tuple(self.source.shape), np.dtype(self.source.dtype)
        if dtype.kind not in "fiub":
            raise InputError(f"{self.name} holds {dtype}, not numbers; save it as float16, float32 or integers")
        if len(shape) != 2:
            raise InputError(
                f"{self.name} has the shape {list(shape)}; an array [position, unit] is needed: two axes, one row for "
                "every character"
            )
        if 0 in shape:
            raise InputError(f"{self.name} is empty: its shape is {list(shape)}")

    @property
    def name(self) -> str:
        return f"{self.path}::{self.key}" if self.key else str(self.path)

    def __len__(self) -> int:
        return int(self.source.shape[0])

    @property
    def units(self) -> int:
        return int(self.source.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.units

    def __getitem__(self, rows: slice) -> Array:
        """`array[start:stop]` is `read(start, stop)`."""
        start, stop, step = rows.indices(len(self))
        return self.read(start, stop)[:: max(1, step)]

    def check_length(self, positions: int, *, what: str = "the text") -> None:
        """InputError unless the array has one row for every position."""
        if len(self) != positions:
            hint = "; it may lie the other way round: [unit, position]" if self.units == positions else ""
            raise InputError(f"{self.name} has {len(self):,} rows and {what} {positions:,} positions{hint}")

    def read(self, start: int, stop: int) -> Array:
        """Rows start to stop as float32 [position, unit]; InputError where a value is NaN or infinite."""
        stop = min(stop, len(self))
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(self.source[start:stop], dtype=np.float32)
        finite = np.isfinite(rows)
        if not finite.all():
            row, unit = np.argwhere(~finite)[0].tolist()
            raise InputError(f"{self.name}: unit {unit} is {rows[row, unit]} at position {start + row}")
        return rows


def open_array(path: Path | str, *, key: str | None = None) -> RecordedArray:
    """The array of a .npy, .h5, .hdf5 or .zarr file; `key` names the one that is meant where a file holds several."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"no file {path}")
    kinds: dict[str, Callable[[Path, str | None], RecordedArray]] = {
        ".npy": _open_npy,
        ".h5": _open_hdf5,
        ".hdf5": _open_hdf5,
        ".zarr": _open_zarr,
    }
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path} is none of {', '.join(kinds)}: the kinds of file that arrays are read from")
    with _as_input_error(path):
        return kinds[path.suffix.lower()](path, key)


def _open_npy(path: Path, key: str | None) -> RecordedArray:
    if key is not None:
        raise InputError(f"{path} holds one array without a name; leave the key {key!r} out")
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InputError(f"{path} is no .npy file")
    try:
        return RecordedArray(path, None, np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError as error:
        if "object" in str(error).lower():
            raise InputError(f"{path} holds Python objects, which are never loaded; save numbers") from error
        raise


def _open_hdf5(path: Path, key: str | None) -> RecordedArray:
    import h5py

    file = h5py.File(path, "r")
    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:  # links to other files are not followed
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(keep)
    name = _choose(path, key, {n: tuple(item.shape or ()) for n, item in found.items()}, {})
    return RecordedArray(path, name, found[name])


def _open_zarr(path: Path, key: str | None) -> RecordedArray:
    import zarr

    store: Any = zarr.open(path, mode="r")
    if isinstance(store, zarr.Array):
        if key is not None:
            raise InputError(f"{path} is one array; leave the key {key!r} out")
        return RecordedArray(path, None, store)
    found: dict[str, Any] = {n: item for n, item in store.members(max_depth=None) if isinstance(item, zarr.Array)}
    sites = {str(item.attrs["site"]): n for n, item in found.items() if "site" in item.attrs}
    name = _choose(path, key, {n: tuple(item.shape) for n, item in found.items()}, sites)
    return RecordedArray(path, name, found[name])


def _choose(path: Path, key: str | None, shapes: dict[str, tuple[int, ...]], sites: dict[str, str]) -> str:
    """The name that is meant: the key's, or that of the only array with two axes."""
    there = [f"{name} {list(shape)}" for name, shape in shapes.items()]
    if key is not None:
        name = sites.get(key, key.strip("/"))
        if name not in shapes:
            raise not_found(f"array in {path}", key, there)
        return name
    flat = [name for name, shape in shapes.items() if len(shape) == 2]
    if len(flat) == 1:
        return flat[0]
    if not flat:
        raise InputError(f"{path} holds no array [position, unit]; there is {', '.join(there[:12]) or 'nothing'}")
    raise InputError(f"{path} holds several arrays; name one: {', '.join(there[:12])}{' ...' if there[12:] else ''}")


@contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    """Whatever numpy, h5py or zarr say of a broken file, in one line."""
    try:
        yield
    except CellscopeError:
        raise
    except Exception as error:
        text = str(error).strip().splitlines()
        raise InputError(f"{path} cannot be read: {text[0] if text else type(error).__name__}") from error
