from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.mlp import MLPConfig
from cellscope.models.preprocessing import Preprocessing
from cellscope.vision.crops import crops
from cellscope.vision.examples import examples
from cellscope.vision.filters import filter_sites, filters, likeness
from cellscope.vision.receptive import receptive_fields


def network(channels: int = 3, order: str = "rgb", dilation: int = 1) -> Classifier:
    torch.manual_seed(0)
    first = nn.Conv2d(channels, 6, 3, padding=1, dilation=dilation)
    layers = (first, nn.ReLU(), nn.Conv2d(6, 4, 3, groups=2), nn.Flatten(), nn.LazyLinear(2))
    return wrap(nn.Sequential(*layers), (channels, 10, 10), preprocessing=Preprocessing(order=order))


def test_filters_are_pictures_about_grey() -> None:
    """Each filter by its own largest weight: 0 is 128, that weight 255 (or its negative 0)."""
    own = filters(network())
    assert (own.site, own.first, own.weights.shape) == (Site("0"), True, (6, 3, 3, 3))
    drawn = own.pictures()
    assert drawn.shape == (6, 3, 3, 3)
    for weights, picture in zip(own.weights, drawn, strict=True):
        expected = np.floor((weights / np.abs(weights).max() / 2 + 0.5) * 255 + 0.5).transpose(1, 2, 0)
        assert np.abs(picture - expected).max() <= 1
        assert {int(picture.min()), int(picture.max())} & {0, 255}
    assert filters(network(1)).pictures().shape == (6, 3, 3)
    assert own.sheet(least=9).shape == (2 * 9 + 2, 3 * 9 + 4, 3)


def test_colours_are_those_of_the_picture() -> None:
    """For a network that takes BGR the channels are turned round."""
    np.testing.assert_array_equal(filters(network(order="bgr")).weights, filters(network()).weights[:, ::-1])


def test_deeper_filters_are_small_multiples() -> None:
    """A row of tiles for every unit, a column for every channel that it reads; zero is the paper."""
    own = filters(network(), "2")
    assert (own.first, own.groups, own.weights.shape) == (False, 2, (4, 3, 3, 3))
    drawn = own.multiples()
    assert drawn.shape == (4 * 4 - 1, 3 * 4 - 1, 3)
    kernel = own.weights[2, 1]
    row, column = np.unravel_index(np.abs(kernel).argmax(), (3, 3))
    red, _, blue = (int(n) for n in drawn[2 * 4 + row, 4 + column])
    assert (blue > red) == (kernel[row, column] > 0)


def test_a_layer_that_reads_the_picture_has_filters_of_its_size() -> None:
    """The first layer of a network without convolutions; a later one reads no picture."""
    classifier = wrap(MLPConfig((1, 6, 5), 3, hidden=4).build(), (1, 6, 5))
    own = filters(classifier)
    assert own.weights.shape == (4, 1, 6, 5)
    np.testing.assert_array_equal(own.weights.reshape(4, 30), classifier.module.hidden.weight.detach().numpy())
    assert list(filter_sites(classifier)) == [Site("hidden")]


@pytest.mark.parametrize("dilation", [1, 2])
def test_the_patch_that_is_the_filter_has_likeness_1(dilation: int) -> None:
    """Where a picture holds the filter itself, that patch has likeness 1; a bright one has less."""
    classifier = network(dilation=dilation)
    weights = filters(classifier).weights[3]
    pixels = np.full((5, 3, 10, 10), 0.5, np.float32)
    spread = 3 + 2 * (dilation - 1)
    pixels[2, :, 4 : 4 + spread : dilation, 3 : 3 + spread : dilation] += weights / np.abs(weights).max() / 2
    pixels[4] = (weights > 0).any((1, 2))[:, None, None]
    images = ImageSet("planted", pixels)
    outlet = outlets(classifier.module, classifier.example)[0]
    found = examples(classifier, images, ["0"], k=5)[Site("0")]
    made = crops(classifier, images, found, 3, receptive_fields(classifier, [outlet])[Site("0")])
    alike = dict(zip(made.pictures.tolist(), likeness(filters(classifier), made).tolist(), strict=True))
    assert alike[2] == pytest.approx(1, abs=1e-5)
    assert alike[0] == 0
    assert abs(alike[4]) < 0.9


def test_mistakes_are_named() -> None:
    """No filters, another site, no colours, weights that are not finite."""
    with pytest.raises(InputError, match="has no filters"):
        filters(wrap(nn.Sequential(nn.Linear(4, 2)), (4,)))
    with pytest.raises(MissingError, match="no site with filters '1'; there is 0, 2"):
        filters(network(), "1")
    with pytest.raises(InputError, match="filters of 2 channels have no colours"):
        filters(network(2)).pictures()
    broken = network()
    with torch.no_grad():
        broken.module[0].weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="0 has weights that are not finite"):
        filters(broken)
