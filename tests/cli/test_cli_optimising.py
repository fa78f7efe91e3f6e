"""`cellscope visualise` and `cellscope maximise` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cellscope.axes import Site
from cellscope.cli import cellscope
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError
from cellscope.pipeline.classifiers import load_classifier, open_pictures
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RunFolder
from cellscope.vision.objectives import alignment, channel, direction, interpolation, layer, logit
from cellscope.vision.visualise import visualise


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has seen some digits."""
    folder = tmp_path_factory.mktemp("optimised")
    config = TrainingConfig(epochs=1, batch_size=64, precision="fp32")
    begin_pictures(
        open_images("digits", count=256), runs=folder / "runs", name="tiny", shapes={"widths": (4, 8), "hidden": 8},
        config=config, options={"count": 256},
    ).train()  # fmt: skip
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--out", str(place / "out"), "--steps", "6"]
    return CliRunner().invoke(cellscope, [*arguments, *options])


def test_units_are_drawn_beside_the_best_of_the_data(place: Path) -> None:
    """A PNG a unit and one JSON, the seed in their names; the numbers are the library's, the samples the true best."""
    done = call(place, "visualise", "tiny", "features.4/1", "features.4/2", "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "an optimum is no typical sample" in done.stdout
    names = sorted(path.name for path in (place / "out").glob("visualised*seed-3.png"))
    assert names == [f"visualised_channel-features.4-{k}_seed-3.png" for k in (1, 2)]
    made = json.loads((place / "out" / "visualised_channel-features.4-1-and-1-more_seed-3.json").read_text("utf-8"))
    run = RunFolder(place / "runs" / "tiny")
    network, images = load_classifier(run), open_pictures(run)
    own = visualise(network, channel(["features.4/1", "features.4/2"]), steps=6, seed=3)
    assert np.allclose(made["end"], own.end, rtol=1e-3)
    assert made["seed"] == 3
    maps = network.module.features[:5](network.prepare(images.pixels(slice(None)))).mean((2, 3)).detach().numpy()
    assert made["samples"]["pictures"][0] == np.argsort(-maps[:, 1], kind="stable")[:9].tolist()
    with Image.open(place / "out" / names[0]) as picture:
        assert picture.height >= 3 * 96
        assert picture.width >= 6 * 96


def test_a_whole_site_and_classes(place: Path) -> None:
    """A site stands for all its units; classes go by name; repeats of one lie in one file."""
    assert call(place, "visualise", "tiny", "features.0", "--of", "neuron").exit_code == 0
    assert len(list((place / "out").glob("visualised_neuron-features.0-?_seed-0.png"))) == 4
    done = call(place, "visualise", "tiny", "--class", "3", "--repeats", "2", "--negative")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("-(logit 3)") == 2


def test_starts_are_compared(place: Path) -> None:
    """`maximise` says in how many modes the starts end, for units and classes, with a published recipe by name."""
    done = call(place, "maximise", "tiny", "features.4/0", "features.4/1", "--starts", "3")
    assert done.exit_code == 0, done.output
    assert "modes" in done.stdout
    done = call(place, "maximise", "tiny", "--class", "7", "--recipe", "yosinski-4", "--starts", "2")
    assert done.exit_code == 0, done.output
    assert "Yosinski et al. 2015, table 1, row 4" in done.stdout
    kept = json.loads((place / "out" / "maximised-yosinski-4_logit-7_seed-0.json").read_text("utf-8"))
    assert kept["recipe"]["small_effect"] == 90
    assert np.shape(kept["curve"]) == (1, 2, 6)


def test_ways_directions_and_sums(place: Path) -> None:
    """A way between units, the directions of a file, a layer, and sums are the library's objectives of these names."""
    run = RunFolder(place / "runs" / "tiny")
    network = load_classifier(run)
    classes = network.classes
    vectors = np.array([[1, 0, 0, 0, 0, 0, 0, -1], [0, 2, 0, 0, 0, 0, 0, 0]], np.float32)
    np.save(place / "ways.npy", vectors)
    np.savetxt(place / "ways.csv", vectors, delimiter=",")
    one, other, site = "features.4/1", "features.4/2", Site("features.4")
    wanted = {
        ("--between", one, other, "--frames", "3"): interpolation(one, other, 3),
        ("--between", one, other, "--align", "0.5"): interpolation(one, other) + 0.5 * alignment(site),
        ("--direction", str(place / "ways.npy"), "--at", "features.4"): direction(site, vectors),
        ("--direction", str(place / "ways.csv"), "--at", str(site), "--power", "1"): direction(site, vectors, power=1),
        ("features.4", "--of", "layer", "--seed", "5"): layer(site),
        (one, "--with", f"-0.5*{other}", "--with", "3"): channel(one) + -0.5 * channel(other) + logit(3, classes),
    }  # fmt: skip
    for words, objective in wanted.items():
        done = call(place, "visualise", "tiny", *words, "--force")
        assert done.exit_code == 0, done.output
        newest = max((place / "out").glob("visualised*.json"), key=lambda path: path.stat().st_mtime_ns)
        kept = json.loads(newest.read_text("utf-8"))
        own = visualise(network, objective, steps=6, seed=5 if "5" in words else 0)
        assert kept["names"] == list(own.names)
        np.testing.assert_allclose(kept["end"], own.end, rtol=1e-3, atol=1e-6)


def test_nothing_is_replaced_silently(place: Path) -> None:
    """A second time is refused before any work, unless --force is given; another seed has another name."""
    arguments = ("visualise", "tiny", "features.4/5")
    assert call(place, *arguments).exit_code == 0
    again = call(place, *arguments)
    assert isinstance(again.exception, InputError)
    assert "is there already" in str(again.exception)
    assert call(place, *arguments, "--force").exit_code == 0
    assert call(place, *arguments, "--seed", "1").exit_code == 0


def test_mistakes_are_named(place: Path) -> None:
    """Units, sites, classes, recipes and kinds that are not there, and nothing to optimise."""
    for arguments, said in (
        (("tiny",), "what is to be optimised"),
        (("tiny", "features.4/99"), "features.4 has units 0 to 7"),
        (("tiny", "nowhere/1"), "no site 'nowhere'"),
        (("tiny", "--class", "cat"), "no class 'cat'"),
        (("tiny", "features.4/1", "--class", "3"), "not both"),
        (("tiny", "features.4/1", "--of", "logit"), "channel, neuron, layer"),
        (("tiny", "features.4/1", "--diversity", "5", "--seed", "8"), "repeats=4"),
        (("tiny", "features.4/1", "--align", "1"), "give --between"),
        (("tiny", "features.4/1", "--power", "1"), "--power is for --direction"),
        (("tiny", "features.4/1", "--between", "features.4/1", "features.4/2"), "leave features.4/1 out"),
        (("tiny", "--between", "features.4/1", "features.4"), "name one of its units"),
        (("tiny", "--between", "features.4/1", "features.4/2", "--class", "3"), "leave --class"),
        (("tiny", "--direction", "gone.npy"), "--at SITE"),
        (("tiny", "--direction", "gone.npy", "--at", "features.4"), "no file gone.npy"),
        (("tiny", "features.4/1", "--with", "2*nothing"), "no site 'nothing'"),
        (("tiny", "features.4/1", "--of", "layer"), "for one SITE"),
    ):
        done = call(place, "visualise", *arguments)
        assert isinstance(done.exception, InputError), done.output
        assert said in str(done.exception)
    done = call(place, "maximise", "tiny", "features.4/1", "--recipe", "best")
    assert "no recipe 'best'" in str(done.exception)


def test_somebody_elses_network_needs_no_pictures(place: Path) -> None:
    """--model is optimised without any data set; its units come right after the command."""
    (place / "pictured_theirs.py").write_text(
        "import torch\ndef make():\n    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), "
        "torch.nn.Linear(108, 2))\n",
        "utf-8",
    )
    import sys

    sys.path.insert(0, str(place))
    try:
        done = call(place, "visualise", "0/1", "--model", "pictured_theirs:make", "--size", "8x8", "--channels", "1")
    finally:
        sys.path.remove(str(place))
    assert done.exit_code == 0, (done.output, done.exception)
    assert "best of the data" not in done.stdout
