"""Maps that keep their features on the last axis are told from those of a convolution, by what reads and gives them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellscope.hooks.outlets import outlets

PICTURES = torch.rand((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))


class Permute(nn.Module):
    """As torchvision's."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.axes)


class LayerNorm2d(nn.LayerNorm):
    """As torchvision's and timm's: over the channels of an ordinary map."""

    def forward(self, x: Tensor) -> Tensor:
        x = functional.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """A module with a Linear whose weight is used by a function, as in Swin: it is never called."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.proj = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.proj.weight)


def seen(*layers: nn.Module) -> list[str]:
    """The kinds of the outlets of a stack."""
    return [outlet.kind for outlet in outlets(nn.Sequential(*layers), PICTURES)]


def test_a_block_of_convnext_is_seen_where_its_channels_stand_first() -> None:
    """What moves the axes to the end, and all up to what moves them back, is no layer; also of 8 features on 8 x 8."""
    for features in (5, 8):
        block = (
            nn.Conv2d(3, features, 1), LayerNorm2d(features), nn.ReLU(), Permute(0, 2, 3, 1), nn.LayerNorm(features),
            nn.Linear(features, 4 * features), nn.GELU(), nn.Linear(4 * features, features), nn.Dropout(0.1),
            Permute(0, 3, 1, 2), nn.AvgPool2d(2),
        )  # fmt: skip
        assert seen(*block) == ["Conv2d", "LayerNorm2d", "ReLU", "Permute", "AvgPool2d"]


def test_a_block_of_swin_is_not_seen() -> None:
    """What attention gives has the layout of what it was given, and so has what merely hands that on."""
    block = (Permute(0, 2, 3, 1), nn.LayerNorm(5), Attention(5), nn.Softplus())
    assert seen(nn.Conv2d(3, 5, 1), *block) == ["Conv2d"]


def test_layers_without_places_stay_what_they_were() -> None:
    """A Linear that reads [picture, feature] is a layer, and so is a norm of it."""
    assert seen(nn.Flatten(), nn.Linear(192, 6), nn.LayerNorm(6), nn.ReLU()) == ["Linear", "LayerNorm", "ReLU"]
