"""What a network at rest starts from: zeros, or a state that it learned and hands to its recurrent module itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellscope.hooks.stepping import State


def at_rest(model: nn.Module, given: Sequence[State | None]) -> list[State | None]:
    """The states of a module's layers at rest, of those that the model has handed in for a first pass; None is zeros.

    A learned state is the same for every lane; of a single lane it is one that stands among the parameters. Anything
    else is what a model of its own accord remembers of an earlier text, and that is not where a text begins.
    """
    parts = [part for state in given if state is not None for part in state]
    if not any(bool(part.any()) for part in parts) or not all(_learned(model, part) for part in parts):
        return [None] * len(given)
    # Copies, each lane with numbers of its own: an expanded parameter has the same ones for all.
    return [None if state is None else tuple(p.detach().clone(memory_format=torch.contiguous_format) for p in state)
            for state in given]  # fmt: skip


def put_to_rest(states: Sequence[State], starts: Sequence[State | None], lanes: Tensor | Sequence[int]) -> None:
    """Put `lanes` of the states of a module's layers back to where they start."""
    for state, start in zip(states, starts, strict=True):
        for k, part in enumerate(state):
            part[lanes] = 0 if start is None else start[k][lanes]


def _learned(model: nn.Module, part: Tensor) -> bool:
    """Whether a part [lane, unit] of a state may be learned: zeros may, and what is the same in all lanes."""
    row = part[0]
    if not bool(row.any()):
        return not bool(part.any())
    if len(part) > 1:
        return bool((part == row).all())
    own = (p.detach() for p in model.parameters() if p.numel() % len(row) == 0 and p.numel() <= 64 * len(row))
    return any(bool((p.reshape(-1, len(row)) == row).all(1).any()) for p in own)
