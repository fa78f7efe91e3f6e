"""From positions (characters) to bytes: a sparse index of a file, made in one streaming pass that also validates it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress as Progress
from cellscope.data.encoding import Encoding
from cellscope.errors import InputError

STRIDE = 4096
"""Characters between two entries: 20 MB of index for 10 GB of text, and a few microseconds to find any character."""

BLOCK = 1 << 20
_LINE_FEED, _RETURN = 10, 13


@dataclass(frozen=True)
class Index:
    """Where the characters of a file are: `entries` holds the byte of every `stride`-th one, and last the file's end.

    A character starts at every byte that neither continues a UTF-8 sequence nor is the LF of a CRLF. `entries` is None
    where every character is one byte; then character p is byte `first` + p. `returns`: whether there is any CR.
    """

    length: int
    first: int
    entries: NDArray[np.int64] | None
    stride: int
    returns: bool

    def __post_init__(self) -> None:
        if self.entries is not None and len(self.entries) != -(-self.length // self.stride) + 1:
            raise ValueError(f"{len(self.entries)} entries for {self.length} characters at stride {self.stride}")

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Bytes [begin, end) of the characters [start, stop), widened to the entries around them if there are any."""
        if self.entries is None:
            return self.first + start, self.first + stop
        return int(self.entries[start // self.stride]), int(self.entries[-(-stop // self.stride)])


def scan(
    fd: int,
    encoding: Encoding,
    name: str,
    *,
    stride: int = STRIDE,
    block: int = BLOCK,
    progress: Progress | None = None,
) -> Index:
    """Read the open file `fd` once, front to back; InputError where it is not text in `encoding`."""
    total = os.fstat(fd).st_size
    first = _mark_to_drop(read_at(fd, 4, 0), encoding, name)
    entries: list[NDArray[np.int64]] | None = None
    position, offset, before, returns = 0, first, 0, False
    while offset < total:
        data = read_at(fd, block, offset)
        if not data:
            raise InputError(f"{name} shrank while it was read: {offset:,} bytes were left of {total:,}")
        if encoding.wide and offset + len(data) < total:
            data = data[: _whole(data)]
        text = _decoded(data, encoding, offset, name)
        returns = returns or _RETURN in data
        if _RETURN in data or before == _RETURN:
            starts = _starts(data, encoding.wide, before)
            count, marks = len(starts), starts[-position % stride :: stride]
        elif text is None:  # one byte a character
            count, marks = len(data), np.arange(-position % stride, len(data), stride)
        else:
            count, marks = len(text), _marks(text, -position % stride, stride)
        if count != len(data) and entries is None:
            entries = [np.arange(0, position, stride, dtype=np.int64) + first]
        if entries is not None:
            entries.append(marks + offset)
        position, offset, before = position + count, offset + len(data), data[-1]
        if progress is not None:
            progress(offset, total, "reading")
    if entries is not None:
        entries.append(np.array([total], np.int64))
    return Index(position, first, None if entries is None else np.concatenate(entries), stride, returns)


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Up to `size` bytes from `offset` on."""
    if hasattr(os, "pread"):
        return os.pread(fd, size, offset)
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, size)


def _decoded(data: bytes, encoding: Encoding, offset: int, name: str) -> str | None:
    """The text of a block if its characters can have several bytes, else None; InputError if it is not text."""
    if (nul := data.find(0)) >= 0:
        raise InputError(
            f"{name} has a NUL byte at byte {offset + nul:,}, so it is a binary file or UTF-16; "
            "read it with --bytes, or convert it to UTF-8"
        )
    if data.isascii():
        return None
    text = encoding.decode(data, offset, name)
    return text if encoding.wide else None


def _starts(data: bytes, wide: bool, before: int) -> NDArray[np.int64]:
    """Offsets at which a character starts, in a block with CR; `before` is the byte in front of it."""
    array = np.frombuffer(data, np.uint8)
    follows = np.empty(len(array), bool)
    follows[0] = before == _RETURN
    np.equal(array[:-1], _RETURN, out=follows[1:])
    first = ~((array == _LINE_FEED) & follows)
    if wide:
        first &= (array & 0xC0) != 0x80
    return np.flatnonzero(first).astype(np.int64, copy=False)


def _marks(text: str, first: int, stride: int) -> NDArray[np.int64]:
    """Offsets, in the UTF-8 of `text`, of its characters `first`, `first` + `stride`, ...; quick, as all is copying."""
    cuts = range(first, len(text), stride)
    sizes = [len(text[:first].encode()), *(len(text[cut : cut + stride].encode()) for cut in cuts)]
    return np.cumsum(sizes, dtype=np.int64)[: len(cuts)]


def _whole(data: bytes) -> int:
    """Length of the longest beginning of `data` that cuts no UTF-8 sequence (all of it, where it is not UTF-8)."""
    for back in range(1, min(4, len(data) - 1) + 1):
        if data[-back] < 0x80:
            break
        if data[-back] >= 0xC0:
            return len(data) - back
    return len(data)


def _mark_to_drop(head: bytes, encoding: Encoding, name: str) -> int:
    """How many bytes of byte order mark there are to drop (0 or 3); InputError for the marks of UTF-16 and UTF-32."""
    if head.startswith(b"\xef\xbb\xbf") and encoding.wide:
        return 3
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head == b"\0\0\xfe\xff":
        kind = "UTF-32" if head in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") else "UTF-16"
        raise InputError(
            f"{name} begins with the byte order mark of {kind}; convert it to UTF-8 first "
            f"(iconv -f {kind} -t UTF-8), or read it with --bytes"
        )
    return 0
