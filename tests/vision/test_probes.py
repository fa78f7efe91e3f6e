"""Linear probes of every layer, by law."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import cnn, digits, half_of
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import Classifier
from cellscope.vision.probes import features, probes


class Parity(nn.Module):
    """The class is whether two inputs have the same sign: not linear in the input, linear after the hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.fold, self.last = nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
            self.last.weight.copy_(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
            self.last.bias.copy_(torch.tensor([1.0, -1.0]))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.fold(self.first(x)))


def test_what_is_decided_where_is_found() -> None:
    """A planted class is at chance before the nonlinearity and certain behind it."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (400, 2))
    labels = (signs[:, 0] == signs[:, 1]).astype(np.int64)
    rows = (signs + 0.1 * rng.normal(size=(400, 2))).astype(np.float32)
    images = ImageSet("signs", rows, labels, ("other", "same"), columns=("a", "b"))
    found = probes(Classifier(Parity(), (2,), ("other", "same")), images)
    assert [str(outlet.site) for outlet in found.outlets] == ["first", "fold", "last"]
    assert found.accuracy[0, 0] < 0.8  # along one line, two corners lie beyond the other two
    assert (found.accuracy[1:, 0] == 1.0).all()
    assert str(found.decided) == "fold"
    assert "a linear probe of fold (1.000) first comes up to the network (1.000)" in found.sentence


def test_training_shows() -> None:
    """The last layers of the digits' network are told far better than those of an untrained one; deeper is better."""
    found = probes(cnn(), half_of(1), grid=1)
    trained, raw = found.accuracy[:, 0], found.untrained[:, 0]
    assert trained[-1] > 0.9
    assert trained[-1] > raw[-1] + 0.1
    assert trained[-1] > trained[0] + 0.2
    assert (found.accuracy[:, 1] <= trained).all()
    assert (trained <= found.accuracy[:, 2]).all()
    assert found.recall.shape == (len(found.outlets), 10)


def test_places_are_lost_unless_a_grid_keeps_them() -> None:
    """The class is where the light is: averaged over all places nothing is left; a grid of 2 tells it all."""
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    pictures = rng.random((200, 1, 6, 6)).astype(np.float32) * 0.1
    pictures[labels == 0, 0, :3, :3] += 0.8
    pictures[labels == 1, 0, 3:, 3:] += 0.8
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(72, 2))
    network, images = Classifier(module, (1, 6, 6), ("a", "b")), ImageSet("light", pictures, labels, ("a", "b"))
    lost, kept = (probes(network, images, sites=["0"], grid=grid).accuracy[0, 0] for grid in (1, 2))
    assert lost < 0.7
    assert kept == 1.0


def test_features_are_averages() -> None:
    """One column a channel is the mean over places; a grid of 2 is the four quarters; units are as they are."""
    from cellscope.hooks.modules import watch
    from cellscope.hooks.outlets import choose_outlets

    chosen = choose_outlets(cnn().module, cnn().example, ["features.2", "classifier.1"])
    few = digits().take(np.arange(10))
    with watch(cnn().module, ["features.2", "classifier.1"]) as seen, torch.no_grad():
        values = seen.play(cnn().prepare(few.pixels(slice(None))))
    maps, units = (value.numpy() for value in values.values())
    one, two = features(cnn(), few, chosen, 1, 4), features(cnn(), few, chosen, 2, 4)
    np.testing.assert_allclose(one[0], maps.mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(two[0].reshape(10, 8, 2, 2)[..., 1, 0], maps[:, :, 4:, :4].mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(one[1], units, atol=1e-5)


def test_the_same_seed_gives_the_same_probes() -> None:
    """Sample, halves and the untrained weights all come from the seed."""
    one, again, other = (probes(cnn(), digits(), sites=["features.2"], most=200, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.untrained, again.untrained)
    assert not np.array_equal(one.untrained, other.untrained)
    assert (one.learned, one.scored, one.seed) == (100, 100, 1)


def test_mistakes_are_named() -> None:
    """A site that is not there, and a grid of none."""
    with pytest.raises(MissingError, match="no site 'features.77'"):
        probes(cnn(), digits(), sites=["features.77"])
    with pytest.raises(InputError, match="a grid of 0"):
        probes(cnn(), digits(), grid=0)


def test_the_network_is_left_as_it_was() -> None:
    """Weights, modes, hooks and gradients are untouched."""
    module = cnn().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    probes(cnn(), digits(), sites=["features.2"], most=100)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training and not part._forward_hooks for part in module.modules())
    assert all(p.grad is None for p in module.parameters())
