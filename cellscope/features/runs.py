"""Classes of characters, looked up instead of searched: runs of a class, and words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from cellscope.features.feature import Feature
from cellscope.features.spans import Spans
from cellscope.features.window import CONTEXT, Mask, Window

LONGEST_WORD = CONTEXT
"""A longer run of \\w is no word."""
_REMEMBERED = 200_000


class Alphabet:
    """The symbols met so far, numbered in the order in which they came: a class is a table over few numbers."""

    def __init__(self) -> None:
        self._number = np.full(0x110000, -1, np.int32)
        self.symbols: list[str] = []

    def read(self, window: Window) -> NDArray[np.int32]:
        """The number of the symbol at every position of the view."""
        numbers = self._number[window.codes]
        if (numbers < 0).any():
            for code in np.unique(window.codes[numbers < 0]).tolist():
                self._number[code] = len(self.symbols)
                self.symbols.append(chr(code))
            numbers = self._number[window.codes]
        return numbers


class CharacterClass:
    """Where the characters of a class are; the pattern is asked once for every distinct symbol."""

    def __init__(self, pattern: regex.Pattern[str]) -> None:
        self._pattern = pattern
        self._member = np.zeros(0, bool)

    def read(self, numbers: NDArray[np.int32], alphabet: Alphabet) -> Mask:
        """True at every position whose symbol is in the class."""
        known = len(self._member)
        if known < len(alphabet.symbols):
            new = [self._pattern.fullmatch(symbol) is not None for symbol in alphabet.symbols[known:]]
            self._member = np.concatenate([self._member, np.array(new, bool)])
        return self._member[numbers]


class Runs:
    """Longest stretches of characters of a class: one feature."""

    def __init__(self, feature: Feature) -> None:
        self._where = feature.where
        self._class = CharacterClass(feature.compiled())

    def read(self, window: Window, numbers: NDArray[np.int32], alphabet: Alphabet) -> Mask:
        """The labels of the window's positions."""
        first, size = window.start - window.offset, len(window)
        near = slice(max(0, first - 1), first + size + 1)
        member = self._class.read(numbers[near], alphabet)
        member = np.pad(member, (1 if first == 0 else 0, size + 1))[: size + 2]  # one neighbour on either side
        here, left, right = member[1:-1], member[:-2], member[2:]
        if self._where == "inside":
            return here
        if self._where == "start":
            return here & ~left
        return here & ~right if self._where == "end" else right & ~here


class Words:
    """Words that match a pattern as a whole: all such features look at each distinct word once."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._patterns = [(1 << i, f.compiled()) for i, f in enumerate(features)]
        self._where = [f.where for f in features]
        self._class = CharacterClass(regex.compile(r"\w"))
        self._seen = _Bits(self._patterns)

    def read(self, window: Window, numbers: NDArray[np.int32], alphabet: Alphabet) -> list[Mask]:
        """The labels of the window's positions, for every feature."""
        left = max(0, window.start - LONGEST_WORD - 1 - window.offset)
        right = min(len(window.text), window.stop + LONGEST_WORD + 1 - window.offset)
        member = self._class.read(numbers[left:right], alphabet)
        edges = np.flatnonzero(np.diff(np.pad(member, 1).view(np.int8))) + left
        starts, stops = edges[0::2], edges[1::2]
        words = self._texts(window.text, starts, stops)
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        bits = np.fromiter(map(self._seen.__getitem__, words), np.int64, len(words))
        spans = Spans(starts + window.offset, stops + window.offset)
        chosen = [spans.keep((bits & bit > 0) & (spans.stops > window.start)) for bit, _ in self._patterns]
        return [s.label(window, where) for s, where in zip(chosen, self._where, strict=True)]

    @staticmethod
    def _texts(text: str, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> list[str]:
        """Every word, or "" in the place of one that is too long."""
        stops = np.where(stops - starts > LONGEST_WORD, starts, stops)
        return [text[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]


class _Bits(dict[str, int]):
    """For every word that was asked for, the patterns that it matches, a bit each."""

    def __init__(self, patterns: Sequence[tuple[int, regex.Pattern[str]]]) -> None:
        super().__init__()
        self._patterns = patterns

    def __missing__(self, word: str) -> int:
        bits = sum(bit for bit, pattern in self._patterns if word and pattern.fullmatch(word))
        self[word] = bits
        return bits
