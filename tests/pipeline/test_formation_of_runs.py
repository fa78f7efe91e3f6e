"""A run whose snapshots are planted: nothing at first, then a switch in one unit, then in another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from planted_switch import SIZE, switch, switch_run

from cellscope.axes import Site, Unit
from cellscope.cli import cellscope
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.formation import Formed, formation_in
from cellscope.pipeline.lesion_pages import write_formation
from cellscope.training.checkpoint import write_checkpoint
from cellscope.training.run import RunFolder

CELL = Site("lstm.0", "cell")
STEPS = (0, 10, 100, 1000)
LATER = 7


def moved(weights: dict[str, torch.Tensor], to: int) -> dict[str, torch.Tensor]:
    """The same network with unit 0 and unit `to` in each other's places."""
    order = list(range(SIZE))
    order[0], order[to] = to, 0
    rows = torch.tensor([gate * SIZE + unit for gate in range(4) for unit in order])
    made = {name: t[rows] if name.startswith("lstm") else t for name, t in weights.items()}
    made["lstm.weight_hh_l0"] = made["lstm.weight_hh_l0"][:, order]
    made["decoder.weight"] = made["decoder.weight"][:, order]
    return made


def snapshots(folder: Path) -> RunFolder:
    """Untrained at 0 and 10, the switch in cell 0 at 100, in cell LATER at 1000."""
    run = switch_run(folder, length=24_000)
    trained, untrained = switch().module.state_dict(), switch().untrained(5).module.state_dict()
    for step, weights in zip(STEPS, (untrained, untrained, trained, moved(trained, LATER)), strict=True):
        write_checkpoint(run.snapshot(step), {f"model.{n}": t for n, t in weights.items()}, {"step": step})
    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formation")
    snapshots(folder)
    return folder


@pytest.fixture(scope="module")
def formed(place: Path) -> Formed:
    return formation_in("switch", asked=("inside=<[ab]*",), runs=place / "runs")


def test_the_cell_appears_and_moves(formed: Formed) -> None:
    """It is first found at step 100 in cell 0, moves to the later cell, and does the same thing there."""
    made = formed.formations[0]
    assert [stage.step for stage in made.stages] == list(STEPS)
    assert (made.appears, made.stays, made.settles) == (100, 100, 1000)
    assert made.unit.index == LATER
    assert [(step, unit.index) for step, unit, _ in made.moves] == [(1000, LATER)]
    assert made.stages[2].best.unit == Unit(made.stages[2].best.unit.site, 0)
    assert "it moves once, and from step 1,000 on it is" in made.sentence
    assert abs(made.stages[2].best.likeness) > 0.95


def test_the_last_unit_is_followed_back(formed: Formed) -> None:
    """Before it carried the feature the unit that is best in the end told little, and cost little when it was held."""
    stages = formed.formations[0].stages
    assert stages[3].last == stages[3].best
    assert stages[2].last.unit == stages[3].best.unit
    assert stages[2].last.score < stages[2].best.score
    assert abs(stages[2].last.likeness) < 0.9
    assert stages[3].last.likeness == pytest.approx(1)
    for stage in stages[2:]:
        assert stage.needed
        assert stage.best.inside is not None
        assert stage.best.inside.low > max(0.3, stage.random)
    assert not any(stage.needed for stage in stages[:2])
    assert stages[2].last.inside is not None
    assert stages[2].last.inside.value < 0.5


def test_the_loss_stands_beside(formed: Formed) -> None:
    """Loss inside and elsewhere are the network's own at each snapshot: lower with the switch."""
    stages = formed.formations[0].stages
    assert stages[1].free == pytest.approx(stages[0].free)
    assert stages[2].free < stages[1].free - 0.2
    assert stages[3].free == pytest.approx(stages[2].free, abs=1e-3)
    assert stages[2].elsewhere < stages[1].elsewhere


def test_features_that_are_tracked_in_the_end_are_followed_by_default(place: Path) -> None:
    """Without a feature, those that the last snapshot tracks, here of two snapshots; the JSON has every stage."""
    some = formation_in("switch", steps=(10, 1000), runs=place / "runs")
    told = json.loads(some.json())["features"]
    assert [f["feature"] for f in told] == [made.feature for made in some.formations]
    assert all(made.stages[-1].found for made in some.formations)
    for feature in told:
        assert [stage["step"] for stage in feature["stages"]] == [10, 1000]


def test_the_page_has_a_slider(formed: Formed, place: Path) -> None:
    """The study lies in the run's reports; its frames are the snapshots, with the units that are shown."""
    page = write_formation(formed, place / "reports")
    assert page == place / "reports" / "switch" / f"study-formation-{formed.formations[0].feature}.html"
    text = page.read_text("utf-8")
    assert "first found at step 100" in text
    assert "step 1,000" in text
    rows = page.with_suffix(".csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + len(STEPS)
    assert np.array_equal(sorted({step for step, _ in formed.heard}), STEPS)


def test_the_command_prints_every_snapshot(place: Path) -> None:
    """A row a snapshot after the sentence; JSON is clean on stdout."""
    arguments = ["formation", "switch", "-f", "inside=<[ab]*", "--runs", str(place / "runs"), "--no-pages"]
    done = CliRunner().invoke(cellscope, arguments)
    assert done.exit_code == 0, done.exception
    assert [line.split()[0] for line in done.stdout.splitlines()[3:]] == ["0", "10", "100", "1,000"]
    clean = CliRunner().invoke(cellscope, [*arguments, "--format", "json", "--at", "0", "--at", "1000"])
    assert len(json.loads(clean.stdout)["features"][0]["stages"]) == 2


def test_a_number_is_followed_too(place: Path) -> None:
    """A numeric feature has a best unit and a score at every snapshot; it has no inside, so no cost."""
    made = formation_in("switch", asked=("column",), steps=(0, 1000), runs=place / "runs").formations
    assert [(f.feature, len(f.stages)) for f in made] == [("column", 2)]
    assert all(stage.best.inside is None for stage in made[0].stages)


def test_what_cannot_be_followed_is_said(place: Path, tmp_path: Path) -> None:
    """A snapshot that is missing, a run without any, one snapshot alone, a feature that is not there: one line each."""
    with pytest.raises(MissingError, match="no snapshot in run switch '99'; there is .*1000"):
        formation_in("switch", steps=(0, 99), runs=place / "runs")
    with pytest.raises(InputError, match="two of them"):
        formation_in("switch", steps=(10,), runs=place / "runs")
    with pytest.raises(InputError, match="feature 'url' is on 0 .*: try another --text"):
        formation_in("switch", asked=("url",), runs=place / "runs")
    switch_run(tmp_path, name="bare")
    with pytest.raises(InputError, match="run bare has 0 snapshots"):
        formation_in("bare", runs=tmp_path / "runs")
