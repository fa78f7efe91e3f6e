"""Where a feature is, for whoever predicts a text: inside of it, at its end, and elsewhere.

A loss belongs to the character that is predicted. A character is inside where it has the label. A span's end is its
last character and the first one after it: the two that hang on knowing that it ends. All others are elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.errors import InputError

ZONES = ("inside", "end", "elsewhere")
INSIDE, END, ELSEWHERE = range(3)
LEAD = 2**20
"""Characters before the first one that are labelled too, so that whatever is open there is known."""
FEWEST = 20
"""A feature that labels fewer characters than this is not judged."""

Floats = NDArray[np.float64]


def rows_of(spans: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Disjoint parts of each feature, bool [3 x feature + 1, position]: inside but for the last of a span, the last,
    the first after it; the last row is every position.

    spans  bool [feature, position + 2]: one position more at both ends
    """
    here, before, after = spans[:, 1:-1], spans[:, :-2], spans[:, 2:]
    parts = np.stack([here & after, here & ~after, ~here & before], 1).reshape(-1, here.shape[1])
    return np.concatenate([parts, np.ones((1, here.shape[1]), bool)])


def zones_of(sums: NDArray[Any]) -> NDArray[Any]:
    """Sums over the three zones [.., feature, zone] from sums over the rows of `rows_of` [.., row]."""
    parts, whole = sums[..., :-1].reshape(*sums.shape[:-1], -1, 3), sums[..., -1:, None]
    within, last, after = np.moveaxis(parts, -1, 0)
    return np.stack([within + last, last + after, whole[..., 0] - within - last - after], -1)


class ZoneReader:
    """The rows of a text's features, round by round from `start` on."""

    def __init__(self, features: Sequence[Any], corpus: Any, start: int) -> None:
        from cellscope.features.labeller import Labeller

        numeric = [f.name for f in features if f.kind != "span"]
        if numeric:
            raise InputError(f"{numeric[0]} is a number at every character: it has no inside; give a span feature")
        self._lead = max(0, start - LEAD)
        self._length, self._read = len(corpus), self._lead
        self._labeller = Labeller(tuple(features), corpus.part(self._lead, len(corpus)))
        self._tail = np.zeros((len(features), 0), bool)

    def read(self, part: Round) -> NDArray[np.bool_]:
        """The rows of a round [3 x feature + 1, position], which begins at position 1 or later; rounds come in
        order.
        """
        first, stop = part.start - 1, min(part.stop + 1, self._length)
        again = max(0, self._read - first)  # the round before has looked a position ahead
        new = self._labeller.read(max(first, self._read) - self._lead, stop - self._lead).spans
        spans = np.concatenate([self._tail[:, self._tail.shape[1] - again :], new], 1)
        self._tail, self._read = spans[:, -2:], stop
        return rows_of(np.pad(spans, [(0, 0), (0, part.stop + 1 - stop)]))
