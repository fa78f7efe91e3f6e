"""A text whose brackets nest and whose lines end, what every clock shows there by plain counting, and units by hand."""

from __future__ import annotations

import numpy as np

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.evidence.kinds import Kind
from cellscope.evidence.portraits import kinds_of
from cellscope.features.library import select
from cellscope.observe import ArraySource

HERE = Site("planted", "cell")


def nested(length: int, *, seed: int = 1) -> str:
    """Words in lines, with brackets of many lengths, half of which hold others."""
    draw = np.random.default_rng(seed)
    out: list[str] = []
    size = 0
    while size < length:
        words = " ".join("abcdefgh"[: draw.integers(1, 8)] for _ in range(draw.integers(1, 9)))
        inner = f"({words[: draw.integers(1, 20)]})" if draw.random() < 0.5 else ""
        piece = f"({words}{inner}{words[:5]})" if draw.random() < 0.3 else words
        piece += "\n" if draw.random() < 0.3 else " "
        out.append(piece)
        size += len(piece)
    return "".join(out)[:length].rsplit("\n", 1)[0] + "\n"


class Counted:
    """The clocks of round brackets, counted character by character."""

    def __init__(self, text: str) -> None:
        depth = column = 0
        begun = 0
        rows = []
        for place, character in enumerate(text):
            column = 0 if character == "\n" else column + 1
            if character == "(":
                begun = place if depth == 0 else begun
                depth += 1
            rows.append((depth, place - begun if depth else -1, column))
            if character == ")":
                depth -= 1
        self.depth, self.since, self.column = np.array(rows).T
        self.inside = self.depth > 0
        until, left = np.full(len(text), -1), -1
        for place in range(len(text) - 1, -1, -1):
            last = self.inside[place] and (place + 1 == len(text) or self.since[place + 1] in (-1, 0))
            left = 0 if last else left + 1
            until[place] = left if self.inside[place] else -1
        self.until = until


def kinds_of_columns(
    values: np.ndarray, text: str, feature: str = "parentheses", *, lags: dict[int, int] | None = None
) -> list[Kind]:
    """The kind of every column of values [position, unit] at a feature of the text."""
    corpus = Corpus.from_text(text)
    plans = {Unit(HERE, u): (select([feature])[0], (lags or {}).get(u, 0)) for u in range(values.shape[1])}
    return list(kinds_of(ArraySource(values.astype(np.float32), HERE), corpus, plans).values())
