from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellscope.data.text import Corpus
from cellscope.hooks.listen import listen
from cellscope.models.network import Network
from cellscope.pipeline import gates as module
from cellscope.pipeline.gates import gates
from cellscope.training.run import RunFolder


@pytest.fixture
def run(tmp_path: Path, bracket_corpus: Corpus) -> RunFolder:
    """A run that holds back the last sixth of its text."""
    text = tmp_path / "text.txt"
    text.write_text(bracket_corpus.text(0, 30_000))
    corpus = {"path": str(text), "length": 30_000, "validation": [25_000, 30_000]}
    return RunFolder.create(tmp_path / "runs", "latch", {"corpus": corpus})


def test_gates_are_counted_over_the_held_back_text(run: RunFolder, latch: Network, bracket_corpus: Corpus) -> None:
    """Fractions of every gate of every unit equal those of the text in one lane."""
    import torch

    ids = torch.from_numpy(latch.vocabulary.encode(bracket_corpus.codes(25_000, 30_000)))[None]
    sites = ("lstm.0:input", "lstm.0:forget", "lstm.0:output")
    with listen(latch.module, sites) as heard:
        latch.forward(ids)
        expected = {site.stream: heard[site][:, 0].numpy() for site in heard.sites}
    found = gates(latch, run)
    assert len(found) == 3 * 8
    for one in found:
        values = expected[one.gate][:, one.unit]
        assert one.left == pytest.approx((values < 0.1).mean(), abs=2e-3)
        assert one.right == pytest.approx((values > 0.9).mean(), abs=2e-3)


def test_they_are_counted_once_for_the_same_weights(
    run: RunFolder, latch: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time they come from the run's folder; a damaged file there is made anew."""
    first = gates(latch, run)
    kept = next((run.path / "control").glob("gates-*.json"))
    monkeypatch.setattr(module, "NetworkSource", lambda *_: pytest.fail("heard again"))
    again = gates(latch, run)
    assert [(g.gate, g.unit) for g in again] == [(g.gate, g.unit) for g in first]
    np.testing.assert_allclose([g.left for g in again], [g.left for g in first], atol=1e-6)
    monkeypatch.undo()
    kept.write_text('{"left": {}, "right"')
    assert len(gates(latch, run)) == len(first)


def test_without_its_text_a_run_has_no_gates(run: RunFolder, latch: Network, tmp_path: Path) -> None:
    """Nothing, rather than an error: the pages are about another text then."""
    (tmp_path / "text.txt").unlink()
    assert gates(latch, run) == ()
