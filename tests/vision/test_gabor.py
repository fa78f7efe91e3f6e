from __future__ import annotations

import numpy as np
import pytest

from cellscope.errors import InputError
from cellscope.vision.gabor import GaborFits, fit_gabors, gabor

SIDE = 9


def planted(count: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Filters that are Gabor functions times a colour, plus a constant, and the numbers of those functions."""
    random = np.random.default_rng(4)
    made, numbers = [], []
    for _ in range(count):
        row, column = SIDE / 2 - 0.5 + random.uniform(-1, 1, 2)
        orientation, frequency = random.uniform(0, 180), random.uniform(0.12, 0.3)
        length, width, phase = random.uniform(1.6, 2.6), random.uniform(1.2, 1.8), random.uniform(0, 2 * np.pi)
        even, odd = gabor((SIDE, SIDE), row, column, orientation, frequency, length, width)
        colour = random.standard_normal(channels)
        wave = np.cos(phase) * even - np.sin(phase) * odd
        made.append(colour[:, None, None] * wave + random.standard_normal((channels, 1, 1)))
        numbers.append((orientation, frequency, length, width, row, column))
    return np.array(made), np.array(numbers)


@pytest.fixture(scope="module")
def fits() -> tuple[GaborFits, np.ndarray, np.ndarray]:
    filters, numbers = planted(6, 3)
    noise = np.random.default_rng(8).standard_normal((3, 3, SIDE, SIDE))
    flat = np.full((1, 3, SIDE, SIDE), 0.3)
    blurred = filters[:1] + 0.1 * filters[0].std() * noise[:1]
    everything = np.concatenate([filters, noise, flat, blurred])
    return fit_gabors(everything), numbers, everything


def test_planted_gabors_are_recovered(fits: tuple[GaborFits, np.ndarray, np.ndarray]) -> None:
    """Orientation, frequency, size and centre come back, with all of the variance, beyond what noise reaches."""
    found, numbers, filters = fits
    np.testing.assert_allclose(found.r2[:6], 1, atol=1e-4)
    off = (found.orientation[:6] - numbers[:, 0] + 90) % 180 - 90
    np.testing.assert_allclose(off, 0, atol=0.5)
    for name, column in (("frequency", 1), ("length", 2), ("width", 3), ("row", 4), ("column", 5)):
        np.testing.assert_allclose(getattr(found, name)[:6], numbers[:, column], rtol=0.03, atol=0.02)
    assert (found.p[:6] == 1 / 40).all()
    again = found.colours[0][:, None, None] * found.fitted[0]
    own = filters[0] - filters[0].mean((1, 2), keepdims=True)
    np.testing.assert_allclose(again - again.mean((1, 2), keepdims=True), own, atol=1e-2)


def test_noise_is_not_gabor_like(fits: tuple[GaborFits, np.ndarray, np.ndarray]) -> None:
    """Filters of noise have a small share, and p is not small; a Gabor with some noise is still found."""
    found, numbers, _ = fits
    assert (found.r2[6:9] < 0.4).all()
    assert found.p[6:9].min() > 1 / 40
    assert (found.noise < 0.5).all()
    assert 0.9 < found.r2[10] < 1
    assert abs((found.orientation[10] - numbers[0, 0] + 90) % 180 - 90) < 3


def test_a_flat_filter_is_no_gabor(fits: tuple[GaborFits, np.ndarray, np.ndarray]) -> None:
    """Nothing varies, so nothing is accounted for, and nothing is divided by 0."""
    found = fits[0]
    assert (found.r2[9], found.frequency[9], found.p[9]) == (0, 0, 1)
    assert np.isfinite(found.fitted).all()


@pytest.mark.parametrize(("orientation", "along_rows"), [(0.0, True), (90.0, False)])
def test_orientation_is_that_of_the_stripes(orientation: float, along_rows: bool) -> None:
    """At 0 degrees every row is one value under the hull; at 90 every column is."""
    even, _ = gabor((SIDE, SIDE), 4, 4, orientation, 0.25, 1e6, 1e6)
    assert (np.ptp(even, axis=1 if along_rows else 0) < 1e-5).all()
    assert (np.ptp(even, axis=0 if along_rows else 1) > 1).all()


def test_orientation_counts_anticlockwise() -> None:
    """At 45 degrees the stripe through the centre rises to the right: up a row, right a column."""
    even, _ = gabor((SIDE, SIDE), 4, 4, 45, 0.1, 1e6, 1e6)
    np.testing.assert_allclose([even[3, 5], even[5, 3]], 1, atol=1e-6)
    assert even[3, 3] < 0.9


def test_small_filters_are_refused() -> None:
    """A filter of 1 x 1 pixels has no stripes."""
    with pytest.raises(InputError, match="3 x 3 pixels or more"):
        fit_gabors(np.ones((4, 3, 1, 1)))
