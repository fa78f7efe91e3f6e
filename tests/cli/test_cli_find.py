"""`cellscope find`: results on stdout in three forms, remarks on stderr, mistakes in one line."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from refusals import refused

from cellscope.cli import cellscope
from cellscope.cli.options import PASSAGE, PASSAGES
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.passages import LONGEST, READING, SHORTEST
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig

ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f\x9b\u202e]")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` of a text that holds what a terminal should not see."""
    folder = tmp_path_factory.mktemp("find")
    (folder / "text.txt").write_text("the (quick) brown fox 12\n\x1b[31m(lazy)\t\u202edogs\n" * 300)
    corpus = Corpus.open(folder / "text.txt")
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, ["find", *options, *arguments])


def test_a_table(place: Path) -> None:
    """A line for each feature, the verdicts and the summary, without colour where stdout is no terminal."""
    done = call(place, "-f", "parentheses", "-f", "digit", "-f", "column", "--no-pages")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["found", "feature", "best"]
    assert {line.split()[1] for line in lines[1:4]} == {"parentheses", "digit", "column"}
    assert re.search(r"\d+ of 16 units track a feature, \d of 3 features are tracked: AUC >= 0.9", done.stdout)
    assert "characters heard" in lines[-1]
    assert not ESCAPES.search(done.stdout)
    assert "nan" not in done.stdout
    assert not (place / "reports").exists()


def test_json_and_csv(place: Path) -> None:
    """--format json and csv give whole documents on stdout and nothing else, with the same numbers."""
    asked = ("tiny", "-f", "parentheses", "-f", "column", "--no-pages", "--seed", "7")
    told = call(place, *asked, "--format", "json")
    content = json.loads(told.stdout)
    assert content["seed"] == 7
    assert [f["feature"] for f in content["features"]] == ["parentheses", "column"]
    table = pd.read_csv(io.StringIO(call(place, *asked, "--format", "csv").stdout))
    assert len(table) == 2 * 16
    best = table[(table["feature"] == "parentheses") & (table["rank"] == 1)].iloc[0]
    assert best["unit"] == content["features"][0]["unit"]
    assert best["auc"] == pytest.approx(content["features"][0]["score"], abs=1e-12)
    assert not ESCAPES.search(told.stdout)


def test_all_features(place: Path) -> None:
    """Without --feature the whole library is searched; what the text has nothing of is no error."""
    done = call(place, "--no-pages")
    assert done.exit_code == 0, done.output
    assert re.search(r"nothing found for \d+ of \d+ features", done.stdout)
    assert not ESCAPES.search(done.stdout)


def test_pages_are_said_on_stderr(place: Path) -> None:
    """With pages, where they lie is said on stderr, and stdout stays what it is."""
    done = call(place, "-f", "parentheses", "--format", "json")
    assert done.exit_code == 0, done.output
    json.loads(done.stdout)
    assert "pages: " in done.stderr
    assert list((place / "reports").rglob("*.html"))


def test_a_passage_of_any_sensible_length(place: Path) -> None:
    """--passage says how much there is to read; what no page holds is refused before anything is searched."""
    for passage in ("99", "100001", "-3", "many"):
        done = call(place, "-f", "digit", "--passage", passage)
        assert done.exit_code == 2
        assert "--passage" in done.output
    done = call(place, "-f", "digit", "--passage", "900", "--reports", str(place / "longer"))
    assert done.exit_code == 0, done.output
    page = (place / "longer" / "tiny" / "digit.html").read_text()
    assert re.search(r'\["reading","",\d+,null,900\]', page)
    assert (PASSAGE, PASSAGES.min, PASSAGES.max) == (READING, SHORTEST, LONGEST)


def test_a_short_text(place: Path, tmp_path: Path) -> None:
    """A text of some characters gets an answer, not a traceback."""
    short = tmp_path / "short.txt"
    short.write_text("(a) 1\n")
    done = call(place, "--text", str(short), "-f", "parentheses", "--no-pages")
    assert done.exit_code == 0, done.output
    assert "too short" in done.stdout
    assert "nan" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["-f", "nonesuch"], MissingError, "nonesuch"),
        (["-f", "bad=("], InputError, "bad"),
        (["-f", r"ticket=JIRA-\d+"], InputError, "matches nothing"),
        (["-f", "digit", "--streams", "z"], MissingError, "update"),
        (["nonesuch", "-f", "digit"], MissingError, "nonesuch"),
        (["-f", "digit", "--text", "none.txt"], InputError, "none.txt"),
        (["../etc", "-f", "digit"], InputError, "etc"),
    ],
)
def test_mistakes(place: Path, arguments: list[str], error: type[Exception], words: str) -> None:
    """A mistake is answered by naming it; nothing comes on stdout."""
    done = call(place, *arguments, "--no-pages")
    refused(done, error, words)
    assert done.stdout == ""


def test_a_seed_is_not_negative(place: Path) -> None:
    """One line, and no traceback."""
    done = call(place, "-f", "digit", "--no-pages", "--seed", "-1")
    assert done.exit_code == 2
    assert "-1 is not in the range" in done.stderr


@pytest.mark.parametrize("basis", ["pca", "probe"])
def test_components_are_searched_like_units(place: Path, basis: str) -> None:
    """--basis searches components under addresses of their own, against untrained ones, with pages in a folder of their
    own that colour them; the same seed finds the same.
    """
    more = () if basis == "probe" else ("--components", "3")
    asked = ("-f", "parentheses", "-f", "column", "--basis", basis, "--streams", "c", "--format", "json", *more)
    done = call(place, *asked)
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["basis"] == basis
    assert content["summary"]["units"] == (2 if basis == "probe" else 3)
    for found in content["features"]:
        assert found["unit"].startswith(f"lstm.0.cell:{basis}/")
        assert found["untrained"] is not None
    page = (place / "reports" / f"tiny-{basis}" / "parentheses.html").read_text("utf-8")
    assert f"lstm.0.cell:{basis}/1" in page
    assert json.loads(call(place, *asked, "--no-pages").stdout) == content


def test_what_no_basis_has_is_refused(place: Path) -> None:
    """More components than units, components without a basis, and of directions."""
    for arguments, said in (
        (("--basis", "pca", "--components", "9"), "9 components of 8 units"),
        (("--components", "9"), "give --basis"),
        (("--basis", "probe", "--components", "2"), "a direction for each feature"),
    ):
        done = call(place, "-f", "parentheses", "--no-pages", *arguments)
        assert isinstance(done.exception, InputError), done.output
        assert said in str(done.exception)
