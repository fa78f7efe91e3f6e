"""`cellscope atlas` at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def tiny_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("atlas")
    (folder / "text.txt").write_text("the (quick) brown fox 12\n\x1b[31m(lazy) dogs\n" * 300)
    corpus = Corpus.open(folder / "text.txt")
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, ["atlas", *options, "-f", "parentheses", "-f", "digit", *arguments])


def test_the_share_and_its_criterion_are_printed(tiny_place: Path) -> None:
    """Sentence, interval, criterion, how many have nothing; the page is said on stderr."""
    done = call(tiny_place, "tiny")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert " of 16 units (" in lines[0]
    assert lines[2].startswith("criterion: a unit tracks a feature where")
    assert lines[-1].startswith("nothing found: ")
    assert (tiny_place / "reports" / "tiny" / "atlas.html").is_file()
    assert "page: " in done.stderr


def test_csv_and_json_have_every_unit(tiny_place: Path) -> None:
    """The same rows in both; without pages nothing is written."""
    nowhere = str(tiny_place / "nothing")
    rows = list(
        csv.DictReader(call(tiny_place, "--format", "csv", "--reports", nowhere, "--no-pages").stdout.splitlines())
    )
    content = json.loads(call(tiny_place, "--format", "json", "--reports", nowhere, "--no-pages").stdout)
    assert [row["unit"] for row in rows] == [row["unit"] for row in content["units"]]
    assert len(rows) == 16
    assert not Path(nowhere).exists()


@pytest.mark.parametrize(
    ("words", "said"), [(("gone",), "no run 'gone'; there is tiny"), (("-f", "nonsense"), "nonsense")]
)
def test_mistakes_with_the_atlas(tiny_place: Path, words: tuple[str, ...], said: str) -> None:
    """What was wrong, in one line."""
    done = call(tiny_place, *words)
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_a_text_of_some_characters_is_no_crash(tiny_place: Path) -> None:
    """So short a text has no blocks to report on: nothing can be judged, and that is said."""
    (tiny_place / "short.txt").write_text("(a) 12\n(b)")
    done = call(tiny_place, "tiny", "--text", str(tiny_place / "short.txt"), "--no-pages")
    assert done.exit_code == 0, done.output
    assert "no unit can be judged" in done.stdout
