"""Bins for activations: 128 a unit, fine where its values are dense and fine again in both tails.

Edges come from a sample of the unit's own values, because c has no bounds (a counter reaches -1,800). A bin is a
half-open interval; any two values that share one are ties for every score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 128
_TAIL = np.array([0.0003, 0.001, 0.002, 0.004, 0.006, 0.008])
_BEYOND = np.array([0.0, 0.03, 0.1, 0.3, 1.0])
_EVEN = np.arange(1, 25) / 25
_SPREADS = (0.5, 0.8, 0.95, 1.0)
"""Scales of cells that are tried: of the distances from the centre that are not none, so large a share is less."""
_NEAR = 0.1
"""One more where none of those fits: a ReLU's small values lie close to the many that are 0."""
_LOSS = 0.0005
"""So much of the pairs may become ties when edges move to the borders of cells; ties cost an AUC at most half of it."""

_FEW = 2048
"""Values of a sample by which cells are judged."""
_NARROWEST = 1e-30


@dataclass(frozen=True)
class Quantiser:
    """A monotone map from activation to bin for each unit.

    edges     float32 [unit, BINS - 1], ascending; a value belongs to bin #(edges <= value)
    ranks     float32 [unit, BINS], the mid-rank of each bin in the sample, 0 to 1
    centre, scale   float32 [unit], of the unit's cells (see cells.py)
    bins      uint8 [unit, CELLS], the bin of every cell
    searched  bool [unit], where no cells fit, so that each value has to be searched for among the edges
    """

    edges: NDArray[np.float32]
    ranks: NDArray[np.float32]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    bins: NDArray[np.uint8]
    searched: NDArray[np.bool_]

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
        """A quantiser with these edges, moved a little so that cells can be looked up where they fit; mid-ranks are
        read off `ordered` [unit, position], each row ascending.
        """
        from cellscope.sinks.cells import CELLS

        units = len(edges)
        made = cls(
            edges.copy(), np.empty((units, BINS), np.float32), np.zeros(units, np.float32), np.ones(units, np.float32),
            np.zeros((units, CELLS), np.uint8), np.ones(units, bool),
        )  # fmt: skip
        for unit in range(units):
            made._fit(unit, ordered[unit])
            below = np.searchsorted(ordered[unit], made.edges[unit], side="left") / ordered.shape[1]
            borders = np.concatenate([[0.0], below, [1.0]])
            made.ranks[unit] = (borders[:-1] + borders[1:]) / 2
        return made

    def _fit(self, unit: int, ordered: NDArray[np.float32]) -> None:
        """Choose the cells that keep the most values apart, if any keep enough."""
        from cellscope.sinks.cells import cells_of, snap

        ordered = ordered[:: max(1, len(ordered) // _FEW)]
        edges = self.edges[unit].copy()
        most = _ties(edges, ordered) + _LOSS
        centre = ordered[[len(ordered) // 2]]
        away = np.sort(np.abs(ordered - centre))
        away = away[min(np.count_nonzero(away == 0), len(away) - 1) :]
        for spread in (*_SPREADS, _NEAR):
            if spread == _NEAR and not self.searched[unit]:
                break
            scale = np.array([1 / max(away[int(spread * (len(away) - 1))], _NARROWEST)], np.float32)
            ties = _ties(cells_of(edges, centre, scale), cells_of(ordered, centre, scale))
            if ties <= most:
                most, self.searched[unit] = ties, False
                self.centre[unit], self.scale[unit] = centre[0], scale[0]
        if not self.searched[unit]:
            snap(edges, centre, self.scale[[unit]], self.edges[unit], self.bins[unit])

    def __len__(self) -> int:
        return len(self.edges)

    def take(self, units: slice) -> Quantiser:
        """The quantiser of a range of units."""
        return Quantiser(*(getattr(self, name)[units] for name in self.__dataclass_fields__))


def _ties(edges: NDArray[Any], ordered: NDArray[Any]) -> float:
    """The share of the pairs of an ordered sample that share a bin."""
    borders = np.concatenate([[0], np.searchsorted(ordered, edges, side="left"), [len(ordered)]])
    return float(((np.diff(borders) / len(ordered)) ** 2).sum())
