"""Bins of activations: they partition the line, keep its order, and are fine where the values are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_activations import grid_of, tally_of

from cellscope.chunks import Round
from cellscope.sinks.quantise import BINS, Quantiser

RNG = np.random.default_rng(0)
SHAPES = {
    "normal": RNG.standard_normal(5000),
    "saturated": np.tanh(6 * RNG.standard_normal(5000)),
    "constant": np.full(5000, 0.25),
    "zero": np.zeros(5000),
    "two values": RNG.integers(0, 2, 5000) * 1.0,
    "rare spike": (RNG.random(5000) < 0.002) * 1.0,
    "outliers": np.where(RNG.random(5000) < 0.001, 1e6, RNG.standard_normal(5000)),
    "counter": -np.arange(5000) % 1800 * -1.0,
    "far away": 1e4 + 1e-2 * RNG.standard_normal(5000),
    "tiny": 1e-20 * RNG.standard_normal(5000),
    "heavy tails": RNG.standard_cauchy(5000),
}
VALUES = np.stack(list(SHAPES.values()), axis=1).astype(np.float32)


def bins_of(quantiser: Quantiser, values: np.ndarray) -> np.ndarray:
    """The bins by the definition: how many edges are at or below each value [position, unit]."""
    return np.stack([np.searchsorted(e, v, side="right") for e, v in zip(quantiser.edges, values.T, strict=True)], 1)


def test_edges_ascend() -> None:
    """There are BINS - 1 finite edges a unit, none below the one before."""
    edges = Quantiser.from_sample(VALUES).edges
    assert edges.shape == (len(SHAPES), BINS - 1)
    assert np.isfinite(edges).all()
    assert (np.diff(edges, axis=1) >= 0).all()


def test_bins_keep_order_and_rank() -> None:
    """A larger value never has a lower bin, nor a higher bin a lower rank; ranks lie in 0..1, their mean is a half."""
    quantiser = Quantiser.from_sample(VALUES)
    for name, v, b, ranks in zip(SHAPES, VALUES.T, bins_of(quantiser, VALUES).T, quantiser.ranks, strict=True):
        assert (np.diff(b[np.argsort(v)]) >= 0).all(), name
        assert (np.diff(ranks) >= 0).all(), name
        assert ranks.min() >= 0, name
        assert ranks.max() <= 1, name
        assert ranks[b].mean() == pytest.approx(0.5, abs=1e-4), name


def test_bins_are_fine() -> None:
    """No bin holds more than 3 % of the sample unless a single value does."""
    quantiser = Quantiser.from_sample(VALUES)
    for name, v, b in zip(SHAPES, VALUES.T, bins_of(quantiser, VALUES).T, strict=True):
        crowded = np.flatnonzero(np.bincount(b, minlength=BINS) > 0.03 * len(v))
        most = [np.unique(v[b == k], return_counts=True)[1].max() / (b == k).sum() for k in crowded]
        assert all(share > 0.5 for share in most), name


def test_the_loop_bins_by_the_definition() -> None:
    """The counting loop puts every value, unseen ones, the edges themselves and infinities too, where the edges say."""
    quantiser = Quantiser.from_sample(VALUES)
    edges = quantiser.edges.T
    unseen = [
        VALUES * 3,
        VALUES - 1,
        edges,
        np.nextafter(edges, np.float32(np.inf)),
        np.nextafter(edges, -np.float32(9e9)),
    ]
    with np.errstate(over="ignore"):
        values = np.concatenate([VALUES, *unseen, np.full((1, len(SHAPES)), 3e38)]).astype(np.float32)
    tally = tally_of(values, grid_of(np.zeros((0, len(values)))), Round(0, len(values), 3, 3), quantiser=quantiser)
    expected = bins_of(quantiser, values)
    for unit, name in enumerate(SHAPES):
        assert np.array_equal(tally.total[:, unit].sum(0), np.bincount(expected[:, unit], minlength=BINS)), name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=300), st.integers(0, 3))
def test_any_sample(sample: list[float], repeats: int) -> None:
    """Any finite sample, however short or lopsided, gives ascending finite edges and a partition of its values."""
    values = np.repeat(np.array(sample, np.float32), 1 + repeats)[:, None]
    quantiser = Quantiser.from_sample(values)
    assert np.isfinite(quantiser.edges).all()
    assert (np.diff(quantiser.edges) >= 0).all()
    bins = bins_of(quantiser, values)[:, 0]
    order = np.argsort(values[:, 0], kind="stable")
    assert (np.diff(bins[order]) >= 0).all()
    assert ((quantiser.ranks >= 0) & (quantiser.ranks <= 1)).all()


def test_a_range_of_units() -> None:
    """`take` is the quantiser of those units alone."""
    whole, part = Quantiser.from_sample(VALUES), Quantiser.from_sample(VALUES[:, 2:5])
    assert np.array_equal(whole.take(slice(2, 5)).edges, part.edges)
    assert np.array_equal(whole.take(slice(2, 5)).ranks, part.ranks)
    assert len(part) == 3
