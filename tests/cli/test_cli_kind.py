from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A tiny trained run on a text with brackets."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "text.txt").write_text("".join(f"the cell (and {k} gates) of a state\n" for k in range(800)))
    corpus = Corpus.open(folder / "text.txt")
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=folder / "runs", name="r", model=ModelOptions(size=8, embedding=4), config=config).train()
    return RunFolder(folder / "runs" / "r")


def kind(run: RunFolder, *arguments: str) -> Result:
    runs = ("--runs", str(run.path.parent))
    return CliRunner().invoke(cellscope, ["kind", "r", *arguments, *runs])


def test_table_and_json_say_the_same(run: RunFolder) -> None:
    """Both forms have the sentence; JSON has every part by a stable name, and the seed."""
    table = kind(run, "c/1", "--feature", "parentheses")
    assert table.exit_code == 0, table.output
    answer = kind(run, "c/1", "--feature", "parentheses", "--format", "json")
    told = json.loads(answer.output)
    assert told["sentence"] in table.output
    assert told["unit"] == "lstm.0:cell/1"
    assert {"kind", "clock", "fits", "lag", "onset", "memory", "time_scale", "gates", "writes", "erases", "effect",
            "seed", "criterion", "heard", "run", "corpus"} <= set(told)  # fmt: skip
    assert told["fits"][0]["clock"] == "inside"
    assert told["seed"] == 123
    assert "R2" in table.output


def test_the_best_feature_is_the_default(run: RunFolder) -> None:
    """Without --feature the whole library is searched and the unit's best feature named."""
    answer = kind(run, "c/1", "--format", "json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["feature"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("c/8", "--feature", "parentheses"), "no unit 8 in lstm.0:cell; it has 0 to 7"),
        (("gru.0:hidden/1",), "gru.0:hidden"),
        (("c/1", "--feature", "url"), "matches nothing in the 28,690 characters"),
        (("c/1", "--feature", "nonsense"), "nonsense"),
        (("c/1", "--which", "77"), "77"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: RunFolder, arguments: tuple[str, ...], message: str) -> None:
    """A unit, layer, feature or snapshot that is not there is named, with what there is."""
    answer = kind(run, *arguments)
    assert isinstance(answer.exception, CellscopeError)
    assert message in str(answer.exception)
    assert "\n" not in str(answer.exception)


def test_a_unit_is_asked_for(run: RunFolder) -> None:
    """Without a unit the error shows how one is written."""
    answer = CliRunner().invoke(cellscope, ["kind", "--runs", str(run.path.parent)])
    assert isinstance(answer.exception, CellscopeError)
    assert "needs a UNIT" in str(answer.exception)
