"""A search that was kept is the search; whatever its numbers hang on makes another file; damage is searched anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cellscope.data.text import Corpus
from cellscope.features.library import select
from cellscope.models.network import Network
from cellscope.pipeline import find as pipeline
from cellscope.pipeline import kept
from cellscope.pipeline.explain import explain
from cellscope.pipeline.find import Search, search
from cellscope.pipeline.pages import Material, compose_feature

FEATURES = select(("column", "parentheses", "digit", "url"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "control"


@pytest.fixture(scope="module")
def searched(folder: Path, latch: Network, bracket_corpus: Corpus) -> Search:
    """The search whose findings lie in the folder."""
    return Search(latch, None, bracket_corpus, search(latch, bracket_corpus, FEATURES, control=folder))


@pytest.fixture
def again(
    searched: Search, folder: Path, latch: Network, bracket_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> Search:
    """The same search, with the counting switched off."""
    monkeypatch.setattr(pipeline, "count", lambda *_, **__: pytest.fail("the text was read again"))
    return Search(latch, None, bracket_corpus, search(latch, bracket_corpus, FEATURES, control=folder))


def test_what_was_kept_is_what_was_found(searched: Search, again: Search) -> None:
    """Evidence, scores, table, JSON and the counts behind the figures, to the last digit."""
    assert again.json() == searched.json()
    before, after = searched.findings, again.findings
    assert [repr(e) for e in after.evidence] == [repr(e) for e in before.evidence]
    assert after.units == before.units
    assert after.features == before.features
    assert set(after.scores) == set(before.scores)
    for name, values in before.scores.items():
        np.testing.assert_array_equal(after.scores[name], values)
    for name, values in before.counts.tally.state().items():
        np.testing.assert_array_equal(after.counts.tally.state()[name], values)
    assert after.table().equals(before.table())
    assert after.summary() == before.summary()


def test_pages_and_explanations_are_the_same(searched: Search, again: Search) -> None:
    """`explain` after `find` reads only what it shows."""
    unit = searched.findings.units[3]
    one, other = explain(searched, unit), explain(again, unit)
    assert one.json() == other.json()
    pages = [compose_feature(Material.of(s), 0) for s in (searched, again)]
    assert pages[0].headline == pages[1].headline
    assert pages[0].ranking == pages[1].ranking
    assert pages[0].curves == pages[1].curves


def test_whatever_matters_makes_another_file(latch: Network, bracket_corpus: Corpus, tmp_path: Path) -> None:
    """Weights, text, range, features and their patterns, sites, way of reading, seed, alphabet."""
    sites = tuple(dict.fromkeys(u.site for u in search(latch, bracket_corpus, FEATURES[:1]).units))
    given = {"network": latch, "subject": bracket_corpus, "features": FEATURES, "sites": sites}
    options = {"start": 0, "exact": False, "seed": 1}
    changed = latch.untrained(5)
    other = replace(latch.vocabulary, symbols=tuple(reversed(latch.vocabulary.symbols[:-1])) + ("",))
    variants = [
        {}, {"network": changed}, {"subject": bracket_corpus.part(0, 20_000)}, {"features": FEATURES[:2]},
        {"features": (*FEATURES[:3], replace(FEATURES[3], pattern="x+"))}, {"sites": sites[:1]}, {"start": 10},
        {"exact": True}, {"seed": 2}, {"network": replace(latch, vocabulary=other)},
    ]  # fmt: skip
    paths = {kept.place(tmp_path, **(given | options | variant)) for variant in variants}
    assert len(paths) == len(variants)
    assert kept.place(tmp_path, **given, **options) in paths


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", "cut", "another"])
def test_a_damaged_file_is_made_anew(
    searched: Search, folder: Path, latch: Network, bracket_corpus: Corpus, tmp_path: Path, damage: bytes | str
) -> None:
    """Nothing is believed that cannot be read."""
    (good,) = folder.glob(kept.PATTERN)
    bad = tmp_path / good.name
    if damage == "another":
        np.savez_compressed(bad.with_suffix(""), about=np.zeros(3, np.uint8))
    else:
        bad.write_bytes(good.read_bytes()[:-200] if damage == "cut" else damage)
    assert kept.recall(bad, FEATURES) is None
    found = search(latch, bracket_corpus, FEATURES, control=tmp_path)
    assert [repr(e) for e in found.evidence] == [repr(e) for e in searched.findings.evidence]
    assert kept.recall(bad, FEATURES) is not None


def test_only_the_latest_are_kept(searched: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's folder does not grow without end, and a search that is too large is not kept at all."""
    for number in range(kept.MOST + 3):
        kept.keep(tmp_path / f"findings-{number}.npz", searched.findings)
    names = {path.name for path in tmp_path.glob(kept.PATTERN)}
    assert names == {f"findings-{number}.npz" for number in range(3, kept.MOST + 3)}
    monkeypatch.setattr(kept, "MOST_BYTES", 1000)
    kept.keep(tmp_path / "large" / "findings-0.npz", searched.findings)
    assert not (tmp_path / "large").exists()


def test_a_folder_that_cannot_be_written_to_is_no_fault(searched: Search, tmp_path: Path) -> None:
    """The search is made again next time."""
    (tmp_path / "file").write_text("")
    kept.keep(tmp_path / "file" / "findings-0.npz", searched.findings)
    assert kept.recall(tmp_path / "file" / "findings-0.npz", FEATURES) is None


def test_changed_weights_in_place_are_other_weights(latch: Network, bracket_corpus: Corpus, tmp_path: Path) -> None:
    """The digest is of the numbers, not of the object."""
    own = replace(latch, module=latch.untrained(1).module)
    place = [kept.place(tmp_path, own, bracket_corpus, (), (), start=0, exact=False, seed=0)]
    with torch.no_grad():
        next(own.module.parameters()).add_(1e-3)
    place.append(kept.place(tmp_path, own, bracket_corpus, (), (), start=0, exact=False, seed=0))
    assert place[0] != place[1]
