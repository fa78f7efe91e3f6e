"""What is done to a stream while the network runs on: units held at values, a direction held at a value.

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
class HoldDirection:
    """The state's projection on `direction` [unit], taken at unit length, is held at `value`; what is across it stays.

    `lanes` limits it to some lanes.
    """

    direction: Tensor
    value: float
    lanes: Tensor | None = None

    def __call__(self, values: Tensor, step: int) -> Tensor:
        unit = (self.direction / self.direction.norm()).to(values)
        if self.lanes is None:
            return torch.addr(values, self.value - values @ unit, unit)
        some = values[self.lanes]
        values[self.lanes] = some + (self.value - some @ unit)[:, None] * unit
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
