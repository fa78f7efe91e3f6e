"""`cellscope sample --hold`: two texts, a sentence, a page; without it nothing has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError, InputError, MissingError
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("steer")
    (folder / "text.txt").write_text("the (quick) brown fox 12\n\x1b[31m(lazy)\tdogs\n" * 100)
    config = TrainingConfig(epochs=0.01, batch_size=2, seq_length=16, precision="fp32")
    corpus = Corpus.open(folder / "text.txt")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str, pages: bool = True) -> Result:
    where = ["--reports", str(place / "reports")] if pages else []
    return CliRunner().invoke(cellscope, ["sample", "--runs", str(place / "runs"), *where, *arguments])


def test_held_and_free_one_after_the_other_when_piped(place: Path) -> None:
    """Both texts, the sentence, the seed; nothing of the text steers a terminal; the page is said on stderr."""
    done = call(place, "tiny", "--hold", "c/3=+0.9", "--hold", "h/1=2", "--length", "60", "-f", "digit",
                "--samples", "5")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("== lstm.0:cell/3 held at +0.9, lstm.0:hidden/1 held at +2\n")
    assert "\n== free\n" in done.stdout
    assert "of the characters are inside digit in 5 samples of 60 characters" in done.stdout
    assert "seed 123" in done.stdout
    assert "\x1b" not in done.stdout
    assert "note: lstm.0:hidden/1 is never outside of -1 to 1 by itself" in done.stderr
    [page] = (place / "reports" / "tiny").glob("study-held*.html")
    assert str(page) in done.stderr
    assert "How often digit is on" in page.read_text()


def test_steering_as_json(place: Path) -> None:
    """One object; no page without pages."""
    done = call(place, "tiny", "--hold", "c/3=1", "--length", "20", "--format", "json", "--no-pages", "--reports",
                str(place / "none"))  # fmt: skip
    assert json.loads(done.stdout)["held"] == [{"unit": "lstm.0:cell/3", "value": 1.0}]
    assert not (place / "none").exists()


def test_a_plain_sample_is_text_alone(place: Path) -> None:
    """Without --hold the prime text and what follows, and the free text of --hold is the same."""
    plain = call(place, "tiny", "--length", "40", "--prime", "fox", pages=False)
    assert plain.stdout.startswith("fox")
    assert len(plain.stdout) == 3 + 40 + 1
    assert plain.stderr == ""
    held = call(place, "tiny", "--length", "40", "--prime", "fox", "--hold", "c/0=1", "--format", "json", "--no-pages")
    assert "fox" + json.loads(held.stdout)["free_text"] + "\n" == plain.stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("--hold", "c/99=1"), MissingError, "no unit 99 in lstm.0:cell; it has 0 to 7"),
        (("--hold", "c/3=high"), InputError, "'high' is no number to hold lstm.0:cell/3 at"),
        (("--hold", "c/3"), InputError, "write UNIT=VALUE"),
        (("--hold", "c/3=1", "-f", "nothing"), MissingError, "no feature 'nothing'"),
        (("--hold", "c/3=1", "-f", "column"), InputError, "column is a number"),
        (("--feature", "digit"), InputError, "--feature says what to tell of held units; give --hold"),
        (("--samples", "5"), InputError, "--samples says what"),
        (("--hold", "c/3=1", "--prime", "\u20ac" * 3, "--temperature", "-1"), InputError, "temperature"),
    ],
)
def test_mistakes_are_one_line(place: Path, arguments: tuple[str, ...], kind: type[CellscopeError], said: str) -> None:
    """What was wrong and what there is."""
    done = call(place, "tiny", *arguments, pages=False)
    assert isinstance(done.exception, kind), done.output
    assert said in str(done.exception)
