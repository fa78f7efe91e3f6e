"""Lesions of a planted network for pictures: one unit decides by a concept, the others do not."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import Classifier, wrap
from cellscope.pipeline.picture_lesions import PictureLesioned, lesion_concepts
from cellscope.vision.lesions import fill_of

SIDE, UNITS, PLANTED = 6, 12, 5
SITE = Site("filters")


class Deciding(nn.Module):
    """Twelve filters that hand on a channel each; the answer is "there" where unit PLANTED is on anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.filters, self.top = nn.Conv2d(UNITS, UNITS, 1, bias=False), nn.Linear(UNITS, 2)
        with torch.no_grad():
            self.filters.weight.copy_(torch.eye(UNITS)[:, :, None, None])
            self.top.weight.normal_(0, 0.02, generator=torch.Generator().manual_seed(0))
            self.top.weight[:, PLANTED] = torch.tensor([-20.0, 20.0])
            self.top.bias.copy_(torch.tensor([3.0, -3.0]))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.top(self.filters(pictures).mean((2, 3)))


@cache
def planted() -> tuple[Classifier, ImageSet]:
    """Squares in channel PLANTED, which are the class; others in channel 2, which are not."""
    rng = np.random.default_rng(0)
    pixels = 0.4 * rng.random((300, UNITS, SIDE, SIDE), np.float32)
    masks = np.zeros((300, 3, SIDE, SIDE), bool)
    for concept in (0, 1):
        for picture in np.flatnonzero(rng.random(300) < 0.5):
            row, column = rng.integers(0, SIDE - 3, 2)
            masks[picture, concept, row : row + 3, column : column + 3] = True
    masks[:4, 2, 0, 0] = True
    pixels[:, PLANTED] = 1.0 * masks[:, 0]
    pixels[:, 2] = 1.0 * masks[:, 1]
    labels = masks[:, 0].any((1, 2)).astype(np.int64)
    network = wrap(Deciding(), (UNITS, SIDE, SIDE), classes=("not", "there"), name="deciding")
    return network, ImageSet("planted", pixels, labels, ("not", "there"), masks, ("square", "idle", "rare"))


def lesioned(*units: int, asked: tuple[str, ...] = ("square",), **options) -> PictureLesioned:
    network, images = planted()
    return lesion_concepts(network, None, images, [Unit(SITE, unit) for unit in units], asked, draws=5, **options)


def test_the_unit_that_decides_is_needed_and_no_other() -> None:
    """Held at 0 it costs where the concept is and not elsewhere, more than any random unit; another costs nothing."""
    (need,) = lesioned(PLANTED).needs
    assert need.verdict == "needed"
    assert need.effect.inside.low > 1
    assert abs(need.effect.elsewhere.value) < 0.1
    assert need.right.free > 0.95
    assert need.right.change.high < -0.8
    assert (
        need.right_elsewhere.change.low < 0 < need.right_elsewhere.change.high
    )  # no picture changes: still no 0 width
    assert need.sentence.startswith("The network needs filters/5 in pictures with square: held at zero, such a picture")
    (other,) = lesioned(2).needs
    assert other.verdict == "not needed"


def test_a_concept_that_nothing_rests_on_needs_no_unit() -> None:
    """Neither the unit that tells it best nor the one that decides costs more with it than without."""
    one, other = lesioned(2, PLANTED, asked=("idle", "square")).needs
    assert (one.feature, other.feature) == ("idle", "square")
    assert not one.specific
    assert other.specific
    (idle,) = lesioned(2, asked=("idle",)).needs
    assert idle.verdict == "not needed"
    best = idle.several[0].best
    assert best.name == "best 1"
    assert best.inside.value == pytest.approx(idle.effect.inside.value)  # unit 2 is the best for it


def test_these_units_alone_bring_back_what_none_has_lost() -> None:
    """The complement at its means: with the deciding unit alone nothing is lost, with none of them nearly all."""
    (need,) = lesioned(PLANTED).needs
    assert need.kept is not None
    assert need.kept.only.inside.value == pytest.approx(0, abs=0.05)
    assert need.kept.none.inside.value > 0.4
    assert need.kept.restored > 0.9


@pytest.mark.parametrize("fill", ["zero", "mean", "outside"])
def test_a_fill_is_what_it_says(fill: str) -> None:
    """0, the mean over the choosing half, or that of the places outside the concept, where the planted unit is 0."""
    made = lesioned(PLANTED, fill=fill)
    (need,) = made.needs
    own = made.subject.moments.fill(SITE, fill, 0)[PLANTED]
    if fill == "mean":
        expected = fill_of(planted()[0], made.subject.two.choosing, SITE, "mean")[PLANTED]
        assert own == pytest.approx(float(expected), abs=1e-5)
    else:
        assert own == pytest.approx(0, abs=1e-3)
    assert need.fill == fill
    assert need.effect.inside.value > 0.4


def test_everything_is_in_the_json() -> None:
    """Keys of texts, and accuracy; what does not exist is null, and the same call gives the same."""
    told = lesioned(PLANTED, 3).json()
    content = json.loads(told, parse_constant=pytest.fail)
    (need,) = content["needs"]
    assert (need["many"], need["verdict"], need["effect"]["end"]["value"]) == (2, "needed", None)
    assert len(need["random"]) == len(need["right"]["random"]) == 5
    assert content["pictures"] + content["chosen"] == 300
    assert lesioned(PLANTED, 3).json() == told


def test_without_masks_classes_are_the_concepts() -> None:
    """A class is had by its pictures; the sentence speaks of them."""
    network, images = planted()
    bare = ImageSet("bare", images.pictures, images.labels, images.classes)
    (need,) = lesion_concepts(network, None, bare, [Unit(SITE, PLANTED)], ["there"], draws=3).needs
    assert need.verdict == "needed"
    assert need.counted[0] == pytest.approx((bare.labels == 1).sum() / 2, abs=1)


@pytest.mark.parametrize(
    ("unit", "asked", "error", "said"),
    [
        (PLANTED, "circle", MissingError, "no concept in planted 'circle'; there is idle, square, rare"),
        (PLANTED, "rare", InputError, "rare is in "),
        (UNITS, "square", InputError, "no unit 12 in filters; it has 0 to 11"),
    ],
)
def test_what_is_not_there_is_named(unit: int, asked: str, error: type, said: str) -> None:
    """One line with what there is."""
    with pytest.raises(error, match=said):
        lesioned(unit, asked=(asked,))


def test_a_column_has_no_inside() -> None:
    """A number that every row has is refused; a class of rows is not."""
    rows = np.random.default_rng(0).standard_normal((200, 3)).astype(np.float32)
    images = ImageSet("rows", rows, (rows[:, 1] > 0).astype(np.int64), ("low", "high"), columns=("a", "b", "c"))
    network = wrap(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), (3,), classes=("low", "high"))
    with pytest.raises(InputError, match="a is a number in every row"):
        lesion_concepts(network, None, images, [Unit(Site("0"), 1)], ["a"])
    (need,) = lesion_concepts(network, None, images, [Unit(Site("0"), 1)], ["high"], draws=2).needs
    assert need.verdict in ("needed", "needed everywhere", "not needed")
