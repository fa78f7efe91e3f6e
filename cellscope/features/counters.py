"""Numbers that a counter would show at every character; row t counts what was read up to and with character t.

Counters look back only, carry their state from window to window, and stop at CAP: a line of 100 MB counts no more than
one of CAP characters, or it alone would make every correlation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellscope.features.window import Codes, Mask, Positions

CAP = 1_000
TAB = 8
"""Columns that a tab counts in an indentation."""
Numbers = NDArray[np.float32]
_NEWLINE, _TAB, _SPACE = 10, 9, 32


class Since:
    """How far back the last mark is, 0 at a mark; what is before the text counts as one."""

    def __init__(self) -> None:
        self._last = -1

    def read(self, marks: Mask, start: int) -> Positions:
        """Distances [position] for the marks of the window that begins at `start`; windows come in order."""
        here = np.arange(start, start + len(marks))
        last = np.maximum.accumulate(np.where(marks, here, self._last))
        self._last = int(last[-1])
        return here - last


class Counters:
    """The counters of a text; one object reads one text from front to back."""

    def __init__(self) -> None:
        self._line, self._black, self._text, self._blank, self._gap = Since(), Since(), Since(), Since(), Since()
        self._leading, self._width = True, 0

    def read(self, codes: Codes, word: Mask, start: int) -> Counted:
        """The next window: its code points, which of them are in words, and its first position."""
        newline = codes == _NEWLINE
        column = self._line.read(newline, start)
        black = ~(newline | (codes == _SPACE) | (codes == _TAB))
        leading = self._black.read(black, start) >= column
        before = np.concatenate([[self._leading], leading[:-1]])
        self._leading = bool(leading[-1])
        return Counted(self, codes, word, start, newline, column, leading, before)


class Counted:
    """One window of all counters; each is asked for at most once, for asking moves it on."""

    def __init__(
        self, to: Counters, codes: Codes, word: Mask, start: int, newline: Mask, column: Positions,
        leading: Mask, before: Mask,
    ) -> None:  # fmt: skip
        self._to, self._codes, self._word, self._start = to, codes, word, start
        self._newline, self._column, self._leading, self._before = newline, column, leading, before

    def number(self, name: str) -> Numbers:
        """float32 [position], at most CAP."""
        return np.minimum(COUNTERS[name](self), CAP).astype(np.float32)

    def column(self) -> Positions:
        """Characters of the line so far: 1 at its first character, 0 at the line end."""
        return self._column

    def line_length(self) -> Positions:
        """Characters of the line so far without its indentation: 1 at the first that is no white space, 0 before it."""
        first = ~self._leading & self._before
        return np.where(self._leading, 0, self._to._text.read(first, self._start) + 1)

    def indentation_depth(self) -> Positions:
        """Columns of white space that the line began with, as far as read; a tab counts TAB; 0 at the line end."""
        weight = np.where(self._codes == _TAB, TAB, 1) * (self._leading & ~self._newline)
        sums = np.cumsum(weight) + self._to._width
        width = sums - np.maximum.accumulate(np.where(self._newline, sums, 0))
        self._to._width = int(width[-1])
        return width

    def since_blank_line(self) -> Positions:
        """Characters since the end of the last line of nothing but white space (0), or since the text began."""
        return self._to._blank.read(self._newline & self._before, self._start)

    def word_length(self) -> Positions:
        """Letters of the word so far: 1 at its first, 0 outside words."""
        return self._to._gap.read(~self._word, self._start)


COUNTERS: dict[str, Callable[[Counted], Positions]] = {
    "column": Counted.column,
    "line-length": Counted.line_length,
    "indentation-depth": Counted.indentation_depth,
    "word-length": Counted.word_length,
    "since-blank-line": Counted.since_blank_line,
}
"""`TEXT_COUNTERS` of feature.py by name."""
