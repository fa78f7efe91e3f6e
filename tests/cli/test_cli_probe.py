"""`cellscope probe` on a run of a text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has barely been trained."""
    folder = tmp_path_factory.mktemp("probe")
    rng = np.random.default_rng(0)
    words = ["the", "(quick)", "brown", "fox", "12", "(lazy", "dogs)", "\n"]
    (folder / "text.txt").write_text(" ".join(rng.choice(words, 6_000)))
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    corpus = Corpus.open(folder / "text.txt")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        cellscope, ["probe", "--runs", str(place / "runs"), "--reports", str(place / "reports"), *arguments]
    )


def test_few_features_get_their_curves(place: Path) -> None:
    """The verdict, a line for every number of units, the criterion and the seed."""
    done = call(place, "-f", "parentheses", "--draws", "2")
    assert done.exit_code == 0, done.output
    first = [line.split()[0] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert first[:5] == ["1", "2", "4", "8", "16"]
    assert done.stdout.startswith("parentheses")
    assert "Local: one unit has 95%" in done.stdout
    assert "seed 123" in done.stdout
    assert "nan" not in done.stdout
    page = (place / "reports" / "tiny" / "study-probe-parentheses.html").read_text("utf-8")
    assert "One cell or many: parentheses" in page
    assert "NaN" not in page


def test_all_features_get_a_line_each(place: Path) -> None:
    """The library is probed where nothing is asked for; how many were local, sparse, distributed is said."""
    done = call(place, "--draws", "2")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split()[:3] == ["feature", "late", "verdict"]
    assert "too rare or too common to be probed" in done.stdout


def test_json_has_every_rung(place: Path) -> None:
    """--format json is a whole document without NaN; the same seed gives the same one."""
    asked = ("-f", "parentheses", "-f", "column", "--format", "json", "--seed", "5", "--draws", "2", "--streams", "c")
    told = call(place, *asked).stdout
    content = json.loads(told, parse_constant=pytest.fail)
    assert content["sites"] == {"lstm.0:cell": 8}
    assert [f["feature"] for f in content["features"]] == ["parentheses", "column"]
    rungs = content["features"][0]["rungs"]
    assert [r["units"] for r in rungs] == [1, 2, 4, 8]
    assert all(r["low"] <= r["score"] <= r["high"] for r in rungs)
    assert rungs[-1]["random"] is None
    assert call(place, *asked).stdout == told


def test_mistakes_are_told(place: Path) -> None:
    """A feature that the text has not, one that nobody knows, an option of pictures."""
    for arguments, error in (
        (("-f", "x=QQQ"), InputError),
        (("-f", "parenthesis"), MissingError),
        (("--grid", "2"), InputError),
        (("--streams", "q"), MissingError),
        (("--lesion",), InputError),
        (("-f", "column", "--lesion", "--streams", "c"), InputError),
        (("-f", "parentheses", "--lesion"), InputError),
        (("-f", "parentheses", "--characters", "100"), InputError),
    ):
        done = call(place, *arguments)
        assert isinstance(done.exception, error), done.output
        assert "\n" not in str(done.exception)


def test_a_direction_is_lesioned(place: Path) -> None:
    """--lesion says what the network loses without the direction, beside random ones, the best units and the rest."""
    asked = ("-f", "parentheses", "--lesion", "--streams", "c", "--draws", "1", "--no-pages", "--format", "json")
    done = call(place, *asked)
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)["lesions"]
    assert told["name"] == "lstm.0.cell:probe/parentheses"
    assert len(told["random"]) == 20
    assert [several["k"] for several in told["several"]] == [1, 2, 4, 8]
    assert told["kept"]["none"]["inside"]["low"] <= told["kept"]["none"]["inside"]["value"]
    assert "lstm.0.cell:probe/parentheses inside parentheses" in told["sentence"]


def test_a_direction_is_kept_and_lesioned(place: Path, tmp_path: Path) -> None:
    """--save keeps what `lesion --direction` takes; it is for one feature in one stream, and overwrites nothing."""
    file = tmp_path / "probe.npy"
    asked = ("-f", "parentheses", "--draws", "1", "--no-pages", "--save", str(file))
    done = call(place, *asked, "--streams", "c")
    assert done.exit_code == 0, done.output
    assert np.load(file, allow_pickle=False).shape == (8,)
    for arguments, said in (
        ((*asked, "--streams", "c"), "is there already"), (asked, "one stream"),
        (("--streams", "c", "--save", str(tmp_path / "a.npy")), "one feature"),
        (("-f", "parentheses", "--streams", "c", "--save", str(tmp_path / "a.txt")), "ends in .npy"),
    ):  # fmt: skip
        refused = call(place, *arguments)
        assert isinstance(refused.exception, InputError)
        assert said in str(refused.exception)
    options = ["--runs", str(place / "runs"), "--no-pages", "--draws", "2", "--characters", "4000"]
    held = CliRunner().invoke(
        cellscope, ["lesion", "tiny", "--direction", f"lstm.0:cell={file}", "-f", "parentheses", *options]
    )
    assert held.exit_code == 0, held.output
    assert "lstm.0.cell:probe.npy/0" in held.stdout
    assert "only these kept" in held.stdout
