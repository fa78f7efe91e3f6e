"""`cellscope lesion`, `invariance`, `backquery` and `probe` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from refusals import refused

from cellscope.cli import cellscope
from cellscope.cli.lesion import run_and_addresses
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs `cnn` and `mlp`, which have seen the digits a few times."""
    folder = tmp_path_factory.mktemp("damage")
    for kind, epochs in (("small_cnn", 4), ("mlp", 30)):
        shapes = {"widths": (8, 16), "hidden": 16} if kind == "small_cnn" else {"hidden": 50}
        config = TrainingConfig(epochs=epochs, batch_size=32, precision="fp32")
        begin_pictures(
            open_images("digits"), runs=folder / "runs", name=kind, kind=kind, shapes=shapes, config=config
        ).train()
    return folder


def call(place: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(cellscope, [command, *arguments, "--runs", str(place / "runs")])


def test_units_are_removed_together(place: Path) -> None:
    """The table has a row for all and one a class; JSON has the same numbers."""
    done = call(place, "lesion", "small_cnn", "features.6/1", "classifier.1/3", "--fill", "mean")
    assert "without features.6/1, classifier.1/3 (set to their means):" in done.output
    lines = done.output.splitlines()
    assert lines[2].split() == ["class", "pictures", "accuracy", "without", "change", "balanced"]
    assert [line.split()[0] for line in lines[3:]] == ["all", *map(str, range(10))]
    data = json.loads(call(place, "lesion", "small_cnn", "features.6/1", "--format", "json").output)
    assert data["units"] == ["features.6/1"]
    assert len(data["recall"]) == 2
    assert f"{data['accuracy'][0]:.3f}" == lines[3].split()[2]


def test_units_are_removed_for_a_concept(place: Path) -> None:
    """The verdict, changes with the concept and without, the best units; of digits, which have no masks, the classes
    are the concepts.
    """
    asked = ("lesion", "small_cnn", "features.6/1", "-f", "3", "--draws", "4", "--reports", str(place / "reports"))
    done = call(place, *asked, "--fill", "outside")
    (page,) = (place / "reports" / "small_cnn").glob("study-lesion-features.6-1-at-3*.html")
    assert "Without features.6/1: 3" in page.read_text("utf-8")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("The network ")
    assert "held at its mean outside 3" in done.output
    lines = [line.split("  ")[0] for line in done.output.splitlines()]
    assert lines[3:8] == ["pictures", "nats without lesion", "change", "4 random", "only these kept"]
    assert lines[lines.index("k") + 1 :][:5] == ["1", "2", "4", "8", "16"]
    (need,) = json.loads(call(place, *asked, "--format", "json", "--no-pages").output)["needs"]
    assert need["feature"] == "3"
    assert need["fill"] == "zero"


def test_a_layer_is_taken_apart(place: Path) -> None:
    """Sentences, the units that matter most, and the curve from nothing to all; JSON has the whole matrix."""
    done = call(place, "lesion", "small_cnn", "--layer", "features.6", "--draws", "3")
    assert "features.6, each of 16 units set to 0:" in done.output
    assert "comes half-way to chance" in done.output
    assert done.output.splitlines()[-1].split()[0] == "16"
    data = json.loads(
        call(place, "lesion", "small_cnn", "--layer", "features.6", "--draws", "3", "--format", "json").output
    )
    assert np.array(data["reporting"]["recall"]).shape == (16, 10)
    assert len(data["damage"]["random"]) == 3


def test_invariance_has_a_row_a_layer(place: Path) -> None:
    """The amount 0 moves nothing, a layer's row has one number an amount, and pooling is said."""
    done = call(place, "invariance", "small_cnn", "--transform", "translation=0,1", "--most", "50")
    rows = {line.split()[0]: line.split() for line in done.output.splitlines() if line}
    assert rows["features.0"][1:3] == ["Conv2d", "0.00"]
    assert float(rows["features.0"][3]) > 0.1
    assert "features.3 (MaxPool2d) leaves of the change in features.2" in done.output
    pooled = call(place, "invariance", "small_cnn", "--transform", "translation=1", "--pooled", "--most", "50")
    first = next(line for line in pooled.output.splitlines() if line.startswith("features.0"))
    assert float(first.split()[2]) != float(rows["features.0"][3])


def test_labels_run_backwards(place: Path) -> None:
    """A sigmoid network gives a table and a picture of all labels; a convolutional one is refused by name."""
    done = call(place, "backquery", "mlp", "--reports", str(place / "reports"))
    assert "of 10 labels as themselves" in done.output
    drawn = np.asarray(Image.open(place / "reports" / "mlp" / "maps" / "backquery.png"))
    assert drawn.shape[1] >= 400
    one = call(place, "backquery", "mlp", "-c", "7", "--format", "json", "--reports", str(place / "reports"))
    assert json.loads(one.stdout)["labels"] == [7]
    refused = call(place, "backquery", "small_cnn")
    assert isinstance(refused.exception, InputError)
    assert "small_cnn has BatchNorm2d" in str(refused.exception)


def test_probes_stand_beside_the_readable_model(place: Path) -> None:
    """The regression on pixels, then a row a layer with the untrained network beside it."""
    done = call(place, "probe", "small_cnn", "--layer", "features.2", "--layer", "classifier.1", "--most", "400")
    assert done.output.startswith("a logistic regression on pixels tells 0.")
    *_, first, last, _, hint = done.output.splitlines()
    assert [line.split()[0] for line in (first, last)] == ["features.2", "classifier.1"]
    assert hint.startswith("how many units tell a concept (0, 1, 2 ...)")
    data = json.loads(
        call(place, "probe", "small_cnn", "--layer", "classifier.1", "--most", "400", "--format", "json").output
    )
    assert [outlet["site"] for outlet in data["outlets"]] == ["classifier.1"]
    assert np.array(data["readable"]["weights"]).shape == (10, 1, 8, 8)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("lesion", "small_cnn"), InputError, "give UNITs to remove together"),
        (("lesion", "small_cnn", "features.6/1", "--layer", "features.6"), InputError, "one of the two"),
        (("lesion", "small_cnn", "features.6/16"), InputError, "no unit 16 in features.6; it has 0 to 15"),
        (("lesion", "small_cnn", "features.6/1", "-f", "circle"), MissingError, "there is 0, 1, 2"),
        (("lesion", "small_cnn", "features.6/1", "--single-file"), InputError, "--single-file is for concepts"),
        (("lesion", "small_cnn", "features.6/1", "--fill", "outside"), InputError, "means outside a feature; name one"),
        (("lesion", "small_cnn", "--layer", "features.6", "-f", "3"), InputError, "--feature goes with UNITs"),
        (("lesion", "small_cnn", "--layer", "features.60"), MissingError, "no site 'features.60'"),
        (("invariance", "small_cnn", "--transform", "scale"), InputError, "names no amounts"),
        (("invariance", "small_cnn", "--transform", "shear=1"), MissingError, "no transform 'shear'"),
        (("backquery", "mlp", "-c", "eleven"), MissingError, "no class 'eleven'"),
    ],
)
def test_mistakes_are_one_line(place: Path, arguments: tuple, error: type, said: str) -> None:
    """What is not there is named, with what is."""
    done = call(place, *arguments)
    refused(done, error, said)


def test_the_run_is_what_is_no_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first name that is no address of a unit or a site, or is a folder, is the run; the rest are addresses."""
    unit = "features.6/1"
    assert run_and_addresses(("cnn", unit)) == ("cnn", (unit,))
    assert run_and_addresses((unit, unit)) == (None, (unit, unit))
    assert run_and_addresses(("lstm.0:cell", "c/3")) == (None, ("lstm.0:cell", "c/3"))
    assert run_and_addresses(()) == (None, ())
    (tmp_path / "runs" / "7").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert run_and_addresses(("runs/7", unit)) == ("runs/7", (unit,))


def test_what_is_no_unit_is_named(place: Path) -> None:
    """An address that is none is one line that quotes it."""
    refused = call(place, "lesion", "small_cnn", "other")
    assert isinstance(refused.exception, InputError)
    assert "'other' is not a unit" in str(refused.exception)


def test_formation_of_pictures_has_a_row_a_layer_and_snapshot(place: Path) -> None:
    """Layers and concepts at each snapshot after the sentence, the JSON has both; an unknown concept is named."""
    done = call(place, "formation", "small_cnn")
    blocks = done.output.split("\n\n")
    assert "units are dead at the end" in blocks[0]
    assert blocks[1].split()[:3] == ["step", "layer", "dead"]
    assert blocks[2].split()[:2] == ["concept", "unit"]
    data = json.loads(call(place, "formation", "small_cnn", "--format", "json").stdout)
    assert len(data["layers"][0]["dead"]) == len(data["steps"]) >= 2
    refused = call(place, "formation", "small_cnn", "-f", "url")
    assert "no concept in digits (held back) 'url'" in str(refused.exception)
