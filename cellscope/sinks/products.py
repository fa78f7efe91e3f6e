"""Products of activations with numeric labels: all that Pearson's and Spearman's correlations need."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.sinks.labels import LabelGrid

MOMENTS = ("a", "aa", "ya", "R", "RR", "qR")
"""Sums over the positions that count of: activation a, its square, label times a, its rank R, R squared, label's rank
q times R."""

PIECE = 256

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
    lanes = len(chunk.positions)
    together = _together(chunk.blocks)
    member = (np.arange(len(products))[:, None] == chunk.blocks[::together]).astype(np.float64)
    rows = np.arange(0, chunk.steps, stride)
    # Sums of float32 are right to five digits over so many rows; those of the pieces are added up in float64.
    many = max(1, PIECE // together)
    for first in range(0, len(rows), many):
        part = slice(first, first + many)
        columns = ((chunk.positions - grid.start)[:, None] + rows[part]).reshape(lanes // together, -1)
        label, rank, mask = (np.moveaxis(a[:, columns], 1, 0) for a in (grid.label, grid.rank, grid.mask))
        steps = slice(rows[part][0], rows[part][-1] + 1, stride)
        values = np.concatenate([v[steps].swapaxes(0, 1) for v in chunk.values.values()], axis=2)
        values -= centre
        some = [x.reshape(*columns.shape, -1) for x in (values, ranks[part].swapaxes(0, 1))]
        products[..., :3] += _by_block(member, _row_products(some[0], label, mask))
        products[..., 3:] += _by_block(member, _row_products(some[1], rank, mask))
        sums = [a.sum(2, dtype=np.float64) for a in (mask, label, label * label, rank, rank * rank)]
        numbers += _by_block(member, np.stack(sums, axis=2))


def _together(blocks: NDArray[np.int64]) -> int:
    """How many neighbouring lanes can be summed at once: those of a block, where all blocks have as many."""
    many = len(blocks) // len(np.unique(blocks))
    return many if len(blocks) % many == 0 and (blocks == np.repeat(blocks[::many], many)).all() else 1


def _by_block(member: Sums, sums: NDArray[Any]) -> Sums:
    """Sums [group, ..] added up by block [block, ..]; `member` is [block, group]."""
    # In torch, because numpy's own threads would go on turning for a while and take the cores from what comes next.
    flat = torch.from_numpy(sums).reshape(len(sums), -1).double()
    return (torch.from_numpy(member) @ flat).numpy().reshape(len(member), *sums.shape[1:])


def _row_products(matrix: Floats, label: Floats, mask: Floats) -> Floats:
    """Sums of m x, m x x and y x for `matrix` x [group, row, unit]: [group, feature, unit, 3]; y, m are [group,
    feature, row].

    Features that count everywhere share one row of ones, so few rows are multiplied.
    """
    features = label.shape[1]
    some = np.flatnonzero((mask != 1).any((0, 2)))
    left = torch.from_numpy(np.concatenate([label, mask[:, some], np.ones_like(mask[:, :1])], axis=1))
    x = torch.from_numpy(matrix)
    first = torch.bmm(left, x).numpy()
    second = torch.bmm(left[:, features:], x.square()).numpy()
    row = np.full(features, len(some))
    row[some] = np.arange(len(some))
    return np.stack([first[:, features + row], second[:, row], first[:, :features]], axis=3)
