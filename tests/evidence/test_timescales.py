from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from cellscope.evidence.timescales import time_scales


def autoregressive(coefficients: list[float], *, length: int = 200_000, seed: int = 5) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((length, len(coefficients)))
    return np.stack([lfilter([1.0], [1.0, -a], noise[:, k]) for k, a in enumerate(coefficients)], axis=1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_an_ar1_process_has_the_time_scale_of_its_coefficient(dtype: type) -> None:
    """tau = -1 / ln a, from less than one character to hundreds, at any precision."""
    coefficients = [0.2, 0.5, 0.9, 0.98, 0.995]
    found = time_scales(autoregressive(coefficients).astype(dtype))
    np.testing.assert_allclose(found, -1 / np.log(coefficients), rtol=0.1)


def test_scale_and_offset_do_not_matter() -> None:
    """A unit that is shifted, turned round or made larger remembers as long as before."""
    values = autoregressive([0.9, 0.97], length=50_000)
    np.testing.assert_allclose(time_scales(values * -40 + 300), time_scales(values), rtol=1e-2)


def test_what_never_falls_has_the_longest_lag() -> None:
    """A ramp stays correlated with itself up to the end of what is looked at."""
    ramp = np.linspace(-1, 1, 40_000)[:, None]
    assert time_scales(ramp, longest=300)[0] == 300


def test_a_constant_unit_has_no_time_scale() -> None:
    """NaN for a unit that never moves, and no warning."""
    values = np.zeros((1000, 2))
    values[:, 1] = 1.5
    assert np.isnan(time_scales(values)).all()


def test_a_text_of_two_characters_is_enough_not_to_fail() -> None:
    """The shortest texts give a number or NaN."""
    assert time_scales(np.array([[0.0], [1.0]])).shape == (1,)
    assert np.isnan(time_scales(np.zeros((1, 3)))).all()
