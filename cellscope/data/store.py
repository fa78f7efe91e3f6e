"""Where a corpus keeps its characters: an array in memory, or a memory-mapped file."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import weakref
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellscope.data.encoding import Encoding
from cellscope.data.index import STRIDE, Index, Progress, read_at, scan
from cellscope.errors import InputError

TRIM = 32 << 20
"""Bytes that are read before the pages of the map are given back, so that resident memory stays bounded."""

SEGMENTS = 1024
"""Decoded segments that are kept, some 4 to 16 kB each: as many lanes read on without decoding again."""

_FAULT = 64 << 10  # what one touch of a page may map around it


class Store(Protocol):
    """Characters by position; the whole of it."""

    length: int

    def text(self, start: int, stop: int) -> str: ...
    def codes(self, start: int, stop: int) -> NDArray[np.uint32]: ...
    def digest(self) -> str: ...


class Memory:
    """A str, kept as code points in the narrowest of 1, 2 or 4 bytes a character."""

    def __init__(self, text: str) -> None:
        widest = max(map(ord, set(text)), default=0)
        wide = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        self._codes = wide.astype(np.uint8 if widest < 1 << 8 else np.uint16 if widest < 1 << 16 else np.uint32)
        self.length = len(self._codes)

    def text(self, start: int, stop: int) -> str:
        part = self._codes[start:stop]
        if part.dtype == np.uint8:
            return part.tobytes().decode("latin-1")
        return part.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    def codes(self, start: int, stop: int) -> NDArray[np.uint32]:
        return self._codes[start:stop].astype(np.uint32)

    def digest(self) -> str:
        return hashlib.sha256(self.text(0, self.length).encode("utf-8", "surrogatepass")).hexdigest()


class Mapped:
    """A memory-mapped file; `encoding` None gives its bytes as they are.

    The map's pages are given back every `TRIM` bytes, and a file that was changed or cut under us is an InputError,
    not garbage and not a bus error.
    """

    def __init__(
        self, path: Path, encoding: Encoding | None, *, stride: int = STRIDE, progress: Progress | None = None
    ) -> None:
        self._name = str(path)
        self._fd = _open_file(path)
        weakref.finalize(self, os.close, self._fd)
        self._encoding = encoding
        state = os.fstat(self._fd)
        self._size, self._modified = state.st_size, state.st_mtime_ns
        if not self._size:
            raise InputError(f"{path} is empty; give a file with some text in it")
        if encoding is None:
            index = Index(self._size, 0, None, stride, False)
        else:
            index = scan(self._fd, encoding, self._name, stride=stride, progress=progress)
        if not index.length:
            raise InputError(f"{path} holds a byte order mark and nothing else; give a file with some text in it")
        self._index, self.length = index, index.length
        self._map = mmap.mmap(self._fd, self._size, access=mmap.ACCESS_READ)
        self._data = np.frombuffer(self._map, np.uint8)
        self._codec = "latin-1" if encoding is None else encoding.codec
        # one byte is one code point: the bytes are the codes
        same = self._codec in ("utf-8", "ascii", "latin-1", "iso8859-1")
        self._direct = same and index.entries is None and not index.returns
        self._read = 0
        self._segments: dict[int, str] = {}

    def text(self, start: int, stop: int) -> str:
        self._visit(stop - start)
        index, stride = self._index, self._index.stride
        if index.entries is None:
            return self._decoded(start, stop)
        first, last = start // stride, -(-stop // stride)
        skip, size = start - first * stride, stop - start
        if last - first > 4:
            return self._decoded(start, stop)[skip : skip + size]
        return "".join([self._segment(entry) for entry in range(first, last)])[skip : skip + size]

    def codes(self, start: int, stop: int) -> NDArray[np.uint32]:
        if self._direct:
            self._visit(stop - start)
            begin, end = self._index.span(start, stop)
            return self._data[begin:end].astype(np.uint32)
        return np.frombuffer(self.text(start, stop).encode("utf-32-le"), "<u4").astype(np.uint32, copy=False)

    def digest(self) -> str:
        sha, offset = hashlib.sha256(), 0
        while block := read_at(self._fd, 1 << 20, offset):
            sha.update(block)
            offset += len(block)
        self._check()
        return sha.hexdigest()

    def _decoded(self, start: int, stop: int) -> str:
        """The text of the bytes that `Index.span` gives."""
        begin, end = self._index.span(start, stop)
        text = self._map[begin:end].decode(self._codec)
        return text.replace("\r\n", "\n").replace("\r", "\n") if self._index.returns else text

    def _segment(self, entry: int) -> str:
        """The text from one entry of the index to the next, kept for the next short slice of the same lane."""
        text = self._segments.get(entry)
        if text is None:
            if len(self._segments) >= SEGMENTS:
                self._segments.clear()
            stride = self._index.stride
            text = self._segments[entry] = self._decoded(entry * stride, min((entry + 1) * stride, self.length))
        return text

    def _visit(self, size: int) -> None:
        """Look whether the file is still the one that was opened, and give pages back now and then."""
        self._check()
        self._read += size + _FAULT
        if self._read > TRIM:
            self._read = 0
            if hasattr(mmap, "MADV_DONTNEED"):
                self._map.madvise(mmap.MADV_DONTNEED)

    def _check(self) -> None:
        state = os.fstat(self._fd)
        if state.st_size != self._size or state.st_mtime_ns != self._modified:
            raise InputError(
                f"{self._name} was changed while it was in use ({self._size:,} bytes then, {state.st_size:,} now); "
                "start again, with a file that stays as it is"
            )


def _open_file(path: Path) -> int:
    """A descriptor of a regular file; InputError for what is not one."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a directory; give one text file")
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r} here; look at the name and the folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot open {str(path)!r}: {reason}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise InputError(f"{path} is not a regular file (a pipe or a device); write its text to a file first")
    return fd
