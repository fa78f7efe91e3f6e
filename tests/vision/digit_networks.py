"""scikit-learn's digits, and two small networks that learn them in about a second."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.models.classifier import Classifier
from cellscope.models.mlp import MLPConfig
from cellscope.models.small_cnn import SmallCNNConfig

NAMES = tuple(map(str, range(10)))


@cache
def digits() -> ImageSet:
    """All 1797, in 0..1."""
    data = load_digits()
    return ImageSet("digits", (data.images / 16).astype(np.float32)[:, None], data.target.astype(np.int64), NAMES)


def half_of(parity: int) -> ImageSet:
    """The even pictures (to learn from) or the odd ones."""
    return digits().take(np.arange(parity, len(digits()), 2))


@cache
def cnn() -> Classifier:
    """A small_cnn 8-16-32-10 that has seen the even pictures."""
    torch.manual_seed(0)
    module = SmallCNNConfig((1, 8, 8), 10, widths=(8, 16), hidden=32, kernel=3).build()
    learn(module, torch.optim.Adam(module.parameters(), 0.01), epochs=6, batch=32)
    return Classifier(module, (1, 8, 8), NAMES, name="cnn")


@cache
def mlp(seed: int = 0, epochs: int = 10) -> Classifier:
    """The book's network, 64-100-10, with one sigmoid and one error a class; after no epochs it is untrained."""
    torch.manual_seed(seed)
    module = MLPConfig((1, 8, 8), 10, hidden=100).build()
    learn(module, torch.optim.SGD(module.parameters(), 1.0), epochs=epochs, batch=8, sigmoid=True)
    return Classifier(module, (1, 8, 8), NAMES, name="mlp")


def learn(module: nn.Module, optimiser: torch.optim.Optimizer, *, epochs: int, batch: int, sigmoid: bool = False):
    data = half_of(0)
    x, y = torch.from_numpy(data.pixels(slice(None))), torch.from_numpy(data.labels)
    targets = nn.functional.one_hot(y, 10) * 0.98 + 0.01
    module.train()
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(batch):
            out = module(x[part])
            if sigmoid:
                loss = ((torch.sigmoid(out) - targets[part]) ** 2).sum(1).mean()
            else:
                loss = nn.functional.cross_entropy(out, y[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    optimiser.zero_grad(set_to_none=True)
