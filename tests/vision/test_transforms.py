"""Moves of pictures: where every pixel goes, what is beyond the border, and that draws follow the published sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellscope.vision.transforms import GREY, Mover, Robustness, rotation, scaling, shift

PICTURE = torch.rand((2, 3, 6, 8), generator=torch.Generator().manual_seed(0))


def move(pictures: torch.Tensor, maps: np.ndarray) -> torch.Tensor:
    mover = Mover(*pictures.shape[2:])
    return mover(pictures - GREY, mover.grid(mover.maps(maps), len(pictures))) + GREY


def test_no_move_leaves_a_picture_as_it_is() -> None:
    """The identity gives the picture back."""
    maps = Robustness.none().draw(1, 1, 0)[0]
    assert torch.allclose(move(PICTURE, maps), PICTURE, atol=1e-6)


def test_a_shift_is_a_crop_on_grey() -> None:
    """Two columns to the right and one row down are seen; what comes in from beyond is .5."""
    seen = move(PICTURE, shift(np.array([[2, 1]])))
    assert torch.allclose(seen[:, :, :-1, :-2], PICTURE[:, :, 1:, 2:], atol=1e-5)
    assert torch.allclose(seen[:, :, -1], torch.tensor(0.5), atol=1e-5)
    assert torch.allclose(seen[:, :, :, -2:], torch.tensor(0.5), atol=1e-5)


def test_a_quarter_turn_is_rot90() -> None:
    """90 degrees turn a square picture counter-clockwise exactly."""
    square = PICTURE[:, :, :, :6]
    assert torch.allclose(move(square, rotation(np.array([90.0]))), torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_scaling_grows_about_the_middle() -> None:
    """Twice the size: a square of 2 x 2 in the middle becomes 4 x 4 there; half the size leaves a grey frame."""
    dot = torch.zeros(1, 1, 8, 8)
    dot[:, :, 3:5, 3:5] = 1
    assert float(move(dot, scaling(np.array([2.0])))[0, 0, 2:6, 2:6].mean()) > 0.75
    small = move(torch.ones(1, 1, 8, 8), scaling(np.array([0.5])))[0, 0]
    assert torch.allclose(small[:2], torch.tensor(0.5))
    assert torch.allclose(small[2:6, 2:6], torch.tensor(1.0))


def test_draws_are_the_published_set() -> None:
    """Jitter of 8 and 4, scales .90 to 1.10 by .02, 26 angles six of which are 0; uniform, and of their seed."""
    usual = Robustness()
    assert usual.scales == pytest.approx([0.9 + 0.02 * k for k in range(11)])
    assert len(usual.angles) == 26
    assert usual.angles.count(0.0) == 6
    maps = usual.draw(4000, 1, 7)
    assert maps.shape == (4000, 1, 3, 3)
    angles = np.degrees(np.arctan2(maps[..., 1, 0], maps[..., 0, 0])).round()
    assert (angles == 0).mean() == pytest.approx(6 / 26, abs=0.03)
    assert np.abs(angles).max() == 10
    sizes = np.sqrt(np.abs(np.linalg.det(maps[..., :2, :2])))
    assert (sizes.min(), sizes.max()) == pytest.approx((1 / 1.1, 1 / 0.9))
    assert np.abs(Robustness((8, 0), (1.0,), (0.0,)).draw(500, 1, 0)[..., :2, 2]).max() == 4
    assert np.array_equal(maps, usual.draw(4000, 1, 7))
    assert not np.array_equal(maps, usual.draw(4000, 1, 8))


def test_pictures_move_together_or_apart() -> None:
    """One map moves every picture alike; as many maps as pictures move each by its own."""
    both = PICTURE[:1].repeat(2, 1, 1, 1)
    together = move(both, Robustness().draw(1, 1, 3)[0])
    assert torch.equal(together[0], together[1])
    apart = move(both, Robustness().draw(1, 2, 3)[0])
    assert not torch.equal(apart[0], apart[1])


def test_the_gradient_is_led_back() -> None:
    """What is led back by hand equals autograd's through the same sampling."""
    mover = Mover(6, 8)
    grid = mover.grid(mover.maps(Robustness().draw(1, 2, 3)[0]), 2)
    pictures = PICTURE.clone().requires_grad_()
    weight = torch.randn(PICTURE.shape, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad((mover(pictures, grid) * weight).sum(), pictures)
    assert torch.allclose(mover.back(weight, PICTURE, grid), expected, atol=1e-6)
