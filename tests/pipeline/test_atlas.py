from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.evidence.lesion_map import LesionMap
from cellscope.evidence.lesions import Changes
from cellscope.evidence.verdicts import Q
from cellscope.pipeline.atlas import Atlas, atlas
from cellscope.pipeline.atlas_columns import lesion_columns
from cellscope.pipeline.atlaspage import compose_atlas, write_atlas
from cellscope.pipeline.explain import evidence_of
from cellscope.pipeline.find import Search
from cellscope.pipeline.kind import kinds_in
from cellscope.pipeline.shares import share_of_units


@pytest.fixture(scope="module")
def made(planted_search: Search) -> Atlas:
    return atlas(planted_search)


def test_every_unit_is_listed_once(made: Atlas) -> None:
    """The planted cell first, found at its feature; each answer is that of `explain`."""
    findings = made.search.findings
    assert sorted(entry.unit for entry in made.entries) == list(range(len(findings.units)))
    first = made.rows()[0]
    assert (first["unit"], first["evidence"], first["feature"]) == ("lstm.0:cell/0", "found", "parentheses")
    for entry in made.entries:
        told = evidence_of(findings, entry.unit)
        want = "found" if any(e.found for e in told) else "plain" if any(e.plain for e in told) else "no"
        assert entry.answer == want
        if want == "found":
            tracked = {e.feature for e in told if e.found}
            assert {findings.features[f].name for f in (entry.feature, *(f for f, _ in entry.also))} == tracked


def test_every_unit_has_a_kind(made: Atlas) -> None:
    """The kind of a unit is that at its own feature, its R2 that of the clock it goes with; the planted cell is a
    switch.
    """
    kinds = kinds_in(made.search, [e.feature for e in sorted(made.entries, key=lambda e: e.unit)])
    for row in made.rows():
        kind = kinds[Unit.parse(str(row["unit"]))]
        assert (row["kind"], row["feature"]) == (kind.name, kind.feature)
    assert made.rows()[0]["kind"] == "switch"
    assert made.rows()[0]["kind R2"] > 0.9


def test_what_is_not_found_says_why(made: Atlas) -> None:
    """A reason for each unit without a finding, and none for the others; it is the bar that the unit misses."""
    findings = made.search.findings
    judged = [e for e in findings.evidence if not math.isnan(e.q)]
    cut = Q * sum(e.q <= Q for e in judged) / len(judged)  # the line of Benjamini and Hochberg
    for entry in made.entries:
        assert bool(entry.why) == (entry.answer != "found")
        if entry.answer == "no":
            by_chance = not findings.scores["p"][entry.feature, entry.unit] <= cut
            assert ("by chance" in entry.why) == by_chance


def test_the_share_is_the_count_of_the_rows(made: Atlas) -> None:
    """The number is that of rows found at the line or better, its interval holds it, and the seed decides."""
    rows = made.rows()
    over = [r for r in rows if r["evidence"] == "found" and isinstance(r["score"], float) and r["score"] >= 0.9]
    assert made.share.number == len(over) >= 1
    assert made.share.low <= made.share.number <= made.share.high
    assert made.share == share_of_units(made.search.findings, at=0.9)
    strict = share_of_units(made.search.findings, at=0.9999)
    assert strict.number <= made.share.number


def test_json_of_the_atlas(made: Atlas) -> None:
    """Stable keys, every unit, no NaN."""
    content = json.loads(made.json(), parse_constant=pytest.fail)
    assert len(content["units"]) == len(made.entries)
    assert content["share"]["number"] == made.share.number
    assert content["criterion"].startswith("a unit tracks a feature where")


def test_thumbnails_are_what_the_units_did(made: Atlas) -> None:
    """The stretch is of the corpus, begins a line where one is near, and its columns are the rows' units."""
    page = compose_atlas(made)
    corpus, shown = made.search.corpus, page.sample
    assert shown.text == corpus.text(shown.start, shown.start + len(shown.text))
    here = slice(shown.start - made.scan.start, shown.start - made.scan.start + len(shown.text))
    for k in (0, 5):
        assert np.array_equal(shown.values[:, k], made.scan.unit(made.entries[k].unit)[here])
    assert [row.address for row in page.rows] == [row["unit"] for row in made.rows()]
    inside = np.array([c for c, m in zip(shown.text, shown.marks["parentheses"], strict=True) if m])
    assert len(inside) > 0


def test_the_page_of_the_atlas_lies_beside_the_others(made: Atlas, tmp_path: Path) -> None:
    """atlas.html, its numbers, and the index; the sentence is the terminal's."""
    path = write_atlas(made, tmp_path)
    about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    assert path.name == "atlas.html"
    assert about["sentence"].replace("\u00a0", " ") == made.sentence + "."
    assert "atlas.html" in (tmp_path / "index.html").read_text()


def test_what_the_loss_rises_by_stands_beside_each_unit(made: Atlas) -> None:
    """From a map of lesions: the change inside the unit's own feature with its interval, and elsewhere; a unit or a
    feature that the map has not is left blank.
    """
    findings = made.search.findings
    units, names = findings.units[:10], ("digit", "parentheses")
    counts = np.broadcast_to(np.array([100, 10, 900]), (6, 2, 3)).copy()
    nats = np.array([0.5, 0.1, 0.02]) * np.arange(1, 11)[:, None]  # [unit, zone], unit k ten times k
    changed = np.broadcast_to((nats * counts[0, 0])[:, None, None], (10, 6, 2, 3)).copy()
    changes = Changes(tuple(map(str, units)), changed, np.ones((6, 2, 3)), counts)
    lesions = LesionMap(units, names, changes, "mean", 6000)
    features = [k % 4 for k in range(len(findings.units))]
    told = lesion_columns(made.search, lesions, features)
    for k, cells in enumerate(told.cells):
        if k < 10 and findings.features[features[k]].name in names:
            assert np.isclose(cells["without it"], 0.5 * (k + 1))
            assert np.isclose(cells["without it elsewhere"], 0.02 * (k + 1))
            assert cells["without it_low"] <= cells["without it"] <= cells["without it_high"]
        else:
            assert set(cells.values()) == {None}
    assert (told.shown, told.details) == (("without it",), ("without it elsewhere",))


def test_a_text_too_short_to_judge_has_an_atlas(latch: Any) -> None:
    """Nothing found, no interval, and no error."""
    from cellscope.features.library import select
    from cellscope.pipeline.find import search

    corpus = Corpus.from_text("(a) b\n" * 60, name="short")
    made = atlas(Search(latch, None, corpus, search(latch, corpus, select(("parentheses", "url")))))
    assert {entry.answer for entry in made.entries} == {"no"}
    assert made.share.number == 0
    assert made.sentence.startswith("no unit can be judged: the text is too short")
    assert compose_atlas(made).headline.good is False
    json.loads(made.json(), parse_constant=pytest.fail)
