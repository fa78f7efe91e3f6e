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
    columns: tuple[str, str]
    """What tables call these two."""
    chosen_on: str = "pictures the unit was not chosen on"
    taken: str = "seen"


TEXT = Terms("characters", "text", "inside", "current character", "last three characters", ("1 char", "3 chars"),
             "blocks the unit was not chosen on", "heard")  # fmt: skip
PLACES = Terms("places", "set of pictures", "inside", "own colour alone", "colours alone", ("own colour", "colours"))
FILLED = Terms(
    "places", "set of pictures", "in pictures of", "own colour alone", "colours alone", ("own colour", "colours")
)
"""Places of maps, where a concept fills its pictures, as a class does: it is asked alike of layers without places."""
WHOLE = Terms(
    "pictures", "set of pictures", "in pictures with", "mean colour alone", "colours alone", ("mean colour", "colours")
)
ROWS = Terms("rows", "table", "in rows of", "row alone", "row alone", ("-", "-"))
