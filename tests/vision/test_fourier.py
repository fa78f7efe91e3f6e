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
    raw = image.raw(spectrum[None], image.scale)[0].numpy()
    assert raw == pytest.approx(expected, abs=2e-5)
    pictures = image.pictures(spectrum[None], image.scale, image.colours)
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
    raw = image.raw(spectrum, image.scale)[0].numpy()
    mixed = np.einsum("crk,dc->drk", raw, COLOURS / 0.4619524)
    pictures = image.pictures(spectrum, image.scale, image.colours)[0].numpy()
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
