from __future__ import annotations

import numpy as np

from cellscope.evidence.shares import Share, interval_of_number, resampled


def test_resampled_texts_have_as_many_blocks() -> None:
    """Every draw has as many blocks as the text, each equally often on average; the seed decides."""
    weights = resampled(16, draws=2000, seed=3)
    assert (weights.sum(1) == 16).all()
    assert np.abs(weights.mean(0) - 1).max() < 0.1
    assert np.array_equal(weights, resampled(16, draws=2000, seed=3))


def test_a_unit_counts_once() -> None:
    """However many of its pairs are kept: the interval of numbers that are known."""
    unit = np.array([4, 4, 9, 1])
    kept = np.zeros((100, 4), bool)
    kept[:, :2] = True  # unit 4, twice
    kept[:50, 2] = True  # unit 9, in half of the draws
    assert interval_of_number(kept, unit) == (1.0, 2.0)
    assert interval_of_number(np.zeros((100, 0), bool), unit[:0]) == (0.0, 0.0)


def test_the_interval_covers_a_known_number() -> None:
    """Units on either side of a line by a known distance, scored on 20 blocks of noise: the interval of how many are
    above it holds the true number in most of 200 texts.
    """
    draw = np.random.default_rng(8)
    truth = np.linspace(-1, 1, 40) + 0.01
    hits = 0
    for trial in range(200):
        blocks = truth + draw.normal(0, 0.5, (20, 40))
        weights = resampled(20, seed=trial)
        low, high = interval_of_number(weights @ blocks / 20 > 0, np.arange(40))
        hits += low <= (truth > 0).sum() <= high
    assert hits >= 176  # 95 % would be 190; percentiles of 20 blocks are a little narrow


def test_a_share_tells_its_figures() -> None:
    """Number and interval as shares of all units."""
    share = Share(0.9, 14, 512, 12, 21, 400, 123)
    assert share.json()["share"] == 14 / 512
    assert share.interval == (12 / 512, 21 / 512)
