"""The stretch of text that all features look at together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Mask = NDArray[np.bool_]
Positions = NDArray[np.int64]

CONTEXT = 256
"""Characters in view to the left of a search and beyond a span's reach: what look-behind and look-ahead may see."""


class Text(Protocol):
    """What is asked of a corpus."""

    def __len__(self) -> int: ...
    def text(self, start: int, stop: int, /) -> str: ...
    def codes(self, start: int, stop: int, /) -> Codes: ...


class Memory:
    """A str as a text; nothing about its line ends is changed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __len__(self) -> int:
        return len(self._text)

    def text(self, start: int, stop: int, /) -> str:
        return self._text[start:stop]

    def codes(self, start: int, stop: int, /) -> Codes:
        return np.frombuffer(self._text[start:stop].encode("utf-32-le", "surrogatepass"), dtype="<u4")


@dataclass(frozen=True)
class Window:
    """Positions [start, stop) are to be labelled; `text` from `offset` on is in view; `total` is the whole's length."""

    start: int
    stop: int
    offset: int
    total: int
    text: str
    codes: Codes

    def __post_init__(self) -> None:
        end = self.offset + len(self.text)
        if not 0 <= self.offset <= self.start <= self.stop <= end <= self.total or len(self.codes) != len(self.text):
            raise ValueError(f"a window {self.start}:{self.stop} does not lie in its view {self.offset}:{end}")

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def end(self) -> int:
        """The first position that is not in view."""
        return self.offset + len(self.text)

    @classmethod
    def of(cls, text: Text, start: int, stop: int, *, reach: int) -> Window:
        """[start, stop) of a text with all that is needed to find spans of `reach` characters that begin in it."""
        offset, end = max(0, start - 2 * CONTEXT), min(len(text), stop + reach + 2 * CONTEXT)
        return cls(start, stop, offset, len(text), text.text(offset, end), text.codes(offset, end))
