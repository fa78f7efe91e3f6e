from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cellscope.errors import InputError
from cellscope.report.colour import THEMES
from cellscope.report.pictures import (
    at_least,
    data_uri,
    diverging,
    enlarged,
    grey,
    grid,
    grid_shape,
    png,
    scaled,
    shown,
    tiles,
)

RANDOM = np.random.default_rng(0)


def decoded(encoded: bytes, mode: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert(mode))


@pytest.mark.parametrize(
    ("shape", "mode"), [((7, 5), "L"), ((7, 5, 3), "RGB"), ((40, 30, 3), "RGB"), ((7, 5, 4), "RGBA")]
)
def test_a_png_is_lossless(shape: tuple[int, ...], mode: str) -> None:
    """Decoding gives the array back, whatever the form of the file."""
    array = RANDOM.integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png(array), mode), array)


def test_few_colours_are_a_palette_and_equal_ones_grey() -> None:
    """A picture of few colours, or of grey written as colours, comes back the same from a smaller file."""
    few = np.array([[255, 0, 3], [4, 5, 6], [9, 9, 200]], np.uint8)[RANDOM.integers(0, 3, (30, 40))]
    assert Image.open(io.BytesIO(png(few))).mode == "P"
    np.testing.assert_array_equal(decoded(png(few), "RGB"), few)
    same = np.repeat(RANDOM.integers(0, 256, (6, 7, 1)).astype(np.uint8), 3, 2)
    assert Image.open(io.BytesIO(png(same))).mode == "L"
    np.testing.assert_array_equal(decoded(png(same), "RGB"), same)


def test_a_data_uri_holds_the_file() -> None:
    """What stands behind the comma is the PNG itself."""
    encoded = png(np.zeros((2, 2), np.uint8))
    head, _, body = data_uri(encoded).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == encoded


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros((0, 2), np.uint8)])
def test_what_is_no_picture_is_refused(array: np.ndarray) -> None:
    """The error names type and shape."""
    with pytest.raises(InputError, match="uint8 \\[row, column\\]"):
        png(array)


@pytest.mark.parametrize(
    ("count", "shape"),
    [(256, (16, 16)), (96, (10, 10)), (384, (20, 20)), (512, (23, 23)), (1000, (32, 32)), (4096, (64, 64)), (1, (1, 1)),
     (2, (1, 2)), (10, (3, 4))],
)  # fmt: skip
def test_grids_are_nearly_square(count: int, shape: tuple[int, int]) -> None:
    """Width is the root of the count, rounded up; height is what is then needed."""
    assert grid_shape(count) == shape


def test_tiles_lie_in_reading_order() -> None:
    """Tile (r, c) is unit r * width + c, a gap apart; gaps and blanks are the pad."""
    values = RANDOM.integers(0, 90, (10, 3, 2)).astype(np.uint8)
    made = tiles(values, gap=1, pad=99)
    assert made.shape == (3 * 4 - 1, 4 * 3 - 1)
    for unit in range(12):
        top, left = unit // 4 * 4, unit % 4 * 3
        found = made[top : top + 3, left : left + 2]
        np.testing.assert_array_equal(found, values[unit] if unit < 10 else 99)
    assert (made[3] == 99).all()
    assert tiles(np.zeros((5, 2, 2, 3), np.uint8)).shape == (5, 8, 3)


def test_a_shared_scale_keeps_units_comparable() -> None:
    """Shared: one range for all, and levels are linear in the values; unit: each fills 0..1 by itself."""
    values = np.stack([np.arange(6.0).reshape(2, 3), 10 * np.arange(6.0).reshape(2, 3)])
    shared = scaled(values)
    assert (float(shared.low), float(shared.high), shared.signed) == (0, 50, False)
    np.testing.assert_allclose(shared.levels, values / 50, atol=1e-6)
    each = scaled(values, scale="unit")
    np.testing.assert_allclose(each.high, [5, 50])
    np.testing.assert_allclose(each.levels[0], each.levels[1], atol=1e-6)


def test_signed_maps_are_symmetric_and_zero_is_neutral() -> None:
    """Zero is .5, grey 128 and the paper's own colour, however lopsided the values are."""
    values = np.array([[[-1.0, 0.0, 4.0]]])
    made = scaled(values)
    assert (made.signed, float(made.low), float(made.high)) == (True, -4, 4)
    np.testing.assert_allclose(made.levels, [[[0.375, 0.5, 1.0]]])
    assert grey(made.levels)[0, 0, 1] == 128
    colours = diverging(made.levels)[0, 0]
    assert tuple(colours[1]) == THEMES["light"]["paper"]
    assert tuple(colours[2]) == THEMES["light"]["high"]
    assert colours[0, 0] > colours[0, 2]


def test_a_constant_map_divides_by_nothing() -> None:
    """Nothing varies: level 0, or the neutral one where the map is signed; a value that is not finite is refused."""
    assert (scaled(np.full((2, 3, 3), 7.0)).levels == 0).all()
    assert (scaled(np.zeros((2, 3, 3)), scale="unit", signed=True).levels == 0.5).all()
    with pytest.raises(InputError, match="1 values are not finite"):
        scaled(np.array([[[np.nan, 1.0]]]))
    with pytest.raises(InputError, match="no scale 'per-cow'; there is shared, unit"):
        scaled(np.zeros((1, 1, 1)), scale="per-cow")


def test_a_grid_draws_maps_and_units_without_places() -> None:
    """Maps become tiles of their own size; units of a fully connected layer small squares; the range is kept."""
    made = grid(np.arange(4.0 * 6 * 5).reshape(4, 6, 5))
    assert (made.tile, made.columns, made.array.shape) == ((6, 5), 2, (13, 11))
    assert (float(made.low), float(made.high)) == (0, 119)
    small = grid(np.array([-1.0, 0.0, 1.0, 0.5, 0.2]))
    assert (small.tile, small.array.shape) == ((3, 3), (7, 11, 3))
    assert tuple(small.array[1, 5]) == THEMES["light"]["paper"]
    assert small.png[:4] == b"\x89PNG"


def test_pictures_are_shown_by_their_channels() -> None:
    """One channel is grey, three are colours, others their mean; 0 is black and 1 white."""
    assert shown(np.ones((3, 4, 5))).shape == (4, 5, 3)
    assert shown(np.ones((1, 4, 5))).shape == (4, 5)
    assert (shown(np.stack([np.zeros((2, 2)), np.ones((2, 2))])) == 128).all()
    assert enlarged(np.array([[1, 2]], np.uint8), 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    assert at_least(np.zeros((3, 5), np.uint8), 12).shape == (9, 15)
