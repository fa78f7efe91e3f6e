"""Pictures moved, turned, scaled, brightened, and with noise: what a class should not depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.errors import InputError, not_found

Pixels = NDArray[np.float32]

TRANSFORMS = {
    "translation": "pixels to the right",
    "rotation": "degrees against the clock",
    "scale": "factor about the middle",
    "brightness": "added to all pixels",
    "noise": "standard deviation of normal noise",
}
"""Every transform and the unit of its amount; pictures are in 0..1."""

FLAT = ("noise",)
"""Those that rows of numbers can bear."""


@dataclass(frozen=True)
class Transform:
    """One transform at the amounts of a curve; each amount stands for itself, and the first changes nothing."""

    name: str
    amounts: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.name not in TRANSFORMS:
            raise not_found("transform", self.name, list(TRANSFORMS))
        if not self.amounts or not all(math.isfinite(a) for a in self.amounts):
            raise InputError(f"{self.name} needs amounts, and numbers, not {self.amounts}")
        if self.name == "scale" and min(self.amounts) <= 0:
            raise InputError(f"a scale of {min(self.amounts):g}; give factors above 0")
        if self.name == "noise" and min(self.amounts) < 0:
            raise InputError(f"a noise of {min(self.amounts):g}; give 0 or more")

    @property
    def unit(self) -> str:
        return TRANSFORMS[self.name]


def usual(shape: tuple[int, ...]) -> tuple[Transform, ...]:
    """The transforms that pictures of a shape can bear, in amounts that grow with their width."""
    noise = Transform("noise", (0, 0.02, 0.05, 0.1, 0.2))
    if len(shape) == 1:
        return (noise,)
    if min(shape[1:]) < 2:
        return (Transform("brightness", (-0.3, -0.15, 0, 0.15, 0.3)), noise)
    steps = sorted({round(shape[2] * part) for part in (0, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4)})
    return (
        Transform("translation", tuple(float(step) for step in steps)),
        Transform("rotation", (-90, -45, -20, -10, 0, 10, 20, 45, 90)),
        Transform("scale", (0.5, 0.7, 0.85, 1, 1.2, 1.5, 2)),
        Transform("brightness", (-0.3, -0.15, 0, 0.15, 0.3)),
        noise,
    )


def changed(
    pictures: Pixels, name: str, amount: float, rng: np.random.Generator, spread: Pixels | float = 1.0
) -> Pixels:
    """Pictures [picture, channel, row, column] in 0..1, or rows [row, column], after one transform.

    What comes in from outside repeats the picture's edge. Translation is by whole pixels, rotation and scale are
    bilinear; brightness and noise are cut off at 0 and 1 in pictures. Noise is multiplied by `spread`, in rows that of
    each column.
    """
    if name == "noise":
        noisy: Pixels = pictures + np.float32(amount) * spread * rng.standard_normal(pictures.shape, np.float32)
        return noisy if pictures.ndim == 2 else np.clip(noisy, 0, 1)
    if pictures.ndim == 2:
        raise InputError(f"rows of numbers know no {name}; they can bear {', '.join(FLAT)}")
    if name == "brightness":
        lit: Pixels = np.clip(pictures + np.float32(amount), 0, 1)
        return lit
    if min(pictures.shape[2:]) < 2:
        size = " x ".join(map(str, pictures.shape[2:]))
        raise InputError(f"a picture of {size} knows no {name}")
    if name == "translation":
        return _moved(pictures, amount)
    angle = math.radians(amount) if name == "rotation" else 0.0
    return _turned(pictures, angle, amount if name == "scale" else 1.0)


def _moved(pictures: Pixels, amount: float) -> Pixels:
    if amount != round(amount):
        raise InputError(f"a translation of {amount:g} pixels; give whole ones")
    columns = np.clip(np.arange(pictures.shape[3]) - int(amount), 0, pictures.shape[3] - 1)
    return pictures[:, :, :, columns]


def _turned(pictures: Pixels, angle: float, scale: float) -> Pixels:
    """Turned about the middle and enlarged, exactly as they were where neither asks for anything."""
    if angle == 0 and scale == 1:
        return pictures
    rows, columns = pictures.shape[2:]
    y = torch.arange(rows) - (rows - 1) / 2
    x = torch.arange(columns) - (columns - 1) / 2
    y, x = torch.meshgrid(y, x, indexing="ij")
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    back: Tensor = torch.stack([(cos * x - sin * y) * 2 / columns, (sin * x + cos * y) * 2 / rows], -1)
    grid = back.expand(len(pictures), -1, -1, -1)
    source = torch.from_numpy(np.ascontiguousarray(pictures))
    made: Pixels = torch.nn.functional.grid_sample(
        source, grid, mode="bilinear", padding_mode="border", align_corners=False
    ).numpy()
    return made
