"""The one form in which the rest of cellscope meets a network: a module, one calling convention, and its alphabet."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from cellscope.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Network:
    """A module whose `forward(ids [lane, step], state)` gives (logits [lane, step, symbol], state), and its vocabulary.

    `stateful` is False where the module gives logits alone: its state cannot be carried from one call to the next.
    """

    module: nn.Module
    vocabulary: Vocabulary
    name: str
    description: str = ""
    stateful: bool = True

    @property
    def device(self) -> torch.device:
        tensor = next(self.module.parameters(), None)
        return tensor.device if tensor is not None else torch.device("cpu")

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """ids [lane, step] and the state carried so far -> (logits [lane, step, symbol], state)."""
        answer = self.module(ids, state) if state is not None else self.module(ids)
        return answer if isinstance(answer, tuple) else (answer, None)

    def untrained(self, seed: int) -> Network:
        """The same architecture with weights drawn anew from `seed`; this network is left as it is."""
        module = copy.deepcopy(self.module)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            redrawn = _redraw(module, "")
            _redraw_rest(module, redrawn)
        return replace(self, module=module, name=f"{self.name} (untrained)", description="weights drawn anew")


def _redraw(module: nn.Module, prefix: str) -> set[str]:
    """Call `reset_parameters` of the outermost modules that have it; return the names of the parameters so drawn."""
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return {prefix + name for name, _ in module.named_parameters(remove_duplicate=False)}
    drawn: set[str] = set()
    for name, child in module.named_children():
        drawn |= _redraw(child, f"{prefix}{name}.")
    return drawn


@torch.no_grad()
def _redraw_rest(module: nn.Module, drawn: set[str]) -> None:
    """Parameters that no `reset_parameters` reaches are drawn from a normal of their own mean and spread."""
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if name not in drawn and parameter.numel() > 1 and parameter.is_floating_point():
            parameter.normal_(float(parameter.mean()), float(parameter.std()))
