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
from cellscope.vision.formation import first_filters, formation


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
