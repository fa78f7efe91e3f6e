"""Cells: they keep the order of values, and a snapped edge is the first value of its cell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.sinks.cells import CELLS, cells_of, snap

finite = st.floats(-(2.0**90), 2.0**90, width=32)


@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=1, max_size=200), finite, st.floats(2.0**-40, 2.0**40, width=32))
def test_order(values: list[float], centre: float, scale: float) -> None:
    """A larger value never lies in a lower cell, and every cell is one of CELLS; infinities and NaN too."""
    ordered = np.sort(np.array([*values, -np.inf, np.inf], np.float32))
    found = cells_of(ordered, np.array([centre], np.float32), np.array([scale], np.float32))
    assert (np.diff(found) >= 0).all()
    broken = cells_of(np.array([np.nan], np.float32), np.array([centre], np.float32), np.array([scale], np.float32))
    assert all(0 <= cell < CELLS for cell in [*found, *broken])


@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=1, max_size=100), finite, st.floats(2.0**-40, 2.0**40, width=32))
def test_snapped_edges(values: list[float], centre: float, scale: float) -> None:
    """No snapped edge lies above its edge; looking a cell up counts the snapped edges at or below a finite value."""
    edges = np.sort(np.array(values, np.float32))
    c, s = np.array([centre], np.float32), np.array([scale], np.float32)
    snapped, bins = np.empty_like(edges), np.empty(CELLS, np.uint8)
    snap(edges, c, s, snapped, bins)
    assert (snapped <= edges).all()
    most = np.finfo(np.float32).max
    near = [edges, snapped, np.nextafter(snapped, -most), np.nextafter(edges, most)]
    asked = np.concatenate([*near, c]).astype(np.float32)
    expected = np.searchsorted(snapped, asked, side="right")
    assert np.array_equal(bins[cells_of(asked, c, s)], expected)
