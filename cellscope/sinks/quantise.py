"""Bins for activations: 128 a unit, fine where its values are dense and fine again in both tails.

Edges come from a sample of the unit's own values, because c has no bounds (a counter reaches -1,800). A bin is a
half-open interval; any two values that share one are ties for every score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 128
_TAIL = np.array([0.0003, 0.001, 0.002, 0.004, 0.006, 0.008])
_BEYOND = np.array([0.0, 0.03, 0.1, 0.3, 1.0])
_EVEN = np.arange(1, 25) / 25


@dataclass(frozen=True)
class Quantiser:
    """A monotone map from activation to bin for each unit.

    edges  float32 [unit, BINS - 1], ascending; a value belongs to bin #(edges <= value)
    ranks  float32 [unit, BINS], the mid-rank of each bin in the sample, 0 to 1
    """

    edges: NDArray[np.float32]
    ranks: NDArray[np.float32]

    @classmethod
    def from_sample(cls, sample: NDArray[np.float32]) -> Quantiser:
        """Edges at the quantiles of `sample` [position, unit], more in the tails and beyond the extremes, some evenly.

        The even ones are for a cell that is off nearly always: a quantile's bin would reach from off to on.
        """
        ordered = np.sort(np.ascontiguousarray(sample.T, dtype=np.float32), axis=1)
        count = ordered.shape[1]
        inner = np.linspace(0.01, 0.99, BINS - 1 - 2 * (len(_TAIL) + len(_BEYOND)) - len(_EVEN))
        levels = np.concatenate([_TAIL, inner, 1 - _TAIL[::-1]])
        middle = ordered[:, np.clip((levels * count).astype(int), 0, count - 1)]
        reach = np.maximum(ordered[:, -1:] - ordered[:, :1], 1e-6) * _BEYOND
        low, high = (ordered[:, [int(level * (count - 1))]] for level in (0.0005, 0.9995))
        even = low + (high - low) * _EVEN
        edges = np.concatenate([ordered[:, :1] - reach[:, ::-1], middle, even, ordered[:, -1:] + reach], axis=1)
        return cls.from_edges(np.sort(edges.astype(np.float32), axis=1), ordered)

    @classmethod
    def from_edges(cls, edges: NDArray[np.float32], ordered: NDArray[np.float32]) -> Quantiser:
        """A quantiser with these edges; mid-ranks are read off `ordered` [unit, position], each row ascending."""
        ranks = np.empty((len(edges), BINS), np.float32)
        for unit, row in enumerate(edges):
            below = np.searchsorted(ordered[unit], row, side="left") / ordered.shape[1]
            borders = np.concatenate([[0.0], below, [1.0]])
            ranks[unit] = (borders[:-1] + borders[1:]) / 2
        return cls(edges, ranks)

    def __len__(self) -> int:
        return len(self.edges)

    def take(self, units: slice) -> Quantiser:
        """The quantiser of a range of units."""
        return Quantiser(self.edges[units], self.ranks[units])

    @property
    def padded(self) -> NDArray[np.float32]:
        """The edges with infinity behind them, [unit, BINS], as the counting loop searches them."""
        return np.pad(self.edges, [(0, 0), (0, 1)], constant_values=np.inf)
