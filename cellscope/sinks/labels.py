"""The labels of one round in the form that the counting loops read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelGrid:
    """The labels of a stretch of positions.

    start  position of column 0
    spans  uint8 [span_feature, position], 0 or 1
    label, rank, mask   float32 [numeric_feature, position]: the value, its mid-rank less a half, and 1 where it counts;
                        all three are 0 where it does not
    """

    start: int
    spans: NDArray[np.uint8]
    label: NDArray[np.float32]
    rank: NDArray[np.float32]
    mask: NDArray[np.float32]

    def part(self, start: int, stop: int) -> LabelGrid:
        """The labels of some of the positions, which are not copied."""
        here = slice(start - self.start, stop - self.start)
        numbers = (rows[:, here] for rows in (self.label, self.rank, self.mask))
        return LabelGrid(start, self.spans[:, here], *numbers)


class Ranker:
    """The mid-ranks of numeric labels, each learnt from the first stretch in which its feature counts and used for
    all.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def grid(self, start: int, spans: NDArray[np.bool_], numbers: NDArray[np.float32]) -> LabelGrid:
        """The grid of labels as a labeller gives them: spans bool [span_feature, position], numbers float32 with NaN
        where none counts.
        """
        mask = ~np.isnan(numbers)
        label = np.where(mask, numbers, np.float32(0))
        rank = np.zeros_like(label)
        for feature in np.flatnonzero(mask.any(1)).tolist():
            counts = mask[feature]
            if feature not in self._known:
                self._known[feature] = _mid_ranks(numbers[feature, counts])
            if counts.all():
                rank[feature] = _ranked(label[feature], *self._known[feature])
            else:
                rank[feature, counts] = _ranked(label[feature, counts], *self._known[feature])
        return LabelGrid(start, np.ascontiguousarray(spans).view(np.uint8), label, rank, mask.astype(np.float32))


def _ranked(
    values: NDArray[np.float32], distinct: NDArray[np.float32], ranks: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mid-ranks less a half, between the known values by interpolation; whole numbers, the usual case, by look-up."""
    places = _whole(values) if _whole(distinct) is not None else None
    if places is None:
        return (np.interp(values, distinct, ranks) - 0.5).astype(np.float32)
    table = np.interp(np.arange(int(distinct[-1]) + 1), distinct, ranks).astype(np.float32) - np.float32(0.5)
    found: NDArray[np.float32] = table[np.minimum(places, len(table) - 1)]
    return found


def _mid_ranks(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The distinct values, ascending, and the mid-rank of each, 0 to 1."""
    places = _whole(values)
    if places is None:
        distinct, counts = np.unique(values, return_counts=True)
    else:
        every = np.bincount(places)
        there = np.flatnonzero(every)
        distinct, counts = there.astype(np.float32), every[there]
    above = np.cumsum(counts)
    return distinct, ((above - counts / 2) / max(len(values), 1)).astype(np.float32)


def _whole(values: NDArray[np.float32]) -> NDArray[np.int32] | None:
    """The values as whole numbers from 0 on, few enough for a table; None where they are others."""
    if not len(values) or values.min() < 0 or values.max() >= 4096:
        return None
    whole = values.astype(np.int32)
    return whole if (whole == values).all() else None
