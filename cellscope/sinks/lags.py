"""How a unit goes with a feature's label some characters earlier or later: it may know before, or lag behind."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.scores.effects import effect
from cellscope.sinks.labels import LabelGrid

LAGS = np.arange(-8, 9)
"""A lag of 2 means: the unit at t goes with the label at t - 2, so it answers two characters late."""


class Lags:
    """Sums of label(t - lag) times rank(t): `sums` [half, feature, lag, unit], over every `stride`-th step."""

    def __init__(self, features: int, units: int, *, stride: int = 1, sparser: int = 1) -> None:
        self.stride, self.sparser = stride * sparser, sparser
        self.sums = np.zeros((2, features, len(LAGS), units))
        self.labels = np.zeros((2, features, len(LAGS), 2))
        self.ranks = np.zeros((2, units, 2))
        self.positions = np.zeros(2, np.int64)

    def add(self, chunk: Chunk, grid: LabelGrid, ranks: NDArray[np.float32]) -> None:
        """Take in the ranks [step, lane, unit] of a chunk, of which every `sparser`-th is used."""
        steps = np.arange(0, chunk.steps, self.stride)
        width, reach = grid.spans.shape[1], len(LAGS) // 2
        for half in (0, 1):
            lanes = np.flatnonzero(chunk.blocks % 2 == half)
            if not len(lanes):
                continue
            rows = ((chunk.positions[lanes] - grid.start)[None, :] + steps[:, None]).reshape(-1)
            # At the borders of a round the labels beyond are not at hand: those few positions are left out.
            inner = (rows >= reach) & (rows < width - reach)
            rows = rows[inner]
            y = self._around(grid, rows)
            x = ranks[:: self.sparser, lanes].reshape(-1, ranks.shape[2])[inner] - np.float32(0.5)
            product = y.flatten(0, 1) @ torch.from_numpy(x)
            self.sums[half] += product.numpy().reshape(self.sums.shape[1:])
            self.labels[half] += torch.stack([y.sum(2), y.square().sum(2)], 2).double().numpy()
            self.ranks[half] += np.stack([x.sum(0), (x * x).sum(0)], axis=1)
            self.positions[half] += len(x)

    def _around(self, grid: LabelGrid, rows: NDArray[np.int64]) -> torch.Tensor:
        """The labels at each row less each lag [feature, lag, row]: spans first, then the ranks of numbers."""
        from cellscope.sinks import kernels

        spans = len(grid.spans)
        y = np.empty((len(self.sums[0]), len(LAGS), len(rows)), np.float32)

        def share(first: int, last: int) -> None:
            kernels.around(grid.spans, rows, LAGS, y[:spans], first, last)
            kernels.around(grid.rank, rows, LAGS, y[spans:], first, last)

        in_shares(len(rows), share)
        return torch.from_numpy(y)

    def effects(self, half: int, binary: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Effects (see scores.effects) at every lag on one half: [feature, lag, unit]."""
        label = self.labels[half, :, :, :1], self.labels[half, :, :, 1:]
        rank = self.ranks[half, :, 0], self.ranks[half, :, 1]
        return effect(self.sums[half], label, rank, int(self.positions[half]), binary[:, None, None])
