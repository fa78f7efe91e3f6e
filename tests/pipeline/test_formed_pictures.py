"""The formation of a network for pictures is that of its snapshots, told by layers and by concepts."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cellscope.cli import cellscope
from cellscope.count_pictures import count_pictures
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError
from cellscope.features.concepts import concepts_of
from cellscope.hooks.outlets import choose_outlets
from cellscope.judge import judge
from cellscope.pipeline.classifiers import load_classifier, open_pictures
from cellscope.pipeline.find_pictures import select_concepts
from cellscope.pipeline.formed_pictures import FormedPictures, formed_pictures
from cellscope.pipeline.formed_pictures_page import formed_exhibits, write_formed_pictures
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RunFolder

IMAGES = open_images("shapes", count=160, size=(16, 16))
SITES = ("features.2", "features.6")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was trained on some scenes for a moment."""
    session = begin_pictures(
        IMAGES, runs=tmp_path_factory.mktemp("formed") / "runs", name="tiny",
        shapes={"widths": (4, 6), "hidden": 5}, config=TrainingConfig(epochs=4, batch_size=32, precision="fp32"),
        options={"count": 160, "size": [16, 16]},
    )  # fmt: skip
    session.train()
    return session.run


@pytest.fixture(scope="module")
def formed(run: RunFolder) -> FormedPictures:
    return formed_pictures(run, IMAGES, sites=SITES, snapshots=4, most=100)


def test_first_and_last_snapshot_are_among_those_shown(run: RunFolder, formed: FormedPictures) -> None:
    """So many are shown as are asked for, evenly spread over those that there are."""
    steps = formed.layers.steps.tolist()
    assert (steps[0], steps[-1], len(steps)) == (run.snapshots()[0], run.snapshots()[-1], 4)
    assert formed.layers.pictures == 100
    assert [str(o.site) for o in formed.layers.outlets] == list(SITES)


def test_scores_are_those_of_a_search_at_every_step(run: RunFolder, formed: FormedPictures) -> None:
    """The best unit then, chosen and reported anew; the last one's, in its last direction, is the best at the end."""
    some = IMAGES.take(np.sort(np.random.default_rng(0).choice(160, 100, replace=False)))
    for k, step in enumerate(formed.layers.steps.tolist()):
        network = load_classifier(run, which=step)
        assert network.description.endswith(f", a snapshot (step {step:,})")
        chosen = choose_outlets(network.module, network.example, SITES)
        found = judge(*count_pictures(network, some, chosen, concepts_of(some), evidence=False))
        for c, e in enumerate(found.evidence):
            assert e.feature == formed.concepts[c]
            if e.remark:
                assert np.isnan(formed.best[k, c])
                continue
            assert formed.best[k, c] == e.score
            unit, sign = found.units.index(formed.units[c]), found.scores["sign"][c]
            own = found.scores["auc"][c, unit]
            assert formed.followed[k, c] in (pytest.approx(own), pytest.approx(1 - own))
            assert sign[unit] in (-1, 1)
    judged = ~np.isnan(formed.best[-1])
    assert judged.sum() > 10
    np.testing.assert_array_equal(formed.followed[-1, judged], formed.best[-1, judged])


def test_it_is_told_in_words_and_json(formed: FormedPictures) -> None:
    """A line a layer and step, a line a concept with its unit; JSON without NaN."""
    assert len(formed.layer_rows()) == 2 * 4
    assert {len(row) for row in formed.concept_rows()} == {2 + 4}
    made = json.loads(formed.json(), parse_constant=pytest.fail)
    assert [layer["site"] for layer in made["layers"]] == list(SITES)
    assert len(made["concepts"]) == len(formed.concepts) == len(IMAGES.concepts)
    assert made["sentence"] == formed.sentence
    assert "concepts have a unit" in formed.sentence


def test_a_set_without_concepts_has_layers_alone(run: RunFolder) -> None:
    """No masks and no labels: what the layers are like is told, without accuracy and scores."""
    bare = replace(IMAGES, masks=None, concepts=(), labels=None, classes=())
    made = formed_pictures(run, bare, snapshots=2, most=20)
    assert made.concepts == ()
    assert made.best.shape == (2, 0)
    assert "accuracy" not in made.sentence


def test_the_command_says_the_same(run: RunFolder, tmp_path: Path) -> None:
    """`cellscope formation` of a run on pictures: its JSON is the library's, its table names layers and concepts."""
    run = RunFolder(Path(shutil.copytree(run.path, tmp_path / "runs" / run.name)))
    for step in run.snapshots()[1:-1]:  # two tell as much of the command as all do
        (run.path / "snapshots" / f"{step:09}.safetensors").unlink()
    reports = tmp_path / "reports"
    where = ["--runs", str(run.path.parent), "--reports", str(reports)]
    words = ["formation", run.name, *where, "--seed", "3", "-f", "triangle"]
    done = CliRunner().invoke(cellscope, [*words, "--format", "json", "--no-pages"])
    assert done.exit_code == 0, done.output
    assert not reports.exists()
    pictures = open_pictures(run)
    own = formed_pictures(run, pictures, concepts=select_concepts(pictures, ["triangle"]), seed=3)
    assert len(own.layers.steps) == 2
    assert json.loads(done.stdout) == json.loads(own.json())
    told = CliRunner().invoke(cellscope, words)
    assert "page: " in told.stderr
    assert (reports / run.name / "study-formation.html").is_file()
    assert own.sentence.split(";")[0] in told.stdout
    assert "features.6" in told.stdout
    assert "triangle" in told.stdout


def test_formations_say_the_same_scores(formed: FormedPictures) -> None:
    """The stages of a concept are the scores above; in the end the best unit is as like itself as can be."""
    assert len(formed.formations) == int((~np.isnan(formed.best[-1])).sum())
    for one in formed.formations:
        c = formed.concepts.index(one.feature)
        assert [stage.best.score for stage in one.stages] == pytest.approx(formed.best[:, c].tolist(), nan_ok=True)
        assert [stage.last.score for stage in one.stages] == pytest.approx(formed.followed[:, c].tolist(), nan_ok=True)
        assert one.unit == formed.units[c]
        alike = one.stages[-1].best.likeness
        assert np.isnan(alike) or alike == pytest.approx(1)


def test_the_page_has_a_slider_over_all_snapshots(formed: FormedPictures, tmp_path: Path) -> None:
    """A frame a snapshot with a bar a concept, named with the unit that is best then; numbers beside the page."""
    path = write_formed_pictures(formed, tmp_path)
    assert path.name == "study-formation.html"
    told = json.loads(path.with_suffix(".json").read_text())
    assert [row["concept"] for row in told["rows"]] == [one.feature for one in formed.formations]
    assert "needed" not in told["columns"]
    exhibits = formed_exhibits(formed)
    (frames,) = exhibits[0].figures
    assert len(frames.frames) == 4
    for k, frame in enumerate(frames.frames):
        assert frame.label.startswith(f"step {formed.layers.steps[k]:,}: ")
        assert frame.figure.labels == tuple(f"{one.feature}: {one.stages[k].best.unit}" for one in formed.formations)
    assert [one.key for one in exhibits][-1] == "layers"
    assert "study-formation.html" in (tmp_path / "index.html").read_text()


def test_concepts_of_any_name_have_a_place_on_the_page(formed: FormedPictures, tmp_path: Path) -> None:
    """Words with spaces, other scripts, names that differ in their capitals alone, very long ones: a table each."""
    names = ("sports car", "été", "sepal length (cm)", "Red", "red", "日本", "/../", "x" * 300)
    renamed = zip(formed.formations, names, strict=False)
    made = replace(formed, formations=tuple(replace(one, feature=name) for one, name in renamed))
    page = write_formed_pictures(made, tmp_path)
    keys = [one.key for one in formed_exhibits(made)[1:-1]]
    assert len(set(keys)) == len(keys) == len(names)
    assert keys[0] == "formation-1-sports-car"
    assert all(page.with_name(f"{page.stem}~{key}.csv").is_file() for key in keys)


def test_a_run_without_concepts_has_a_page_of_its_layers(run: RunFolder, tmp_path: Path) -> None:
    """Accuracy is left out where there are no labels, and so are concepts."""
    bare = replace(IMAGES, masks=None, concepts=(), labels=None, classes=())
    made = formed_pictures(run, bare, sites=SITES, snapshots=2, most=20)
    (layers,) = formed_exhibits(made)
    assert [figure.title for figure in layers.figures] == ["Zeros", "Locality", "Dead units"]
    assert write_formed_pictures(made, tmp_path, single_file=True).is_file()


def test_one_snapshot_is_refused(run: RunFolder, tmp_path: Path) -> None:
    """A run that kept one says how many it kept; fewer than two are not shown."""
    with pytest.raises(InputError, match="take 2 or more"):
        formed_pictures(run, IMAGES, snapshots=1)
    lonely = RunFolder(tmp_path / "lonely")
    (tmp_path / "lonely" / "snapshots").mkdir(parents=True)
    with pytest.raises(InputError, match="kept 0 snapshots"):
        formed_pictures(lonely, IMAGES)
