"""Networks with what makes looking hard: a module that serves twice, in-place and functional ReLUs, tuples."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PICTURES = torch.rand((3, 2, 8, 8), generator=torch.Generator().manual_seed(0)) - 0.5


class Net(nn.Module):
    """A convolution with an in-place ReLU that serves twice, dropout, norm, and a functional ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.5)
        self.top = nn.Linear(4, 3)
        self.calls: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.relu(self.norm(self.conv(x))))
        self.calls.append("conv")
        x = functional.relu(x.mean((2, 3)) - 0.1)
        self.calls.append("mean")
        return self.relu(self.top(x))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = nn.GRU(4, 5, batch_first=True)
        self.top = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(self.core(x.flatten(1)[:, None, :4])[0][:, 0])


def clean(module: nn.Module) -> bool:
    return not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in module.modules())


def seeded() -> Net:
    """A Net with the same weights every time, in training mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net().train()
