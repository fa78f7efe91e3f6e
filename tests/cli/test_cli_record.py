"""`cellscope record` says what it made, or in one line why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has learned next to nothing, which is enough to be recorded."""
    folder = tmp_path_factory.mktemp("record")
    (folder / "text.txt").write_text("the quick brown fox\n" * 300)
    corpus = Corpus.open(folder / "text.txt")
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cellscope, ["record", "--runs", str(place / "runs"), *arguments])


def test_the_latest_runs_held_back_text_is_recorded(place: Path) -> None:
    """Without more words: the latest run, its held-back text, hidden and cell; the path alone is on stdout."""
    done = call(place, "-o", str(place / "a.zarr"))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{place / 'a.zarr'}\n"
    store = xarray.open_zarr(place / "a.zarr")
    assert set(store) == {"lstm.0.hidden", "lstm.0.cell", "character"}
    assert store.sizes["position"] == 300


def test_a_text_and_sites_are_chosen(place: Path) -> None:
    """--text and --sites choose; --force alone replaces what is there."""
    (place / "other.txt").write_text("fox\n" * 10)
    words = [
        "tiny",
        "--text",
        str(place / "other.txt"),
        "--sites",
        "lstm.0:f",
        "-o",
        str(place / "b.zarr"),
    ]
    assert call(place, *words).exit_code == 0
    again = call(place, *words)
    assert "exists" in str(again.exception)
    assert call(place, *words, "--force").exit_code == 0
    assert dict(xarray.open_zarr(place / "b.zarr").sizes) == {"position": 40, "unit": 8}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no run 'nothing'"),
        (["--sites", "lstm.0:c", "--streams", "h"], "give one of them"),
        (["--sites", "lstm.9:c"], "no site 'lstm.9:c'"),
        (["--streams", "r"], "no stream 'reset'"),
        (["--text", "gone.txt"], "gone.txt"),
        (["--model", "a:b"], "vocabulary"),
    ],
)
def test_a_mistake_is_one_line(place: Path, words: list[str], said: str) -> None:
    """What is not there is named, with what is; nothing is written."""
    run = ["tiny"] if words[0].startswith("--") and words[0] != "--model" else []
    done = call(place, *run, *words, "-o", str(place / "never.zarr"))
    assert done.exit_code != 0
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not list(place.glob("never*"))


FACTORY = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.body, self.head = nn.Embedding(4, 3), nn.GRU(3, 5, 2, batch_first=True), nn.Linear(5, 4)

    def forward(self, ids, state=None):
        return self.head(self.body(self.table(ids), state)[0])

def make():
    torch.manual_seed(0)
    return Two()
"""


def test_somebody_elses_network_is_recorded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of two stacked GRU layers that gives logits alone: every stream of both is in the store."""
    (place / "recorded_net.py").write_text(FACTORY)
    (place / "symbols.json").write_text('["a", "b", "c", "\\n"]')
    (place / "abc.txt").write_text("abc\n" * 50)
    monkeypatch.syspath_prepend(place)
    words = ["--model", "recorded_net:make", "--vocabulary", str(place / "symbols.json"), "--streams", "all"]
    assert "needs --text" in str(call(place, *words).exception)
    done = call(place, *words, "--text", str(place / "abc.txt"), "-o", str(place / "theirs.zarr"))
    assert done.exit_code == 0, done.output
    streams = ("hidden", "reset", "update", "new")
    store = xarray.open_zarr(place / "theirs.zarr")
    assert set(store) == {"character", *(f"body.{layer}.{stream}" for layer in (0, 1) for stream in streams)}
    assert dict(store.sizes) == {"position": 200, "unit": 5}
