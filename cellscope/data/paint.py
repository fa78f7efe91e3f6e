"""What drawn scenes are painted with: a colour, in some light, with or without a texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.data.outlines import Plane

TEXTURES = ("striped", "dotted")
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.15, 0.14),
    "green": (0.13, 0.66, 0.22),
    "blue": (0.16, 0.34, 0.88),
    "yellow": (0.93, 0.83, 0.14),
    "purple": (0.60, 0.22, 0.76),
    "white": (0.96, 0.96, 0.96),
}
LIGHT = 0.75, 1.0
"""How bright a colour is painted, from and up to."""
DARK = np.float32(0.6)
"""By how much the dark parts of a texture are darker."""


@dataclass(frozen=True)
class Paint:
    """A colour (`tint`, 0 to 1 [channel]) and a texture, "" for none, that repeats after `period` pixels."""

    colour: str
    texture: str
    tint: NDArray[np.float32]
    period: float

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concepts that are true of what is painted with it."""
        return (self.colour, self.texture) if self.texture else (self.colour,)

    @classmethod
    def of(cls, rng: np.random.Generator, colour: str, texture: str, pixel: float) -> Paint:
        """The colour in some light, a little off its name; the texture of some coarseness."""
        light, off = rng.uniform(*LIGHT), rng.uniform(-0.06, 0.06, 3)
        tint = (np.array(COLOURS[colour]) * light + off).astype(np.float32).clip(0, 1)
        return cls(colour, texture, tint, float(rng.uniform(4.0, 6.5)) * pixel)

    def at(self, u: Plane, v: Plane) -> Plane:
        """What is painted at coordinates u, v [row, column] in pixels: 0 to 1 [channel, row, column]."""
        turn = np.float32(2 * np.pi / self.period)
        if self.texture == "striped":
            dark: Plane = np.sin(u * turn) * np.float32(1.5) + np.float32(0.5)
        elif self.texture == "dotted":
            dark = np.cos(u * turn) + np.cos(v * turn) - np.float32(0.1)
        else:
            dark = np.zeros((1, 1), np.float32)
        painted: Plane = self.tint[:, None, None] * (1 - DARK * dark.clip(0, 1))
        return painted
