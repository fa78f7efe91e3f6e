"""Reading a text: any cutting, any window, the same labels; and what takes too long is named."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.features.counters import CAP, TAB
from cellscope.features.feature import Feature
from cellscope.features.labeller import WINDOW, Labeller, Labels
from cellscope.features.library import library
from cellscope.features.window import Memory

PIECES = [
    "\"", "'", "\"\"\"", "'''", "#", " # ", "//", "/*", "*/", "\\", "\n", "\n\n", " ", "\t", "    ", "(", ")",
    "[", "]", "[[", "]]", "{", "}", "{{", "}}", "a", "don't", "aB", "a_b", "AB", "12", "0x1f", ".", ",", "é",
    "日", "𝔸", "http://", "www.", "a@b.c", "if", "if a:\n", "\n    b\n", "elif", "```\n", "\n```", "`", "**",
    "[a](b)", "<b>", "- ", "# h\n", "==", "1812", "2024-05-31", "12:30", "“", "”", "&amp;", "def f", "@x",
    "import re\n", "\x00", "\u2028",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


SHORT = (
    Feature(name="x-before", pattern=r"[\w\"(]+", where="before"),
    Feature(name="x-behind", pattern=r"(?<=(\w{1,9}))[\s,.]", group=1),
    Feature(name="x-quote", pattern='"[^"]*"', reach=6),
    Feature(name="x-greedy", pattern=r"\w[^(]*", reach=9, where="end"),
    Feature(name="x-pairs", pattern="()[]", scan="brackets", reach=7),
    Feature(name="x-depth", pattern="()[]", scan="brackets", reach=7, kind="numeric", counter="depth"),
    Feature(name="x-along", pattern="'[^']*'", kind="numeric", counter="along", reach=20),
)
"""Features with a reach that the texts go beyond, and with labels outside of their matches."""
EVERYTHING = (*library(), *SHORT)


def whole(text: str, features: tuple[Feature, ...] = library(), *, window: int = WINDOW) -> Labels:
    return Labeller(features, Memory(text), window=window).read(0, len(text))


def same(a: Labels, b: Labels) -> bool:
    return bool((a.spans == b.spans).all()) and bool(np.array_equal(a.numbers, b.numbers, equal_nan=True))


@settings(max_examples=60, deadline=None)
@given(texts, st.data())
def test_any_cutting(text: str, data: st.DataObject) -> None:
    """Any cutting of the text into reads gives the labels of one read of the whole, in windows of any size."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    window = data.draw(st.sampled_from([1, 2, 5, 17, 1 << 18]))
    labeller = Labeller(EVERYTHING, Memory(text), window=window)
    parts = [labeller.read(a, b) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert [part.start for part in parts] == [0, *cuts]
    joined = Labels(0, np.hstack([p.spans for p in parts]), np.hstack([p.numbers for p in parts]))
    assert same(joined, whole(text, EVERYTHING))


@settings(max_examples=80, deadline=None)
@given(texts, st.sampled_from([1, 3, 8, 1 << 18]))
def test_search_is_finditer(text: str, window: int) -> None:
    """A pattern's labels are those of finditer over the whole text, wherever the windows' borders are."""
    for pattern in (
        '"[^"]*"',
        r"\[\[.*?\]\]",
        r"^[ \t]+",
        r"\b\w+$",
        r"(?<=\n)(?!\n)[^\n]*",
        "a|",
        r"(?s)/\*.*?\*/|'.'",
    ):
        expected = np.zeros(len(text), bool)
        for match in regex.finditer(pattern, text, regex.MULTILINE):
            expected[match.start() : match.end()] = True
        found = whole(text, (Feature(name="n", pattern=pattern),), window=window).spans[0]
        assert found.tolist() == expected.tolist(), pattern


@settings(max_examples=40, deadline=None)
@given(texts)
def test_needs_changes_nothing(text: str) -> None:
    """Searching only around a literal that every match contains finds the same."""
    features = tuple(f for f in library() if f.needs)
    slow = tuple(replace(f, needs="") for f in features)
    assert same(whole(text, features), whole(text, slow))


def test_spans_over_many_windows() -> None:
    """A span, and a pair of brackets, may cover any number of windows, if they are in reach."""
    text = "x" * 50 + '"' + "y" * 500 + '"' + "(" + "z" * 500 + ")" + "(" + "z" * 3000 + ")"
    features = (Feature(name="q", pattern='"[^"]*"'), Feature(name="p", pattern="()", scan="brackets"))
    labels = whole(text, features, window=64)
    assert np.flatnonzero(labels.spans[0])[[0, -1]].tolist() == [50, 551]
    assert labels.spans[0].sum() == 502
    assert np.flatnonzero(labels.spans[1])[[0, -1]].tolist() == [552, 1053]
    twice = ("-" * 400 + '"' + "y" * 700 + '"') * 3
    inside = np.tile(np.arange(1102) >= 400, 3)  # a search that went on within a string would turn it inside out
    assert (whole(twice, features, window=64).spans[0] == inside).all()
    far = "x" * 2500 + "(" + "z" * 1500 + ")"
    assert np.flatnonzero(whole(far, features, window=64).spans[1])[[0, -1]].tolist() == [2500, 4001]


def test_reach() -> None:
    """A match beyond reach is tried as if the text ended there; in the middle of a window as at its border."""
    for window in (16, 1000):
        greedy = whole("a" + "b" * 50 + "ab", (Feature(name="n", pattern="ab*", reach=10),), window=window).spans[0]
        assert np.flatnonzero(greedy).tolist() == [*range(10), 51, 52]
        closed = whole("<" + "b" * 50 + ">" + "<b>", (Feature(name="n", pattern="<b*>", reach=10),), window=window)
        assert np.flatnonzero(closed.spans[0]).tolist() == [52, 53, 54]


def test_reads_skip_forward_but_not_back() -> None:
    """A read may begin further on, and never before the end of the last one."""
    text = '"a" b "c" ' * 20
    labeller = Labeller(library(), Corpus.from_text(text), window=7)
    assert (labeller.read(90, 120).spans == whole(text).spans[:, 90:120]).all()
    with pytest.raises(ValueError, match="front to back"):
        labeller.read(100, 110)
    assert len(labeller.read(120, 120)) == 0
    assert len(Labeller(library(), Corpus.from_text("")).read(0, 0)) == 0


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$"])
def test_backtracking_without_end(pattern: str) -> None:
    """A pattern that backtracks without end is answered in its time, by name."""
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"feature 'slow': the pattern .* 0.5 s .* backtracks") as caught:
        Labeller([Feature(name="slow", pattern=pattern)], Memory("a" * 3000 + "b"), timeout=0.5).read(0, 3001)
    assert time.perf_counter() - start < 10
    assert repr(pattern) in str(caught.value)


def counters_by_hand(text: str) -> dict[str, list[int]]:
    """The counters of a text, character by character."""
    rows: dict[str, list[int]] = {name: [] for name in ("column", "line-length", "indentation-depth", "word-length")}
    rows["since-blank-line"] = []
    column = length = indent = word = blank = 0
    for character in text:
        line_was_blank = length == 0
        blank = 0 if character == "\n" and line_was_blank else blank + 1
        word = word + 1 if regex.fullmatch(r"\w", character) else 0
        if character == "\n":
            column = length = indent = 0
        else:
            column += 1
            length += 1 if length or character not in " \t" else 0
            indent += 0 if length else (TAB if character == "\t" else 1)
        for name, value in zip(rows, (column, length, indent, word, blank), strict=True):
            rows[name].append(min(value, CAP))
    return rows


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from([1, 4, 1 << 18]))
def test_counters(text: str, window: int) -> None:
    """Counters equal a count by hand, across any windows."""
    features = tuple(f for f in library() if f.counter and not f.pattern)
    labels = whole(text, features, window=window)
    assert {f.name: row.tolist() for f, row in zip(features, labels.numbers, strict=True)} == counters_by_hand(text)


def test_counters_stop() -> None:
    """A line of any length counts no more than CAP."""
    features = tuple(f for f in library() if f.counter and not f.pattern)
    assert whole("a" * 3000, features).numbers.max() == CAP


def test_planted() -> None:
    """What is planted in a text is found at its place, characters being positions in every script."""
    text = "日本 𝔸 " * 30 + "https://a.b/c" + " 𝔸" * 30 + "(x)"
    features = tuple(f for f in library() if f.name in ("url", "parentheses"))
    labels = Labeller(features, Corpus.from_text(text), window=50).read(0, len(text))
    assert np.flatnonzero(labels.spans[0]).tolist() == list(range(text.index("http"), text.index("http") + 13))
    assert np.flatnonzero(labels.spans[1]).tolist() == [len(text) - 3, len(text) - 2, len(text) - 1]
