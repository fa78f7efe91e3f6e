"""The words in which evidence speaks of a text, of pictures, and of rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """What is counted (`items` of a `subject`), what a feature is on, and what the subject alone gives away."""

    items: str
    subject: str
    inside: str
    current: str
    three: str


TEXT = Terms("characters", "text", "inside", "current character", "last three characters")
PLACES = Terms("places", "set of pictures", "inside", "own colour alone", "colours alone")
WHOLE = Terms("pictures", "set of pictures", "in pictures with", "mean colour alone", "colours alone")
ROWS = Terms("rows", "table", "in rows of", "best single column", "best single column")
