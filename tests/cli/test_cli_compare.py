"""`cellscope compare`: two runs, or one at two times; mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refusals import refused

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one text: `one` (LSTM) and `two` (GRU); `else` of another text, `raw` of bytes; all learned nothing."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "text.txt").write_text("the (quick) brown fox 12\n(lazy)\tdogs\n" * 400)
    (folder / "other.txt").write_text("nothing (much) to read 7\n" * 600)
    config = TrainingConfig(epochs=0.05, batch_size=2, seq_length=16, precision="fp32")
    for name, kind, text, as_bytes in (
        ("one", "lstm", "text.txt", False), ("two", "gru", "text.txt", False),
        ("else", "lstm", "other.txt", False), ("raw", "lstm", "text.txt", True),
    ):  # fmt: skip
        corpus = Corpus.open(folder / text, as_bytes=as_bytes)
        model = ModelOptions(kind=kind, size=6, embedding=4)
        begin(corpus, runs=folder / "runs", name=name, model=model, config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    folders = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, ["compare", *folders, "-f", "parentheses", "-f", "digit", *arguments])


def test_an_lstm_and_a_gru(place: Path) -> None:
    """Sentences, tables and what was read; the cell of one beside the hidden state of the other."""
    done = call(place, "one", "two")
    assert done.exit_code == 0, done.output
    assert "of 6 units of one correspond to one of the 6 of two" in done.stdout
    assert "parentheses" in done.stdout
    assert "nan" not in done.stdout
    content = json.loads(call(place, "one", "two", "--format", "json").stdout)
    assert [n["sites"] for n in content["networks"]] == [["lstm.0:cell"], ["gru.0:hidden"]]
    assert (content["seed"], content["untrained_networks"]) == (123, 5)


def test_one_run_at_two_times(place: Path) -> None:
    """RUN@STEP is a snapshot, RUN@last the last weights; how many units kept their number is said."""
    done = call(place, "one@0", "one@last", "--format", "json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert [n["name"] for n in content["networks"]] == ["one@0", "one@last"]
    assert content["kept_their_number"] == content["corresponding"]
    itself = json.loads(call(place, "one", "one", "--format", "json").stdout)
    assert all(m["r"] > 0.9999 and m["other"] == m["unit"] for m in itself["matches"][0])


def test_streams_and_another_text(place: Path) -> None:
    """--streams chooses what is compared, --text what is read; runs of two texts need one."""
    done = call(place, "one", "else", "--text", str(place / "text.txt"), "--streams", "h", "--format", "json")
    content = json.loads(done.stdout)
    assert [n["sites"] for n in content["networks"]] == [["lstm.0:hidden"], ["lstm.0:hidden"]]
    assert content["networks"][1]["unknown"] > 0


def test_the_page_is_said_on_stderr(place: Path) -> None:
    """It lies with the first run's pages, has the numbers beside it, and stands in the index; without pages nothing."""
    done = call(place, "one@0", "two")
    (page,) = (place / "reports" / "one").glob("study-compare-one-at-0-two-for-parentheses-digit-*.html")
    assert f"page: {page}" in done.stderr
    assert page.name in (place / "reports" / "index.html").read_text("utf-8")
    table = json.loads(page.with_name(f"{page.stem}~correspondence.json").read_text("utf-8"))
    assert len(table["rows"]) == 6
    page.unlink()
    assert "page:" not in call(place, "one@0", "two", "--no-pages").stderr
    assert not page.exists()


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("one", "gone"), MissingError, "no run 'gone'"),
        (("one", "one@77"), MissingError, "no snapshot in run one '77'; there is"),
        (("one", "gone@0"), MissingError, "no run 'gone'"),
        (("one", "raw"), InputError, "one reads characters and raw reads bytes"),
        (("one", "else"), InputError, "one on text.txt, else on other.txt"),
        (("one", "two", "--streams", "c"), MissingError, "no stream 'cell'"),
        (("one", "two", "-f", "nonesuch"), MissingError, "nonesuch"),
        (("one", "two", "-f", "ticket=JIRA"), InputError, "matches nothing"),
        (("one", "two", "--characters", "500"), InputError, "500 characters are too few"),
    ],
)
def test_mistakes(place: Path, words: tuple[str, ...], error: type[Exception], said: str) -> None:
    """One line that says what there is; nothing on stdout."""
    done = call(place, *words)
    refused(done, error, said)
    assert done.stdout == ""
