"""Models of n characters: proper, equal to a plain rewrite, the same however the texts are cut, in bounded memory."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence import ngrams
from cellscope.evidence.discounts import MOST, Sampled, discount
from cellscope.evidence.ngrams import NGrams, ngram_pieces

TEXTS = st.text(alphabet="abc ", min_size=1, max_size=60)


def ids_of(text: str) -> np.ndarray:
    return np.array([ord(character) - 32 for character in text], np.int64)


def asked(learnt: str, text: str, *, lead: int = 0, order: int = 4, symbols: int = 70) -> np.ndarray:
    model = NGrams(ids_of(text), lead=lead, symbols=symbols, order=order)
    model.learn(ids_of(learnt))
    return model.nats()


def plain(learnt: str, context: str, symbol: str, order: int, symbols: int) -> float:
    """Chen and Goodman's interpolated modified Kneser-Ney, written down with dictionaries of all strings."""
    occurrences: dict[str, int] = defaultdict(int)
    before: dict[str, set[str]] = defaultdict(set)
    for at in range(len(learnt)):
        for length in range(1, order + 1):
            if at - length + 1 >= 0:
                string = learnt[at - length + 1 : at + 1]
                occurrences[string] += 1
                if at >= length:
                    before[string].add(learnt[at - length])

    def tables(length: int, top: bool) -> dict[str, int]:
        strings = [s for s in occurrences if len(s) == length]
        return {s: occurrences[s] if top else len(before[s]) for s in strings}

    def share(h: str, top: bool) -> float:
        lower = share(h[1:], False) if h else 1 / symbols
        table = tables(len(h) + 1, top)
        counts = list(table.values())
        d = discount(np.array([sum(c == k for c in counts) for k in (1, 2, 3, 4)]))
        after = {s: c for s, c in table.items() if s[:-1] == h and c}
        if not after:
            return lower
        own = after.get(h + symbol, 0)
        spare = sum(d[min(c, 3) - 1] for c in after.values())
        return ((own - d[min(own, 3) - 1] if own else 0.0) + spare * lower) / sum(after.values())

    return share(context[len(context) - order + 1 :] if order > 1 else "", True)


def losses(*what, **how) -> np.ndarray:
    """All pieces together [order, position]."""
    return np.concatenate(list(ngram_pieces(*what, **how)), axis=1)


@given(TEXTS, TEXTS)
@settings(max_examples=60, deadline=None)
def test_the_nats_are_those_of_a_plain_rewrite(learnt: str, text: str) -> None:
    """Counting only what the asked text needs changes no probability, at any order, from the text's start on."""
    nats = asked(learnt, text, symbols=64)
    for at in range(len(text)):
        for order in range(1, 5):
            if at >= order - 1:
                expected = plain(learnt, text[:at], text[at], order, 64)
                assert np.isclose(np.exp(-nats[order - 1, at]), expected, rtol=1e-4)


@given(TEXTS, st.text(alphabet="abc ", min_size=3, max_size=20))
@settings(max_examples=40, deadline=None)
def test_probabilities_sum_to_one(learnt: str, context: str) -> None:
    """Over the whole vocabulary, at every order, whether the context was seen or not; and none is zero."""
    every = "".join(context + chr(32 + k) for k in range(70))
    last = asked(learnt, every, symbols=70)[:, len(context) :: len(context) + 1]
    assert last.shape == (4, 70)
    np.testing.assert_allclose(np.exp(-last).sum(1), 1, rtol=1e-4)


def test_an_unseen_context_says_nothing() -> None:
    """Where the longest context was never seen, its probability is that of the next shorter one's lower model."""
    nats = asked("abcabcabcabd", "zzab", order=8)
    assert np.ptp(nats[3:, 3]) == 0
    assert np.isclose(np.exp(-asked("", "abc")), 1 / 70).all()


def test_a_text_that_repeats_is_learnt_by_heart() -> None:
    """Ten different letters in turn cost a model of two characters next to nothing, and one of one character ln 10."""
    nats = asked("abcdefghij" * 100, "abcdefghij" * 5, lead=10)
    assert np.allclose(nats[0], np.log(10), atol=0.05)
    assert nats[1].max() < 0.02


def test_any_cutting_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of the learnt text and pieces of the asked one change nothing."""
    letters = np.random.default_rng(0).choice(list("abcd \n"), 6000)
    corpus = Corpus.from_text("".join(letters))
    vocabulary = Vocabulary.count(corpus)
    learnt = corpus.part(0, 4000)
    whole = losses(corpus, vocabulary, 4100, 5900, learnt=learnt, order=7)
    monkeypatch.setattr(ngrams, "WINDOW", 77)
    monkeypatch.setattr(ngrams, "STRINGS", 501 * 7)
    told: list[tuple[int, int]] = []
    cut = losses(
        corpus, vocabulary, 4100, 5900, learnt=learnt, order=7, progress=lambda done, of, _: told.append((done, of))
    )
    np.testing.assert_allclose(cut, whole, rtol=1e-6)
    assert told[-1] == (4 * 4000, 4 * 4000)


def test_tables_grow_as_they_must() -> None:
    """Many more followers than the tables begin with are all counted: a text of noise is as likely as its letters."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 200, 150_000)
    model = NGrams(noise[:500], lead=0, symbols=200, order=3)
    model.learn(noise)
    learnt = model.nats()
    model = NGrams(rng.integers(0, 200, 500), lead=0, symbols=200, order=3)
    model.learn(noise)
    assert np.allclose(model.nats()[0], np.log(200), atol=0.2)
    assert learnt[2, 2:].mean() < 3 < model.nats()[2].mean()


def test_memory_hangs_on_what_is_asked() -> None:
    """Eight times as much learnt text needs no more room than once did, where the language stays the same."""
    text = np.random.default_rng(3).integers(0, 6, 400_000)
    model = NGrams(text[:2000], lead=0, symbols=6, order=6)

    def room() -> int:
        return sum(v.nbytes for v in vars(model).values() if isinstance(v, np.ndarray))

    model.learn(text[:50_000])
    first = room()
    for at in range(50_000, 400_000, 50_000):
        model.learn(text[at : at + 50_000])
    assert room() == first


def test_a_vocabulary_too_large_is_refused() -> None:
    """Symbols beyond the room of a key are one clear line."""
    with pytest.raises(InputError, match="at most 1,048,576 symbols"):
        NGrams(np.zeros(3, np.int64), lead=0, symbols=2**20 + 1)


def test_a_sample_says_what_all_strings_would() -> None:
    """Discounts of a sample that was thinned agree with those of all strings, within a twentieth."""
    rng = np.random.default_rng(2)
    ids = rng.zipf(1.3, 400_000).clip(max=60)
    sampled = Sampled(4)
    sampled.add(ids[:1000], 0)
    for at in range(1000, len(ids), 50_000):
        sampled.add(ids[at - 4 : at + 50_000], 4)
    assert (sampled._used <= MOST).all()
    assert sampled._bits[3] > 0
    strings = np.lib.stride_tricks.sliding_window_view(ids, 4)
    counts = np.unique(strings, axis=0, return_counts=True)[1]
    exact = discount(np.bincount(np.minimum(counts, 5), minlength=6)[1:5])
    np.testing.assert_allclose(sampled.discounts()[3, 0], exact, rtol=0.05)


def test_discounts_are_those_of_the_paper() -> None:
    """Chen and Goodman's equation, worked by hand; plain ones where a text is too short to tell."""
    np.testing.assert_allclose(discount(np.array([40, 20, 10, 5])), [0.5, 1.25, 2.0])
    np.testing.assert_allclose(discount(np.array([4, 2, 0, 1])), [0.5, 1.0, 1.5])
    assert (discount(np.array([1, 1000, 1, 1000])) > 0).all()
