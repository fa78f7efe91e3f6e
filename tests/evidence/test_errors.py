"""Errors side by side: sums that add up, differences that were planted, intervals that know of blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence import groups as module
from cellscope.evidence.classes import CLASSES, class_of
from cellscope.evidence.distances import by_distance
from cellscope.evidence.errors import Reference, errors
from cellscope.evidence.groups import WRONG, blocks_of, compare
from cellscope.features.library import select

LENGTH = 20_000


def nats(seed: int, order: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).exponential(0.8, (order, LENGTH)).astype(np.float32)


def codes(text: str) -> np.ndarray:
    return np.array([ord(c) for c in text], np.uint32)


def test_a_character_is_wrong_below_one_half() -> None:
    """Exactly one half is right; what only one gets wrong is counted for that one alone."""
    network = np.tile(np.array([0.1, WRONG + 0.01, 0.1, 2.0], np.float32), 250)
    ngram = np.tile(np.array([0.1, 0.1, 3.0, 2.0], np.float32), 250)
    [group] = compare(network, ngram, np.zeros(1000, np.int64), ("all",))
    assert (group.network_wrong, group.ngram_wrong) == (0.5, 0.5)
    assert (group.only_network.value, group.only_ngram.value) == (0.25, 0.25)
    half = np.full(1000, math.log(2), np.float32)
    assert compare(half, half, np.zeros(1000, np.int64), ("all",))[0].network_wrong == 0


def test_groups_are_plain_means() -> None:
    """Every group has the means of its characters, those of none are left out, and so are characters of no group."""
    network, ngram = nats(0)[0], nats(1)[0]
    group = np.random.default_rng(2).integers(-1, 3, LENGTH)
    made = {g.name: g for g in compare(network, ngram, group, ("a", "b", "c", "d"))}
    assert list(made) == ["a", "b", "c"]
    for k, name in enumerate("abc"):
        here = group == k
        assert made[name].characters == here.sum()
        assert math.isclose(made[name].network, network[here].mean(), rel_tol=1e-5)
        assert math.isclose(made[name].difference.value, (network - ngram)[here].mean(), rel_tol=1e-4)
        off, other = network[here] > WRONG, ngram[here] > WRONG
        assert math.isclose(made[name].only_network.value, (off & ~other).mean(), rel_tol=1e-9)


def test_a_planted_difference_is_found_and_none_is_not() -> None:
    """The interval of a difference holds what was planted, and zero where nothing was."""
    base = nats(3)[0]
    noise = np.random.default_rng(4).normal(0, 0.3, LENGTH).astype(np.float32)
    for planted in (0.0, -0.2):
        [group] = compare(base + planted + noise, base, np.zeros(LENGTH, np.int64), ("all",))
        assert group.difference.low < planted < group.difference.high
        assert (group.difference.high < 0) == (planted < 0)


def test_an_interval_is_one_of_blocks() -> None:
    """A difference that stays the same for long stretches has a far wider interval than as many characters alone."""
    base = np.full(LENGTH, 2.0, np.float32)
    rng = np.random.default_rng(5)
    alone = rng.normal(0, 1, LENGTH).astype(np.float32)
    slow = np.repeat(rng.normal(0, 1, 20), LENGTH // 20).astype(np.float32)
    widths = []
    for difference in (alone, slow):
        [group] = compare(base + difference, base, np.zeros(LENGTH, np.int64), ("all",))
        widths.append(group.difference.high - group.difference.low)
    assert widths[1] > 10 * widths[0]


def test_what_is_in_few_blocks_has_no_interval() -> None:
    """A group at one place says nothing of how places differ; nor does a share that is 0 everywhere."""
    group = np.zeros(LENGTH, np.int64)
    group[:50] = 1
    wide, narrow = compare(nats(6)[0], np.zeros(LENGTH, np.float32), group, ("wide", "narrow"))
    assert math.isfinite(wide.difference.low)
    assert math.isnan(narrow.difference.low)
    assert math.isnan(wide.only_ngram.low)
    assert wide.only_ngram.value == 0


def test_every_order_has_its_loss() -> None:
    """Loss and errors of each model, and the share of the network's errors that any short model gets right."""
    network, models = nats(7)[0], nats(8, 12)
    found = errors(network, Reference.of(models), np.full(LENGTH, 97, np.uint32), start=500)
    assert [o.order for o in found.orders] == list(range(1, 13))
    np.testing.assert_allclose([o.nats for o in found.orders], models.mean(1), rtol=1e-5)
    np.testing.assert_allclose([o.wrong for o in found.orders], (models > WRONG).mean(1))
    off = network > WRONG
    assert math.isclose(found.short.value, (models[:9] <= WRONG).any(0)[off].mean())
    assert found.short.low < found.short.value < found.short.high
    assert math.isclose(found.all.ngram, models[-1].mean(), rel_tol=1e-5)


def test_the_farthest_places_are_those_that_were_planted() -> None:
    """Both lists find their planted place first, never two that overlap, and a text that repeats but once."""
    network = np.full(LENGTH, 1.0, np.float32)
    network[5000:5080] = 4.0
    network[9000:9080] = 3.0
    network[12000:12080] = 0.2
    letters = np.random.default_rng(9).integers(97, 123, LENGTH).astype(np.uint32)
    found = errors(network, Reference.of(np.ones((2, LENGTH), np.float32)), letters, start=100)
    assert [s.start for s in found.worse[:2]] == [5100, 9100]
    assert found.better[0].start == 12100
    letters[9000:9080] = letters[5000:5080]
    found = errors(network, Reference.of(np.ones((2, LENGTH), np.float32)), letters)
    assert [s.start for s in found.worse if s.network > 2.5] == [5000]


def test_too_little_text_is_said() -> None:
    """Fewer characters than blocks need is one clear line."""
    few = np.ones(200, np.float32)
    with pytest.raises(InputError, match="200 characters are too few"):
        errors(few, Reference.of(few[None]), np.full(200, 97, np.uint32))


def test_every_character_has_one_class() -> None:
    """The classes of the characters that readers ask for, in any script."""
    text = "aé一 \t\n5٣([{<>}])\"'`«”.,-\x00"
    named = [CLASSES[k] for k in class_of(codes(text))]
    assert named[:3] == ["letters"] * 3
    assert named[3:6] == ["white space", "white space", "line ends"]
    assert named[6:8] == ["digits"] * 2
    assert named[8:16] == ["brackets"] * 8
    assert named[16:21] == ["quotes"] * 5
    assert named[21:] == ["other signs"] * 4


def test_blocks_are_contiguous_and_even() -> None:
    """At most 32 blocks of nearly one size, in order; a short text has fewer."""
    block = blocks_of(10_007)
    assert (np.diff(block) >= 0).all()
    assert block.max() == 31
    assert np.ptp(np.bincount(block)) <= 1
    assert blocks_of(50).max() == 0


def test_distances_are_those_of_the_spans() -> None:
    """Opening, inside and closing characters fall into their groups by distance to the bracket that opened."""
    unit = "x (abc) y (de(f)g) "
    corpus = Corpus.from_text(unit * 50)
    text = unit * 50
    network = np.array([3.0 if c == ")" else 1.0 for c in text], np.float32)
    ngram = np.ones(len(text), np.float32)
    [d], rare = by_distance(select(["parentheses"]), corpus, 0, network, ngram)
    assert rare == {}
    assert d.spans == 150
    assert d.opening is not None
    assert d.opening.characters == 150
    assert d.closing.difference.value == 2.0
    assert {g.name: g.characters for g in d.closings} == {"2": 50, "3-4": 50, "5-8": 50}
    # a b c; d e . . g with f within its own pair, which counts from the inner bracket
    assert {g.name: g.characters for g in d.inside} == {"1": 150, "2": 100, "3-4": 50, "5-8": 50}
    assert all(g.difference.value == 0 for g in d.inside)


def test_distances_know_what_is_open_before_the_stretch() -> None:
    """A bracket that opened before the stretch has its true distance; what closes too rarely is told by its number."""
    text = "z" * 10 + "(" + "a" * 30 + ")" + "z" * 400 + "[1]" * 5
    corpus = Corpus.from_text(text)
    ones = np.ones(len(text) - 20, np.float32)
    found, rare = by_distance(select(["parentheses", "square-brackets"]), corpus, 20, ones, ones)
    assert found == ()
    assert rare == {"parentheses": 1, "square-brackets": 5}
    text = ("(" + "a" * 30 + ") ") * 40
    corpus = Corpus.from_text(text)
    ones = np.ones(len(text) - 20, np.float32)
    [d], _ = by_distance(select(["parentheses"]), corpus, 20, ones, ones)
    assert {g.name: g.characters for g in d.closings} == {"17-32": 40}


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into pieces of a few hundred characters, every figure and every place is what it is in one."""
    network, all_ngrams = nats(5)[0], nats(6, 3)
    text = codes("".join(np.random.default_rng(7).choice(list("ab (\n"), LENGTH)))
    whole = errors(network, Reference.of(all_ngrams), text, start=7)
    monkeypatch.setattr(module, "PIECE", 333)
    cut = Reference.gathered(LENGTH, [all_ngrams[:, a : a + 777] for a in range(0, LENGTH, 777)])
    assert errors(network, cut, text, start=7).worse == whole.worse
    made = errors(network, cut, text, start=7)
    assert [g.name for g in made.symbols] == [g.name for g in whole.symbols]
    for one, other in zip((made.all, *made.symbols), (whole.all, *whole.symbols), strict=True):
        assert one.characters == other.characters
        assert one.only_network == other.only_network
        assert math.isclose(one.difference.low, other.difference.low, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(made.short.value, whole.short.value)


def test_every_character_has_its_own_errors() -> None:
    """What only one of the two gets wrong stands at the very character, the one with most of it first."""
    text = codes("aab" * 2_000)
    network, ngram = np.where(text == ord("a"), 2.0, 0.1).astype(np.float32), np.full(6_000, 0.2, np.float32)
    ngram[text == ord("b")] = 3.0
    found = errors(network, Reference.of(ngram[None]), text).symbols
    assert [(g.name, g.characters) for g in found] == [("a", 4_000), ("b", 2_000)]
    assert [(g.only_network.value, g.only_ngram.value) for g in found] == [(1, 0), (0, 1)]
