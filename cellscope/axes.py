"""The words for axes, streams and addresses, said once and used everywhere.

Row t is what a unit did **on reading character t** (it then predicts character t + 1).

Shapes are written in words:
    position   a character of a text, or a cell (row, column) of a feature map of one image
    unit       one number of a site's output, counted from 0
    lane       a stretch of the subject that is played beside others (a stretch of text, an image)
    step       the place within a lane's part of a chunk
    feature    a row of labels
    block      a group of neighbouring lanes; even blocks choose a unit, odd blocks report it
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cellscope.errors import InputError

Progress = Callable[[int, int, str], None]
"""`progress(done, total, text)`: the one callback through which long work reports."""

STREAMS: dict[str, tuple[str, ...]] = {
    "lstm": ("hidden", "cell", "input", "forget", "output", "candidate"),
    "gru": ("hidden", "reset", "update", "new"),
    "rnn": ("hidden",),
}
"""The streams that each kind of recurrent layer has; the first is what the layer passes on."""

GATES = ("input", "forget", "output", "candidate", "reset", "update", "new")

ALIASES: dict[str, str] = {
    "h": "hidden", "c": "cell", "i": "input", "f": "forget", "o": "output", "g": "candidate",
    "r": "reset", "z": "update", "n": "new",
}  # fmt: skip
"""The letters of the literature for the streams."""


@dataclass(frozen=True, order=True)
class Site:
    """A place that can be heard: `module.path[:stream]`, for instance `lstm.0:cell` or `features.3`."""

    path: str
    stream: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.stream}" if self.stream else self.path

    @classmethod
    def parse(cls, text: str) -> Site:
        """`lstm.0:c` and `lstm.0:cell` are the same site."""
        path, _, stream = text.strip().partition(":")
        if not path:
            raise InputError(f"{text!r} is not a site; write module.path or module.path:stream, as in lstm.0:cell")
        return cls(path, ALIASES.get(stream, stream))


@dataclass(frozen=True, order=True)
class Unit:
    """One unit of a site: `lstm.0:cell/221`, counted from 0."""

    site: Site
    index: int

    def __str__(self) -> str:
        return f"{self.site}/{self.index}"

    @classmethod
    def parse(cls, text: str) -> Unit:
        """The unit that an address names; InputError where it is none."""
        match = re.fullmatch(r"(.+)/(\d{1,9})", text.strip())
        if not match:
            raise InputError(f"{text!r} is not a unit; write site/index, as in lstm.0:cell/221")
        return cls(Site.parse(match[1]), int(match[2]))
