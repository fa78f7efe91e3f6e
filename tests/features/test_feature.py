"""Definitions of features: what is refused, and how it is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellscope.errors import InputError
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller, spans
from cellscope.features.window import Memory


def test_option() -> None:
    """NAME=PATTERN, split at the first =."""
    feature = Feature.from_option(r"ticket=JIRA-\d+=?")
    assert (feature.name, feature.pattern, feature.kind, feature.where) == ("ticket", r"JIRA-\d+=?", "span", "inside")
    assert spans(feature, "see JIRA-12= and JIRA-x") == [(4, 12)]


@pytest.mark.parametrize(
    "text", ["", "a", "=x", "a=", "a/b=x", "../a=x", ".a=x", "a.=x", "a b=x", "é=x", "a" * 65 + "=x"]
)
def test_bad_option(text: str) -> None:
    """A name that could not be a file's name, or no pattern: InputError."""
    with pytest.raises(InputError):
        Feature.from_option(text)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("a(", "missing \\) at character 2 of 'a\\('"), ("[", "character set"), ("*a", "nothing to repeat at character 0"),
     ("(?r)a", "backwards"), (r"\p{Foo}", "unknown property"), ("(?<x", "feature 'n'")],
)  # fmt: skip
def test_bad_pattern(pattern: str, message: str) -> None:
    """What is wrong with a pattern and where, with the feature's name."""
    with pytest.raises(InputError, match=message) as caught:
        Feature(name="n", pattern=pattern)
    assert str(caught.value).startswith("feature 'n': ")


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from(list(r"ab()[]{}*+?|\^$.<>=!:P#'1-,dwsRr&~\n")), max_size=12), st.text("ab(\n ", max_size=30)
)
def test_any_pattern(pattern: str, text: str) -> None:
    """Whatever the pattern: labels of the right shape, or one InputError."""
    message = ""
    try:
        labels = Labeller([Feature(name="n", pattern=pattern)], Memory(text), timeout=1).read(0, len(text))
        assert labels.spans.shape == (1, len(text))
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    assert not message or "'n'" in message


@pytest.mark.parametrize(
    ("where", "expected"), [("inside", [(1, 3), (4, 6)]), ("start", [(1, 2), (4, 5)]), ("end", [(2, 3), (5, 6)]),
                            ("before", [(0, 1), (3, 4)])]
)  # fmt: skip
def test_where(where: str, expected: list[tuple[int, int]]) -> None:
    """inside, start, end and before of the group's span."""
    feature = Feature(name="n", pattern="(?<=-)(?P<g>ab)c?", group="g", where=where)  # type: ignore[arg-type]
    assert spans(feature, "-ab-ab c") == expected
    assert spans(Feature(name="n", pattern="ab", where="before"), "abab") == [(1, 2)]


def test_flags() -> None:
    """Flags are given by name and take the place of MULTILINE."""
    text = "Ab\nab"
    assert spans(Feature(name="n", pattern="^ab", flags=("IGNORECASE",)), text) == [(0, 2)]
    assert spans(Feature(name="n", pattern="^ab"), text) == [(3, 5)]
    assert spans(Feature(name="n", pattern="A.*", flags=("DOTALL",)), text) == [(0, 5)]
