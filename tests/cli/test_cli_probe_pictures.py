"""`cellscope probe --feature` on a run of pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from refusals import refused

from cellscope.cli import cellscope
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has seen a few drawn scenes once."""
    folder = tmp_path_factory.mktemp("probe")
    config = TrainingConfig(epochs=1, batch_size=16, precision="fp32")
    shapes = {"widths": (8, 16), "hidden": 8, "reads": "places"}
    options = {"count": 160, "size": (24, 24)}
    begin_pictures(
        open_images("shapes", **options), runs=folder / "runs", name="tiny", shapes=shapes, config=config,
        val_fraction=0.5, options=options,
    ).train()  # fmt: skip
    return folder


def call(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        cellscope, ["probe", "--runs", str(place / "runs"), "--reports", str(place / "reports"), *arguments]
    )


def bare(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cellscope, ["probe", "--runs", str(place / "runs"), *arguments])


def test_a_concept_gets_its_curve_in_one_layer(place: Path) -> None:
    """The verdict with its layer, a line for every number of units, what the best unit of every layer tells, a page."""
    done = call(place, "-f", "object", "--draws", "2")
    assert done.exit_code == 0, done.output
    blocks = done.stdout.split("\n\n")
    assert blocks[0].startswith("object in ")
    first = [line.split()[0] for line in blocks[1].splitlines() if line[:1].isdigit()]
    assert first[:3] == ["1", "2", "4"]
    layers = {line.split()[0]: float(line.split()[2]) for line in blocks[3].splitlines()[2:]}
    read = blocks[0].split()[2].rstrip(":")
    assert layers[read] == max(layers.values())
    assert "nan" not in done.stdout
    page = (place / "reports" / "tiny" / "study-probe-object.html").read_text("utf-8")
    assert f"One cell or many: object in {read}" in page
    assert "NaN" not in page


def test_layers_that_are_named_are_read_in_turn(place: Path) -> None:
    """JSON has a curve for each of them, and is the same at every call."""
    asked = ("-f", "object", "--layer", "features.2", "--layer", "features.4", "--draws", "1", "--format", "json")
    told = call(place, *asked).stdout
    content = json.loads(told, parse_constant=pytest.fail)
    assert [(c["feature"], c["layer"]) for c in content["concepts"]] == [
        ("object", "features.2"),
        ("object", "features.4"),
    ]
    assert [rung["units"] for rung in content["concepts"][0]["rungs"]] == [1, 2, 4, 8]
    assert all(unit.startswith("features.2/") for unit in content["concepts"][0]["chosen"])
    assert set(content["layers"]["object"]) == {"features.2", "features.4"}
    assert call(place, *asked).stdout == told
    assert len(list((place / "reports" / "tiny").glob("study-probe-object-in-features.2*.html"))) == 1


def test_all_concepts_get_a_line_each(place: Path) -> None:
    """`all` names every concept of the set; pictures have no lags."""
    done = call(place, "-f", "all", "--draws", "1", "--most", "40", "--no-pages")
    assert done.exit_code == 0, done.output
    assert done.stdout.split()[:3] == ["concept", "verdict", "units"]
    assert "object" in done.stdout
    assert "40 pictures;" in done.stdout


def test_without_concepts_classes_are_probed(place: Path) -> None:
    """What is decided in which layer, and how to ask for concepts."""
    done = bare(place, "--layer", "features.2", "--most", "40")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("a logistic regression on pixels")
    assert "--feature NAME, or --feature all" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("-f", "circlet"), MissingError, "no concept in shapes (held back) 'circlet'; there is circle"),
        (("-f", "circle", "--layer", "features.99"), MissingError, "no site 'features.99'"),
        (("-f", "circle", "--grid", "2"), InputError, "--grid averages maps for the probes of classes"),
        (("--draws", "3"), InputError, "--draws is for concepts; name one with --feature, or --feature all"),
        (("-f", "circle", "--most", "4"), InputError, "gives 4 pictures to probe; 8 are needed"),
        (("-f", "circle", "--lesion"), InputError, "--lesion is for a text"),
    ],
)
def test_mistakes_are_one_line(place: Path, arguments: tuple, error: type, said: str) -> None:
    """What is not there is named, with what is; an option that says nothing is refused."""
    done = bare(place, *arguments)
    refused(done, error, said)
