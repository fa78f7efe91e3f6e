"""p-values that count all units, q-values that count all features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from cellscope.evidence.multiplicity import family_wise, q_values

p_values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.001, 0.05, 1.0]), st.just(np.nan)), max_size=80)


@given(p_values)
def test_q_equals_scipy(values: list[float]) -> None:
    """q equals scipy's Benjamini-Hochberg on the features that have a p; NaN stays NaN."""
    p = np.array(values)
    q, known = q_values(p), ~np.isnan(p)
    assert np.array_equal(np.isnan(q), ~known)
    if known.any():
        assert np.allclose(q[known], false_discovery_control(p[known]), atol=1e-12)


def test_family_wise_counts_all_units() -> None:
    """p is (1 + draws whose largest effect is as large) / (1 + draws), for effects of either sign, ties included."""
    maxima = np.array([[0.1, 0.3], [0.2, 0.3], [0.3, 0.3]])
    p = family_wise(np.array([[0.25, -0.25, 0.0, 0.3, 0.31], [0.3, -0.31, 0.1, 0.2999, 0.5]]), maxima)
    assert np.allclose(p, np.array([[2, 2, 4, 2, 1], [4, 1, 4, 4, 1]]) / 4)


def test_family_wise_is_uniform_under_the_null() -> None:
    """Where effects are drawn like the draws, the smallest p of all units is uniform; that of one unit is larger."""
    rng = np.random.default_rng(0)
    best = []
    for _ in range(400):
        draws = np.abs(rng.standard_normal((200, 30)))
        best.append(family_wise(draws[:1], draws[1:].max(1, keepdims=True)))
    smallest = np.array(best).min((1, 2))
    for level in (0.05, 0.25, 0.5):
        assert (smallest <= level).mean() == pytest.approx(level, abs=0.06)


def test_beyond_all_draws() -> None:
    """Far beyond all draws p falls on, so that one finding among seventy features can stand, but never too early."""
    rng = np.random.default_rng(1)
    draws = np.abs(rng.standard_normal((999, 50))).max(1, keepdims=True)
    p = family_wise(np.array([[draws.max() + 1e-6, 4.5, 5.0, 6.0, 20.0]]), draws)[0]
    assert p[0] <= 1 / 1000
    assert (np.diff(p) <= 0).all()
    assert q_values(np.concatenate([[p[3]], np.linspace(0.2, 1, 68)]))[0] < 0.05
    for level in (1e-3, 3e-4):
        told = [
            family_wise(np.array([[x]]), draws)[0, 0] <= level for x in np.abs(rng.standard_normal((20_000, 50))).max(1)
        ]
        assert np.mean(told) <= 1.5 * level
    assert family_wise(np.ones((1, 1)), np.zeros((999, 1)))[0, 0] < 1e-6
    assert family_wise(np.zeros((1, 1)), np.zeros((999, 1)))[0, 0] == 1
