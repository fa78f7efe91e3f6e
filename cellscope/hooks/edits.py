"""What is done to a stream while the network runs on: units held at values, its part along directions held.

An edit acts at every step, on what the step loop has just computed for a stream, and what follows reads the edited
values: the rest of the step, the next step, the layers above. Editing the output of a fused module would reach none of
its own recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.errors import InputError

Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""(lanes, units, values): entry e puts a unit of a lane at a value; where two name the same, the later one counts."""


class Edit(Protocol):
    """Takes one stream's values [lane, unit] at a step of the pass, which it may change in place; gives the edited."""

    def __call__(self, values: Tensor, step: int) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Hold:
    """Units are held at values: entry e holds `units[e]` at `values[e]`, in every lane or in lane `lanes[e]` alone.

    With lanes, one pass carries as many different lesions as it has lanes.
    """

    units: Tensor
    values: Tensor
    lanes: Tensor | None = None

    @classmethod
    def of(cls, units: Sequence[int], values: Sequence[float]) -> Hold:
        """The same units at the same values in every lane."""
        if len(units) != len(values):
            raise InputError(f"{len(units)} units to hold, and {len(values)} values for them")
        return cls(torch.tensor(units, dtype=torch.long), torch.tensor(values, dtype=torch.float32))

    def __call__(self, values: Tensor, step: int) -> Tensor:
        held = self.values.to(values)
        if self.lanes is None:
            values[:, self.units] = held
        else:
            values[self.lanes, self.units] = held
        return values

    def entries(self, first: int, last: int) -> Entries:
        """What is held in the lanes [first, last), which are numbered from 0 here."""
        count = last - first
        if self.lanes is None:
            lanes, units, values = torch.arange(count), self.units, self.values
            each = lanes.repeat_interleave(len(units)), units.repeat(count), values.repeat(count)
        else:
            here = (self.lanes >= first) & (self.lanes < last)
            each = self.lanes[here] - first, self.units[here], self.values[here]
        lanes, units, values = each
        return lanes.numpy(), units.numpy(), values.float().numpy()


@dataclass(frozen=True, eq=False)
class HoldSpan:
    """The state's part within the span of `axes` [axis, unit], orthonormal, is held at that of `point` [unit]; what is
    across it stays. With `rest` it is the other way round: the part within stays, all the rest is held.

    `lanes` limits it to some lanes.
    """

    axes: Tensor
    point: Tensor
    rest: bool = False
    lanes: Tensor | None = None

    @classmethod
    def of(cls, directions: Sequence[Sequence[float] | NDArray[np.float64]], values: Sequence[float]) -> HoldSpan:
        """The products of the state with `directions` [direction, unit] are the values, by the smallest change that
        does it; InputError where one of them follows from the others.
        """
        given = np.atleast_2d(np.asarray(directions, np.float64))
        length = np.linalg.norm(given, axis=1)
        if not length.all() or np.linalg.matrix_rank(given / length[:, None], tol=1e-4) < len(given):
            raise InputError(f"{len(given)} directions do not lead {len(given)} ways: one follows from the others")
        axes, point = np.linalg.qr(given.T)[0].T, np.linalg.pinv(given) @ np.asarray(values, np.float64)
        return cls(torch.from_numpy(axes.astype(np.float32)), torch.from_numpy(point.astype(np.float32)))

    def __call__(self, values: Tensor, step: int) -> Tensor:
        some = values if self.lanes is None else values[self.lanes]
        axes, point = self.axes.to(values), self.point.to(values)
        away = point - some
        within = (away @ axes.T) @ axes
        moved = some + (away - within if self.rest else within)
        if self.lanes is None:
            return moved
        values[self.lanes] = moved
        return values


@dataclass(frozen=True, eq=False)
class Together:
    """Several edits of one stream, one after the other."""

    edits: tuple[Edit, ...]

    def __call__(self, values: Tensor, step: int) -> Tensor:
        for edit in self.edits:
            values = edit(values, step)
        return values


def holds_of(edit: Edit) -> tuple[Hold, ...] | None:
    """The plain holds that an edit consists of, in their order; None where it does anything else."""
    if isinstance(edit, Hold):
        return (edit,)
    if not isinstance(edit, Together):
        return None
    parts = [holds_of(part) for part in edit.edits]
    return None if None in parts else tuple(hold for part in parts if part is not None for hold in part)


def entries_of(holds: Sequence[Hold], first: int, last: int, size: int) -> Entries:
    """What holds put at values in the lanes [first, last), numbered from 0, one after the other; InputError for a unit
    beyond `size`, which kernels would write without asking.
    """
    parts = [hold.entries(first, last) for hold in holds]
    lanes, units, values = (np.ascontiguousarray(np.concatenate(column)) for column in zip(*parts, strict=True))
    if len(units) and not 0 <= int(units.min()) <= int(units.max()) < size:
        raise InputError(f"no unit {int(units.max())} to hold; there is 0 to {size - 1}")
    return lanes, units, values
