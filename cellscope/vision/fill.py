"""What stands for "nothing there" when a part of a picture is taken away: a choice, so it has a name."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cellscope.errors import InputError
from cellscope.models.classifier import Classifier

Fill = float | str | Sequence[float]
"""A brightness from 0 (black) to 1 (white), one a channel, or one of `FILLS`."""

FILLS = ("zero", "grey", "mean", "black", "white")
"""`zero`: what the network reads as 0 (the data's mean, where one is taken off); `mean`: of the picture itself, a
channel."""

BRIGHTNESS = {"grey": 0.5, "black": 0.0, "white": 1.0}


def fill_values(classifier: Classifier, inputs: Tensor, fill: Fill) -> Tensor:
    """The fill as the network sees it: [picture or 1, channel, 1, 1], or [1, column or 1] for rows of numbers.

    Brightness is that of a picture before preprocessing, channels in a picture's own order (red first).
    """
    zero = inputs.new_zeros(()).expand((1,) * inputs.dim())
    if fill == "zero":
        return zero
    if inputs.dim() != 4:
        raise InputError(f"a fill of {fill!r} is for pictures; rows of numbers take 'zero', the mean of each column")
    if fill == "mean":
        return inputs.mean((2, 3), keepdim=True)
    if isinstance(fill, str) and fill not in BRIGHTNESS:
        raise InputError(f"no fill {fill!r}; there is {', '.join(FILLS)}, or a brightness from 0 to 1")
    given = [BRIGHTNESS[fill]] if isinstance(fill, str) else [fill] if isinstance(fill, float | int) else list(fill)
    channels = inputs.shape[1]
    if len(given) not in (1, channels):
        raise InputError(f"a fill of {len(given)} numbers for {channels} channels; give one, or one a channel")
    if not all(math.isfinite(v) and 0 <= v <= 1 for v in given):
        raise InputError(
            f"a fill is a brightness from 0 (black) to 1 (white), not {', '.join(f'{v:g}' for v in given)}"
        )
    brightness = torch.tensor(given, dtype=torch.float32).expand(channels).reshape(-1, 1, 1)
    if classifier.preprocessing.order == "bgr":
        brightness = brightness.flip(0)
    black, white = classifier.preprocessing.ranges(channels)
    return (black + brightness * (white - black)).to(inputs)[None]


def say_fill(fill: Fill) -> str:
    """In words."""
    return (
        fill
        if isinstance(fill, str)
        else f"{fill:g}"
        if isinstance(fill, float | int)
        else ", ".join(f"{v:g}" for v in fill)
    )
