"""Intervals from blocks hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from planted_activations import slow_noise, stretches
from scipy.stats import norm, rankdata, sem, t

from cellscope.evidence.intervals import expit, jackknife, logit, paired_interval
from cellscope.scores.association import auroc

RNG = np.random.default_rng(0)


def mean(sums: list[np.ndarray]) -> np.ndarray:
    return sums[0] / sums[1]


def test_of_a_mean_is_the_t_interval() -> None:
    """For a plain mean over blocks of one size the jackknife is Student's interval."""
    x = RNG.standard_normal((16, 3))
    low, high = jackknife(mean, [x, np.ones((16, 3))])
    reach = t.ppf(0.975, 15) * sem(x, axis=0)
    assert np.allclose(low, x.mean(0) - reach)
    assert np.allclose(high, x.mean(0) + reach)


@pytest.mark.parametrize("blocks", [6, 16])
def test_coverage_for_blocks(blocks: int) -> None:
    """Blocks that differ from one another: the interval of a ratio of sums holds the truth in about 95 % of trials."""
    trials = 2000
    weight = RNG.gamma(20, size=(blocks, trials))
    x = weight * (0.7 + 0.2 * RNG.standard_normal((blocks, trials)))
    low, high = jackknife(mean, [x, weight])
    assert ((low <= 0.7) & (high >= 0.7)).mean() == pytest.approx(0.95, abs=0.025)


def test_coverage_of_an_auc_of_slow_noise() -> None:
    """AUC of units and features that go on for tens of characters: 95 % again."""
    trials, blocks, length, bins = 150, 16, 1500, 64
    shift = 1.0
    truth = norm.cdf(shift / np.sqrt(2))
    held = 0
    for _ in range(trials):
        on = stretches(RNG, blocks * length, 30, 100)
        x = slow_noise(RNG, blocks * length, [20])[:, 0] + shift * on
        place = np.digitize(x, np.linspace(-3, 4, bins - 1)).reshape(blocks, length)
        rows = np.arange(blocks)[:, None] * bins + place
        total = np.bincount(rows.ravel(), minlength=blocks * bins).reshape(blocks, bins)
        positive = np.bincount(rows[on.reshape(blocks, length)], minlength=blocks * bins).reshape(blocks, bins)
        low, high = jackknife(lambda s: logit(auroc(s[0], s[1])), [positive.astype(float), total.astype(float)])
        held += bool(expit(low) <= truth <= expit(high))
    assert held / trials == pytest.approx(0.95, abs=0.05)


def test_few_blocks() -> None:
    """Fewer than three blocks say nothing about a spread: NaN, of the statistic's shape."""
    for blocks in (1, 2):
        low, high = jackknife(mean, [np.ones((blocks, 4)), np.ones((blocks, 4))])
        assert low.shape == high.shape == (4,)
        assert np.isnan(low).all()
        assert np.isnan(high).all()
    assert not np.isnan(jackknife(mean, [np.ones((3, 4)), np.ones((3, 4))])[0]).any()


def test_logit() -> None:
    """`expit` undoes `logit`; the ends are finite."""
    p = np.array([0.0, 1e-3, 0.5, 0.999, 1.0])
    assert np.isfinite(logit(p)).all()
    assert np.allclose(expit(logit(p)), p, atol=1e-5)
    assert np.array_equal(np.argsort(logit(p)), rankdata(p, method="ordinal") - 1)


def test_a_paired_interval_is_that_of_agresti_and_min() -> None:
    """Known answer: 10 lost and 2 gained of 100 pictures, with half a picture in each cell: (-.141, -.016)."""
    before = np.array([True] * 50 + [False] * 50)
    after = before.copy()
    after[:10], after[50:52] = False, True
    low, high = paired_interval(before, after)
    middle, spread = -8 / 102, np.sqrt(13 - 64 / 102) / 102
    assert (low, high) == pytest.approx((middle - 1.959964 * spread, middle + 1.959964 * spread))
    assert paired_interval(before, before)[0] < 0 < paired_interval(before, before)[1]
