from __future__ import annotations

import numpy as np
import pytest
from planted_kinds import HERE

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.evidence.portraits import kinds_of
from cellscope.evidence.timescales import time_scale_of_lanes, time_scales
from cellscope.features.feature import Feature
from cellscope.observe import ArraySource

LINK = Feature(name="link", pattern=r"\[\[[a-z ]+\]\]")


def linked(length: int, *, seed: int = 2) -> str:
    """Words, single brackets that mean nothing, and links between double ones."""
    draw = np.random.default_rng(seed)
    pieces = []
    while sum(map(len, pieces)) < length:
        name = "abcdefghijklmnopqrst"[: draw.integers(4, 20)]
        pieces.append([f"[{name}] ", f"[[{name}]] ", f"{name * 3} "][draw.integers(3)])
    return "".join(pieces)[:length]


TEXT = linked(60_000)


def link_cell(wait: int, hold: int) -> np.ndarray:
    """On from the `wait`-th character of a link (counted from 0) until `hold` after its last, with a little noise."""
    import re

    values = np.zeros(len(TEXT))
    for match in re.finditer(LINK.pattern, TEXT):
        values[match.start() + wait : match.end() + hold] = 1
    return values + 0.1 * np.random.default_rng(0).standard_normal(len(values))


@pytest.mark.parametrize(("wait", "hold"), [(1, 0), (0, 0), (3, -1), (1, 4)])
def test_a_unit_knows_when_it_was_made_to(wait: int, hold: int) -> None:
    """The cell of double brackets that waits for the second one knows on reading it, surely; so do others at theirs."""
    values = link_cell(wait, hold)[:, None].astype(np.float32)
    onset = kinds_of(ArraySource(values, HERE), Corpus.from_text(TEXT), {Unit(HERE, 0): (LINK, 0)})[Unit(HERE, 0)].onset
    assert onset is not None
    assert (onset.knows, onset.knows_range) == (wait, (wait, wait))
    assert (onset.lets_go, onset.lets_go_range) == (hold + 1, (hold + 1, hold + 1))
    assert onset.plateau == pytest.approx(1, abs=0.1)
    assert onset.outside == pytest.approx(0, abs=0.1)


def test_words_count_from_one() -> None:
    """Offset 1 from the start is the second character; what is held past the view is said to be."""
    values = link_cell(1, 0)[:, None].astype(np.float32)
    unit = Unit(HERE, 0)
    kind = kinds_of(ArraySource(values, HERE), Corpus.from_text(TEXT), {unit: (LINK, 0)})[unit]
    assert kind.timing == "knows on reading its second character, lets go one character after its last"


def test_a_time_scale_of_lanes_is_that_of_the_whole() -> None:
    """AR(1) noise of coefficient a has -1 / ln a, heard in one lane or in many."""
    from scipy.signal import lfilter

    draws = np.random.default_rng(1).standard_normal(200_000)
    values = lfilter([1], [1, -0.9], draws).astype(np.float32)
    whole = time_scales(values[:, None])[0]
    lanes = time_scale_of_lanes(values.reshape(100, 2000).T)
    assert whole == pytest.approx(-1 / np.log(0.9), rel=0.05)
    assert lanes == pytest.approx(whole, rel=0.05)
    assert np.isnan(time_scale_of_lanes(np.ones((100, 4))))
