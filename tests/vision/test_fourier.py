"""The Fourier image is the one of the literature, for any size and any number of channels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellscope.errors import InputError
from cellscope.vision.fourier import COLOURS, FourierImage


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (9, 7), (8, 11), (5, 12), (28, 28)])
def test_a_picture_is_the_published_formula(rows: int, columns: int) -> None:
    """numpy's own inverse of spectrum x root(area) / max(f, 1 / longer side), cut to size, / 4, for odd sizes too."""
    image = FourierImage(2, rows, columns)
    spectrum = image.noise(3, spread=1.0)
    wide = columns + columns % 2
    f = np.sqrt(np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.fftfreq(columns)[: wide // 2 + 1] ** 2)
    assert spectrum.shape == (2, *f.shape, 2)
    scale = np.sqrt(rows * columns) / np.maximum(f, 1 / max(rows, columns))
    values = (spectrum[..., 0].double() + 1j * spectrum[..., 1].double()).numpy() * scale
    expected = np.fft.irfft2(values, s=(rows, wide))[..., :columns] / 4
    synthesis = image.synthesis()
    raw = synthesis.raw(spectrum[None])[0].numpy()
    assert raw == pytest.approx(expected, abs=2e-5)
    pictures = synthesis.pictures(spectrum[None])
    assert pictures[0].numpy() == pytest.approx(1 / (1 + np.exp(-expected)), abs=2e-5)


def test_known_scales_of_128_pixels() -> None:
    """The grid of 128 x 128 is (128, 65), its constant is scaled by 128 x 128, its corner by 128 x root 2."""
    scale = FourierImage(3, 128, 128).scale
    assert tuple(scale.shape) == (128, 65)
    assert float(scale[0, 0]) == pytest.approx(128 * 128)
    assert float(scale.min()) == pytest.approx(128 * 2**0.5)


def test_three_channels_mix_decorrelated_colours() -> None:
    """sigmoid(raw @ (C / .4619524) transposed), with the norm of C's first column as the unit."""
    image = FourierImage(3, 8, 8)
    spectrum = image.noise(1, spread=1.0)[None]
    synthesis = image.synthesis()
    raw = synthesis.raw(spectrum)[0].numpy()
    mixed = np.einsum("crk,dc->drk", raw, COLOURS / 0.4619524)
    pictures = synthesis.pictures(spectrum)[0].numpy()
    assert pictures == pytest.approx(1 / (1 + np.exp(-mixed)), abs=1e-5)


def test_noise_is_of_its_seed_and_repeat() -> None:
    """The same seed gives the same start; another seed or repeat another; its spread is .01."""
    image = FourierImage(3, 64, 64)
    assert torch.equal(image.noise(5), image.noise(5))
    assert not torch.equal(image.noise(5), image.noise(6))
    assert not torch.equal(image.noise(5), image.noise(5, 1))
    assert float(image.noise(5).std()) == pytest.approx(0.01, rel=0.02)


def test_a_picture_without_frequencies_is_refused() -> None:
    """1 x 1 is named, and what to do instead."""
    with pytest.raises(InputError, match=r"1 x 1 .*maximise"):
        FourierImage(3, 1, 1)


@pytest.mark.parametrize(("channels", "rows", "columns"), [(1, 6, 8), (3, 5, 7), (2, 4, 5)])
def test_the_gradient_is_that_of_the_formula(channels: int, rows: int, columns: int) -> None:
    """The gradient that is written out equals autograd's through the same transform, colours and sigmoid."""
    image = FourierImage(channels, rows, columns)
    synthesis = image.synthesis()
    spectrum = image.noise(0, spread=1.0)[None].requires_grad_()
    weight = torch.randn((1, channels, rows, columns), generator=torch.Generator().manual_seed(0))
    ours = synthesis.back(weight, synthesis.pictures(spectrum)).detach()
    raw = synthesis.raw(spectrum)
    mixed = raw if synthesis.colours is None else torch.einsum("dc,pcrk->pdrk", synthesis.colours, raw)
    (expected,) = torch.autograd.grad((mixed.sigmoid() * weight).sum(), spectrum)
    assert ours.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
