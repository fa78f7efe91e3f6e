"""A sigmoid network of three layers, as in "Make Your Own Neural Network" (Rashid 2016): 784-200-10 for MNIST."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from cellscope.errors import InputError

WIDEST = 65_536
"""Hidden units at most."""


@dataclass(frozen=True)
class MLPConfig:
    """The shapes of an `MLP`; `bias` is off in the book."""

    shape: tuple[int, ...]
    classes: int
    hidden: int = 200
    bias: bool = False
    kind: str = "mlp"

    def __post_init__(self) -> None:
        if not 1 <= self.hidden <= WIDEST:
            raise InputError(f"mlp has 1 to {WIDEST:,} hidden units, not {self.hidden}")
        if self.classes < 2 or math.prod(self.shape) < 1:
            raise InputError(f"mlp needs inputs and 2 classes, not {math.prod(self.shape)} and {self.classes}")

    def build(self) -> MLP:
        return MLP(self)

    def describe(self) -> str:
        return f"mlp {math.prod(self.shape)}-{self.hidden}-{self.classes}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MLPConfig:
        own: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**own)


class MLP(nn.Module):
    """forward(pictures [picture, ..]) -> logits [picture, class]; the book's outputs are their sigmoids.

    Sites: `hidden` (before its sigmoid), `sigmoid` (the hidden units), `output` (the logits). Weights start normal with
    a spread of one over the root of the fan-in, as in the book.
    """

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(math.prod(config.shape), config.hidden, bias=config.bias)
        self.sigmoid = nn.Sigmoid()
        self.output = nn.Linear(config.hidden, config.classes, bias=config.bias)
        self._spread()

    def reset_parameters(self) -> None:
        """Draw the weights anew, as they were drawn at first."""
        for layer in (self.hidden, self.output):
            layer.reset_parameters()
        self._spread()

    def _spread(self) -> None:
        for layer in (self.hidden, self.output):
            nn.init.normal_(layer.weight, 0.0, layer.in_features**-0.5)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.output(self.sigmoid(self.hidden(pictures.flatten(1))))
        return logits
