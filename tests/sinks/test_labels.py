"""Labels as the counting loops read them: ones and zeros, and mid-ranks of numbers."""

from __future__ import annotations

import numpy as np
from planted_activations import grid_of
from scipy.stats import rankdata

from cellscope.sinks.labels import Ranker

NONE = np.zeros((0, 50), bool)


def test_mid_ranks() -> None:
    """The rank of a number is scipy's average rank, less a half, over n, less a half more; ties share theirs."""
    rng = np.random.default_rng(0)
    for row in (rng.integers(0, 5, 50), rng.standard_normal(50), np.ones(50), np.arange(50)):
        grid = grid_of(NONE, row[None])
        assert np.allclose(grid.rank[0], (rankdata(row) - 0.5) / 50 - 0.5, atol=1e-6)


def test_what_does_not_count() -> None:
    """Where a number is NaN, label, rank and mask are 0, and the others are ranked among themselves."""
    row = np.arange(50.0)
    row[::3] = np.nan
    grid = grid_of(NONE, row[None])
    gone = np.isnan(row)
    assert not grid.label[0, gone].any()
    assert not grid.rank[0, gone].any()
    assert np.array_equal(grid.mask[0], ~gone)
    assert np.allclose(grid.rank[0, ~gone], (rankdata(row[~gone]) - 0.5) / (~gone).sum() - 0.5, atol=1e-6)


def test_ranks_are_learnt_once() -> None:
    """Later stretches use the ranks of the first in which a feature counts at all; values beyond take the end's."""
    ranker, none = Ranker(), np.zeros((0, 4), bool)
    nothing, first = np.full((1, 4), np.nan, np.float32), np.array([[1, 2, 3, 4]], np.float32)
    assert not ranker.grid(0, none, nothing).rank.any()
    learnt = ranker.grid(4, none, first).rank[0]
    assert np.allclose(learnt, [-0.375, -0.125, 0.125, 0.375])
    later = ranker.grid(8, none, np.array([[4, 99, -5, 2.5]], np.float32)).rank[0]
    assert np.allclose(later, [0.375, 0.375, -0.375, 0.0])


def test_spans_are_ones_and_zeros() -> None:
    """Spans come as bytes, one a position, and the labeller's own array is not written to."""
    spans = np.random.default_rng(1).random((3, 50)) < 0.3
    kept = spans.copy()
    grid = grid_of(spans)
    assert grid.spans.dtype == np.uint8
    assert np.array_equal(grid.spans, spans)
    grid.label[...] = 7
    assert np.array_equal(spans, kept)
