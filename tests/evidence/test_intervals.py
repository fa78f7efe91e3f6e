"""Intervals from blocks hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from planted_activations import slow_noise, stretches
from scipy.stats import norm, rankdata, sem, t

from cellscope.evidence.intervals import Replicates, apart, expit, jackknife, logit, paired_interval, replicates
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


def test_one_block_with_all_errors_makes_no_endless_interval() -> None:
    """An AUC of .9995 whose errors all come from one of 16 blocks is surely high; a perfect one has itself as its ends;
    a correlation near 1 is treated alike.
    """
    left = np.full(16, 0.99947)
    left[3] = 1
    low, high = (expit(end) for end in Replicates(np.array(0.9995), left).in_log_odds().ends())
    assert 0.99 < low < 0.9995 < high < 1
    ends = Replicates(np.array(1.0), np.ones(16)).in_log_odds().ends()
    assert ends[0] == ends[1] == logit(1.0)
    rows = Replicates(np.array([0.9, -0.3]), np.array([[0.9, 0.91, 0.89], [-0.3, -0.2, -0.4]]).T)
    np.testing.assert_allclose(rows.in_z().left, np.arctanh(rows.left))
    low, high = (np.tanh(end) for end in Replicates(np.array(0.999), 2 * left - 1).in_z().ends())
    assert 0.97 < low < 0.999 < high < 1
    both = Replicates(np.array([0.9, 0.9]), np.array([[0.9, 0.9]] * 3)).on_line(np.array([True, False]))
    np.testing.assert_allclose(both.whole, [np.log(9), np.arctanh(0.9)])


@pytest.mark.parametrize("truth", [0.9, 0.999])
def test_coverage_of_few_blocks_near_the_end_of_the_scale(truth: float) -> None:
    """Six short blocks, most of them without an error: 95 % still, and no interval that says nothing."""
    rng = np.random.default_rng(7)
    trials, blocks, length, bins = 200, 6, 600, 128
    shift = norm.ppf(truth) * np.sqrt(2)
    held, lows = 0, []
    for _ in range(trials):
        on = stretches(rng, blocks * length, 30, 100)
        x = slow_noise(rng, blocks * length, [20])[:, 0] + shift * on
        place = np.digitize(x, np.linspace(-4, shift + 4, bins - 1)).reshape(blocks, length)
        rows = np.arange(blocks)[:, None] * bins + place
        counts = [np.bincount(r, minlength=blocks * bins).reshape(blocks, bins).astype(float) for r in
                  (rows[on.reshape(blocks, length)], rows.ravel())]  # fmt: skip
        low, high = map(expit, replicates(lambda s: auroc(*s), counts).in_log_odds().ends())
        held += bool(low <= truth <= high)
        lows.append(low)
    assert held / trials == pytest.approx(0.95, abs=0.05)
    assert min(lows) > 0.5


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
        made = replicates(lambda s: auroc(s[0], s[1]), [positive.astype(float), total.astype(float)])
        low, high = made.in_log_odds().ends()
        held += bool(expit(low) <= truth <= expit(high))
    assert held / trials == pytest.approx(0.95, abs=0.05)


def test_coverage_of_a_difference_of_aucs() -> None:
    """Two predictions of one label that err together: the interval of their difference from pairs holds the truth in
    about 95 % of the texts, and is far narrower than that of figures which are taken as independent.
    """
    trials, blocks, length, bins = 150, 16, 1500, 64
    shifts = np.array([1.2, 1.0])
    truth = np.subtract(*logit(norm.cdf(shifts / np.sqrt(2))))
    held, narrower = 0, []
    for _ in range(trials):
        on = stretches(RNG, blocks * length, 30, 100)
        common, *own = slow_noise(RNG, blocks * length, [30, 5, 5]).T
        made = []
        for shift, noise in zip(shifts, own, strict=True):
            x = np.sqrt(0.9) * common + np.sqrt(0.1) * noise + shift * on
            place = np.digitize(x, np.linspace(-3, 4, bins - 1)).reshape(blocks, length)
            rows = np.arange(blocks)[:, None] * bins + place
            counts = [np.bincount(r, minlength=blocks * bins).reshape(blocks, bins) for r in
                      (rows[on.reshape(blocks, length)], rows.ravel())]  # fmt: skip
            made.append(replicates(lambda s: auroc(*s), [c.astype(float) for c in counts]).in_log_odds())
        low, high = (made[0] - made[1]).ends()
        held += bool(low <= truth <= high)
        reaches = [one.ends()[1] - one.whole for one in made]
        narrower.append((high - low) / 2 / apart(*reaches))
    assert held / trials == pytest.approx(0.95, abs=0.05)
    assert np.mean(narrower) < 0.5


def test_a_drawn_mean_is_the_mean_of_the_drawn_blocks() -> None:
    """What is right to the first order is exact for a mean; and a ratio is not far off."""
    x = RNG.standard_normal((16, 3)) + 5
    weights = RNG.multinomial(16, np.full(16, 1 / 16), 50).astype(float)
    made = replicates(mean, [x, np.ones((16, 3))])
    np.testing.assert_allclose(made.drawn(weights), weights @ x / 16)
    size = RNG.gamma(20, size=(16, 3))
    ratio = replicates(mean, [x * size, size])
    truth = (weights @ (x * size)) / (weights @ size)
    assert np.abs(ratio.drawn(weights) - truth).max() < 0.1 * np.abs(truth - ratio.whole).max()


def test_replicates_of_a_difference_and_of_a_function() -> None:
    """Differences and functions of replicates are those of the statistics, with every block and without each."""
    x, y = RNG.random((2, 5, 4)) + 1
    a, b = (replicates(lambda s: s[0], [z]) for z in (x, y))
    whole = replicates(lambda s: np.log(s[0]) - np.log(s[1]), [x, y])
    made = a.through(np.log) - b.through(np.log)
    for one, other in ((made, whole), (made.of(slice(1, 3)), whole.of([1, 2]))):
        np.testing.assert_allclose(one.whole, other.whole)
        np.testing.assert_allclose(one.left, other.left)
    assert np.isnan(Replicates(np.zeros(2), np.zeros((2, 2))).ends()).all()


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
