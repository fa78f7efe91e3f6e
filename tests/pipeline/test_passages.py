from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.pipeline.passages import at_random, contexts, peaks, reading, wrongness
from cellscope.pipeline.scan import Scan, Survey

UNIT = Unit(Site("lstm.0", "cell"), 3)


def labels_of(spans: np.ndarray, *, start: int = 0, numbers: np.ndarray | None = None) -> Survey:
    numbers = np.zeros((0, spans.shape[-1]), np.float32) if numbers is None else numbers[None].astype(np.float32)
    return Survey(start, spans[None], numbers)


def test_peaks_are_the_highest_places_apart_from_one_another() -> None:
    """The best first; a neighbour of a chosen place is never chosen, NaN neither."""
    score = np.zeros(1000, np.float32)
    score[[100, 101, 500, 900]] = 4, 5, 3, np.nan
    assert peaks(score, 2, apart=50) == [101, 500]
    assert 900 not in peaks(score, 20, apart=50)


def test_few_places_give_few_peaks() -> None:
    """A short text has fewer places than were asked for."""
    assert len(peaks(np.arange(100, dtype=np.float32), 6, apart=60)) == 2


@pytest.mark.parametrize("sign", [1, -1])
def test_the_most_wrong_place_is_where_the_unit_says_the_opposite(sign: int) -> None:
    """On outside and off inside are both wrong; a unit that goes down with the feature is turned round first."""
    spans = np.zeros(1000, bool)
    spans[300:600] = True
    values = (np.where(spans, 1.0, -1.0) * sign + np.random.default_rng(0).normal(0, 0.01, 1000)).astype(np.float32)
    values[[50, 450]] = 3 * sign, -3 * sign
    wrong = wrongness(values, labels_of(spans), 0, sign)
    assert set(peaks(wrong, 2, apart=10)) == {50, 450}


def test_where_a_number_does_not_count_nothing_is_wrong() -> None:
    """NaN where the label is NaN; the largest disagreement of ranks elsewhere."""
    number = np.arange(200, dtype=np.float32)
    number[:20] = np.nan
    values = np.arange(200, dtype=np.float32)
    values[199] = -1
    labels = Survey(0, np.zeros((0, 200), bool), number[None])
    wrong = wrongness(values, labels, 0, 1)
    assert np.isnan(wrong[:20]).all()
    assert np.nanargmax(wrong) == 199


def test_contexts_lie_within_the_scan_and_hold_their_peak() -> None:
    """Top, bottom and wrong places in positions of the corpus, cut off at the borders of what was heard."""
    values = np.random.default_rng(1).normal(size=(5000, 1)).astype(np.float16)
    values[0], values[4999] = 9, -9
    scan = Scan(values, labels_of(np.arange(5000) % 7 == 0, start=700))
    cuts = contexts(scan, 0, 0, UNIT, 1, count=4)
    assert [cut.kind for cut in cuts] == ["top"] * 4 + ["bottom"] * 4 + ["wrong"] * 4
    assert (cuts[0].peak, cuts[4].peak) == (700, 5699)
    for cut in cuts:
        assert cut.peak is not None
        assert 700 <= cut.start <= cut.peak < cut.stop <= 5700
        assert cut.unit == str(UNIT)


def test_random_places_depend_on_the_seed_alone() -> None:
    """The same seed, the same places; no two of them overlap."""
    scan = Scan(np.zeros((4000, 2), np.float16), labels_of(np.zeros(4000, bool)))
    first, again = at_random(scan, count=6, seed=5), at_random(scan, count=6, seed=5)
    assert first == again
    assert first != at_random(scan, count=6, seed=6)
    ordered = sorted(first, key=lambda cut: cut.start)
    assert all(a.stop <= b.start for a, b in pairwise(ordered))


def test_the_reading_passage_has_the_feature_and_much_else() -> None:
    """It begins with a line, where spans are many, though most of the text has none."""
    line = "plain words and nothing else at all\n"
    rich = "some [span] here and [another] there\n"
    text = line * 200 + rich * 60 + line * 400
    spans = np.zeros(len(text), bool)
    depth = 0
    for k, c in enumerate(text):
        depth += c == "["
        spans[k] = depth > 0
        depth -= c == "]"
    cut = reading(Corpus.from_text(text), labels_of(spans), 0, length=1500)
    assert text[cut.start - 1] == "\n"
    share = spans[cut.start : cut.stop].mean()
    assert spans.mean() * 3 < share < 0.9
    assert cut.stop - cut.start == 1500


def test_a_text_without_the_feature_still_has_a_passage() -> None:
    """Nothing labelled, everything labelled, or a text shorter than a passage: some stretch of it is shown."""
    corpus = Corpus.from_text("ab\n" * 100)
    for spans in (np.zeros(300, bool), np.ones(300, bool)):
        cut = reading(corpus, labels_of(spans), 0, length=4000)
        assert (cut.start, cut.stop) == (0, 300)


def test_a_number_is_read_where_it_varies() -> None:
    """The passage of a numeric feature is where it counts and changes."""
    number = np.zeros(6000, np.float32)
    number[2000:3000] = np.arange(1000)
    number[4000:] = np.nan
    corpus = Corpus.from_text("x" * 6000)
    cut = reading(corpus, Survey(0, np.zeros((0, 6000), bool), number[None]), 0, length=1000)
    assert cut.start < 3000
    assert cut.stop > 2000


def test_a_unit_that_is_a_little_late_is_not_wrong() -> None:
    """The characters beside a border are passed over, unless there are no others."""
    spans = np.zeros(400, bool)
    spans[100:200] = True
    late = np.roll(spans, 1).astype(np.float32)
    wrong = wrongness(late, labels_of(spans), 0, 1)
    assert np.isnan(wrong[[98, 99, 100, 101, 198, 199, 200, 201]]).all()
    assert not np.isnan(wrong[[97, 102, 197, 202]]).any()
    assert np.isfinite(wrongness(late, labels_of(np.arange(400) % 2 == 0), 0, 1)).all()
