"""What is done to a stream while the network runs on: units held at values, a direction held at a value.

An edit acts at every step, on what the step loop has just computed for a stream, and what follows reads the edited
values: the rest of the step, the next step, the layers above. Editing the output of a fused module would reach none of
its own recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cellscope.errors import InputError


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
