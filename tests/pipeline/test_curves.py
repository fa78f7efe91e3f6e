from __future__ import annotations

import numpy as np
import pytest

from cellscope.pipeline.curves import REACH, Histograms, around, by_value
from cellscope.pipeline.find import Search
from cellscope.pipeline.pages import Material, curves


@pytest.fixture(scope="module")
def histograms(planted_search: Search) -> Histograms:
    return Histograms(planted_search.findings.counts.tally)


def test_a_histogram_holds_every_counted_character_once(histograms: Histograms) -> None:
    """Inside and outside together are the characters of the reporting half."""
    for unit in (0, 3, 9):
        borders, inside, outside = histograms.inside_outside(0, unit, 24)
        assert len(borders) == 25
        assert inside.sum() + outside.sum() == pytest.approx(histograms.total[unit].sum())
        assert inside.sum() == pytest.approx(histograms.positive[0, unit].sum())
        assert min(inside.min(), outside.min()) >= 0


def test_the_area_under_the_roc_curve_is_the_score(planted_search: Search, histograms: Histograms) -> None:
    """The curve on the page and the AUC beside it are one thing."""
    scores = planted_search.findings.scores
    for unit in range(0, 16, 3):
        sign = int(scores["sign"][0, unit])
        line = histograms.roc(0, unit, sign)
        assert line is not None
        area = np.trapezoid(np.array(line.y, float), np.array(line.x, float))
        assert area == pytest.approx(scores["auc"][0, unit], abs=1e-3)


def test_precision_and_recall_give_the_f1_of_the_search(planted_search: Search, histograms: Histograms) -> None:
    """2PR / (P + R) at the chosen threshold, for units of either sign."""
    scores = planted_search.findings.scores
    for unit in range(16):
        precision, recall = histograms.precision(0, unit, int(scores["sign"][0, unit]), scores["threshold"][0, unit])
        assert 2 * precision * recall / (precision + recall) == pytest.approx(scores["f1"][0, unit], abs=1e-6)


def test_the_latch_rises_at_the_start_and_falls_at_the_end(planted_search: Search) -> None:
    """Aligned averages: off before the bracket, on from it; on up to the end, off after it."""
    material = Material.of(planted_search)
    names = [str(unit) for unit in planted_search.findings.units]
    made = curves(material, 0, names.index("lstm.0:cell/0"))
    assert made.start is not None
    assert made.end is not None
    start, end = np.array(made.start.y, float), np.array(made.end.y, float)
    assert max(start[:REACH].max(), end[REACH:].max()) < 0.6 < min(start[REACH], end[REACH - 2])


def test_an_average_has_the_interval_of_its_spans() -> None:
    """Mean and 1.96 standard errors over places; none without any place."""
    values = np.random.default_rng(3).normal(2, 1, 50_000).astype(np.float32)
    line = around(values, np.arange(100, 40_000, 100))
    assert line is not None
    y, low, high = (np.array(part, float) for part in (line.y, line.low, line.high))
    assert abs(y - 2).max() < 0.3
    assert np.median(high - low) == pytest.approx(2 * 1.96 / np.sqrt(399), rel=0.1)
    assert around(values, np.array([3])) is None


def test_the_mean_by_value_follows_the_value() -> None:
    """A unit that is twice the label gives a line of slope two; a constant label gives one point."""
    label = np.random.default_rng(4).integers(0, 30, 10_000).astype(np.float32)
    line = by_value(2 * label, label)
    assert line is not None
    np.testing.assert_allclose(line.y, 2 * np.array(line.x), rtol=1e-3)
    one = by_value(label, np.full(10_000, 7, np.float32))
    assert one is not None
    assert one.x == (7.0,)
