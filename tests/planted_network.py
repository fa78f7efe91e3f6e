"""Pictures with concepts drawn in a channel of their own, and a network that has a unit for each of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.models.classifier import Classifier, wrap

SIDE = 16
CONCEPTS = ("up", "down", "red", "everywhere", "nowhere")
UP, DOWN, RED = 5, 2, 6
"""The unit that is high in "up", the one that is low in "down", the one that sees red."""


def planted_pictures(count: int = 240, seed: int = 0) -> ImageSet:
    """Noise in five channels; squares of "up" and "down" in the last two, which no colour shows, and of red."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((count, 5, SIDE, SIDE), np.float32) * 0.4
    masks = np.zeros((count, len(CONCEPTS), SIDE, SIDE), bool)
    masks[:, 3] = True
    for picture in range(count):
        for concept in range(3):
            row, column = rng.integers(0, SIDE - 5, 2)
            masks[picture, concept, row : row + 5, column : column + 5] = rng.random() < 0.6
    for concept, channel in ((0, 3), (1, 4), (2, 0)):
        pixels[:, channel] += 0.5 * masks[:, concept]
    labels = rng.integers(0, 2, count)
    return ImageSet("planted", pixels, labels, ("even", "odd"), masks, CONCEPTS)


def planted_rows() -> tuple[Classifier, ImageSet]:
    """A bare layer over rows of three columns, whose unit 1 is thrice column a; the class is the sign of b."""
    rows = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32)
    images = ImageSet("rows", rows, (rows[:, 1] > 0).astype(np.int64), ("low", "high"), columns=("a", "b", "c"))
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 1, 0], [3, 0, 0]]))
    return wrap(layer, (3,)), images


class Planted(nn.Module):
    """Eight 1 x 1 filters, three of them planted and the others of noise, an in-place ReLU and class scores."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.filters, self.relu = nn.Conv2d(5, 8, 1), nn.ReLU(inplace=True)
        self.norm, self.top = nn.BatchNorm2d(8), nn.Linear(8, 2)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.filters.weight.normal_(0, 1, generator=draw)
            self.filters.weight[:, 3:] = 0  # a unit of noise sees neither "up" nor "down"
            self.filters.bias.fill_(2.0)
            for unit, channel, weight in ((UP, 3, 1.0), (DOWN, 4, -1.0), (RED, 0, 1.0)):
                self.filters.weight[unit] = 0
                self.filters.weight[unit, channel] = weight

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.top(self.norm(self.relu(self.filters(pictures))).mean((2, 3)))


def planted_network() -> Classifier:
    """The planted network, in training mode, as a user may hand it over."""
    return wrap(Planted().train(), (5, SIDE, SIDE), name="planted")
