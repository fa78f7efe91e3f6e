"""What activations and filters were like at every snapshot, by law."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from digit_networks import NAMES, cnn, digits, half_of, mlp
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.formation import density, first_filters, formation, locality


def test_density_is_that_of_treves_and_rolls() -> None:
    """Known answers: 1 for numbers of one size, 1/n for one of n, 0 for none; the sign does not count."""
    rows = torch.tensor([[2.0, 2, 2, 2], [0, 0, 5, 0], [0, 0, 0, 0], [1, -1, 1, -1], [1, 3, 0, 0]], dtype=torch.float64)
    np.testing.assert_allclose(density(rows), [1, 0.25, 0, 1, (1 / 1) ** 2 / 2.5])


def test_locality_is_the_share_about_the_peak() -> None:
    """Known answers: 1 for one spot, 9/n for an even map wherever its peak is taken, 1 for a map of 3 x 3."""
    spot = torch.zeros(1, 3, 5, 6, dtype=torch.float64)
    spot[0, 0, 0, 5] = -4.0
    spot[0, 1] = 1.0
    near, live = locality(spot)
    np.testing.assert_allclose(near, [[1, 9 / 30, 0]])
    assert live.tolist() == [[True, True, False]]
    two = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    two[0, 0, 1, 1], two[0, 0, 5, 5], two[0, 0, 2, 2] = 2.0, 1.0, 1.0
    assert locality(two)[0].item() == pytest.approx(5 / 6)
    assert locality(torch.rand(2, 4, 3, 3, dtype=torch.float64))[0].min() == pytest.approx(1)


def test_locality_equals_a_loop() -> None:
    """For noise of odd sizes, every map's share is that of the window cut out by hand."""
    x = torch.randn(3, 2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    near, _ = locality(x)
    for picture in range(3):
        for channel in range(2):
            energy = x[picture, channel].numpy() ** 2
            row, column = np.unravel_index(energy.argmax(), energy.shape)
            top, left = min(max(row - 1, 0), 2), min(max(column - 1, 0), 5)
            expected = energy[top : top + 3, left : left + 3].sum() / energy.sum()
            assert near[picture, channel].item() == pytest.approx(expected)


def test_training_is_seen() -> None:
    """From an untrained network to a trained one: accuracy rises, filters end where they are, steps are in order."""
    found = formation([(100, cnn()), (0, cnn().untrained(0))], half_of(1))
    assert found.steps.tolist() == [0, 100]
    assert found.accuracy[1] > 0.9 > 0.4 > found.accuracy[0]
    assert str(found.filter_site) == "features.0"
    assert found.filters.shape == (2, 8, 1, 3, 3)
    np.testing.assert_array_equal(found.filters[1], cnn().module.features[0].weight.detach())
    np.testing.assert_allclose(found.settled[1], 1)
    assert (found.settled[0] < 1).all()
    relu = [str(outlet.site) for outlet in found.outlets].index("features.2")
    assert (found.zeros[:, relu] > 0.2).all()
    assert (found.zeros[:, relu - 1] < 0.01).all()
    assert (found.density <= 1).all()
    assert (found.locality >= found.flat - 1e-12).all()
    assert found.dead_counts.shape == (2, len(found.outlets))


def test_a_dead_unit_is_counted() -> None:
    """A channel whose ReLU is never on is dead, at its step alone."""
    module = copy.deepcopy(cnn().module)
    with torch.no_grad():
        module.features[1].weight[3], module.features[1].bias[3] = 0.0, -1.0
    killed = dataclasses.replace(cnn(), module=module)
    found = formation([(0, cnn()), (1, killed)], digits(), sites=["features.2"], most=100)
    assert found.dead[0][1, 3]
    assert not found.dead[0][0, 3]
    assert found.dead_counts[1, 0] - found.dead_counts[0, 0] == 1


def test_batches_do_not_matter() -> None:
    """Any cutting of the pictures gives the same figures."""
    one, other = (formation([(0, cnn())], digits(), most=100, batch=b) for b in (7, 100))
    for name in ("zeros", "density", "locality", "accuracy"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-6)


def test_first_filters_are_what_meets_the_picture() -> None:
    """Of the book's network they are its hidden weights as pictures; of a network that first pools, the convolution's;
    where a linear layer does not read pixels, there are none.
    """
    site, weights = first_filters(mlp())
    assert str(site) == "hidden"
    np.testing.assert_array_equal(weights.reshape(100, 64), mlp().module.hidden.weight.detach())
    pooled = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))
    assert first_filters(Classifier(pooled, (1, 8, 8), NAMES)) is None


def test_no_labels_is_no_accuracy() -> None:
    """It is NaN, and all else is as with labels."""
    bare = ImageSet("bare", digits().pixels(slice(0, 30)))
    assert np.isnan(formation([(0, cnn())], bare).accuracy).all()


def test_no_snapshots_are_refused() -> None:
    """The error says what is needed."""
    with pytest.raises(InputError, match="no snapshots to compare"):
        formation([], digits())


def test_the_networks_are_left_as_they_were() -> None:
    """Weights, modes and hooks are untouched."""
    module = cnn().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    formation([(0, cnn())], digits(), most=20)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training and not part._forward_hooks for part in module.modules())
