"""The library: every feature's example, its page in the docs, and what a user's file may say."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.cli.features import _table
from cellscope.errors import InputError, MissingError
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller, spans
from cellscope.features.library import KEYS, library, load_features, parse_features, select
from cellscope.features.window import Memory

NAMES = [f.name for f in library()]
DOCS = Path(__file__).parents[2] / "docs" / "features.md"


def named(name: str) -> Feature:
    return next(f for f in library() if f.name == name)


def marked(text: str, labels: list[bool]) -> str:
    """The text with ⟦ and ⟧ around what is labelled."""
    out, on = "", False
    for character, label in zip(text + " ", [*labels, False], strict=True):
        out += ("⟦" if label else "⟧") * (label != on) + character
        on = label
    return out[:-1]


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str) -> None:
    """What is marked in a feature's example is what it labels, and its counterexample has none of it."""
    feature = named(name)
    text = feature.example.replace("⟦", "").replace("⟧", "")
    labels = Labeller([feature], Memory(text)).read(0, len(text))
    assert feature.description
    assert "\n" not in feature.description
    assert text
    if feature.kind == "span":
        assert marked(text, labels.spans[0].tolist()) == feature.example
        assert "⟦" in feature.example
        assert not feature.counterexample or spans(feature, feature.counterexample) == []
    else:
        assert np.allclose(labels.numbers[0], feature.values, equal_nan=True)


def test_size_and_kinds() -> None:
    """At least 35 span features and the numeric ones that are promised."""
    kinds = [f.kind for f in library()]
    assert kinds.count("span") >= 35
    promised = {"column", "line-length", "bracket-depth", "indentation-depth", "quote-distance", "since-blank-line"}
    assert promised | {"wiki-link-position", "word-length"} <= {f.name for f in library() if f.kind == "numeric"}


def test_documented() -> None:
    """docs/features.md ends with what `cellscope features --format markdown` prints, and explains every key."""
    rows = [{"name": f.name, "kind": f.kind, "description": f.description} for f in library()]
    text = DOCS.read_text(encoding="utf-8")
    assert text.endswith(_table(rows, markdown=True) + "\n")
    assert [key for key in KEYS if key not in text and key not in ("counterexample", "values")] == []


def test_digests_differ_and_stay() -> None:
    """A digest depends on what makes the labels and on nothing else."""
    digests = {f.digest for f in library()}
    assert len(digests) == len(library())
    feature = named("url")
    assert replace(feature, name="other", description="x", example="").digest == feature.digest
    assert replace(feature, where="start").digest != feature.digest
    assert replace(feature, reach=7).digest != feature.digest


@pytest.mark.parametrize("name", [f.name for f in library() if f.kind == "span" and f.scan != "search"])
def test_lookups_are_their_regex(name: str) -> None:
    """Runs, words and brackets label what their regular expression does on every example of the library."""
    feature = named(name)
    text = "\n".join(f.example + f.counterexample for f in library())
    slow = replace(feature, pattern=feature.as_regex, scan="search", reach=100_000)
    assert spans(feature, text) == spans(slow, text)


@settings(max_examples=30, deadline=None)
@given(st.text(st.sampled_from(list("()[]{} ab\n")), max_size=60))
def test_brackets_are_their_regex(text: str) -> None:
    """Pairs found with a stack are those of the recursive regular expression, in texts of any balance."""
    for name in ("parentheses", "curly-brackets"):
        feature = named(name)
        assert spans(feature, text) == spans(replace(feature, pattern=feature.as_regex, scan="search"), text)


@pytest.mark.parametrize("piece", ['"', "'", '"""', "(", "[[", "/*", "<a ", "#", " #", "http://", "a@", "[a](", "```\n",
                                   " ", "\n", "a", "aA", "a_", "0", "\\", "=", "== ", "if a\n ", "“", "{{", "&a", "x, ",
                                   "'a", "/", "**", "- ", "1.", "A.", "\n\n ", "<!", "=\n"])  # fmt: skip
def test_hostile_text_is_quick(piece: str) -> None:
    """No pattern of the library takes more than linear time on one thing repeated 100,000 characters long."""
    text = (piece * 100_000)[:100_000]
    labels = Labeller(library(), Memory(text), timeout=2).read(0, len(text))
    assert labels.spans.shape == (len([f for f in library() if f.kind == "span"]), len(text))


def test_select() -> None:
    """Everything by default; names, definitions and files otherwise; nothing twice."""
    assert select() == library()
    assert [f.name for f in select(["url", r"ticket=JIRA-\d+"])] == ["url", "ticket"]
    with pytest.raises(MissingError, match="no feature 'urls'; there is url"):
        select(["urls"])
    with pytest.raises(InputError, match="'url' and 'URL'"):
        select(["url", "URL=x"])


def test_files(tmp_path: Path) -> None:
    """The features of a file come first and mean more than the library's."""
    file = tmp_path / "mine.toml"
    file.write_bytes(
        b"\xef\xbb\xbf[url]\r\npattern = '''a\\w'''\r\nflags = ['ignorecase']\r\n[n]\r\ncounter = 'column'\r\n"
    )
    mine = load_features(file)
    assert [(f.name, f.pattern, f.flags, f.kind) for f in mine] == [
        ("url", r"a\w", ("IGNORECASE",), "span"),
        ("n", "", ("MULTILINE",), "numeric"),
    ]
    assert [f.name for f in select(["url", "email"], [file])] == ["url", "n", "email"]
    with pytest.raises(InputError, match="cannot read"):
        load_features(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"[a]\npattern = '\xe9'")
    with pytest.raises(InputError, match="not UTF-8"):
        load_features(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no features"),
        ("[a\n", "line 1"),
        ('[a]\npattern = "\\d"', "'''"),
        ("a = 3", r"not a table; write \[a\]"),
        ("[a]\npatern = 'x'", "feature 'a': unknown key 'patern'"),
        ("[a]\npattern = 3", "pattern is int '3', not text"),
        ("[a]\nreach = true\npattern = 'x'", "reach is bool"),
        ("[a]\npattern = '('", "invalid pattern: missing \\) at character 1"),
        ("[a]\npattern = 'x'\ncharacters = 'x'", "pattern and characters"),
        ("[a]\nlike = 'b'", "like 'b'"),
        ("[a]\npattern = 'x'\nflags = [1]", "flags is a list of names"),
        ("[a]\npattern = 'x'\nflags = ['NO']", "unknown flag 'NO'"),
        ("[a]\npattern = 'x'\nwhere = 'on'", "unknown where 'on'"),
        ("[a]\npattern = 'x'\ngroup = 'g'", "no group 'g'"),
        ("[a]\npattern = 'x'\ngroup = -1", "no group -1"),
        ("[a]\npattern = 'x'\nreach = 0", "reach is 0"),
        ("[a]\ncounter = 'colum'", "unknown counter 'colum'; without a pattern there is column"),
        ("[a]\npattern = 'x'\ncounter = 'column'", "unknown counter 'column'; with a pattern there is since"),
        ("[a]\nbrackets = '(]'", "not one or more of the pairs"),
        ("[a]\ncharacters = 'ab'", "not one class"),
        ("['../a']\npattern = 'x'", "cannot be a feature's name"),
        ("[a]\ndescription = 'x'", "no pattern"),
    ],
)
def test_bad_files(text: str, message: str) -> None:
    """Every mistake in a file is one line that names the file, the feature and the key."""
    with pytest.raises(InputError, match=message) as caught:
        parse_features(text, source="mine.toml")
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.builds(
    "[{}]\n{} = {}\nwhere = '{}'".format, st.sampled_from(["a", "a.b", "'/'", '""']), st.sampled_from(KEYS),
    st.one_of(st.integers().map(str), st.sampled_from(["''", "'('", "[]", "{}", "['x']", "1.5", "nan", "2024-01-01"])),
    st.sampled_from(["start", "x", ""]))))  # fmt: skip
def test_any_toml(text: str) -> None:
    """Whatever stands in a file: features, or one InputError."""
    message = ""
    try:
        assert all(isinstance(f, Feature) for f in parse_features(text, source="f"))
    except InputError as error:
        message = str(error)
    assert "\n" not in message


def test_numbers_do_not_count_outside() -> None:
    """since and along are nan outside of their spans, and nowhere else."""
    text = 'x "ab" [[cd]] y'
    for name in ("quote-distance", "wiki-link-position"):
        row = Labeller([named(name)], Memory(text)).read(0, len(text)).numbers[0]
        assert math.isnan(row[0])
        assert math.isnan(row[-1])
        assert np.nanmin(row) == 0
