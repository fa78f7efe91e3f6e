"""Units of pictures over training, on snapshots whose answer is planted: absent, there, and moved to another unit."""

from __future__ import annotations

import pytest
import torch
from planted_network import UP, planted_network, planted_pictures

from cellscope.count_pictures import count_pictures
from cellscope.evidence.formation import Formation
from cellscope.features.concepts import concepts_of
from cellscope.hooks.outlets import choose_outlets
from cellscope.judge import judge
from cellscope.models.classifier import Classifier
from cellscope.pipeline.followed_concepts import followed_concepts

MOVED = 1
"""The unit that sees "up" in the end, with the other sign."""


def _with(unit: int | None, sign: float = 1.0) -> Classifier:
    """The planted network whose unit for "up" is this one, or none."""
    network = planted_network()
    weight = network.module.filters.weight
    with torch.no_grad():
        weight[UP] = 0
        if unit is not None:
            weight[unit] = 0
            weight[unit, 3] = sign
    return network


def followed(snapshots: list[tuple[int, Classifier]]) -> dict[str, Formation]:
    """By concept what became of the filters over these snapshots."""
    images = planted_pictures()
    found = []
    for _, network in snapshots:
        sites = choose_outlets(network.module, network.example, ("filters",))
        found.append(judge(*count_pictures(network, images, sites, concepts_of(images))))
    return {one.feature: one for one in followed_concepts(snapshots, images, found)}


@pytest.fixture(scope="module")
def formed() -> dict[str, Formation]:
    return followed([(0, _with(None)), (8, _with(UP)), (64, _with(MOVED, -1.0))])


def test_a_planted_unit_appears_and_moves(formed: dict[str, Formation]) -> None:
    """First found where it was put, then elsewhere; the signal is the same one, upside down."""
    up = formed["up"]
    assert (up.appears, up.stays, up.settles, up.unit.index) == (8, 8, 64, MOVED)
    ((step, unit, alike),) = up.moves
    assert (step, unit.index) == (64, MOVED)
    assert alike == pytest.approx(1)
    assert up.stages[1].best.unit.index == UP
    assert up.stages[1].best.likeness == pytest.approx(-1)
    assert up.stages[1].best.score == pytest.approx(1)
    assert [stage.found for stage in up.stages] == [False, True, True]


def test_the_unit_that_is_best_in_the_end_is_followed_back(formed: dict[str, Formation]) -> None:
    """Before it saw anything of the concept it scored as chance does, in the direction that it has in the end."""
    last = [stage.last for stage in formed["up"].stages]
    assert {track.unit.index for track in last} == {MOVED}
    assert last[2].score == pytest.approx(1)
    assert all(track.score == pytest.approx(0.5, abs=0.05) for track in last[:2])
    assert abs(last[1].likeness) < 0.2


def test_a_unit_that_turned_over_is_followed_back_in_its_last_direction() -> None:
    """Best of all before, and upside down: then it scores as well as it does in the end, followed back it fails."""
    up = followed([(8, _with(MOVED)), (64, _with(MOVED, -1.0))])["up"]
    before, after = up.stages
    assert before.best.unit == before.last.unit == after.best.unit
    assert (before.best.score, before.best.low, before.best.high) == pytest.approx((1, 1, 1), abs=0.01)
    assert (before.last.score, before.last.low, before.last.high) == pytest.approx((0, 0, 0), abs=0.01)
    assert after.last == after.best


def test_what_cannot_be_judged_is_left_out_and_nothing_is_lesioned(formed: dict[str, Formation]) -> None:
    """Concepts that are everywhere or nowhere have no formation; words are those of pictures."""
    assert set(formed) == {"up", "down", "red"}
    up = formed["up"]
    assert up.lesioned == 0
    assert all(track.inside is None for stage in up.stages for track in (stage.best, stage.last))
    assert up.searched == "240 pictures"
    assert "network" not in up.sentence
    assert "first found at step 8" in up.sentence
