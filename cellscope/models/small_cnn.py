"""Our small convolutional network: blocks of convolution, norm, ReLU and pooling, then two fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from cellscope.errors import InputError

READS = ("whole", "places")
"""What the classifier reads: the last maps as a whole, or each of their places alone, and the answers are averaged."""


WIDEST = 4096
"""Channels of a convolution, or hidden units, at most: more would not fit in memory."""


@dataclass(frozen=True)
class SmallCNNConfig:
    """The shapes of a `SmallCNN`; every block halves rows and columns, or the first `pools` of them alone."""

    shape: tuple[int, int, int]
    classes: int
    widths: tuple[int, ...] = (16, 32, 64)
    hidden: int = 64
    kernel: int = 5
    kind: str = "small_cnn"
    pools: int | None = None
    reads: str = "whole"

    def __post_init__(self) -> None:
        if len(self.shape) != 3:
            raise InputError(
                f"small_cnn looks at pictures [channel, row, column], not at {self.shape}; take --model mlp"
            )
        if not 1 <= len(self.widths) <= 8 or not all(1 <= width <= WIDEST for width in self.widths):
            given = ", ".join(map(str, self.widths)) or "none"
            raise InputError(f"small_cnn has 1 to 8 widths from 1 to {WIDEST:,}, not {given}")
        if not 1 <= self.hidden <= WIDEST:
            raise InputError(f"small_cnn has 1 to {WIDEST:,} hidden units, not {self.hidden}")
        if self.classes < 2:
            raise InputError(f"small_cnn tells 2 classes or more, not {self.classes}")
        if self.kernel not in (3, 5, 7):
            raise InputError(f"a kernel of {self.kernel}; there is 3, 5, 7")
        if self.reads not in READS:
            raise InputError(f"a classifier reads {' or '.join(READS)}, not {self.reads!r}")
        if not 0 <= self.halvings <= len(self.widths):
            raise InputError(f"{self.pools} of {len(self.widths)} blocks cannot pool")
        if min(self.shape[1:]) < 2**self.halvings:
            raise InputError(
                f"pictures of {self.shape[1]} x {self.shape[2]} cannot be halved {self.halvings} times; "
                "give fewer widths"
            )

    @property
    def halvings(self) -> int:
        """How many blocks halve rows and columns."""
        return len(self.widths) if self.pools is None else self.pools

    def build(self) -> SmallCNN:
        return SmallCNN(self)

    def describe(self) -> str:
        return f"small_cnn {'-'.join(map(str, self.widths))}-{self.hidden}-{self.classes}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SmallCNNConfig:
        own: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**own)


class SmallCNN(nn.Module):
    """forward(pictures [picture, channel, row, column]) -> logits [picture, class].

    `features.0` is the first convolution, `features.1` its norm, `.2` its ReLU, `.3` its pooling, and so on by fours
    (by threes where a block does not pool); `norm` centres what the blocks hand on (what is never below 0 would leave
    most hidden units on or off for good); `classifier.0` is the hidden layer, `.1` its ReLU, `.2` the logits.

    A classifier that `reads` places is one for each place, the same everywhere (Lin, Chen and Yan 2014): its units
    have maps, and the logits are the means of those of `.2`.
    """

    def __init__(self, config: SmallCNNConfig) -> None:
        super().__init__()
        self.config = config
        blocks: list[nn.Module] = []
        before = config.shape[0]
        for number, width in enumerate(config.widths):
            kernel = config.kernel if number == 0 else 3
            blocks += [nn.Conv2d(before, width, kernel, padding=kernel // 2), nn.BatchNorm2d(width), nn.ReLU()]
            blocks += [nn.MaxPool2d(2)] if number < config.halvings else []
            before = width
        self.features = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(before)
        hidden, classes = config.hidden, config.classes
        if config.reads == "places":
            layers: list[nn.Module] = [nn.Conv2d(before, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, classes, 1)]
        else:
            rows, columns = (size >> config.halvings for size in config.shape[1:])
            layers = [nn.Linear(before * rows * columns, hidden), nn.ReLU(), nn.Linear(hidden, classes)]
        self.classifier = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        maps: Tensor = self.norm(self.features(pictures))
        if self.config.reads == "places":
            votes: Tensor = self.classifier(maps)
            return votes.mean((2, 3))
        logits: Tensor = self.classifier(maps.flatten(1))
        return logits
