"""Which class hangs on which unit, and damage curves, by law."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from digit_networks import cnn, half_of
from torch import Tensor, nn

from cellscope.axes import Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.damage import damage
from cellscope.vision.importance import each_unit
from cellscope.vision.labelled import halves
from cellscope.vision.lesions import remove

SITE = Site("features.6")


class Planted(nn.Module):
    """Unit c of `units` is on for class c alone (c < 4); unit 4 is on for all, unit 5 is dead. Class 3 has a spare."""

    def __init__(self) -> None:
        super().__init__()
        self.units = nn.Linear(4, 7, bias=False)
        self.out = nn.Linear(7, 4, bias=False)
        with torch.no_grad():
            self.units.weight.zero_()
            self.out.weight.zero_()
            self.units.weight[:4] = torch.eye(4)
            self.units.weight[4] = 1.0
            self.units.weight[6, 3] = 1.0  # the spare
            self.out.weight[:, :4] = torch.eye(4)
            self.out.weight[3, 6] = 1.0
            self.out.weight[0, 4] = 0.1  # without its own unit, a picture is told as class 0

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.units(x))


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 4
    rows = (np.eye(4)[labels] * (1 + rng.random((200, 1)))).astype(np.float32)
    images = ImageSet("rows", rows, labels, tuple("abcd"), columns=tuple("wxyz"))
    network = Classifier(Planted(), (4,), tuple("abcd"), name="planted")
    return network, halves(network, images)


def test_the_planted_units_are_found(planted) -> None:
    """Classes b and c hang on their own units; d has a spare and a is the answer without any, so they hang on none."""
    found = each_unit(*planted, Site("units"))
    hangs = {hang.name: hang for hang in found.hangs}
    assert hangs["b"].unit == Unit(Site("units"), 1)
    assert hangs["c"].unit == Unit(Site("units"), 2)
    assert (hangs["b"].before, hangs["b"].after, hangs["b"].change) == (1.0, 0.0, -1.0)
    assert [name for name, hang in hangs.items() if hang.clear] == ["b", "c"]
    assert "d hangs on no single unit" in hangs["d"].sentence
    expected = np.zeros((7, 4))
    expected[1, 1] = expected[2, 2] = -1
    np.testing.assert_array_equal(found.change, expected)
    assert set(found.order[:2]) == {1, 2}
    assert found.dead.tolist() == [5]


def test_each_unit_is_what_removing_it_gives() -> None:
    """Row u equals the lesion of unit u alone, though all are run in one go."""
    two = halves(cnn(), half_of(1))
    found = each_unit(cnn(), two, SITE, fill="mean")
    assert found.shortened
    for unit in (0, 7, 15):
        alone = remove(cnn(), two, [Unit(SITE, unit)], fill="mean")
        np.testing.assert_allclose(found.reporting.surprise[unit], alone.surprise[1], rtol=1e-5)
        np.testing.assert_array_equal(found.change[unit], alone.recall[1] - alone.recall[0])


def test_damage_runs_from_the_whole_to_chance() -> None:
    """Curves start at the whole network's accuracy and end at one constant answer; keeping mirrors removing."""
    two = halves(cnn(), half_of(1))
    found = each_unit(cnn(), two, SITE)
    curve = damage(cnn(), two, found, draws=5)
    assert curve.counts[0] == 0
    assert curve.counts[-1] == 16
    np.testing.assert_array_equal(curve.counts + curve.counts[::-1], 16)
    np.testing.assert_allclose([curve.best[0], *curve.random[:, 0], curve.kept[-1]], found.whole.accuracy[0])
    np.testing.assert_allclose([curve.best[-1], *curve.random[:, -1], curve.kept[0]], curve.chance)
    assert curve.chance < 0.2
    assert curve.best[1:-1].mean() < curve.random[:, 1:-1].mean()
    assert curve.kept[1:-1].mean() > curve.random_kept[:, 1:-1].mean()
    assert curve.half(curve.best) < curve.half(curve.random.mean(0))
    low, high = curve.range()
    assert ((low <= curve.random.mean(0) + 1e-12) & (curve.random.mean(0) <= high + 1e-12)).all()


def test_a_class_is_destroyed_by_its_own_units(planted) -> None:
    """Removing the one best unit of classes b and c brings their balanced accuracy to a half; keeping it keeps it."""
    network, two = planted
    curve = damage(network, two, each_unit(network, two, Site("units")), draws=2)
    assert curve.class_counts.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(curve.class_best[1:3, 0], 0.5)
    np.testing.assert_allclose(curve.class_kept[1:3, 0], 1.0)
    np.testing.assert_allclose(curve.class_whole, 1.0)


def test_half_way_is_where_a_line_crosses() -> None:
    """Known answer: from 1 to .2 in two even steps, .6 is reached at the middle; a straight fall in between."""
    two = halves(cnn(), half_of(1))
    curve = damage(cnn(), two, each_unit(cnn(), two, SITE), draws=2, steps=3)
    assert curve.counts.tolist() == [0, 8, 16]
    middle = (curve.best[0] + curve.chance) / 2
    assert curve.half(np.array([curve.best[0], middle, curve.chance])) == pytest.approx(0.5)
    assert curve.half(np.array([curve.best[0], curve.best[0], curve.chance])) == pytest.approx(0.75)


def test_classes_without_pictures_have_no_curve(planted) -> None:
    """Only what is in the reporting half is shown, and nothing there is NaN."""
    network, two = planted
    some = np.flatnonzero(two.reported != 2)
    few = dataclasses.replace(two, reporting=two.reporting.take(some), reported=two.reported[some])
    curve = damage(network, few, each_unit(network, few, Site("units")), draws=2)
    assert curve.shown.tolist() == [0, 1, 3]
    assert curve.class_best.shape == (3, 5)
    assert np.isfinite(curve.class_best).all()


def test_seeds_are_kept_and_repeat() -> None:
    """The same seed draws the same random units; another draws others; the result says which."""
    two = halves(cnn(), half_of(1), most=200)
    found = each_unit(cnn(), two, SITE)
    one, again, other = (damage(cnn(), two, found, draws=3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.random, again.random)
    assert not np.array_equal(one.random, other.random)
    assert (one.seed, other.seed) == (1, 2)


def test_too_few_draws_are_refused(planted) -> None:
    """One draw has no spread."""
    network, two = planted
    with pytest.raises(InputError, match="2 random draws at least"):
        damage(network, two, each_unit(network, two, Site("units")), draws=1)
