"""`cellscope activations`, `cellscope examples` and `cellscope filters` at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cellscope.axes import Site
from cellscope.cli import cellscope
from cellscope.data.imagesets import open_images
from cellscope.errors import CellscopeError
from cellscope.pipeline.classifiers import load_classifier, open_pictures
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RunFolder
from cellscope.vision.activations import activations
from cellscope.vision.examples import examples


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has seen some scenes in colour."""
    folder = tmp_path_factory.mktemp("layers")
    begin_pictures(
        open_images("shapes", count=80, size=(16, 16)), runs=folder / "runs", name="tiny",
        shapes={"widths": (4, 8), "hidden": 8}, config=TrainingConfig(epochs=1, batch_size=32, precision="fp32"),
        options={"count": 80, "size": (16, 16)},
    ).train()  # fmt: skip
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, [arguments[0], *options, *arguments[1:]])


def test_activations_are_drawn_and_their_ranges_said(place: Path) -> None:
    """A grid for every layer, the table's ranges are the library's own, and a unit is drawn large."""
    done = call(place, "activations", "tiny", "2", "--unit", "features.2/3")
    assert done.exit_code == 0, done.output
    (folder,) = (place / "reports" / "tiny" / "activations").iterdir()
    run = RunFolder(place / "runs" / "tiny")
    found = activations(load_classifier(run), open_pictures(run).pixels(np.array([2]))[0])
    kept = json.loads((folder / "layers.json").read_text("utf-8"))
    assert [row["site"] for row in kept["rows"]] == [str(site) for site in found.layers]
    assert kept["picture"] == 2
    for row, layer in zip(kept["rows"], found.layers.values(), strict=True):
        assert (row["low"], row["high"]) == pytest.approx((layer.low, layer.high), rel=1e-4)
        assert f"{layer.high:.4g}" in done.stdout
        assert Image.open(folder / row["png"]).size[0] > 0
    assert Image.open(folder / "features.2.png").size == (2 * 16 + 1, 2 * 16 + 1)
    assert Image.open(folder / "unit-features.2-3.png").size == (512, 512)
    one = call(place, "activations", "tiny", "2", "--site", "features.2", "--scale", "unit")
    assert "features.2" in one.stdout
    assert "features.0" not in one.stdout


def test_examples_are_tabled_and_drawn(place: Path) -> None:
    """The table holds the library's own pictures; a unit that is asked for is drawn in seven ways."""
    done = call(place, "examples", "tiny", "--unit", "features.6/1", "--top", "4", "--seed", "3")
    assert done.exit_code == 0, done.output
    folder = place / "reports" / "tiny" / "examples"
    run = RunFolder(place / "runs" / "tiny")
    found = examples(load_classifier(run), open_pictures(run), ["features.6"], k=4, seed=3)[Site("features.6")]
    with (folder / "features.6.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for which in ("top", "bottom", "random"):
        own = [int(r["picture"]) for r in rows if r["unit"] == "features.6/1" and r["which"] == which]
        assert own == found.kept(which).pictures[1].tolist()
    drawn = {path.stem.rpartition("-")[2] for path in folder.glob("unit-features.6-1-*.png")}
    assert drawn == {"top", "bottom", "random", "whole", "overlay", "deconvnet", "guided"}
    assert "1.0 at the place of the maximum" in done.stdout
    kept = json.loads((folder / "features.6.json").read_text("utf-8"))
    assert (kept["k"], kept["seed"], kept["receptive field"]["size"]) == (4, 3, [10, 10])
    assert Image.open(folder / "features.6-top.png").size[0] > 0


def test_filters_are_drawn_and_compared_with_noise(place: Path) -> None:
    """Sentences name what noise reaches; a row for every filter; the deeper layer has small multiples alone."""
    done = call(place, "filters", "tiny")
    assert done.exit_code == 0, done.output
    assert "of 4 filters are more like a Gabor function than any of 39 filters of noise" in done.stdout
    assert "one another turned" in done.stdout
    folder = place / "reports" / "tiny" / "filters"
    kept = json.loads((folder / "features.0.json").read_text("utf-8"))
    assert len(kept["rows"]) == 4
    assert all(0 <= row["gabor"] <= 1 and -1 <= row["patch_likeness"] <= 1 for row in kept["rows"])
    assert {path.name for path in folder.glob("features.0-*.png")} == {
        "features.0-multiples.png", "features.0-filters.png", "features.0-beside.png",
    }  # fmt: skip
    assert call(place, "filters", "tiny", "--site", "features.4").exit_code == 0
    assert Image.open(folder / "features.4-multiples.png").size == (4 * 16 - 1, 8 * 16 - 1)
    assert not (folder / "features.4-beside.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("activations", "tiny", "99999"), "no picture 99999 in"),
        (("activations", "tiny", "1", "--unit", "features.2/9"), "no unit 9 in features.2; it has 0 to 3"),
        (("activations", "tiny", "1", "--site", "features.2", "--unit", "features.0/1"), "not among the layers"),
        (("activations", "tiny", "1", "--unit", "seven"), "'seven' is not a unit"),
        (("examples", "tiny", "--site", "features.44"), "no site 'features.44'"),
        (("examples", "tiny", "--unit", "features.2/9"), "no unit 9 in features.2; it has 0 to 3"),
        (("filters", "tiny", "--site", "features.2"), "no site with filters 'features.2'; there is"),
    ],
)
def test_mistakes_are_one_line(place: Path, arguments: tuple[str, ...], said: str) -> None:
    """What was wrong, and what there is."""
    done = call(place, *arguments)
    assert isinstance(done.exception, CellscopeError)
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
