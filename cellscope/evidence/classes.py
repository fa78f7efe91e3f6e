"""The classes of characters by which errors are told apart; every character is of one class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = ("letters", "digits", "white space", "line ends", "brackets", "quotes", "other signs")
_LETTERS, _DIGITS, _SPACE, _ENDS, _BRACKETS, _QUOTES, _OTHER = range(len(CLASSES))
BRACKETS = frozenset("()[]{}<>")
QUOTES = frozenset("\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a")


def class_of(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The class of every character [position], as its number in CLASSES."""
    known, place = np.unique(codes, return_inverse=True)
    classes: NDArray[np.int64] = np.array([_class(chr(code)) for code in known.tolist()], np.int64)[place]
    return classes


def _class(character: str) -> int:
    if character == "\n":
        return _ENDS
    if character in BRACKETS:
        return _BRACKETS
    if character in QUOTES:
        return _QUOTES
    if character.isspace():
        return _SPACE
    if character.isalpha():
        return _LETTERS
    return _DIGITS if character.isdigit() else _OTHER
