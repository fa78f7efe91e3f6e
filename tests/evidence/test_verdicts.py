"""The verdict in words, case by case."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellscope.axes import Site, Unit
from cellscope.evidence.verdicts import Evidence, digits, named, probability

QUOTES = Evidence(
    feature="single quotes", kind="span", labelled=4000, characters=100_000, unit=Unit(Site("lstm.0", "cell"), 221),
    score=0.971, low=0.962, high=0.978, sign=1, chosen=0.972, threshold=0.2, p=0.001, q=0.02, null=0.62, current=0.55,
    three=0.71, over_three_low=2.3, over_three_high=2.9, untrained=0.74, untrained_low=0.72, untrained_high=0.76,
    lag_score=0.971,
)  # fmt: skip
"""The finding of the issue."""


def test_a_finding() -> None:
    """Unit, state, feature, score and interval, baselines and p, on one line."""
    assert QUOTES.found
    assert QUOTES.verdict == (
        "cell 221 of lstm.0:cell is on inside single quotes: "
        "AUC 0.97 (0.96-0.98), last three characters 0.71, untrained 0.74, p < 0.01"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sign": -1}, "cell 221 of lstm.0:cell is off inside single quotes:"),
        ({"unit": Unit(Site("gru", "hidden"), 0)}, "unit 0 of gru:hidden is on inside single quotes:"),
        (
            {"score": 0.8, "low": 0.78, "high": 0.82, "over_three_low": 0.2},
            "tends to be on inside single quotes: AUC 0.80 (0.78-0.82)",
        ),
        (
            {"score": 0.7, "low": 0.69, "three": 0.6, "untrained": 0.6, "untrained_high": 0.61},
            "is a little more often on inside single quotes",
        ),
        ({"lag": 2, "lag_score": 0.99}, "is on inside single quotes, 2 characters late: AUC"),
        ({"lag": 1, "lag_score": 0.99}, "is on inside single quotes, one character late: AUC"),
        ({"lag": -1, "lag_score": 0.99}, "is on inside single quotes, one character early: AUC"),
        ({"lag": -8, "lag_score": 0.99}, "is on inside single quotes, 8 characters early: AUC"),
        ({"lag": 2, "lag_score": 0.975}, "is on inside single quotes: AUC"),
        ({"untrained": math.nan}, "last three characters 0.71, p < 0.01"),
        ({"low": math.nan, "high": math.nan}, "AUC 0.97, last three"),
        ({"kind": "numeric", "feature": "column"}, "rises with column: rank r 0.97 (0.96-0.98), last three characters"),
        ({"kind": "numeric", "feature": "column", "sign": -1}, "falls with column: rank r 0.97"),
        ({"p": 0.013, "q": 0.04}, "p = 0.01"),
    ],
)
def test_findings_in_words(change: dict[str, object], words: str) -> None:
    """What changes in the evidence changes in the words."""
    e = replace(QUOTES, **change)
    assert e.found
    assert words in e.verdict
    assert "nan" not in e.verdict


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"three": 0.965, "over_three_low": -0.1, "low": 0.89},
            "single quotes: no unit beats the last three characters (best: cell 221 of lstm.0:cell, AUC",
        ),
        (
            {"untrained": 0.965, "untrained_high": 0.97},
            "single quotes: no unit beats the same search on an untrained network (best: cell 221",
        ),
        (
            {"p": 0.3, "q": 0.4},
            "single quotes: no unit follows single quotes more than the best of all units does by chance",
        ),
        ({"p": math.nan, "q": math.nan}, "single quotes: the text is too short for a test against shifted labels"),
        ({"score": math.nan, "low": math.nan, "high": math.nan}, "single quotes could not be judged"),
        (
            {"unit": None, "remark": "single quotes matches nothing in this text"},
            "single quotes matches nothing in this text",
        ),
        ({"unit": None, "remark": "the text is too short"}, "single quotes: the text is too short"),
        ({"score": 0.45, "low": 0.4, "high": 0.5, "over_three_low": -1.3}, "no unit beats the last three characters"),
    ],
)
def test_nothing_found_in_words(change: dict[str, object], words: str) -> None:
    """What speaks against a finding is said, strongest first, with the best unit where there is one."""
    e = replace(QUOTES, **change)
    assert not e.found
    assert words in e.verdict
    assert "nan" not in e.verdict
    assert not e.verdict.endswith(": ")


def test_what_three_characters_give_away() -> None:
    """A unit that clearly tracks what the last three characters tell as well is no finding, and the words say both."""
    plain = replace(QUOTES, three=0.98, over_three_low=-0.5, over_three_high=-0.2)
    assert plain.plain
    assert (plain.answer, QUOTES.answer, replace(plain, low=0.5).answer) == ("plain", "yes", "no")
    assert not plain.found
    assert plain.verdict == (
        "cell 221 of lstm.0:cell is on inside single quotes, but the last three characters give that away: "
        "AUC 0.97 (0.96-0.98), last three characters 0.98, untrained 0.74, p < 0.01"
    )
    for change in ({"untrained": 0.97}, {"low": 0.85}, {"q": 0.2}, {"over_three_low": 0.1}, {"three": 0.85}):
        assert not replace(plain, **change).plain, change


def test_the_whole_difference_must_be_above_nothing() -> None:
    """Where the interval of the difference to the last three characters holds 0, there is no finding, and where it does
    not there is one, wherever the unit's own interval ends; where there is none, the difference decides.
    """
    assert not replace(QUOTES, over_three_low=-0.01).found
    assert replace(QUOTES, three=0.965, over_three_low=0.01).found
    few = replace(QUOTES, over_three_low=math.nan, over_three_high=math.nan)
    assert replace(few, three=0.97).found
    assert not replace(few, three=0.972).found


def test_the_errors_of_both_networks_count() -> None:
    """A unit above the untrained network's best is found where their difference is as large as both intervals are wide
    together, as those of independent figures; one that is as sure as can be needs the control's alone.
    """
    for low, control, found in (
        (0.962, 0.962, True),
        (0.962, 0.968, False),
        (0.971, 0.9705, True),
        (0.971, 0.972, False),
    ):
        e = replace(QUOTES, low=low, untrained=0.96, untrained_high=control)
        value, below, above = e.over_untrained
        reach = math.hypot(*(math.log(x / (1 - x)) - math.log(y / (1 - y)) for x, y in ((0.971, low), (control, 0.96))))
        assert below == pytest.approx(value - reach)
        assert below < value < above
        assert e.found == found
    assert replace(QUOTES, untrained=0.965, untrained_low=math.nan, untrained_high=math.nan).reason.endswith("network")


numbers = st.one_of(st.floats(0, 1), st.just(math.nan))


@given(
    numbers, numbers, numbers, numbers, numbers, numbers, st.sampled_from([-1, 1]), st.sampled_from(["span", "numeric"])
)
def test_any_numbers(score, low, p, three, untrained, lag_score, sign, kind) -> None:
    """Any evidence, however incomplete, has a verdict on one line, without "nan"."""
    e = replace(
        QUOTES,
        score=score,
        low=low,
        p=p,
        q=p,
        three=three,
        untrained=untrained,
        lag_score=lag_score,
        sign=sign,
        kind=kind,
    )
    assert e.verdict
    assert "\n" not in e.verdict
    assert "nan" not in e.verdict
    assert e.found == (e.reason == "")


def test_digits() -> None:
    """Two digits, three from .99 on, and only 1 looks like 1."""
    values = {0.5: "0.50", 0.987: "0.99", 0.991: "0.991", 0.9996: "0.999", 1.0: "1.00", -0.9996: "-0.999", 0.0: "0.00"}
    assert {v: digits(v) for v in values} == values
    assert digits(math.nan) == probability(math.nan) == "-"
    assert [probability(p) for p in (1e-9, 0.00999, 0.01, 0.5)] == ["< 0.01", "< 0.01", "0.01", "0.50"]
    assert named(Unit(Site("lstm.0", "forget"), 3)) == "unit 3 of lstm.0:forget"


def test_margins() -> None:
    """How far a unit lies above the last three characters and the untrained network, with intervals, where there are
    such.
    """
    assert QUOTES.margins == [
        ("above the last three characters", "+2.62 log odds (+2.30 to +2.90)"),
        ("above untrained", "+2.47 log odds (+2.17 to +2.77)"),
    ]
    number = replace(QUOTES, kind="numeric", untrained=math.nan, over_three_low=math.nan)
    assert number.margins == [("above the last three characters", "+1.22 of Fisher's z")]
    assert replace(QUOTES, three=math.nan, untrained=math.nan).margins == []
