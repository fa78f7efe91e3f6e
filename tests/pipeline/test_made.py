"""What is made to drive units stands on their page: by the spectrum, and climbed for, with how far starts agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.models.classifier import Classifier, wrap
from cellscope.pipeline.find_pictures import PictureSearch, find_pictures
from cellscope.pipeline.picture_pages import backward
from cellscope.pipeline.picture_pages.backward import layer_backward
from cellscope.pipeline.picture_pages.effort import QUICK
from cellscope.pipeline.picture_pages.made import PUBLISHED, agreed, made_for
from cellscope.pipeline.picture_pages.material import Material
from cellscope.pipeline.picture_pages.units import Dear
from cellscope.report.pictures import png
from cellscope.vision.labelled import halves
from cellscope.vision.lesions import FILLS
from cellscope.vision.maximise import maximise
from cellscope.vision.objectives import logit
from cellscope.vision.sent_back import sent_back

EFFORT = replace(QUICK, steps=2, climb=30, published=2, climbed=3, starts=3, checked=2, lesioned=20)


def search() -> PictureSearch:
    """A small network with a unit that is dead, and pictures of two classes."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.random((40, 3, 12, 12)).astype(np.float32), np.arange(40) % 2
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(600, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.no_grad():
        module[0].bias[4] = -1e3
    images = ImageSet("noise", pixels, labels, ("a", "b"))
    return find_pictures(wrap(module, (3, 12, 12), classes=("a", "b")), None, images)


@pytest.fixture(scope="module")
def material() -> Material:
    return Material.of(search())


def test_every_unit_has_a_picture_and_some_are_climbed_for(material: Material) -> None:
    """Climbs from every start for as many live units as the effort says; a dead one is not climbed for."""
    made = made_for(material, material.main[0], EFFORT)
    assert sorted(made.pictures) == list(range(6))
    climbed = sorted(made.agreement)
    assert len(climbed) == 3
    assert 4 not in climbed
    for unit, pictures in made.pictures.items():
        labels = [one.label for one in pictures]
        assert labels[0].startswith("preset ")
        assert len(labels) == (4 if unit in climbed else 1)
        assert all("recipe any" in label for label in labels[1:])
    assert made.pictures[climbed[0]][1].picture.shape == (12, 12, 3)
    assert "the unit is dead" in made.pictures[4][0].label


def test_classes_are_climbed_for_as_was_published(material: Material) -> None:
    """Beside the recipe that fits any network: Simonyan's class model and the four sets of Yosinski et al."""
    made = made_for(material, material.main[-1], EFFORT)
    labels = [one.label for one in made.pictures[1]]
    for name in PUBLISHED:
        assert sum(f"recipe {name}" in label for label in labels) == 1
    seed = material.search.findings.counts.seed
    own = maximise(material.network, logit([0, 1], ("a", "b")), steps=30, starts=3, seed=seed)
    climbs = [one for one in made.pictures[1] if "recipe any" in one.label]
    assert [one.value for one in climbs] == own.values[1].tolist()
    assert made.agreement[1] == agreed(own, 1)


def test_agreement_is_told_in_words(material: Material) -> None:
    """One picture, several, or none; one start agrees with nothing."""
    found = maximise(material.network, ["0/0", "0/4"], steps=30, starts=3)
    assert agreed(found, 0).startswith("Climbs from 3 random starts")
    assert ("one picture" in agreed(found, 0)) == (found.agreement.modes[0] == 1)
    two = replace(found, agreement=replace(found.agreement, modes=np.array([2, 0])))
    assert "end at 2 different pictures" in agreed(two, 0)
    assert agreed(two, 1) == "Dead: no gradient reached any of 3 starts"
    assert agreed(maximise(material.network, ["0/0"], steps=2, starts=1), 0) == ""


def test_units_without_places_have_their_way_back(material: Material) -> None:
    """A fully connected unit's deconvnet and guided pictures are of the whole picture; survival is of several units."""
    outlet = material.main[1]
    assert outlet.grid == (1, 1)
    back = layer_backward(material, outlet, EFFORT.checked)
    live = [k for k in range(5) if k not in material.examples[outlet.site].dead]
    for unit in range(5):
        assert [one.method for one in back[unit]] == ["deconvnet", "guided"]
        assert back[unit][0].maps.shape == (9, 3, 12, 12)
        assert back[unit][0].checked == min(2, len(live))
    assert np.abs(back[live[0]][1].maps).max() > 0


def test_survival_is_of_all_units_and_its_passes_are_bounded(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units one by one, or all in one pass: the same figure."""
    outlet, units, passes = material.main[0], [0, 1, 2, 3, 5], []

    def noted(network: Classifier, inputs: Tensor, *asked: Any) -> dict[str, Any]:
        passes.append(len(inputs))
        return sent_back(network, inputs, *asked)

    monkeypatch.setattr(backward, "sent_back", noted)
    monkeypatch.setattr(backward, "AT_ONCE", 100)
    whole = backward._survival(material, outlet, units)
    monkeypatch.setattr(backward, "AT_ONCE", 1)
    assert backward._survival(material, outlet, units) == pytest.approx(whole, abs=1e-3)
    assert passes == [15] * 2 + [3] * 10


def test_a_unit_is_removed_by_both_fills(material: Material) -> None:
    """Zero and its mean are two experiments: both are measured of every unit of every main layer."""
    two = halves(material.network, material.search.images, most=20)
    dear = Dear.of(material, two, EFFORT)
    assert len(dear.lesions) == len(material.main)
    for lesions in dear.lesions.values():
        assert tuple(one.fill for one in lesions) == FILLS
    first = dear.lesions[str(material.main[0].site)]
    assert not np.array_equal(first[0].reporting.surprise, first[1].reporting.surprise)
    assert len(png(dear.made[str(material.main[0].site)].pictures[0][0].picture)) > 100
