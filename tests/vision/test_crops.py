from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.vision.crops import Crops, crops
from cellscope.vision.examples import examples
from cellscope.vision.receptive import receptive_fields


def made(prepared: Preprocessing | None = None, size: int = 12, k: int = 3) -> Crops:
    """Squares at known places, and a unit that adds up 4 x 4 pixels, two apart."""
    module = nn.Sequential(nn.Conv2d(3, 2, 4, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    with torch.no_grad():
        module[0].weight.fill_(1)
        module[0].bias.fill_(0)
    pixels = np.zeros((8, 3, size, size), np.uint8)
    step = size // 12
    pixels[5, :, 3 * step : 7 * step, 5 * step : 9 * step] = 250
    pixels[2, 0, : 3 * step, : 3 * step] = 200
    classifier = wrap(module, (3, 12, 12), preprocessing=prepared)
    images = ImageSet("squares", pixels)
    outlet = outlets(module, classifier.example)[1]
    found = examples(classifier, images, [outlet.site], k=k)[outlet.site]
    return crops(classifier, images, found, 1, receptive_fields(classifier, [outlet])[outlet.site])


def test_a_crop_is_what_the_unit_sees() -> None:
    """The best picture's crop is the square and nothing else; at the border it is cut off."""
    one = made()
    assert str(one.unit) == "1/1"
    assert one.pictures[:2].tolist() == [5, 2]
    assert one.boxes[:2].tolist() == [[3, 7, 5, 9], [0, 3, 0, 3]]
    np.testing.assert_allclose(one.crop(0), 250 / 255, rtol=1e-6)
    assert one.crop(1).shape == (3, 3, 3)
    np.testing.assert_allclose(one.values[0], 48 * 250 / 255, rtol=1e-5)
    assert one.reproduced


def test_what_is_shown_is_what_the_network_got() -> None:
    """Size, order, mean and std of the preprocessing are applied and undone: crops lie in the network's own picture."""
    prepared = Preprocessing(size=(12, 12), order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.5))
    one = made(prepared, size=24, k=8)
    assert one.pixels.shape[1:] == (3, 12, 12)
    best = one.pictures.tolist().index(2)
    assert one.pixels[best, 0, 1, 1] == pytest.approx(200 / 255, abs=1e-5)
    assert one.pixels[best, 1, 1, 1] == pytest.approx(0, abs=1e-5)


def test_the_overlay_is_brightest_where_the_unit_is_active() -> None:
    """Activation is 1 at the centre of the cell of the maximum, 0 far away, and between in between."""
    one = made()
    active = one.active(0)
    assert active.shape == (12, 12)
    rows, columns = one.field.centres()
    row, column = one.places[0]
    assert active[rows[row], columns[column]] == pytest.approx(1)
    assert active[11, 0] == 0
    assert ((active >= 0) & (active <= 1)).all()
    plain, dimmed = one.sheet(whole=True), one.sheet(whole=True, overlay=True)
    assert (dimmed <= plain).all()
    assert (dimmed < plain).any()


def test_a_sheet_has_a_tile_for_every_example() -> None:
    """Tiles of one size in reading order; a crop at the border lies where it would be in a full one."""
    one = made()
    drawn = one.sheet(columns=3)
    assert drawn.shape == (4, 16, 3)
    assert (drawn[:, :4] == 250).all()
    second = drawn[:, 6:10]
    assert (second[0] == 200).all()  # cut off above
    assert (second[:, 0] == 200).all()  # and to the left
    assert second[1, 1].tolist() == [200, 0, 0]
    assert one.sheet(whole=True, least=24).shape[0] == 24 * 2 + 2


def test_mistakes_are_named() -> None:
    """A unit that is not there; rows of numbers."""
    module = nn.Sequential(nn.Linear(4, 3))
    classifier = wrap(module, (4,))
    images = ImageSet("rows", np.random.default_rng(0).random((5, 4)).astype(np.float32))
    found = examples(classifier, images)[Site("0")]
    field = receptive_fields(classifier, outlets(module, classifier.example))[Site("0")]
    with pytest.raises(InputError, match="0 has units 0 to 2; there is no 3"):
        crops(classifier, images, found, 3, field)
    with pytest.raises(InputError, match="rows of numbers"):
        crops(classifier, images, found, 0, field)
