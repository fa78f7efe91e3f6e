"""Sums over maps, by law and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cellscope.vision.map_sums import MapSums


def locality(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    return MapSums.of(maps).locality()[0]


def test_density_is_that_of_treves_and_rolls() -> None:
    """Known answers: 1 for numbers of one size, 1/n for one of n, 0 for none; the sign does not count."""
    rows = np.array([[2.0, 2, 2, 2], [0, 0, 5, 0], [0, 0, 0, 0], [1, -1, 1, -1], [1, 3, 0, 0]])
    expected = [1, 0.25, 0, 1, (1 / 1) ** 2 / 2.5]
    for shape in ((5, 4, 1, 1), (5, 1, 2, 2), (5, 2, 1, 2)):
        np.testing.assert_allclose(MapSums.of(rows.reshape(shape)).density(), expected)


def test_locality_is_the_share_about_the_peak() -> None:
    """Known answers: 1 for one spot, 9/n for an even map wherever its peak is taken, 1 for a map of 3 x 3."""
    spot = np.zeros((1, 3, 5, 6))
    spot[0, 0, 0, 5] = -4.0
    spot[0, 1] = 1.0
    near, live = MapSums.of(spot).locality()
    np.testing.assert_allclose(near, [[1, 9 / 30, 0]])
    assert live.tolist() == [[True, True, False]]
    two = np.zeros((1, 1, 7, 7))
    two[0, 0, 1, 1], two[0, 0, 5, 5], two[0, 0, 2, 2] = 2.0, 1.0, 1.0
    assert locality(two).item() == pytest.approx(5 / 6)
    rng = np.random.default_rng(0)
    assert locality(rng.random((2, 4, 3, 3))).min() == pytest.approx(1)
    assert locality(rng.random((2, 4, 1, 1))).min() == 1


def test_all_sums_equal_a_loop() -> None:
    """For noise of odd sizes, laid out either way, every map's sums are those of the map cut out by hand."""
    x = np.random.default_rng(0).standard_normal((3, 2, 5, 8)).astype(np.float32)
    x[:, :, ::2, ::3] = 0
    sums = MapSums.of(np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2))
    near, _ = sums.locality()
    for picture in range(3):
        for channel in range(2):
            own = x[picture, channel].astype(float)
            energy, at = own**2, (picture, channel)
            row, column = np.unravel_index(energy.argmax(), energy.shape)
            top, left = min(max(row - 1, 0), 2), min(max(column - 1, 0), 5)
            assert near[at] == pytest.approx(energy[top : top + 3, left : left + 3].sum() / energy.sum())
            assert sums.zeros[at] == (own == 0).sum() >= 9
            assert (sums.sizes[at], sums.squares[at]) == pytest.approx((np.abs(own).sum(), energy.sum()))
            assert (sums.low[at], sums.high[at]) == (own.min(), own.max())
    assert sums.places == 40


def test_what_is_no_number_is_none_in_every_figure() -> None:
    """A map that holds one has no smallest and largest number, and its share is not known; others are as they were."""
    maps = np.ones((1, 2, 2, 2))
    maps[0, 1, 0, 1] = np.nan
    sums = MapSums.of(maps)
    near, live = sums.locality()
    assert np.isnan([sums.low[0, 1], sums.high[0, 1], near[0, 1], sums.density()[0]]).all()
    assert (sums.low[0, 0], sums.high[0, 0], near[0, 0]) == (1, 1, 1)
    assert live.tolist() == [[True, False]]
