"""`cellscope occlude` and `cellscope saliency` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cellscope.cli import cellscope
from cellscope.cli.saliency import METHODS as NAMES
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError
from cellscope.pipeline.classifiers import load_classifier, open_pictures
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RunFolder
from cellscope.vision.occlusion import occlusion
from cellscope.vision.saliency import METHODS


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has seen some digits, and a picture file."""
    folder = tmp_path_factory.mktemp("maps")
    config = TrainingConfig(epochs=1, batch_size=64, precision="fp32")
    begin_pictures(
        open_images("digits", count=256), runs=folder / "runs", name="tiny", shapes={"widths": (4, 8), "hidden": 8},
        config=config, options={"count": 256},
    ).train()  # fmt: skip
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(15, 20)).save(folder / "photo.png")
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, [arguments[0], *options, *arguments[1:]])


def kept(place: Path, pattern: str) -> dict:
    (found,) = (place / "reports" / "tiny" / "maps").glob(pattern.rstrip("*") + "*.json")
    return json.loads(found.read_text("utf-8"))


def test_occlusion_is_said_and_kept(place: Path) -> None:
    """Words and range on stdout; values in the JSON are the library's own; the PNG shows three pictures."""
    done = call(place, "occlude", "tiny", "5", "--class", "3", "--window", "3x2", "--stride", "2", "--fill", "0.25")
    assert done.exit_code == 0, done.output
    assert "occlusion of class 3 for picture 5" in done.stdout
    assert "window 3x2, stride 2x2, fill 0.25" in done.stdout
    assert "randomisation check: with classifier.2 drawn anew" in done.stdout
    made = kept(place, "occlusion_5_class-3_window-3x2_stride-2x2_fill-0.25")
    run = RunFolder(place / "runs" / "tiny")
    network = load_classifier(run)
    inputs = network.prepare(open_pictures(run).pixels(np.array([5])))
    own = occlusion(network, inputs, 3, window=(3, 2), stride=2, fill=0.25)
    assert np.allclose(made["values"], own.values[0], rtol=1e-4)
    assert made["limit"] == pytest.approx(own.limit, rel=1e-4)
    (picture,) = (place / "reports" / "tiny" / "maps").glob("occlusion_5_*.png")
    assert Image.open(picture).size == (3 * 256 + 2 * 4, 256)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_its_map(place: Path, method: str) -> None:
    """Its range and its survival are printed; the JSON holds the layers of the check, top first."""
    done = call(place, "saliency", "tiny", "7", "--method", method, "--class", "2")
    assert done.exit_code == 0, done.output
    assert f"{method} of class 2 for picture 7" in done.stdout
    assert " 0 grey" in done.stdout if method in ("guided", "deconvnet") else "(blue" in done.stdout
    made = kept(place, f"{method}_7_class-2*")
    assert made["survival"]["layers"] == ["classifier.2", "classifier.0", "features.4", "features.0"]
    assert len(made["values"]) == 8


def test_a_map_without_its_check_takes_no_ones_place(place: Path) -> None:
    """Another number of draws, another seed, or none at all have files of their own."""
    for more in ((), ("--draws", "0"), ("--draws", "2"), ("--seed", "4")):
        assert call(place, "saliency", "tiny", "9", "--class", "1", "--method", "gradient", *more).exit_code == 0
    made = [(path.stem, json.loads(path.read_text("utf-8"))["survival"])
            for path in (place / "reports" / "tiny" / "maps").glob("gradient_9_class-1*.json")]  # fmt: skip
    assert sorted((one["draws"], one["seed"]) for _, one in made if one) == [(2, 0), (3, 0), (3, 4)]
    (unchecked,) = (stem for stem, one in made if one is None)
    assert unchecked.rpartition("_")[0].endswith("_unchecked")


def test_a_unit_and_a_file(place: Path) -> None:
    """A unit's map in a place of it; a picture file is brought to the network's size; the answer is the class."""
    done = call(place, "saliency", "7", "--unit", "features.4/2", "--place", "1,3", "--method", "guided")
    assert done.exit_code == 0, done.output
    assert "guided of features.4/2 (row 1, column 3) for picture 7" in done.stdout
    done = call(place, "occlude", "tiny", str(place / "photo.png"), "--draws", "0")
    assert done.exit_code == 0, done.output
    assert "picture photo.png" in done.stdout
    assert "randomisation check: left out" in done.stdout
    assert np.shape(kept(place, "occlusion_photo.png_*")["values"]) == (8, 8)


def test_files_of_one_name_have_maps_of_their_own(place: Path) -> None:
    """Two pictures called alike, in two folders, do not overwrite each other's maps."""
    for shade in (20, 200):
        (place / f"of-{shade}").mkdir()
        Image.new("L", (8, 8), shade).save(place / f"of-{shade}" / "same.png")
        done = call(place, "occlude", "tiny", str(place / f"of-{shade}" / "same.png"), "--draws", "0")
        assert done.exit_code == 0, done.output
    assert len(list((place / "reports" / "tiny" / "maps").glob("occlusion_same.png_*.json"))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("occlude", "tiny"), "PICTURE 'tiny' is no number and no file; write RUN PICTURE"),
        (("occlude",), "which PICTURE"),
        (("occlude", "tiny", "999"), "no picture 999 in digits .held back.; it has 0 to 63"),
        (("occlude", "tiny", "1", "--class", "cat"), "no class 'cat'; there is 0, 1"),
        (("occlude", "tiny", "1", "--class", "1", "--unit", "features.0/1"), "give either a class"),
        (("occlude", "tiny", "1", "--stride", "9", "--window", "3"), "leaves gaps"),
        (("saliency", "tiny", "1", "--unit", "features.0/99"), "no unit 99 in features.0; it has 0 to 3"),
        (("saliency", "tiny", "1", "--unit", "features.0/1", "--place", "edge"), "no place 'edge'"),
        (("saliency", "tiny", "1", "--method", "grad-cam", "--layer", "nothing"), "no site 'nothing'"),
        (("saliency", "tiny", "1", "--fill", "grey"), "--fill is for --method integrated-gradients"),
        (
            ("saliency", "tiny", "1", "--method", "guided", "--steps", "8"),
            "--steps is for --method integrated-gradients",
        ),
    ],
)
def test_mistakes_are_named(place: Path, arguments: tuple[str, ...], message: str) -> None:
    """One line that says what was wrong and what there is; nothing is written."""
    done = call(place, *arguments)
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match=message):
        raise done.exception


def test_the_methods_of_the_command_are_those_of_the_library() -> None:
    """The command must not import the library to list them."""
    assert tuple(METHODS) == NAMES
