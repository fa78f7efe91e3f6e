from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from cellscope.data.text import Corpus
from cellscope.hooks.listen import listen
from cellscope.models.network import Network
from cellscope.pipeline import gates as module
from cellscope.pipeline.find import Search, find_in
from cellscope.pipeline.gates import gates
from cellscope.pipeline.networks import adopt
from cellscope.pipeline.runpage import compose_run
from cellscope.pipeline.scan import scan, survey
from cellscope.report.contents import RunPage
from cellscope.training.run import RunFolder


def page_of(search: Search) -> RunPage:
    """The page of the search's run."""
    return compose_run(search, scan(search, survey(search)))


@pytest.fixture
def outside(tmp_path: Path, latch: Network, bracket_corpus: Corpus) -> dict[str, Path]:
    """The latch as somebody else has it: bare weights, its symbols, and a text that nobody says it was trained on."""
    paths = {name: tmp_path / name for name in ("latch.safetensors", "symbols.json", "brackets.txt")}
    save_file(latch.module.state_dict(), paths["latch.safetensors"])
    paths["symbols.json"].write_text(json.dumps(latch.vocabulary.to_json()))
    paths["brackets.txt"].write_text(bracket_corpus.text(0, 30_000))
    return paths


def test_gates_are_those_of_the_text_in_one_lane(latch: Network, bracket_corpus: Corpus) -> None:
    """Fractions of every gate of every unit equal those of the plain network."""
    import torch

    ids = torch.from_numpy(latch.vocabulary.encode(bracket_corpus.codes(25_000, 30_000)))[None]
    sites = ("lstm.0:input", "lstm.0:forget", "lstm.0:output")
    with listen(latch.module, sites) as heard:
        latch.forward(ids)
        expected = {site.stream: heard[site][:, 0].numpy() for site in heard.sites}
    found = gates(latch, bracket_corpus.part(25_000, 30_000))
    assert len(found) == 3 * 8
    for one in found:
        values = expected[one.gate][:, one.unit]
        assert one.left == pytest.approx((values < 0.1).mean(), abs=2e-3)
        assert one.right == pytest.approx((values > 0.9).mean(), abs=2e-3)


def test_they_are_counted_once_for_the_same_weights_and_text(
    latch: Network, bracket_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time they come from the run's folder; another text or a damaged file is counted anew."""
    text = bracket_corpus.part(25_000, 30_000)
    first = gates(latch, text, folder=tmp_path)
    kept = next(tmp_path.glob("gates-*.json"))
    monkeypatch.setattr(module, "NetworkSource", lambda *_: pytest.fail("heard again"))
    again = gates(latch, text, folder=tmp_path)
    assert [(g.gate, g.unit) for g in again] == [(g.gate, g.unit) for g in first]
    np.testing.assert_allclose([g.left for g in again], [g.left for g in first], atol=1e-6)
    monkeypatch.undo()
    kept.write_text('{"left": {}, "right"')
    assert gates(latch, text, folder=tmp_path) == first
    assert gates(latch, bracket_corpus, folder=tmp_path) != first


def test_a_run_has_those_of_what_was_held_back(planted_search: Search, tmp_path: Path) -> None:
    """Over the part that the network was not trained on, and the page says so."""
    text = planted_search.corpus
    run = RunFolder.create(tmp_path, "latch", {"corpus": {"digest": text.digest, "validation": [25_000, 30_000]}})
    page = page_of(replace(planted_search, run=run))
    assert page.saturation == gates(planted_search.network, text.part(25_000, 30_000))
    assert page.saturated_on == "5,000 characters of brackets.txt that were held back from training"


def test_an_adopted_run_has_those_of_the_searched_text(
    outside: dict[str, Path], latch: Network, bracket_corpus: Corpus, tmp_path: Path
) -> None:
    """It has no text of its own: what was searched is heard, no more of it and no less."""
    runs = tmp_path / "runs"
    run, _ = adopt(outside["latch.safetensors"], vocabulary=outside["symbols.json"], runs=runs)
    searched = find_in(run.path, text=outside["brackets.txt"], asked=("digit",), characters=20_000)
    page = page_of(searched)
    assert page.saturated_on == "20,000 characters of brackets.txt that were searched"
    assert page.saturation == gates(latch, bracket_corpus.part(10_000, 30_000))


def test_somebody_elses_module_has_those_of_the_searched_text(
    outside: dict[str, Path], latch: Network, bracket_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network without a run has gates, too; they are kept nowhere."""
    made = f"from cellscope.models.char_rnn import CharRNNConfig\ndef make(): return {latch.module.config!r}.build()\n"
    (tmp_path / "outside_latch.py").write_text(made)
    monkeypatch.syspath_prepend(tmp_path)
    searched = find_in(
        model="outside_latch:make", weights=outside["latch.safetensors"], vocabulary=outside["symbols.json"],
        text=outside["brackets.txt"], asked=("digit",),
    )  # fmt: skip
    page = page_of(searched)
    assert page.saturated_on == "30,000 characters of brackets.txt that were searched"
    assert [one.left for one in page.saturation] == [one.left for one in gates(latch, bracket_corpus)]
    assert {one.gate for one in page.saturation} == {"input", "forget", "output"}
