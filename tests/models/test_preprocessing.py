"""What is done to pictures before a network sees them, and back again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from cellscope.errors import InputError
from cellscope.models.preprocessing import Preprocessing, fitted

PIXELS = np.random.default_rng(0).random((2, 3, 6, 8), np.float32)
MANY = [
    Preprocessing(),
    Preprocessing(order="bgr", low=0, high=255, mean=(109.5, 118.7, 124.7)),
    Preprocessing(low=-1, high=1),
    Preprocessing(mean=(0.48, 0.45, 0.4), std=(0.23, 0.22, 0.21)),
    Preprocessing(order="bgr", mean=(0.1, 0.2, 0.3), std=(2.0,)),
]


@pytest.mark.parametrize("made", MANY, ids=str)
def test_undo_is_the_inverse(made: Preprocessing) -> None:
    """What the network gets, undone, is the picture; what is undone, prepared, is what the network gets."""
    inputs = made.apply(PIXELS)
    torch.testing.assert_close(made.undo(inputs), torch.from_numpy(PIXELS), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.apply(made.undo(inputs).numpy()), inputs, atol=1e-3, rtol=1e-5)


def test_bgr_and_its_mean() -> None:
    """As Caffe's networks want it: channels turned round first, 0..255, the mean in the network's own order."""
    made = Preprocessing(order="bgr", low=0, high=255, mean=(104.0, 117.0, 123.0))
    inputs = made.apply(PIXELS)
    for channel, mean in enumerate((104.0, 117.0, 123.0)):
        want = torch.from_numpy(PIXELS[:, 2 - channel]) * 255 - mean
        torch.testing.assert_close(inputs[:, channel], want, atol=1e-4, rtol=0)


@pytest.mark.parametrize("made", MANY, ids=str)
def test_ranges_are_black_and_white(made: Preprocessing) -> None:
    """A black picture and a white one become the two ends of the range, channel by channel."""
    black, white = made.ranges(3)
    for value, end in ((0, black), (1, white)):
        inputs = made.apply(np.full((1, 3, 2, 2), value, np.float32))
        torch.testing.assert_close(inputs[0], end.expand(3, 2, 2))


def test_undo_is_differentiable() -> None:
    """The gradient of the shown picture is that of the scaling alone."""
    made = Preprocessing(low=0, high=255, std=(0.5,))
    inputs = made.apply(PIXELS).requires_grad_()
    made.undo(inputs).sum().backward()
    torch.testing.assert_close(inputs.grad, torch.full_like(inputs, 0.5 / 255))


def test_stretch_is_pillows() -> None:
    """Stretched pictures agree with Pillow's antialiased bilinear scaling, in both directions."""
    for size in ((3, 5), (12, 20)):
        got = Preprocessing(size=size, fit="stretch").apply(PIXELS)[0, 0].numpy()
        want = np.asarray(Image.fromarray(PIXELS[0, 0]).resize(size[::-1], Image.Resampling.BILINEAR))
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_crop_takes_the_middle_and_keeps_proportions() -> None:
    """The shorter side is scaled, the longer one cut on both sides; of a wide picture its middle is left."""
    wide = np.zeros((1, 1, 4, 12), np.float32)
    wide[..., 4:8] = 1
    assert (Preprocessing(size=(4, 4)).apply(wide) == 1).all()
    assert (Preprocessing(size=(4, 4)).apply(wide.swapaxes(2, 3)) == 1).all()
    assert Preprocessing(size=(4, 4), fit="stretch").apply(wide).mean() == pytest.approx(1 / 3, abs=0.01)
    disc = np.hypot(*np.mgrid[-9.5:10, -15.5:16]) < 8
    got = fitted(torch.from_numpy(disc[None, None].astype(np.float32)), (10, 10), "crop")[0, 0] > 0.5
    assert got.any(0).sum() == got.any(1).sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 5), (64, 3)])
@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_any_size_becomes_the_size(shape: tuple[int, int], fit: str) -> None:
    """Pictures of any size, one pixel too, come out at the size, within the range of their values."""
    pixels = np.random.default_rng(1).random((2, 3, *shape), np.float32)
    made = Preprocessing(size=(6, 8), fit=fit).apply(pixels)
    assert made.shape == (2, 3, 6, 8)
    assert pixels.min() - 1e-5 <= made.min() <= made.max() <= pixels.max() + 1e-5


def test_pictures_of_the_size_are_not_touched() -> None:
    """No scaling where the size is right already."""
    assert np.array_equal(Preprocessing(size=(6, 8)).apply(PIXELS).numpy(), PIXELS)


def test_rows_of_numbers() -> None:
    """Of rows each column has a mean and a spread of its own; undone they are what they were."""
    rows = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    made = Preprocessing(mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0), order="bgr", high=255)
    inputs = made.apply(rows)
    torch.testing.assert_close(inputs[:, 2], torch.from_numpy((rows[:, 2] - 3) / 4))
    torch.testing.assert_close(made.undo(inputs), torch.from_numpy(rows))


def test_as_many_numbers_as_channels() -> None:
    """A mean of two numbers fits neither three channels nor four columns, and is refused in one line."""
    made = Preprocessing(mean=(1.0, 2.0))
    with pytest.raises(InputError, match="mean has 2 numbers for 3 channels; give one, or one a channel"):
        made.apply(PIXELS)
    with pytest.raises(InputError, match="mean has 2 numbers for 4 columns; give one, or one a column"):
        made.apply(np.zeros((1, 4), np.float32))
    with pytest.raises(InputError, match="for 4 columns"):
        made.undo(torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": "gbr"}, "no order 'gbr'; there is rgb, bgr"),
        ({"fit": "pad"}, "no fit 'pad'; there is crop, stretch"),
        ({"low": 1.0, "high": 1.0}, "range from 1 to 1 is empty"),
        ({"std": (0.0,)}, "std numbers above 0"),
        ({"mean": (float("nan"),)}, "mean must be numbers"),
        ({"size": (0, 8)}, "size of 0 x 8"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, said: str) -> None:
    """An order, fit, range, spread or size that makes no sense is an InputError that says so."""
    with pytest.raises(InputError, match=said):
        Preprocessing(**options)


def test_json_and_the_line_for_pages() -> None:
    """What is written is what is read; unknown fields are refused; a line says all of it."""
    made = Preprocessing(size=(6, 8), order="bgr", fit="stretch", high=255.0, mean=(1.0, 2.0, 3.0))
    assert Preprocessing.from_json(made.to_json()) == made
    assert made.describe() == "6 x 8 (stretched); BGR in 0..255; mean 1, 2, 3, std 1"
    with pytest.raises(InputError, match="unknown fields: gamma"):
        Preprocessing.from_json({"gamma": 2})
