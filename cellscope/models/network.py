"""The one form in which the rest of cellscope meets a network: a module, one calling convention, and its alphabet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cellscope.models.redraw import redrawn

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
        return replace(
            self, module=redrawn(self.module, seed), name=f"{self.name} (untrained)", description="weights drawn anew"
        )
