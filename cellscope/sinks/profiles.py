"""Profiles: what units did on the average in every bin of every clock, block by block, summed as the text goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cellscope.parallel import in_shares

NONE, INSIDE = 255, 2
"""Codes of the first row: of a position that does not count, of one inside."""
TAIL = 0.025
"""Activations are clipped to where all but this share lies on either side, inside and outside counted alike."""


@dataclass(frozen=True, eq=False)
class Group:
    """Units that are looked at with the same codes: row `subject` of them, moved by `lag` steps."""

    subject: int
    lag: int
    units: NDArray[np.int64]


class Profiles:
    """Sums over positions, of fixed size; the units stand in the order of the groups (see `order`).

    counts   int64 [block, group, bin]
    sums     float64 [block, bin, unit], of activations less the unit's `middle`
    squares  float64 [block, 2, unit], of the same, outside and inside (first clock's code 2)
    limits   float32 [2, unit], to which activations are clipped: where a unit runs far away, that would hide the rest
    offsets  the first bin of each clock; the codes of a clock are counted from there
    """

    def __init__(
        self, groups: Sequence[Group], limits: NDArray[np.float32], offsets: NDArray[np.int64], bins: int, blocks: int
    ) -> None:
        self.groups, self.offsets, self.limits = tuple(groups), offsets, limits
        self.order = np.concatenate([g.units for g in groups]).astype(np.int64)
        self.middle = limits.mean(0, dtype=np.float64).astype(np.float32)
        self._borders = np.cumsum([0, *(len(g.units) for g in groups)])
        self.counts = np.zeros((blocks, len(groups), bins), np.int64)
        self.sums = np.zeros((blocks, bins, len(self.order)))
        self.squares = np.zeros((blocks, 2, len(self.order)))

    def units(self, group: int) -> slice:
        """The columns of a group's units."""
        return slice(int(self._borders[group]), int(self._borders[group + 1]))

    def add(self, values: NDArray[np.float32], blocks: NDArray[np.int64], codes: NDArray[np.uint8], reach: int) -> None:
        """Add values [lane, step, unit] of all units in their own order, with blocks [lane] and codes uint8 [subject,
        clock, lane, step + 2 reach], which begin `reach` steps before the values.
        """
        subjects = np.array([g.subject for g in self.groups])
        first = np.array([reach - g.lag for g in self.groups])
        given = (
            values,
            blocks,
            codes,
            subjects,
            first,
            self._borders,
            self.order,
            self.limits,
            self.middle,
            self.offsets,
        )

        def share(a: int, b: int) -> None:
            _add(*given, self.counts, self.sums, self.squares, a, b)

        in_shares(len(self.groups), share, grain=1, each=4)


def limits_of(
    groups: Sequence[Group], values: NDArray[np.float32], codes: NDArray[np.uint8], reach: int, balanced: Sequence[bool]
) -> NDArray[np.float32]:
    """The limits of the units of each group [2, unit], from values [lane, step, unit] and codes as `Profiles.add` has
    them. Where a group is `balanced`, inside and outside count alike, however rare the one.
    """
    steps = values.shape[1]
    made = []
    for group in groups:
        first = codes[group.subject, 0, :, reach - group.lag : reach - group.lag + steps]
        own = values[..., group.units]
        sides = [own[first == INSIDE], own[first < INSIDE]] if balanced[group.subject] else [own[first != NONE]]
        levels = [np.quantile(_few(side), _GRID, axis=0) for side in sides if len(side)]
        both = np.concatenate(levels) if levels else np.array([[-np.inf], [np.inf]]) * np.ones(len(group.units))
        made.append(np.quantile(both, [TAIL, 1 - TAIL], axis=0) if levels else both)
    return np.concatenate(made, axis=1).astype(np.float32)


_GRID = np.linspace(0, 1, 401)


def _few(values: NDArray[np.float32], most: int = 2**14) -> NDArray[np.float32]:
    return values[:: max(1, len(values) // most)]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _add(
    values: Any, blocks: Any, codes: Any, subjects: Any, first: Any, borders: Any, order: Any, limits: Any,
    middle: Any, offsets: Any, counts: Any, sums: Any, squares: Any, low: int, high: int,
) -> None:  # fmt: skip
    """Add the positions of groups low..high to the sums."""
    lanes, steps, _ = values.shape
    clocks = codes.shape[1]
    for lane in range(lanes):
        b = blocks[lane]
        for g in range(low, high):
            code = codes[subjects[g], :, lane]
            for t in range(steps):
                at = first[g] + t
                if code[0, at] == 255:
                    continue
                side = 1 if code[0, at] == 2 else 0
                for k in range(clocks):
                    counts[b, g, offsets[k] + code[k, at]] += 1
                for j in range(borders[g], borders[g + 1]):
                    x = np.float64(min(max(values[lane, t, order[j]], limits[0, j]), limits[1, j]) - middle[j])
                    squares[b, side, j] += x * x
                    for k in range(clocks):
                        sums[b, offsets[k] + code[k, at], j] += x
