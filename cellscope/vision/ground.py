"""The space in which an input is climbed: as the published recipes measure it, whatever the network's own range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cellscope.models.classifier import Classifier
from cellscope.vision.display import Display
from cellscope.vision.recipes import Recipe

CONTRAST = 64.0
"""Standard deviation of a picture's values, of 255, where the network's preprocessing does not say one."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The space that is climbed in: 0..255 less the mean colour, in the network's order of channels.

    inputs = centre + x * step; `low` and `high` bound x, [channel, 1, 1]; `typical` is the norm of a usual picture.
    Rows of numbers are climbed in as the network gets them, unbounded.
    """

    centre: Tensor
    step: Tensor
    low: Tensor | float
    high: Tensor | float
    typical: float
    words: str

    @classmethod
    def of(cls, classifier: Classifier) -> Ground:
        """The mean colour is what the network gets as 0, if that lies between black and white, else the middle."""
        numbers = int(np.prod(classifier.shape))
        if len(classifier.shape) != 3:
            zero, one = torch.zeros(()), torch.ones(())
            return cls(zero, one, -torch.inf, torch.inf, numbers**0.5, "the network's own input units")
        display, preprocessing = Display.of(classifier), classifier.preprocessing
        black, span = display.black, display.span
        inside = bool(((black < 0) & (black + span > 0)).all())
        centre = torch.zeros_like(black) if inside else black + span / 2
        spread = 255 * float(np.mean(preprocessing.std)) / (preprocessing.high - preprocessing.low)
        contrast = spread if spread <= 128 else CONTRAST  # no picture in 0..255 varies by more
        low = (black - centre) * 255 / span
        words = f"0..255 less the {'mean' if inside else 'middle'} colour; 255 is {_said(span)} at the network's input"
        return cls(centre, span / 255, low, low + 255, contrast * numbers**0.5, words)

    def inputs(self, x: Tensor) -> Tensor:
        return self.centre + x * self.step

    def start(self, shape: tuple[int, ...], recipe: Recipe, seed: int) -> Tensor:
        """Where a climb begins; noise of a row is as large beside its data as in a picture."""
        random = np.random.RandomState(seed)  # the published code's generator, so that its numbers come out
        if recipe.start == "zero":
            return torch.zeros(shape)
        if recipe.start == "uniform" and len(shape) == 3:
            low = self.low.cpu() if isinstance(self.low, Tensor) else self.low
            return low + torch.from_numpy(random.uniform(0, 255, shape).astype(np.float32))
        unit = 1.0 if len(shape) == 3 else 1 / CONTRAST
        made = torch.from_numpy((random.normal(0, recipe.spread, shape) * unit).astype(np.float32))
        return made * (self.typical / float(made.norm())) if recipe.fixed else made


def _said(span: Tensor) -> str:
    return ", ".join(f"{float(value):.4g}" for value in span.flatten()[:4])
