"""Lesions of the digits' network, and of a planted one, by law."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import NAMES, cnn, digits, half_of
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import class_numbers, halves
from cellscope.vision.lesions import answers, fill_of, remove, scored

SITE = Site("features.6")  # the second ReLU of 16 channels


@pytest.fixture(scope="module")
def two():
    """The unseen pictures of the digits, in two halves."""
    return halves(cnn(), half_of(1))


def units(*numbers: int) -> list[Unit]:
    return [Unit(SITE, n) for n in numbers]


def test_no_units_is_the_network_itself(two) -> None:
    """A lesion of nothing predicts what the bare forward pass predicts, picture by picture."""
    x = two.reporting
    none = {SITE: np.zeros((1, 16), bool)}
    given = answers(cnn(), x, two.reported, none, {SITE: np.zeros(16, np.float32)}, batch=100)
    with torch.no_grad():
        expected = cnn().module.eval()(cnn().prepare(x.pixels(slice(None)))).argmax(1).numpy()
    np.testing.assert_array_equal(given.predicted[0], expected)
    assert given.shortened
    assert (expected == two.reported).mean() > 0.9


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_all_units_is_one_answer(two, fill: str) -> None:
    """Without any unit the same class is told of every picture, so balanced accuracy is a half for every class."""
    scores = remove(cnn(), two, units(*range(16)), fill=fill)
    np.testing.assert_allclose(scores.balanced[1], 0.5)
    assert sorted(scores.recall[1])[-2:] == [0.0, 1.0]


def test_the_order_of_removal_does_not_count(two) -> None:
    """Units 3, 1, 2 removed are units 1, 2, 3 removed, and named twice is named once."""
    one, other = remove(cnn(), two, units(3, 1, 2)), remove(cnn(), two, units(1, 2, 3, 3))
    np.testing.assert_array_equal(one.surprise, other.surprise)


def test_the_two_fills_are_different_experiments(two) -> None:
    """Half of the channels set to 0, or to their means over the choosing half, give different accuracies."""
    zero, mean = (remove(cnn(), two, units(*range(8)), fill=fill) for fill in ("zero", "mean"))
    assert zero.accuracy[0] == mean.accuracy[0]
    assert zero.accuracy[1] != mean.accuracy[1]


def test_the_mean_is_over_pictures_and_places() -> None:
    """It equals the mean of what the site puts out, whatever the batch."""
    from cellscope.hooks.modules import watch

    with watch(cnn().module, (SITE,)) as seen, torch.no_grad():
        seen.play(cnn().prepare(digits().pixels(slice(0, 50))))
        expected = seen[SITE].mean((0, 2, 3)).numpy()
    found = fill_of(cnn(), digits().take(np.arange(50)), SITE, "mean", batch=7)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_units_of_several_sites_go_together(two) -> None:
    """A lesion across two layers equals the network with those channels' following weights taken out by hand."""
    scores = remove(cnn(), two, [Unit(SITE, 2), Unit(Site("classifier.1"), 5)])
    import copy

    other = copy.deepcopy(cnn().module).eval()
    with torch.no_grad():
        other.classifier[2].weight[:, 5] = 0
        norm = other.norm  # a ReLU's zero stays zero through the pooling, and the norm makes one number of it
        norm.bias[2] -= norm.running_mean[2] * norm.weight[2] / (norm.running_var[2] + norm.eps).sqrt()
        norm.weight[2] = 0
        told = other(cnn().prepare(two.reporting.pixels(slice(None)))).argmax(1).numpy()
    assert scores.accuracy[1] == (told == two.reported).mean()


def test_balanced_accuracy_counts_both_errors() -> None:
    """Known answer: class 0 told right 1 of 2 times, and of 3 others 1 is taken for it: (1/2 + 2/3) / 2."""
    from cellscope.vision.lesions import Answers

    predicted = np.array([[0, 1, 0, 1, 2]], np.int16)
    labels = np.array([0, 0, 1, 1, 2])
    scores = scored(Answers(predicted, np.zeros((1, 5), np.float32), True), labels, ("a", "b", "c", "d"))
    np.testing.assert_allclose(scores.balanced[0, :3], [(1 / 2 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2, 1.0])
    assert scores.accuracy[0] == 3 / 5
    assert scores.absent == ("d",)


def test_the_network_is_left_as_it_was(two) -> None:
    """Weights, flags, gradients and hooks are the same after a lesion."""
    module = cnn().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    remove(cnn(), two, units(1), fill="mean")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training for part in module.modules())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_halves_share_nothing_and_every_class() -> None:
    """Together they are the sample; every class is in both, within one picture of evenly."""
    made = halves(cnn(), digits(), most=500, seed=3)
    one, two = made.choosing.pictures.index, made.reporting.pictures.index
    assert len(np.union1d(one, two)) == 500 == len(one) + len(two)
    gap = np.bincount(made.chosen, minlength=10) - np.bincount(made.reported, minlength=10)
    assert abs(gap).max() <= 1
    again = halves(cnn(), digits(), most=500, seed=3)
    np.testing.assert_array_equal(again.choosing.pictures.index, one)


def test_classes_go_by_name() -> None:
    """Pictures whose classes stand in another order are renumbered; as many other names are taken by number."""
    turned = ImageSet("turned", np.zeros((2, 1, 8, 8), np.float32), np.array([0, 9]), NAMES[::-1])
    np.testing.assert_array_equal(class_numbers(cnn(), turned), [9, 0])
    other = ImageSet("other", np.zeros((2, 1, 8, 8), np.float32), np.array([0, 9]), tuple("abcdefghij"))
    np.testing.assert_array_equal(class_numbers(cnn(), other), [0, 9])


@pytest.mark.parametrize(
    ("unit", "error", "said"),
    [
        ("features.6/16", InputError, r"no unit 16 in features.6; it has 0 to 15"),
        ("features.66/1", MissingError, "no site 'features.66'; there is features.6"),
    ],
)
def test_units_that_are_not_there_are_named(two, unit: str, error: type, said: str) -> None:
    """The error says what there is."""
    with pytest.raises(error, match=said):
        remove(cnn(), two, [Unit.parse(unit)])


def test_mistakes_are_named(two) -> None:
    """No labels, other classes, an unknown fill, no unit: each says so."""
    bare = ImageSet("bare", np.zeros((9, 1, 8, 8), np.float32))
    with pytest.raises(InputError, match="bare has no labels"):
        halves(cnn(), bare)
    three = ImageSet("three", np.zeros((3, 1, 8, 8), np.float32), np.arange(3), ("a", "b", "c"))
    with pytest.raises(InputError, match="three has the classes a, b, c and cnn tells 0, 1, 2, 3, 4 and 5 more"):
        halves(cnn(), three)
    with pytest.raises(InputError, match="no fill 'grey'; there is zero, mean"):
        remove(cnn(), two, units(1), fill="grey")
    with pytest.raises(InputError, match="no units to remove"):
        remove(cnn(), two, [])


def test_scores_that_are_no_numbers_are_refused(two) -> None:
    """A network that gives NaN is named, and no accuracy is reported of it."""

    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(x.flatten(1)) * float("nan")

    with pytest.raises(InputError, match="broken gives scores that are no numbers"):
        remove(Classifier(Broken(), (1, 8, 8), NAMES, name="broken"), two, [Unit(Site("last"), 0)])
