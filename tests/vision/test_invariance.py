"""Invariance by layer: exactly that of planted networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import cnn, half_of
from torch import nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import Classifier
from cellscope.vision.invariance import invariance
from cellscope.vision.perturbations import TRANSFORMS, Transform, changed, usual

MOVED = Transform("translation", (0, 1, 2, 3))


def pictures(count: int = 20, size: int = 16, channels: int = 1) -> ImageSet:
    """Patches of noise, each of a brightness of its own, in the middle of darkness: a small shift loses nothing."""
    rng = np.random.default_rng(0)
    made = np.zeros((count, channels, size, size), np.float32)
    made[:, :, 6:10, 5:9] = rng.random((count, channels, 4, 4)) * rng.random((count, 1, 1, 1))
    return ImageSet("patches", made, np.arange(count) % 2, ("a", "b"))


def equivariant(*after: nn.Module) -> Classifier:
    """A convolution without bias and a ReLU, which commute with shifts, and what is given."""
    torch.manual_seed(0)
    first = nn.Conv2d(1, 6, 3, padding=1, bias=False)
    return Classifier(nn.Sequential(first, nn.ReLU(), *after), (1, 16, 16), ("a", "b"))


def test_averaging_over_all_places_is_exactly_invariant() -> None:
    """A convolutional network that averages its maps does not notice a shift; its maps, compared in place, do."""
    network = equivariant(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    found = invariance(network, pictures(), transforms=[MOVED])
    curve = found.curve("translation")
    assert [str(outlet.site) for outlet in found.outlets] == ["0", "1", "2", "4"]
    np.testing.assert_allclose(curve.change[2:], 0, atol=1e-5)
    np.testing.assert_allclose(curve.pooled, 0, atol=1e-5)
    np.testing.assert_allclose(curve.cosine[2:], 1, atol=1e-6)
    assert (curve.same == 1).all()
    assert (curve.change[:2, 1:] > 0.2).all()
    assert (np.diff(curve.change[0]) > 0).all()


def test_flattening_is_not_invariant() -> None:
    """The same network that flattens its maps moves with the picture, in its answer too."""
    network = equivariant(nn.Flatten(), nn.Linear(6 * 256, 2))
    curve = invariance(network, pictures(), transforms=[MOVED]).curve("translation")
    assert (curve.change[2, 1:] > 0.3).all()


def test_what_pooling_buys_is_said() -> None:
    """Every pooling module stands beside what it reads; averages over 4 x 4 places halve what a shift by 1 changes."""
    network = equivariant(nn.AvgPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    found = invariance(network, pictures(), transforms=[MOVED])
    first, last = found.gains
    assert (first.before, first.after, first.kind) == (Site("1"), Site("2"), "AvgPool2d")
    assert (last.before, last.after) == (Site("2"), Site("3"))
    before, after = first.changes["translation"]
    assert after[1] < 0.6 * before[1]
    np.testing.assert_allclose(last.changes["translation"][1], 0, atol=1e-5)
    assert "2 (AvgPool2d) leaves of the change in 1, on average: translation 0." in first.sentence
    assert [
        gain.after for gain in invariance(network, pictures(), transforms=[MOVED], sites=["0", "2", "3"]).gains
    ] == [Site("3")]  # where what the first of them reads is not looked at, nothing is said of it


def test_no_change_is_no_distance() -> None:
    """The amount that changes nothing gives 0, cosine 1, and the network's own answers, for every transform."""
    own = [Transform(name, (1.0 if name == "scale" else 0.0,)) for name in TRANSFORMS]
    found = invariance(cnn(), half_of(1), transforms=own, most=50)
    for curve in found.curves:
        np.testing.assert_array_equal(curve.change, 0)
        np.testing.assert_allclose(curve.cosine, 1)
        assert curve.same[0] == 1
        assert curve.accuracy[0] > 0.9


def test_another_picture_is_at_distance_one() -> None:
    """Turning every picture into its neighbour, which is what 1 stands for, gives 1 (planted by a huge shift to black,
    where the distance to black is known).
    """
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4000, 8)).astype(np.float32)
    network = Classifier(nn.Sequential(nn.Linear(8, 8, bias=False)), (8,), tuple("abcdefgh"))
    with torch.no_grad():
        network.module[0].weight.copy_(torch.eye(8))
    images = ImageSet("normal", rows, columns=tuple("abcdefgh"))
    curve = invariance(network, images, transforms=[Transform("noise", (1.0, 2**0.5))], most=4000).curves[0]
    # Independent rows lie sqrt(2) apart for a spread of 1; so noise of sqrt(2) is as far as another picture.
    np.testing.assert_allclose(curve.change[0], [0.5**0.5, 1.0], atol=0.03)
    assert np.isnan(curve.accuracy).all()


def test_digits_move_the_layers() -> None:
    """Of the digits' network, more noise moves every layer more, and accuracy does not rise."""
    found = invariance(cnn(), half_of(1), transforms=[Transform("noise", (0, 0.1, 0.3, 0.6))], most=200)
    curve = found.curve("noise")
    assert (np.diff(curve.change, axis=1) > 0).all()
    assert curve.accuracy[0] > curve.accuracy[-1] + 0.1
    assert found.sensitive("noise") in found.outlets


def test_a_quarter_turn_is_numpys() -> None:
    """Rotation by 90 degrees is numpy's rot90 (against the clock); scale 2 enlarges; translation moves to the right."""
    x = np.random.default_rng(0).random((2, 3, 6, 6)).astype(np.float32)
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(changed(x, "rotation", 90, rng), np.rot90(x, axes=(2, 3)), atol=1e-5)
    np.testing.assert_array_equal(changed(x, "translation", 2, rng)[..., 2:], x[..., :-2])
    np.testing.assert_array_equal(changed(x, "translation", 2, rng)[..., 0], x[..., 0])
    np.testing.assert_array_equal(changed(x, "translation", -1, rng)[..., :-1], x[..., 1:])
    spot = np.zeros((1, 1, 8, 8), np.float32)
    spot[..., 3:5, 3:5] = 1
    assert changed(spot, "scale", 2, rng).sum() == pytest.approx(16)
    assert changed(x, "brightness", 0.5, rng).max() == 1


def test_a_site_that_never_changes_is_named() -> None:
    """All its numbers are the same for all pictures: its change is NaN, and it is said to be constant."""
    network = equivariant(nn.Flatten(), nn.Linear(6 * 256, 2))
    with torch.no_grad():
        network.module[0].weight.zero_()
    found = invariance(network, pictures(), transforms=[MOVED])
    assert [str(site) for site in found.constant] == ["0", "1", "3"]
    assert np.isnan(found.curves[0].change).all()
    assert np.isfinite(found.curves[0].cosine).all()


def test_the_usual_amounts_fit_the_pictures() -> None:
    """Wider pictures are moved further; a 1 x 1 picture and a row are not moved at all."""
    assert usual((1, 8, 8))[0].amounts == (0, 1, 2)
    assert usual((3, 64, 64))[0].amounts == (0, 2, 4, 8, 12, 16)
    assert [t.name for t in usual((3, 1, 1))] == ["brightness", "noise"]
    assert [t.name for t in usual((7,))] == ["noise"]


@pytest.mark.parametrize(
    ("name", "amounts", "said"),
    [
        ("scale", (0,), "a scale of 0; give factors above 0"),
        ("noise", (-1,), "a noise of -1"),
        ("noise", (), "noise needs amounts"),
        ("translation", (0.5,), "a translation of 0.5 pixels; give whole ones"),
    ],
)
def test_amounts_that_make_no_sense_are_named(name: str, amounts: tuple, said: str) -> None:
    """Each error says what was wrong."""
    with pytest.raises(InputError, match=said):
        invariance(cnn(), half_of(1), transforms=[Transform(name, amounts)], most=4)


def test_what_cannot_be_moved_is_named() -> None:
    """A transform that is not there, a 1 x 1 picture, a row of numbers, a single picture."""
    with pytest.raises(MissingError, match="no transform 'shear'; there is"):
        Transform("shear", (1,))
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="a picture of 1 x 1 knows no rotation"):
        changed(np.zeros((2, 1, 1, 1), np.float32), "rotation", 5, rng)
    with pytest.raises(InputError, match="rows of numbers know no scale"):
        changed(np.zeros((2, 5), np.float32), "scale", 2, rng)
    with pytest.raises(InputError, match="patches has 1 picture"):
        invariance(equivariant(nn.Flatten(), nn.Linear(6 * 256, 2)), pictures(1))


def test_the_network_is_left_as_it_was() -> None:
    """Weights, modes, hooks and gradients are untouched."""
    module = cnn().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    invariance(cnn(), half_of(1), transforms=[MOVED], most=20)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training and not part._forward_hooks for part in module.modules())
    assert all(p.grad is None for p in module.parameters())


def test_other_classes_leave_accuracy_out() -> None:
    """Of a network that knows other classes than the pictures layers are told, accuracy is not, and it is said why."""
    network = equivariant(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    odd = ImageSet("odd", pictures().pixels(np.arange(20)), np.arange(20) % 3, ("x", "y", "z"))
    found = invariance(network, odd, transforms=[MOVED])
    known = invariance(network, pictures(), transforms=[MOVED])
    np.testing.assert_array_equal(found.curves[0].change, known.curves[0].change)
    assert np.isnan(found.curves[0].accuracy).all()
    assert np.isfinite(known.curves[0].accuracy).all()
    assert found.remark.startswith("accuracy is left out: odd has the classes x, y, z and ")
    assert known.remark == ""
