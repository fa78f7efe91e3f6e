"""Recording: every activation that was heard, on disk, as a zarr store with named dimensions."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from cellscope.axes import Site
from cellscope.chunks import Chunk
from cellscope.errors import InputError

DTYPES = ("float16", "float32")
MARK = "cellscope_recording"
FLAT: Any = {"name": "default", "separator": "."}
"""Names of a store's files: without it every zarr chunk would get a folder of its own."""
LARGEST = float(np.finfo(np.float16).max)
WRITERS = 2
WAITING = 6
"""Whole zarr chunks that may wait for a writer; more, and `add` waits for the oldest."""


def array_name(site: Site) -> str:
    """`lstm.0:cell` is stored as `lstm.0.cell`; what a path of a file should not hold becomes an underscore."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{site.path}.{site.stream}" if site.stream else site.path)
    return name.lstrip("._") or "site"


class Recording:
    """A sink that writes chunks, in any order, to a zarr store of one array [position, unit] per site.

    `xarray.open_zarr` reads it. The store grows as NAME.part and takes its own name in `finish`, when every position
    has been written once: a store under its own name is complete. Memory is bounded by `memory` bytes, whatever the
    length: rows are gathered until a zarr chunk is whole, and where too many chunks are begun, the oldest is written
    as far as it goes and read again later.

    float16 holds three digits and no value beyond 65,504: a larger one ends the recording with InputError.
    """

    def __init__(
        self,
        path: Path | str,
        units: Mapping[Site, int],
        length: int,
        *,
        dtype: str = "float32",
        lanes: int = 64,
        about: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        memory: int = 256 << 20,
    ) -> None:
        self.path = Path(path)
        self.length = length
        self.dtype = np.dtype(dtype)
        if dtype not in DTYPES:
            raise InputError(f"a recording is {' or '.join(DTYPES)}, not {dtype!r}")
        if not units:
            raise InputError("nothing to record: no site is named")
        if length < 1:
            raise InputError("nothing to record: the text is empty")
        self.names = {site: array_name(site) for site in units}
        if len(set(self.names.values())) < len(units):
            raise InputError(f"two of the sites {', '.join(map(str, units))} would have the same name in the store")
        if self.path.exists() and not overwrite:
            raise InputError(f"{self.path} exists; choose another name, or overwrite it with --force")
        if self.path.exists() and not _is_recording(self.path):
            raise InputError(f"{self.path} exists and is no recording of cellscope's, so it is not replaced")
        self.rows = _rows(lanes, sum(units.values()) * self.dtype.itemsize, length, memory)
        self._memory = memory
        self._started: dict[tuple[Site, int], _Rows] = {}  # oldest first
        self._held = 0
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="recording")
        self._waiting: deque[Future[None]] = deque()
        self._counts = {site: np.zeros(-(-length // self.rows), np.uint32) for site in units}
        self.part = self.path.with_name(self.path.name + ".part")
        self._group = self._create(units, dict(about or {}))
        self._arrays: dict[Site, Any] = {site: self._group[name] for site, name in self.names.items()}

    def _create(self, units: Mapping[Site, int], about: dict[str, Any]) -> Any:
        if self.part.exists():
            if not _is_recording(self.part):
                raise InputError(f"{self.part} is in the way and is no recording of cellscope's; move it")
            shutil.rmtree(self.part)  # what an interrupted recording left
        self.path.parent.mkdir(parents=True, exist_ok=True)
        facts = {**about, MARK: 1, "dtype": str(self.dtype), "positions": self.length, "complete": False}
        group = zarr.open_group(self.part, mode="w-", zarr_format=3, attributes=facts)
        one_size = len(set(units.values())) == 1
        for site, count in units.items():
            group.create_array(
                self.names[site],
                shape=(self.length, count),
                chunks=(self.rows, count),
                dtype=self.dtype,
                chunk_key_encoding=FLAT,
                compressors=ZstdCodec(level=1),
                fill_value=float("nan"),
                dimension_names=("position", "unit" if one_size else f"unit_{count}"),
                attributes={"site": str(site), "path": site.path, "stream": site.stream},
            )
        return group

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """What is not finished by now is taken away."""
        self._started.clear()
        self._writers.shutdown(cancel_futures=True)
        shutil.rmtree(self.part, ignore_errors=True)

    def add(self, chunk: Chunk) -> None:
        """Write what a chunk holds; rows beyond the end of the subject are left out."""
        for site, values in chunk.values.items():
            if site not in self._arrays:
                continue
            steps, lanes, units = values.shape
            if units != self._arrays[site].shape[1] or lanes != len(chunk.positions):
                expected = f"[step, {len(chunk.positions)}, {self._arrays[site].shape[1]}]"
                raise ValueError(f"{site}: a chunk of shape {values.shape} where {expected} is expected")
            rows = self._converted(site, values, chunk.positions)
            for lane, start in enumerate(chunk.positions.tolist()):
                self._write(site, start, rows[: max(0, min(steps, self.length - start)), lane])

    def column(self, name: str, start: int, values: np.ndarray[Any, Any], **attributes: str) -> None:
        """Write part of a one-dimensional array [position] beside the sites, for instance the characters."""
        if name not in self._group:
            self._group.create_array(
                name,
                shape=(self.length,),
                chunks=(min(self.length, 1 << 20),),
                dtype=values.dtype,
                chunk_key_encoding=FLAT,
                compressors=ZstdCodec(level=3),
                dimension_names=("position",),
                attributes=attributes,
            )
        self._group[name][start : start + len(values)] = values

    def finish(self, **about: Any) -> Path:
        """Give the store its name, or raise InputError where positions are missing; returns the path."""
        while self._started:
            self._flush(next(iter(self._started)))
        self._settle()
        for site, counts in self._counts.items():
            missing = self.length - int(counts.sum())
            if missing:
                raise InputError(f"{missing:,} of {self.length:,} positions of {site} were never heard")
        self._group.attrs.update({**about, "complete": True})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata")  # not yet in the format's text
            zarr.consolidate_metadata(self.part, zarr_format=3)
        old = self.path.with_name(self.path.name + ".old")
        if self.path.exists():  # only with `overwrite`
            os.replace(self.path, old)
        os.replace(self.part, self.path)
        shutil.rmtree(old, ignore_errors=True)
        return self.path

    def _converted(self, site: Site, values: np.ndarray[Any, Any], positions: np.ndarray[Any, Any]) -> Any:
        with np.errstate(over="ignore"):
            rows = values.astype(self.dtype, copy=False)
        if self.dtype == np.float16 and not -LARGEST <= values.min() <= values.max() <= LARGEST:  # NaN comes here too
            beyond = np.isinf(rows) & np.isfinite(values)
            if beyond.any():
                step, lane, unit = np.argwhere(beyond)[0].tolist()
                value, position = values[step, lane, unit], positions[lane] + step
                reached = f"{site}/{unit} is {value:,.0f} at position {position}"
                raise InputError(f"{reached}, beyond float16's 65,504; record it as float32")
        return rows

    def _write(self, site: Site, start: int, rows: np.ndarray[Any, Any]) -> None:
        """Put rows [step, unit] that begin at position `start` into the chunks that they belong to."""
        done = 0
        while done < len(rows):
            index, first = divmod(start + done, self.rows)
            count = min(self.rows - first, len(rows) - done)
            self._place(site, index, first, rows[done : done + count])
            done += count

    def _place(self, site: Site, index: int, first: int, rows: np.ndarray[Any, Any]) -> None:
        key = (site, index)
        whole = min(self.rows, self.length - index * self.rows)
        self._counts[site][index] += len(rows)
        if self._counts[site][index] > whole:
            position = index * self.rows + first
            raise ValueError(f"{site}: positions from {position} on were heard twice")
        if len(rows) == whole:
            self._store(site, index, rows.copy())
            return
        if key not in self._started:
            self._started[key] = _Rows(whole, rows.shape[1], rows.dtype)
            self._held += self._started[key].values.nbytes
        self._started[key].put(first, rows)
        if self._started[key].whole:
            self._flush(key)
        while self._held > self._memory and len(self._started) > 1:
            self._flush(next(iter(self._started)))

    def _flush(self, key: tuple[Site, int]) -> None:
        """Write one begun chunk; rows that have not come yet stay as they are in the store."""
        site, index = key
        begun = self._started.pop(key)
        self._held -= begun.values.nbytes
        if begun.whole:
            self._store(site, index, begun.values)
        else:
            there = slice(index * self.rows, index * self.rows + len(begun.filled))
            old = self._arrays[site][there]
            old[begun.filled] = begun.values[begun.filled]
            self._arrays[site][there] = old

    def _store(self, site: Site, index: int, rows: np.ndarray[Any, Any]) -> None:
        """Hand a whole zarr chunk to a writer; nothing else ever touches that chunk, so the order does not matter."""

        def write() -> None:
            self._arrays[site][index * self.rows : index * self.rows + len(rows)] = rows

        self._waiting.append(self._writers.submit(write))
        while len(self._waiting) > WAITING:
            self._waiting.popleft().result()

    def _settle(self) -> None:
        """Wait for every writer; an error of one is raised here."""
        while self._waiting:
            self._waiting.popleft().result()


class _Rows:
    """The rows of one zarr chunk that have come so far."""

    def __init__(self, rows: int, units: int, dtype: Any) -> None:
        self.values = np.empty((rows, units), dtype)
        self.filled = np.zeros(rows, bool)
        self.count = 0

    @property
    def whole(self) -> bool:
        return self.count == len(self.filled)

    def put(self, first: int, rows: np.ndarray[Any, Any]) -> None:
        self.values[first : first + len(rows)] = rows
        self.filled[first : first + len(rows)] = True
        self.count += len(rows)


def _rows(lanes: int, width: int, length: int, memory: int) -> int:
    """Rows of a zarr chunk: as many as let every lane have two begun chunks in `memory`; 128 to 16,384."""
    rows = 16384
    while rows > 128 and 2 * lanes * rows * width > memory:
        rows //= 2
    return min(rows, length)


def _is_recording(path: Path) -> bool:
    try:
        return MARK in zarr.open_group(path, mode="r").attrs
    except Exception:  # noqa: BLE001  whatever zarr says of a thing that is no store
        return False
