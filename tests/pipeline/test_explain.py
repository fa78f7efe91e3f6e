from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, MissingError
from cellscope.models.network import Network
from cellscope.pipeline.explain import Explained, evidence_of, explain
from cellscope.pipeline.find import Search
from cellscope.pipeline.unitpage import compose_unit, write_unit
from cellscope.pipeline.units import named_unit

CELL = Unit(Site("lstm.0", "cell"), 0)


@pytest.fixture(scope="module")
def explained(planted_search: Search) -> Explained:
    return explain(planted_search, CELL)


def test_the_latch_is_explained_by_its_brackets(explained: Explained) -> None:
    """The planted feature comes first; its gates do what was planted; it is highest inside and lowest outside."""
    assert explained.sentence == "cell 0 of lstm.0:cell is on inside parentheses"
    first = explained.evidence[0]
    assert (first.feature, first.found, first.sign) == ("parentheses", True, 1)
    gates = {gate.name: gate for gate in explained.gates}
    assert gates["forget"].open > 0.9
    assert gates["input"].closed > 0.9
    assert 0 < gates["output"].mean < 1
    for place in explained.top:
        whole = explained.material.search.corpus.text(0, place.position + 1)
        assert whole.rfind("(") > whole.rfind(")", 0, len(whole) - 1)
        assert place.here == whole[-1]
        assert place.value > max(low.value for low in explained.bottom)


def test_evidence_of_the_best_unit_is_that_of_the_search(planted_search: Search) -> None:
    """Scores, intervals and whether it was found agree with the search, for each feature's own unit."""
    findings = planted_search.findings
    for e in findings.evidence:
        if e.unit is not None:
            own = next(o for o in evidence_of(findings, findings.units.index(e.unit)) if o.feature == e.feature)
            assert (own.score, own.low, own.found, own.sign) == (e.score, e.low, e.found, e.sign)


def test_a_unit_that_tracks_nothing_is_explained_too(planted_search: Search) -> None:
    """No finding is a sentence as well."""
    some = explain(planted_search, Unit(Site("lstm.0", "hidden"), 5))
    assert not any(e.found for e in some.evidence)
    assert some.sentence.startswith("lstm.0:hidden/5 tracks none of 4 features")
    assert compose_unit(some).headline.good is False


def test_json_is_complete_and_plain(explained: Explained) -> None:
    """Every judged feature, gate and place, and no NaN."""
    content = json.loads(explained.json(), parse_constant=pytest.fail)
    assert content["unit"] == "lstm.0:cell/0"
    assert [f["feature"] for f in content["features"]] == [e.feature for e in explained.evidence]
    assert len(content["top"]) == len(explained.top)


def test_the_page_of_a_unit_has_its_features(explained: Explained, tmp_path: Path) -> None:
    """Page, CSV and JSON; a row for each judged feature, best first."""
    path = write_unit(explained, tmp_path)
    assert path.name == "unit-lstm.0-cell-0.html"
    about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    assert about["rows"][0]["feature"] == "parentheses"
    assert about["good"] is True


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("lstm.0:cell/7", Unit(Site("lstm.0", "cell"), 7)),
        (" lstm.0:c/7 ", Unit(Site("lstm.0", "cell"), 7)),
        ("c/0", CELL),
        ("cell/0", CELL),
        ("lstm.0/3", Unit(Site("lstm.0", "hidden"), 3)),
        ("f/1", Unit(Site("lstm.0", "forget"), 1)),
    ],
)
def test_a_unit_can_be_named_in_several_ways(latch: Network, typed: str, unit: Unit) -> None:
    """In full, by letters, by the stream alone where one layer has it, by the layer for what it passes on."""
    assert named_unit(latch, typed) == unit


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("lstm.0:cell/8", "no unit 8 in lstm.0:cell; it has 0 to 7"),
        ("lstm.1:cell/0", "no site 'lstm.1:cell'; there is lstm.0:"),
        ("221", "'221' is no unit; write site/number"),
        ("", "is no unit"),
        ("cell/-1", "is no unit"),
        ("cell/", "is no unit"),
        ("/4", "is no unit"),
    ],
)
def test_what_names_no_unit_is_answered_with_what_there_is(latch: Network, typed: str, said: str) -> None:
    """One line that lists sites or numbers."""
    with pytest.raises(InputError) as error:
        named_unit(latch, typed)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stream_of_several_layers_has_to_be_told_apart(latch: Network) -> None:
    """`cell/0` of two layers could be either."""
    from cellscope.models.char_rnn import CharRNNConfig

    two = Network(CharRNNConfig(len(latch.vocabulary), layers=2, size=4).build(), latch.vocabulary, "two")
    with pytest.raises(MissingError, match="cell could be lstm.0:cell, lstm.1:cell; say which"):
        named_unit(two, "cell/0")
