"""What the text alone gives away equals counting contexts in a dictionary."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_activations import grid_of
from sklearn.metrics import roc_auc_score

from cellscope.chunks import Round
from cellscope.evidence.baselines import Contexts
from cellscope.sinks.labels import LabelGrid

RNG = np.random.default_rng(0)


def seen(contexts: Contexts) -> np.ndarray:
    """How often each context occurs in each half, [half, context]."""
    return np.stack([contexts.seen[: contexts.used], contexts.reported.seen(contexts.used)])


def codes_of(text: str) -> np.ndarray:
    return np.array([0, 0, *map(ord, text)], np.uint32)


def counted(
    text: str, spans: np.ndarray, numbers: np.ndarray, cuts: list[int], *, limit: int = 2**18
) -> tuple[Contexts, np.ndarray]:
    """The contexts of a text that is added in rounds, and the block of every position."""
    contexts, codes = Contexts(len(spans), len(numbers), 8, limit=limit), codes_of(text)
    block = np.empty(len(text), int)
    whole = grid_of(spans, numbers)
    for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True):
        lanes = min(8, last - first)
        part = Round(first, last, lanes, lanes)
        here = slice(first, last)
        rows = (a[:, here] for a in (whole.spans, whole.label, whole.rank, whole.mask))
        contexts.add(part, codes[first : last + 2], LabelGrid(first, *rows))
        block[here] = np.repeat(part.block_of, np.diff(np.append(part.starts, last)))
    return contexts, block


def by_hand(text: str, values: np.ndarray, counts: np.ndarray, half: np.ndarray) -> tuple[list[float], list[float]]:
    """The prediction of every counted reporting position from the current character, and from the last three."""
    padded = "\0\0" + text
    learnt: dict[str, list[float]] = defaultdict(list)
    for t in np.flatnonzero((half == 0) & counts):
        learnt[text[t]].append(values[t])
        learnt[padded[t : t + 3]].append(values[t])
        learnt[""].append(values[t])
    overall = float(np.mean(learnt[""])) if learnt[""] else 0.0

    def one(t: int) -> float:
        seen = learnt.get(text[t], [])
        return (sum(seen) + overall) / (len(seen) + 1)

    def three(t: int) -> float:
        seen = learnt.get(padded[t : t + 3], [])
        return (sum(seen) + one(t)) / (len(seen) + 1)

    where = np.flatnonzero((half == 1) & counts).tolist()
    return [one(t) for t in where], [three(t) for t in where]


TEXTS = {
    "letters": "".join(RNG.choice(list("aab \n"), 3000)),
    "any code point": "".join(
        map(chr, RNG.choice([0, 1, 97, 255, 0x1000, 0x10FFFF, 0x1F600, 0x200000 - 0xF0001], 3000))
    ),
    "one letter": "a" * 3000,
}


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("cuts", [[], [1000], [1, 2, 3, 2000]])
def test_equals_a_dictionary(name: str, cuts: list[int]) -> None:
    """AUC and rank r of both baselines equal those of predictions from a dictionary, over any rounds."""
    text = TEXTS[name]
    letters = np.array(list(text))
    spans = np.stack([(letters == "a") ^ (RNG.random(3000) < 0.2), np.roll(letters == "b", 2), RNG.random(3000) < 0.01])
    numbers = np.stack([np.arange(3000) % 50 + (letters == "a") * 20.0, RNG.standard_normal(3000)])
    numbers[1, RNG.random(3000) < 0.5] = np.nan
    contexts, block = counted(text, spans, numbers, cuts)
    half = block % 2
    assert contexts.left_out == 0
    assert int(seen(contexts).sum()) == 3000
    assert contexts.used == len({("\0\0" + text)[t : t + 3] for t in range(3000)})
    (one, three), (near, far) = contexts.aucs(), contexts.correlations()
    aucs, correlations = (one, three.whole), (near, far.whole)
    for f, span in enumerate(spans):
        for found, guess in zip(aucs, by_hand(text, span.astype(float), np.ones(3000, bool), half), strict=True):
            truth = span[half == 1]
            expected = roc_auc_score(truth, guess) if 0 < truth.sum() < len(truth) else 0.5
            assert found[f] == pytest.approx(expected, abs=1e-9)
    for f, number in enumerate(numbers):
        counts, number = ~np.isnan(number), grid_of(spans, numbers).rank[f].astype(float)
        for found, guess in zip(correlations, by_hand(text, number, counts, half), strict=True):
            truth = number[counts & (half == 1)]
            expected = np.corrcoef(truth, guess)[0, 1] if np.std(guess) > 1e-12 else 0.0
            assert found[f] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("cuts", [[], [1000], [4, 2000]])
def test_without_a_block(cuts: list[int]) -> None:
    """The score of the last three characters without each reporting block is that of a dictionary which was asked of
    the other blocks alone; the prediction stays that of the choosing half.
    """
    text = TEXTS["letters"]
    letters = np.array(list(text))
    spans = np.stack([(letters == "a") ^ (RNG.random(3000) < 0.2), np.roll(letters == "b", 2), RNG.random(3000) < 0.01])
    numbers = np.stack([np.arange(3000) % 50 + (letters == "a") * 20.0, RNG.standard_normal(3000)])
    numbers[1, RNG.random(3000) < 0.5] = np.nan
    contexts, block = counted(text, spans, numbers, cuts)
    auc, correlation = contexts.aucs()[1], contexts.correlations()[1]
    assert auc.left.shape == (4, 3)
    assert correlation.left.shape == (4, 2)
    for b in range(4):
        for f, span in enumerate(spans):
            _, guess = by_hand(text, span.astype(float), np.ones(3000, bool), block % 2)
            kept = block[block % 2 == 1] != 2 * b + 1
            truth = roc_auc_score(span[block % 2 == 1][kept], np.array(guess)[kept])
            assert auc.left[b, f] == pytest.approx(truth, abs=1e-9)
        for f, number in enumerate(numbers):
            counts, rank = ~np.isnan(number), grid_of(spans, numbers).rank[f].astype(float)
            _, guess = by_hand(text, rank, counts, block % 2)
            kept = block[counts & (block % 2 == 1)] != 2 * b + 1
            truth = np.corrcoef(rank[counts & (block % 2 == 1)][kept], np.array(guess)[kept])[0, 1]
            assert correlation.left[b, f] == pytest.approx(truth, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=400), st.data())
def test_contexts_are_never_mixed_up(text: str, data: st.DataObject) -> None:
    """Two contexts are never one, and a context never two, for any characters: counts are those of a dictionary."""
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)) if len(text) > 1 else [])
    contexts, block = counted(text, np.zeros((0, len(text))), np.zeros((0, len(text))), list(cuts))
    expected: dict[tuple[str, int], int] = defaultdict(int)
    for t in range(len(text)):
        expected["\0\0"[t:] + text[max(0, t - 2) : t + 1], block[t] % 2] += 1
    every = seen(contexts)
    assert sorted(every[every > 0].tolist()) == sorted(expected.values())


def test_growth_and_limit() -> None:
    """Tables grow with the contexts; beyond the limit, positions are left out and counted as such."""
    length = 40_000
    text = "".join(map(chr, RNG.integers(0x4E00, 0x9FFF, length)))
    spans = RNG.random((2, length)) < 0.3
    whole, _ = counted(text, spans, np.zeros((0, length)), [10_000])
    assert whole.used > 39_000
    assert int(whole.on[0].sum() + whole.reported.on(0, whole.used).sum()) == int(spans[0].sum())
    some, _ = counted(text, spans, np.zeros((0, length)), [10_000], limit=2**14)
    assert some.used == 2**14
    assert some.left_out == length - int(seen(some).sum()) > 0
    for one, three in (whole.aucs(), some.aucs()):
        auc = np.concatenate([one, three.whole, three.left.ravel()])
        assert ((auc > 0.4) & (auc < 0.6)).all()


def test_what_characters_say() -> None:
    """A label that the current character decides is predicted perfectly from it; one of three, from three."""
    text = "".join(RNG.choice(list("abc"), 20_000))
    letters = np.array(list(text))
    now = letters == "a"
    then = (np.roll(letters, 2) == "b") & (letters == "c")
    before = np.roll(letters, 3) == "b"
    contexts, _ = counted(text, np.stack([now, then, before]), np.zeros((0, 20_000)), [])
    one, three = contexts.aucs()[0], contexts.aucs()[1].whole
    assert one[0] == pytest.approx(1.0)
    assert one[1] < 0.9 < 0.999 < three[1]
    assert abs(three[2] - 0.5) < 0.05


def test_nothing_seen() -> None:
    """A text of one character, and labels that are never on, give a half and no error."""
    contexts, _ = counted("a", np.zeros((1, 1)), np.full((1, 1), np.nan), [])
    for (one, three), nothing in ((contexts.aucs(), 0.5), (contexts.correlations(), 0.0)):
        assert one.tolist() == three.whole.tolist() == [nothing]
        assert three.left.shape == (4, 1)
