"""Products of activations with numeric labels: all that Pearson's and Spearman's correlations need."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.sinks.labels import LabelGrid

MOMENTS = ("a", "aa", "ya", "R", "RR", "qR")
"""Sums over the positions that count of: activation a, its square, label times a, its rank R, R squared, label's rank
q times R."""

PIECE = 128

Floats = NDArray[np.float32]
Sums = NDArray[np.float64]


def add_products(
    chunk: Chunk, grid: LabelGrid, ranks: Floats, stride: int, centre: Floats, products: Sums, numbers: Sums
) -> None:
    """Add a chunk to `products` [block, feature, unit, MOMENTS] and to `numbers` [block, feature, 5].

    Everything is summed over every `stride`-th step.

    ranks    [step, lane, unit] of those steps
    centre   [unit], taken off the activations first: where a unit runs far from zero its square would drown the rest
    numbers  n and the sums of y, y y, q, q q
    """
    member = (np.arange(len(products))[:, None] == chunk.blocks).astype(np.float64)
    rows = np.arange(0, chunk.steps, stride)
    # Sums of float32 are right to five digits over so many steps; those of the pieces are added up in float64.
    for first in range(0, len(rows), PIECE):
        part = slice(first, first + PIECE)
        columns = (chunk.positions - grid.start)[:, None] + rows[part]
        label, rank, mask = (np.moveaxis(a[:, columns], 1, 0) for a in (grid.label, grid.rank, grid.mask))
        values = np.concatenate([v[rows[part]] for v in chunk.values.values()], axis=2) - centre
        products[..., :3] += np.tensordot(member, _lane_products(values, label, mask), 1)
        products[..., 3:] += np.tensordot(member, _lane_products(ranks[part], rank, mask), 1)
        sums = [a.sum(2, dtype=np.float64) for a in (mask, label, label * label, rank, rank * rank)]
        numbers += np.tensordot(member, np.stack(sums, axis=2), 1)


def _lane_products(matrix: Floats, label: Floats, mask: Floats) -> Sums:
    """Sums of m x, m x x and y x for `matrix` x [step, lane, unit]: [lane, feature, unit, 3]; y, m are [lane,
    feature, step].

    Features that count everywhere share one row of ones, so few rows are multiplied.
    """
    features = label.shape[1]
    some = np.flatnonzero((mask != 1).any((0, 2)))
    left = torch.from_numpy(np.concatenate([label, mask[:, some], np.ones_like(mask[:, :1])], axis=1))
    x = torch.from_numpy(matrix).transpose(0, 1)
    first = torch.bmm(left, x).numpy()
    second = torch.bmm(left[:, features:], x * x).numpy()
    row = np.full(features, len(some))
    row[some] = np.arange(len(some))
    return np.stack([first[:, features + row], second[:, row], first[:, :features]], axis=3)
