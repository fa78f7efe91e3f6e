from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.pipeline import pages
from cellscope.pipeline.explain import explain
from cellscope.pipeline.find import Search, search
from cellscope.pipeline.headlines import caveats, header, method
from cellscope.pipeline.pages import BEST, Material, compose_feature, write_pages
from cellscope.pipeline.runpage import compose_run, earlier_rows
from cellscope.pipeline.scan import survey
from cellscope.pipeline.training import held_back_from
from cellscope.pipeline.unitpage import compose_unit
from cellscope.training.run import RunFolder

FOLDER = "latch-on-brackets.txt"


@pytest.fixture(scope="module")
def written(planted_search: Search, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    reports = tmp_path_factory.mktemp("reports")
    write_pages(planted_search, reports, progress=lambda done, total, text: told.append((done, total)))
    return reports, told


def test_every_feature_has_a_page_and_its_numbers(planted_search: Search, written: tuple[Path, Any]) -> None:
    """Found or not, present or not: page, CSV and JSON, and the figures are those of the findings."""
    reports = written[0]
    for f, feature in enumerate(planted_search.findings.features):
        folder = reports / FOLDER
        assert (folder / f"{feature.name}.html").is_file()
        about = json.loads((folder / f"{feature.name}.json").read_text())
        evidence = planted_search.findings.evidence[f]
        assert (about["good"], about["plain"]) == (evidence.found, evidence.plain)
        if evidence.unit is not None:
            assert about["rows"][0]["unit"] == str(evidence.unit)
            name = "auc" if evidence.kind == "span" else "rank_r"
            assert about["rows"][0][name] == pytest.approx(evidence.score, rel=1e-4)


def test_the_planted_cell_is_the_headline(written: tuple[Path, Any]) -> None:
    """The latch is found inside parentheses; the page of the run and the index say so too."""
    about = json.loads((written[0] / FOLDER / "parentheses.json").read_text())
    assert about["sentence"] == "Cell 0 of lstm.0:cell is on inside parentheses."
    assert about["good"] is True
    run = json.loads((written[0] / FOLDER / "index.json").read_text())
    assert (run["rows"][0]["feature"], run["rows"][0]["unit"]) == ("parentheses", "lstm.0:cell/0")
    assert "parentheses" in (written[0] / "index.html").read_text()


def test_progress_ends_at_its_total(written: tuple[Path, list[tuple[int, int]]]) -> None:
    """Done never falls, and the last call says all of it."""
    told = written[1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_labels_on_a_page_are_those_of_its_text(planted_search: Search) -> None:
    """The underlined characters are exactly those inside brackets, in every passage."""
    page = compose_feature(Material.of(planted_search), 0)
    spans, at = page.passages.spans, 0
    assert spans is not None
    for item in page.passages.items:
        own = spans[at : at + len(item.text)]
        at += len(item.text)
        assert planted_search.corpus.text(item.start, item.start + len(item.text)) == item.text
        whole = planted_search.corpus.text(0, item.start + len(item.text))
        depth, inside = 0, []
        for c in whole:
            depth += c == "("
            inside.append(depth > 0)
            depth -= c == ")"
        assert own.tolist() == inside[item.start :]


def test_what_the_latch_did_is_what_the_page_shows(planted_search: Search) -> None:
    """High on the underlined characters, low elsewhere; the peaks of its top contexts lie inside."""
    page = compose_feature(Material.of(planted_search), 0)
    passages = page.passages
    column = passages.columns("lstm.0:cell").index(0)
    values = passages.activations["lstm.0:cell"][:, column]
    assert passages.spans is not None
    inside = values[passages.spans].mean()
    assert inside > 0.5 > values[~passages.spans].mean() + 0.3
    at = 0
    for item in passages.items:
        if item.kind == "top" and item.unit == "lstm.0:cell/0":
            assert item.peak is not None
            assert passages.spans[at + item.peak]
        at += len(item.text)
    assert set(passages.gates["lstm.0:cell/0"]) == {"input", "forget", "output", "candidate"}


def test_gates_and_curves_are_those_of_the_best(planted_search: Search) -> None:
    """BEST units of each feature have both, in the order of the ranking: all of them where a network has no more."""
    page = compose_feature(Material.of(planted_search), 0)
    best = {row.address for row in page.ranking.rows[:BEST]}
    assert len(best) == BEST == 16
    assert {*page.passages.gates} == {*page.curves} == best


def test_a_passage_is_as_long_as_asked(planted_search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start of a line, so about; where more is to be read than a page holds of all units, the best remain."""
    for length in (500, 9_000):
        page = compose_feature(Material.of(planted_search, passage=length), 0)
        assert [len(i.text) for i in page.passages.items if i.kind == "reading"] == [length]
        assert len(page.ranking.rows) == len(planted_search.findings.units)
    monkeypatch.setattr(pages, "ROOM", 5 * 9_000)
    fewer = compose_feature(Material.of(planted_search, passage=9_000), 0)
    assert [row.address for row in fewer.ranking.rows] == [row.address for row in page.ranking.rows[:5]]
    assert sum(values.shape[1] for values in fewer.passages.activations.values()) == 5
    unit = compose_unit(explain(planted_search, planted_search.findings.units[0], passage=9_000))
    assert len(unit.passages.items[0].text) == 9_000


def test_the_survey_knows_what_was_open_before_it(bracket_corpus: Corpus, planted_search: Search) -> None:
    """The labels of the end of a text are those of a reading of the whole."""
    labels = survey(planted_search)
    assert (labels.start, labels.stop) == (0, len(bracket_corpus))
    part = labels.part(1000, 1200)
    assert part.flags(0).tolist() == labels.flags(0)[1000:1200].tolist()


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_networks_of_other_kinds_have_pages(kind: str, tmp_path: Path) -> None:
    """Another kind, hidden alone, a text of some thousand characters: pages without what there is not."""
    corpus = Corpus.from_text("one (two) three 44\n" * 300, name="small")
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(1)
    module = CharRNNConfig(len(vocabulary), kind=kind, size=6).build()
    network = Network(module.eval(), vocabulary, "somebody.make")
    sites = (Site(f"{kind}.0", "hidden"),)
    findings = search(network, corpus, select(("digit", "column")), sites=sites)
    path = write_pages(Search(network, None, corpus, findings), tmp_path)
    assert path == tmp_path / "somebody.make-on-small" / "index.html"
    assert (tmp_path / "somebody.make-on-small" / "digit.html").is_file()


def test_a_hostile_text_and_name_stay_text(tmp_path: Path) -> None:
    """Markup in the corpus, the network's name and a pattern is never markup of the page."""
    evil = "</script><img src=x onerror=alert(1)>"
    corpus = Corpus.from_text(f"a {evil} 12 b\n" * 200, name=evil)
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(1)
    network = Network(CharRNNConfig(len(vocabulary), size=4).build().eval(), vocabulary, f"../{evil}", evil)
    feature = Feature(name="evil", pattern=r"<img[^>]*>", description=evil)
    write_pages(Search(network, None, corpus, search(network, corpus, [feature])), tmp_path / "reports")
    pages = list((tmp_path / "reports").rglob("*.html"))
    assert len(pages) == 3
    assert all("<img src=x" not in page.read_text() for page in pages)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["reports"]


@pytest.mark.browser
def test_the_pages_open_without_a_network(written: tuple[Path, Any], offline_page: Any) -> None:
    """Run and feature pages run their script to its end, say the finding, and show the text."""
    folder = written[0] / FOLDER
    for name in ("index", "parentheses", "digit", "column", "url"):
        offline_page.goto((folder / f"{name}.html").as_uri())
        offline_page.wait_for_selector("body[data-ready=yes]")
    offline_page.goto((folder / "parentheses.html").as_uri())
    offline_page.wait_for_selector("body[data-ready=yes]")
    assert "Cell 0 of lstm.0:cell is on inside parentheses" in offline_page.inner_text("main")
    assert "(" in offline_page.inner_text("#pane")


def test_numbers_beside_a_page_are_finite_or_absent(written: tuple[Path, Any]) -> None:
    """No NaN and no infinity in any JSON: another program can read it."""
    for path in written[0].rglob("*.json"):
        assert "NaN" not in path.read_text()
        json.loads(path.read_text())
    assert np.isfinite(json.loads((written[0] / FOLDER / "parentheses.json").read_text())["rows"][0]["auc"])


def test_a_later_search_of_one_feature_keeps_the_rows_of_the_others(planted_search: Search, tmp_path: Path) -> None:
    """The run's table has all that was searched in this text and still has its page, not what another text says."""
    network, text = planted_search.network, planted_search.corpus
    some = Search(network, None, text, search(network, text, select(("digit",))))
    path = write_pages(planted_search, tmp_path)
    write_pages(some, tmp_path)
    rows = json.loads(path.with_suffix(".json").read_text())["rows"]
    assert {row["feature"] for row in rows} == {"digit", "parentheses", "url", "column"}
    assert rows[0]["feature"] == "parentheses"
    (tmp_path / FOLDER / "url.html").unlink()
    assert {row["feature"] for row in earlier_rows(some, tmp_path)} == {"parentheses", "column"}
    shorter = text.part(0, 8000)
    other = Search(network, None, shorter, search(network, shorter, select(("digit",))))
    assert earlier_rows(other, tmp_path) == []


def test_rows_of_other_weights_are_not_kept(planted_search: Search, tmp_path: Path) -> None:
    """A run that was trained on, or searched at another snapshot, has a table of its own."""
    write_pages(planted_search, tmp_path)
    same, text = planted_search.network, planted_search.corpus
    later = Search(replace(same, description="a latch, step 7"), None, text, search(same, text, select(("digit",))))
    assert earlier_rows(later, tmp_path) == []
    assert earlier_rows(replace(later, network=same), tmp_path) != []


def test_numeric_features_are_scores_like_others(planted_search: Search) -> None:
    """Among a unit's scores on all features, for every ranked unit, and in the heat map: as rank correlations."""
    findings, material = planted_search.findings, Material.of(planted_search)
    others = compose_feature(material, 0).others
    heat = compose_run(planted_search, material.scan).heat
    assert others is not None
    assert heat is not None
    assert len(others.units) == len(findings.units)
    for scores in (others, heat):
        assert (scores.features, scores.numeric) == (("parentheses", "digit", "column"), ("column",))
        for row, unit in enumerate(scores.units):
            own = findings.units.index(Unit.parse(unit))
            want = [findings.scores["auc"][0, own], findings.scores["auc"][1, own], findings.scores["rank_r"][3, own]]
            np.testing.assert_array_equal(scores.values[row], want)
    np.testing.assert_allclose(heat.strength[:, 0], np.abs(2 * heat.values[:, 0] - 1))
    np.testing.assert_allclose(heat.strength[:, 2], np.abs(heat.values[:, 2]))


def test_a_missing_control_is_said(planted_search: Search) -> None:
    """Where the untrained network could not be judged, the page says that nothing was compared with it."""
    histograms, findings = Material.of(planted_search).histograms, planted_search.findings
    without = (replace(findings.evidence[0], untrained=float("nan")), *findings.evidence[1:])
    search_ = replace(planted_search, findings=replace(findings, evidence=without))
    assert not any("untrained" in line for line in caveats(planted_search, 0, histograms))
    assert any("untrained" in line for line in caveats(search_, 0, histograms))


@pytest.mark.parametrize(
    "damage",
    ["[]", "{", '{"run": 3}', "null", '{"rows": [{"feature": {}, "finding": "yes"}]}', '{"rows": [[1], null, 3]}'],
)
def test_what_is_no_table_of_ours_gives_no_rows(planted_search: Search, tmp_path: Path, damage: str) -> None:
    """The JSON beside a page may be anything by now."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    about = json.loads(damage) if damage.startswith('{"rows') else None
    same = {"run": {"corpus": "brackets.txt", "model": "a latch", "characters": 30_000}}
    (folder / "index.json").write_text(json.dumps(about | same) if about else damage)
    assert earlier_rows(planted_search, tmp_path) == []


def test_pages_of_another_text_lie_apart(planted_search: Search, tmp_path: Path) -> None:
    """The run's own text has the run's name, and what is shown was held back; another text's pages replace none."""
    text = planted_search.corpus
    own = {"digest": text.digest, "validation": [20_000, 30_000]}
    run = RunFolder.create(tmp_path, "latch", {"corpus": own})
    same = Search(planted_search.network, run, text, planted_search.findings)
    assert header(same).name == "latch"
    assert "10,000 of them were held back" in " ".join(method(same))
    assert held_back_from(same.run, same.corpus) == 20_000
    other = text.part(0, 20_000)
    found = search(planted_search.network, other, select(("digit",)))
    apart = Search(planted_search.network, run, other, found)
    assert header(apart).name == "latch-on-brackets.txt"
    assert "not the text the network was trained on" in " ".join(method(apart))
