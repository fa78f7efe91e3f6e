"""How a unit goes with a feature's label some characters earlier or later: it may know before, or lag behind."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.scores.effects import effect
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.merging import added_up

REACH = 8
LAGS = np.arange(-REACH, REACH + 1)
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
        for half in (0, 1):
            lanes = np.flatnonzero(chunk.blocks % 2 == half)
            if not len(lanes):
                continue
            rows = (chunk.positions[lanes] - grid.start)[:, None] + steps
            x = ranks[:: self.sparser, lanes].swapaxes(0, 1) - np.float32(0.5)
            # At the borders of a round the labels beyond are not at hand: those few positions are left out.
            inner = (rows >= REACH) & (rows < grid.spans.shape[1] - REACH)
            self._add_spans(half, grid.spans, rows, inner, x)
            rows, x = rows[inner], x[inner]
            self._add_numbers(half, grid.rank, rows, x)
            self.ranks[half] += np.stack([x.sum(0), np.einsum("ru,ru->u", x, x)], 1)
            self.positions[half] += len(x)

    def _add_spans(
        self, half: int, spans: NDArray[np.uint8], rows: NDArray[np.int64], inner: NDArray[np.bool_],
        x: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Labels are mostly 0, so those that are not are looked for, and each is added to the rows within reach."""
        from cellscope.sinks import kernels

        sums = np.zeros((len(spans), len(LAGS), x.shape[2]), np.float32)
        counts = np.zeros((len(spans), len(LAGS)), np.int64)

        def share(first: int, last: int) -> None:
            kernels.around(spans, rows, inner, self.stride, REACH, x, sums, counts, first, last)

        in_shares(len(spans), share, grain=1, each=4)
        self.sums[half, : len(spans)] += sums
        self.labels[half, : len(spans)] += counts[:, :, None]  # a label of 0 or 1 is its own square

    def _add_numbers(
        self, half: int, labels: NDArray[np.float32], rows: NDArray[np.int64], x: NDArray[np.float32]
    ) -> None:
        """Ranks of numbers [feature, position], as a plain product."""
        if not len(labels):
            return
        first = len(self.sums[half]) - len(labels)
        y = torch.from_numpy(labels[:, rows - LAGS[:, None]])
        self.sums[half, first:] += (y.flatten(0, 1) @ torch.from_numpy(x)).view(*y.shape[:2], -1).numpy()
        self.labels[half, first:] += torch.stack([y.sum(2), y.square().sum(2)], 2).numpy()

    def merge(self, other: Lags) -> Lags:
        """Both together, in place of this one; they must have the same features, units and strides."""
        return added_up(self, other, ("sums", "labels", "ranks", "positions"), ("stride", "sparser"))

    def effects(self, half: int, binary: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Effects (see scores.effects) at every lag on one half: [feature, lag, unit]."""
        label = self.labels[half, :, :, :1], self.labels[half, :, :, 1:]
        rank = self.ranks[half, :, 0], self.ranks[half, :, 1]
        return effect(self.sums[half], label, rank, int(self.positions[half]), binary[:, None, None])
