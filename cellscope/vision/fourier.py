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

    def raw(self, spectrum: Tensor, scale: Tensor) -> Tensor:
        """The inverse transform / 4, before colours and bounds."""
        wide = self.columns + self.columns % 2
        spread: Tensor = torch.fft.irfft2(torch.view_as_complex(spectrum) * (scale / 4), s=(self.rows, wide))
        return spread[..., : self.columns] if wide != self.columns else spread

    def pictures(self, spectrum: Tensor, scale: Tensor, colours: Tensor | None) -> Tensor:
        """In 0..1 by the sigmoid of the (mixed) raw pictures."""
        raw = self.raw(spectrum, scale)
        if colours is not None:
            raw = torch.matmul(colours, raw.flatten(2)).view(-1, 3, self.rows, self.columns)
        return torch.sigmoid(raw)

    @property
    def colours(self) -> Tensor | None:
        """The mixing of decorrelated colours, [channel, component]; None where there are not three channels."""
        if self.channels != 3:
            return None
        return torch.from_numpy((COLOURS / np.linalg.norm(COLOURS, axis=0).max()).astype(np.float32))
