"""A picture held as its Fourier coefficients, in decorrelated colours: the ground of feature visualisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.errors import InputError

COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
"""The square root of the correlation of colours in ImageNet (lucid, `param/color.py`)."""

LEAST = 4
"""Rows and columns below which a picture has too few frequencies to be worth the name."""


@dataclass(frozen=True)
class FourierImage:
    """Pictures [picture, channel, row, column] in 0..1 from spectra [picture, channel, row, frequency, 2].

    A step of the same size changes every frequency alike, weighted by 1 / frequency as in natural pictures: optimising
    the spectrum spreads over low frequencies what would be noise of single pixels. Three channels mix decorrelated
    colours; any other number of channels is taken as it is. After Olah, Mordvintsev and Schubert (2017) and lucid's
    `fft_image` and `to_valid_rgb`. InputError below 4 x 4.
    """

    channels: int
    rows: int
    columns: int
    decay: float = 1.0

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < LEAST:
            raise InputError(
                f"a picture of {self.rows} x {self.columns} has hardly any frequencies; feature visualisation needs "
                f"{LEAST} x {LEAST} at least: try maximise"
            )

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Cycles per pixel of every coefficient, [row, frequency]; odd widths carry one more, cut off afterwards."""
        across = np.fft.fftfreq(self.columns)[: self.columns // 2 + 1 + self.columns % 2]
        down = np.fft.fftfreq(self.rows)[:, None]
        made: NDArray[np.float64] = np.sqrt(across * across + down * down)
        return made

    @property
    def scale(self) -> Tensor:
        """What a coefficient is multiplied by: root of the area / max(frequency, 1 / longer side) ** decay."""
        lowest = 1.0 / max(self.rows, self.columns)
        scale = np.sqrt(self.rows * self.columns) / np.maximum(self.frequencies, lowest) ** self.decay
        return torch.from_numpy(scale.astype(np.float32))

    def noise(self, seed: int, repeat: int = 0, *, spread: float = 0.01) -> Tensor:
        """The spectrum a picture starts from: normal, of standard deviation `spread`; other `repeat`s are others."""
        drawn = np.random.default_rng([seed, repeat]).normal(0, spread, (self.channels, *self.frequencies.shape, 2))
        return torch.from_numpy(drawn.astype(np.float32))

    def synthesis(self, device: torch.device | None = None) -> Synthesis:
        """The way from spectra to pictures, on a device."""
        colours = None
        if self.channels == 3:
            colours = torch.from_numpy((COLOURS / np.linalg.norm(COLOURS, axis=0).max()).astype(np.float32)).to(device)
        share = np.full(self.frequencies.shape[1], 2.0, np.float32)  # a coefficient stands for its mirror image too
        share[0] = share[-1] = 1.0
        scale = self.scale / 4
        area = self.rows * (self.columns + self.columns % 2)
        back = scale * torch.from_numpy(share) / area
        return Synthesis(self.rows, self.columns, scale[..., None].to(device), back[..., None].to(device), colours)


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Pictures [picture, channel, row, column] from spectra [picture, channel, row, frequency, 2], and the way back.

    `scale` is what coefficients are multiplied by, `back_scale` what their gradients are: the same, with the share that
    a coefficient has in the inverse transform of a real picture.
    """

    rows: int
    columns: int
    scale: Tensor
    back_scale: Tensor
    colours: Tensor | None

    def raw(self, spectrum: Tensor) -> Tensor:
        """The inverse transform / 4, before colours and bounds."""
        wide = self.columns + self.columns % 2
        made: Tensor = torch.fft.irfft2(torch.view_as_complex(spectrum * self.scale), s=(self.rows, wide))
        return made[..., : self.columns]

    def pictures(self, spectrum: Tensor) -> Tensor:
        """In 0..1 by the sigmoid of the (mixed) raw pictures."""
        raw = self.raw(spectrum)
        if self.colours is not None:
            raw = torch.matmul(self.colours, raw.flatten(2)).view(raw.shape)
        return torch.sigmoid(raw)

    def back(self, gradient: Tensor, pictures: Tensor) -> Tensor:
        """The gradient of the spectrum from that of its pictures, written out: that of a transform is a transform."""
        gradient = torch.ops.aten.sigmoid_backward(gradient, pictures)
        if self.colours is not None:
            gradient = torch.matmul(self.colours.T, gradient.flatten(2)).view(gradient.shape)
        wide = self.columns + self.columns % 2
        spectrum = torch.fft.rfft2(gradient, s=(self.rows, wide))  # an odd width is filled with a zero
        return torch.view_as_real(spectrum) * self.back_scale
