"""Numbers and names as a reader sees them."""

from __future__ import annotations

import math
import unicodedata

MINUS = "\u2212"


def short(value: float | None, *, digits: int = 2) -> str:
    """Two or three digits: `.97`, `-.31`, `1.24`, `12.5`, `1,803`; an en dash where there is no number."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    size = abs(value)
    if size >= 99.95:
        text = f"{size:,.0f}"
    elif size >= 9.995:
        text = f"{size:.1f}"
    else:
        text = f"{size:.{digits}f}"
    text = text.removeprefix("0") if text.startswith("0.") else text
    zero = not text.strip(".0,")
    return (MINUS if value < 0 and not zero else "") + text


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """`.97 (.96-.98)`, with an en dash; without the bracket where a border is missing."""
    if low is None or high is None:
        return short(value)
    return f"{short(value)} ({short(low)}\u2013{short(high)})"


def visible(text: str) -> str:
    """A name or a pattern with what cannot be seen written out: controls, direction marks, lone surrogates."""
    return "".join(_escape(c) if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
