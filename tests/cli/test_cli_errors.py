"""`cellscope errors`: a network beside n-grams, for runs, bytes and somebody's model; mistakes in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from cellscope.cli import cellscope
from cellscope.cli.errors import told
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError, InputError, MissingError
from cellscope.pipeline.errors import errors_in
from cellscope.pipeline.exhibits.errors import errors_exhibit
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig

SYMBOLS = "abcdefghij ()[]\n\t\x1b"


def noise(length: int) -> str:
    draw = np.random.default_rng(1)
    words = ["(cab)", "deaf", "[jig]", "a", "face(d)", "\x1b[3", "bad\tcab", "big\n"]
    return " ".join(words[k] for k in draw.integers(0, len(words), length // 5))[:length]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `tiny` (characters) and `raw` (bytes) that have learned next to nothing; each holds 900 characters back."""
    folder = tmp_path_factory.mktemp("errors")
    (folder / "text.txt").write_text(noise(18_000))
    config = TrainingConfig(epochs=0.01, batch_size=2, seq_length=16, precision="fp32")
    for name, as_bytes in (("raw", True), ("tiny", False)):
        corpus = Corpus.open(folder / "text.txt", as_bytes=as_bytes)
        begin(corpus, runs=folder / "runs", name=name, model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports"), "--order", "6"]
    return CliRunner().invoke(cellscope, ["errors", *options, *arguments])


def test_errors_in_words_and_as_a_page(place: Path) -> None:
    """Sentences, tables and places; nothing of the text steers the terminal; the page has every exhibit."""
    done = call(place, "tiny")
    assert done.exit_code == 0, done.output
    for words in ("the network predicts text.txt at", "6-gram model is better", "letters", "line ends", "closing",
                  "parentheses", "farthest behind", "modified Kneser-Ney"):  # fmt: skip
        assert words in done.stdout
    assert "nan" not in done.stdout
    assert "\x1b" not in done.stdout
    (path,) = (place / "reports" / "tiny").glob("study-errors-6-grams-*.html")
    page = path.read_text()
    assert "\\u001b" in page or "␛" in page or "\x1b" not in page
    assert path.with_name(f"{path.stem}~ngrams.csv").is_file()
    assert "page: " in done.stderr
    assert len(list((place / "runs" / "tiny" / "control").glob("ngrams-*.npz"))) == 1


def test_nothing_is_headed_that_is_not_there(place: Path) -> None:
    """Where the n-grams are nowhere behind, neither the terminal nor the page has a heading for the places."""
    found = errors_in("tiny", runs=place / "runs", order=6, features=["parentheses"])
    none = replace(found, errors=replace(found.errors, better=()))
    assert "6-gram is farthest behind" not in told(none)
    titles = [figure.title for figure in errors_exhibit(none).figures]
    assert titles == ["Wrong for one alone", "Where the network is farthest behind"]


def test_errors_as_json(place: Path) -> None:
    """Every figure by its name, equal to what was said; no page without pages."""
    done = call(place, "tiny", "--format", "json", "--no-pages", "--reports", str(place / "none"), "-f", "parentheses")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert (content["run"], content["start"], content["stop"], content["order"]) == ("tiny", 17_100, 18_000, 6)
    assert content["learnt"] == {"text": "text.txt", "characters": 17_100}
    assert content["all"]["characters"] == 900
    assert sum(group["characters"] for group in content["classes"]) == 900
    assert len(content["orders"]) == 6
    assert [d["feature"] for d in content["distances"]] == ["parentheses"]
    assert content["worse"][0]["text"] in noise(18_000)
    assert not (place / "none").exists()


def test_a_network_of_bytes(place: Path) -> None:
    """Positions are bytes, and so are the n-grams."""
    done = call(place, "raw", "--format", "json", "--no-pages")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["orders"][0]["nats"] < np.log(256)


class Foreign(nn.Module):
    """Somebody's GRU that gives logits alone."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.gru = nn.Embedding(len(SYMBOLS) + 1, 4), nn.GRU(4, 8, batch_first=True)
        self.top = nn.Linear(8, len(SYMBOLS) + 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.top(self.gru(self.embedding(ids))[0])


def test_somebodys_model(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the text it was trained on, or with a remark that it is not known."""
    (place / "theirs.py").write_text("from test_cli_errors import Foreign as make\n")
    (place / "symbols.json").write_text(json.dumps({"kind": "characters", "symbols": [*SYMBOLS, ""], "other": 18}))
    (place / "more.txt").write_text(noise(9000)[::-1])
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    model = ("--model", "theirs:make", "--vocabulary", str(place / "symbols.json"), "--text", str(place / "text.txt"))
    done = call(place, *model)
    assert done.exit_code == 0, done.output
    assert "note: What the network was trained on is not known" in done.stdout
    done = call(place, *model, "--trained-on", str(place / "more.txt"), "--no-pages", "--format", "json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["learnt"] == {"text": "more.txt", "characters": 9000}


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("nobody",), MissingError, "no run 'nobody'"),
        (("tiny", "-f", "url"), InputError, "url closes 0 times in the 900 characters of text.txt"),
        (("tiny", "-f", "column"), InputError, "column is a number"),
        (("tiny", "-f", "nothing"), MissingError, "no feature 'nothing'"),
        (("tiny", "--characters", "50"), InputError, "50 characters of text.txt are too few"),
        (("tiny", "--which", "77"), MissingError, "no snapshot"),
        (("tiny", "--trained-on", "gone.txt"), InputError, "gone.txt"),
    ],
)
def test_mistakes_are_one_line(place: Path, arguments: tuple[str, ...], kind: type[CellscopeError], said: str) -> None:
    """What was wrong and what there is; nothing is written."""
    done = call(place, "--no-pages", *arguments)
    assert isinstance(done.exception, kind), done.output
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
