"""A text to look at: characters by position, however large the file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.data.encoding import Encoding
from cellscope.data.index import STRIDE, Progress
from cellscope.data.store import Mapped, Memory, Store


class Corpus:
    """A text whose positions are its characters: every line ends in one \\n, and a leading byte order mark is dropped.

    With `as_bytes` the positions are the file's bytes, nothing changed, and text is those bytes as Latin-1 characters.
    A file is memory-mapped and never read whole; reading any slice costs microseconds and bounded memory.
    """

    def __init__(
        self, store: Store, *, name: str, path: Path | None = None, as_bytes: bool = False, start: int = 0, stop: int
    ) -> None:
        self.name, self.path, self.as_bytes = name, path, as_bytes
        self._store, self._start, self._length = store, start, stop - start
        self._digest: str | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        encoding: str = "utf-8",
        as_bytes: bool = False,
        stride: int = STRIDE,
        progress: Progress | None = None,
    ) -> Corpus:
        """The text of a file, checked from front to back in one pass; InputError where it is not text in `encoding`.

        `stride` is the distance in characters between two entries of the index from positions to bytes.
        """
        file = Path(path)
        store = Mapped(file, None if as_bytes else Encoding.named(encoding), stride=stride, progress=progress)
        return cls(store, name=file.name, path=file, as_bytes=as_bytes, stop=store.length)

    @classmethod
    def from_text(cls, text: str, *, name: str = "text") -> Corpus:
        """The text of a str, with the same line ends and byte order mark rules as a file."""
        store = Memory(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
        return cls(store, name=name, stop=store.length)

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"<Corpus {self.name!r}, {self._length:,} {'bytes' if self.as_bytes else 'characters'}>"

    def text(self, start: int, stop: int) -> str:
        """The stop - start characters of [start, stop); IndexError outside of the text."""
        self._check(start, stop)
        return self._store.text(self._start + start, self._start + stop)

    def codes(self, start: int, stop: int) -> NDArray[np.uint32]:
        """The code points of [start, stop), uint32 [position]; IndexError outside of the text."""
        self._check(start, stop)
        return self._store.codes(self._start + start, self._start + stop)

    def part(self, start: int, stop: int) -> Corpus:
        """A view of [start, stop) whose positions start at 0 again; nothing is copied."""
        self._check(start, stop)
        begin = self._start + start
        return Corpus(
            self._store, name=self.name, path=self.path, as_bytes=self.as_bytes, start=begin, stop=begin + stop - start
        )

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the file's bytes (of a str: its UTF-8); of a part: of the whole's digest and the range."""
        if self._digest is None:
            whole = self._store.digest()
            if self._length != self._store.length:
                part = f"{whole}:{self._start}:{self._start + self._length}"
                whole = hashlib.sha256(part.encode()).hexdigest()
            self._digest = whole
        return self._digest

    def _check(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self._length:
            raise IndexError(f"positions {start} to {stop} are not within {self.name}, which has {self._length}")
