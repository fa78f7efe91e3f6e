"""Network Dissection's IoU, from counts: a unit's own mask, a concept of chance, and the most that there could be."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.scores.overlap import QUANTILE, dissection

RNG = np.random.default_rng(0)
PLACES = 400_000
BINS = 128


def counts(mask: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(positive, total) [1, bin] of places that lie in `bins` and are on in `mask`."""
    return tuple(np.bincount(bins[on], minlength=BINS)[None].astype(np.int64) for on in (mask, np.ones_like(mask)))


@pytest.fixture(scope="module")
def bins() -> np.ndarray:
    """Bins of places: half a percent of them in the highest eight."""
    low, high = RNG.integers(0, BINS - 8, PLACES), RNG.integers(BINS - 8, BINS, PLACES)
    return np.where(RNG.permutation(PLACES) < QUANTILE * PLACES, high, low)


def test_its_own_mask_has_an_overlap_of_one(bins: np.ndarray) -> None:
    """A concept that is exactly where the unit is among its highest half percent has an IoU of 1, and 1 at most."""
    positive, total = counts(bins >= BINS - 8, bins)
    assert dissection(total, positive, total) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("share", [0.002, 0.005, 0.05, 0.3, 0.9])
def test_a_concept_of_chance(bins: np.ndarray, share: float) -> None:
    """A mask drawn at density g has q g / (q + g - q g) with a unit at q; min(q, g) / max(q, g) is attainable."""
    positive, total = counts(RNG.random(PLACES) < share, bins)
    iou, most = dissection(total, positive, total)
    q = QUANTILE
    assert iou[0] == pytest.approx(q * share / (q + share - q * share), abs=0.0015)
    assert most[0] == pytest.approx(min(q, share) / max(q, share), rel=0.05)
    assert iou[0] <= most[0]


def test_a_large_concept_can_never_reach_the_published_bar(bins: np.ndarray) -> None:
    """A concept that covers an eighth of the places cannot have an IoU above .04, though the unit lies inside of it."""
    mask = (bins >= BINS - 8) | (RNG.random(PLACES) < 0.125)
    positive, total = counts(mask, bins)
    iou, most = dissection(total, positive, total)
    assert iou == pytest.approx(most)
    assert iou[0] < 0.04


def test_the_threshold_is_of_the_other_half(bins: np.ndarray) -> None:
    """The cut is where the choosing half puts it: of a unit that runs higher on the reporting half more is called."""
    choose = counts(np.ones(PLACES, bool), bins)[1]
    higher = np.minimum(bins + 4, BINS - 1)
    positive, total = counts(higher >= BINS - 4, higher)
    called = (higher >= BINS - 8).sum()
    assert dissection(choose, positive, total)[0][0] == pytest.approx((higher >= BINS - 4).sum() / called)


def test_many_units_and_concepts_at_once(bins: np.ndarray) -> None:
    """Counts of any leading shape give each the score that it has alone."""
    pairs = [counts(RNG.random(PLACES) < g, RNG.permutation(bins)) for g in (0.01, 0.1)]
    positive, total = (np.stack([pair[k] for pair in pairs]) for k in (0, 1))
    together = dissection(total, positive, total)
    assert together[0].shape == (2, 1)
    for k, (p, t) in enumerate(pairs):
        alone = dissection(t, p, t)
        assert together[0][k] == alone[0]
        assert together[1][k] == alone[1]


def test_dead_units_and_absent_concepts_are_numbers() -> None:
    """A unit in one bin, a concept that is nowhere and no counts at all give numbers from 0 to 1."""
    dead = np.zeros((1, BINS), np.int64)
    for total in (dead, dead + (np.arange(BINS) == 5) * 1000):
        for positive in (dead, total // 4):
            for value in dissection(total, positive, total):
                assert 0 <= value[0] <= 1
