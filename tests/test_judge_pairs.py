"""A unit is compared with what the text alone gives on the same blocks: what both owe to a block counts for neither."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellscope.axes import Site
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.evidence.intervals import expit
from cellscope.evidence.verdicts import Evidence
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labels
from cellscope.findings import Findings
from cellscope.judge import REPORT, judge
from cellscope.observe import ArraySource, rounds
from cellscope.pipeline.shares import share_of_units
from cellscope.pipeline.tracking import tracking

LENGTH = 80_000
PART = rounds(LENGTH)[0]
BLOCK = np.repeat(PART.block_of, np.diff(np.append(PART.starts, LENGTH)))


def told(
    letters: np.ndarray,
    on: np.ndarray,
    values: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    number: np.ndarray | None = None,
) -> Findings:
    """What a search finds of units [position, unit] where a feature is `on`, or is `number`, over a text of letters."""

    class Given:
        def __init__(self, features, corpus, **options) -> None:
            pass

        def read(self, start: int, stop: int) -> Labels:
            here = slice(start, stop)
            none = np.zeros((0, stop - start))
            if number is None:
                return Labels(start, on[None, here], none.astype(np.float32))
            return Labels(start, none.astype(bool), number[None, here].astype(np.float32))

    monkeypatch.setattr("cellscope.features.labeller.Labeller", Given)
    feature = Feature(name="planted", pattern="a", kind="span")
    if number is not None:
        feature = Feature(name="planted", kind="numeric", counter="column")
    corpus = Corpus.from_text("".join(letters))
    return judge(count(ArraySource(values.astype(np.float32), Site("x")), corpus, (feature,)))


def uneven(rng: np.random.Generator, on: np.ndarray, worst: float) -> np.ndarray:
    """Letters that tell where the feature is on, in some blocks far better than in others."""
    quality = rng.uniform(worst, 1, PART.blocks)[BLOCK]
    return np.where(on ^ (rng.random(LENGTH) > quality), "a", "b")


def by_points(e: Evidence) -> bool:
    """Whether the unit's own interval lies above the score of the last three characters, as if that were known."""
    return e.low > e.three


def test_what_varies_with_the_text_alone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that knows what the letters say, and a little more, is surely better than they are in every block, though
    its own interval reaches far below what they give.
    """
    rng = np.random.default_rng(1)
    on = np.repeat(rng.random(LENGTH // 10) < 0.3, 10)
    letters = uneven(rng, on, 0.5)
    a = (letters == "a").astype(float)
    recent = (a + np.roll(a, 1) + np.roll(a, 2)) / 3
    values = np.stack([recent + 0.04 * on + 0.05 * rng.standard_normal(LENGTH), rng.standard_normal(LENGTH)], 1)
    found = told(letters, on, values, monkeypatch)
    (e,) = found.evidence
    assert e.three < e.score
    assert not by_points(e)
    assert 0 < e.over_three_low < e.over_three < e.over_three_high
    assert e.found
    assert found.tracks().tolist() == tracking(found).found.tolist() == [[True, False]]
    share = share_of_units(found, at=e.score - 0.1)
    assert (share.number, share.high) == (1, 1)


def test_what_the_text_alone_may_well_give_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit as good in every block, over letters of which nobody can say how good they are: its interval lies above
    their score, and that of the difference holds 0.
    """
    rng = np.random.default_rng(2)
    on = np.repeat(rng.random(LENGTH // 10) < 0.3, 10)
    letters = uneven(rng, on, 0.3)
    values = np.stack([1.35 * on + rng.standard_normal(LENGTH), rng.standard_normal(LENGTH)], 1)
    found = told(letters, on, values, monkeypatch)
    (e,) = found.evidence
    assert by_points(e)
    assert e.over_three_low < 0 < e.over_three
    assert e.reason == "no unit beats the last three characters"
    assert not found.tracks().any()
    assert share_of_units(found, at=0.5).number == 0


def test_numbers_are_compared_by_pairs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of a number, on Fisher's z."""
    rng = np.random.default_rng(3)
    on = np.repeat(rng.random(LENGTH // 10) < 0.3, 10)
    letters = uneven(rng, on, 0.5)
    a = (letters == "a").astype(float)
    number = on * 10.0 + rng.integers(0, 3, LENGTH)
    values = (a + np.roll(a, 1) + np.roll(a, 2) + 0.05 * number + 0.1 * rng.standard_normal(LENGTH))[:, None]
    (e,) = told(letters, on, values, monkeypatch, number).evidence
    assert (e.kind, by_points(e), e.found) == ("numeric", False, True)
    assert e.over_three == pytest.approx(math.atanh(e.score) - math.atanh(e.three))


def test_the_ends_are_those_of_leaving_out_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that is what the last three characters predict lies above them by nothing, whatever a block does."""
    rng = np.random.default_rng(4)
    on = np.repeat(rng.random(LENGTH // 10) < 0.3, 10)
    letters = uneven(rng, on, 0.4)
    a = (letters == "a").astype(int)
    context = a * 4 + np.roll(a, 1) * 2 + np.roll(a, 2)
    choosing = BLOCK % 2 == 0
    rate = np.array([on[choosing & (context == k)].mean() for k in range(8)])
    found = told(letters, on, rate[context][:, None], monkeypatch)
    (e,) = found.evidence
    assert e.score == pytest.approx(e.three, abs=1e-3)
    assert (e.over_three_low, e.over_three_high) == pytest.approx((0, 0), abs=1e-2)
    assert e.high - e.low > 0.02
    (alone,) = found.alone
    assert alone.left.shape == (len(found.counts.tally.total[REPORT::2]), 1)
    assert expit(alone.whole) == pytest.approx([e.three])
