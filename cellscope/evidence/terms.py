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
    few: str = "has too few pictures"
    """What is said of a subject that is not enough."""
    feature: str = "concept"
    """What is looked for in it."""
    type: str = "colour of a place"
    """What the labels of a control task are a random function of."""


TEXT = Terms("characters", "text", "inside", "current character", "last three characters", ("1 char", "3 chars"),
             "blocks the unit was not chosen on", "heard", "is too short", "feature",
             "last three characters")  # fmt: skip
_COLOURS = "own colour alone", "colours alone", ("own colour", "colours")
PLACES = Terms("places of maps", "set of pictures", "inside", *_COLOURS)
FILLED = Terms("places of maps", "set of pictures", "in pictures of", *_COLOURS)
"""Places of maps, where a concept fills its pictures, as a class does: it is asked alike of layers without places."""
WHOLE = Terms("pictures", "set of pictures", "in pictures with", "mean colour alone", "colours alone",
              ("mean colour", "colours"), type="mean colour of a picture")  # fmt: skip
ROWS = Terms("rows", "table", "in rows of", "single column", "single columns", ("-", "1 column"),
             "rows the unit was not chosen on", few="has too few rows", type="columns")  # fmt: skip

NAMED = {"text": TEXT, "places": PLACES, "filled": FILLED, "whole": WHOLE, "rows": ROWS}
"""All of them by the names that files call them."""
