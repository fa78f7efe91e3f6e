from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.mlp import MLPConfig
from cellscope.report.pictures import grid
from cellscope.vision.activations import activations


def network() -> Classifier:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 5, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(45, 3)]
    with torch.no_grad():
        layers[0].weight[2], layers[0].bias[2] = 0, -1  # always off
        layers[0].weight[3], layers[0].bias[3] = 0, 2  # always the same
    return wrap(nn.Sequential(*layers), (1, 8, 8), classes=("a", "b", "c"))


PICTURE = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)


def test_maps_are_what_the_layers_compute() -> None:
    """Every layer's maps equal its own computation, before an in-place ReLU as after it; scores are the logits."""
    classifier = network()
    found = activations(classifier, PICTURE)
    conv, _, _, _, linear = classifier.module
    with torch.no_grad():
        raw = conv(torch.from_numpy(PICTURE)[None])
        pooled = F.max_pool2d(raw.relu(), 2)
        scores = linear(pooled.flatten(1))
    expected = {"0": raw, "1": raw.relu(), "2": pooled, "4": scores}
    assert [str(site) for site in found.layers] == list(expected)
    for name, values in expected.items():
        layer = found.layers[Site(name)]
        np.testing.assert_allclose(layer.maps, values[0].numpy(), atol=1e-6)
        assert (layer.low, layer.high) == (layer.maps.min(), layer.maps.max())
    np.testing.assert_allclose(found.scores, scores[0].numpy(), atol=1e-6)
    assert found.best == int(scores.argmax())


def test_silent_and_flat_channels_are_named() -> None:
    """A channel that is 0 everywhere is silent; one that is the same everywhere is flat; others are neither."""
    found = activations(network(), PICTURE)
    assert found.layers[Site("1")].silent == (2,)
    assert found.layers[Site("0")].silent == ()
    assert found.layers[Site("0")].flat == (2, 3)
    assert found.layers[Site("1")].flat == (3,)
    assert found.layers[Site("4")].flat == ()


def test_the_grid_shows_unit_after_unit() -> None:
    """Tile (row, column) of a layer's grid is unit row * width + column, scaled over the layer."""
    layer = activations(network(), PICTURE).layers[Site("1")]
    made = grid(layer.maps)
    height, width = made.tile
    for unit, values in enumerate(layer.maps):
        top, left = unit // made.columns * (height + 1), unit % made.columns * (width + 1)
        tile = made.array[top : top + height, left : left + width]
        np.testing.assert_array_equal(tile, np.floor((values - layer.low) / (layer.high - layer.low) * 255 + 0.5))


def test_rows_of_numbers_have_units_without_places() -> None:
    """A network of rows gives [unit] for every layer, and a grid of small squares."""
    found = activations(wrap(MLPConfig((6,), 2, hidden=5).build(), (6,)), PICTURE[0, 0, :6])
    assert found.layers[Site("sigmoid")].maps.shape == (5,)
    assert grid(found.layers[Site("sigmoid")].maps).tile == (3, 3)


def test_mistakes_are_named_and_nothing_changes() -> None:
    """Several pictures, another size, a site that is not there, values that are not finite."""
    classifier = network()
    classifier.module.train()
    with pytest.raises(InputError, match="one picture is"):
        activations(classifier, PICTURE[None])
    with pytest.raises(InputError, match="takes pictures of 1 x 8 x 8"):
        activations(classifier, PICTURE[:, :4])
    with pytest.raises(InputError, match="no site '7'"):
        activations(classifier, PICTURE, ["7"])
    with pytest.raises(InputError, match="0/0 has values that are not finite"):
        activations(classifier, PICTURE * np.inf)
    assert all(m.training and not m._forward_hooks for m in classifier.module.modules())
    assert all(p.grad is None for p in classifier.module.parameters())
