"""Small moves that an optimised picture must survive: jitter, scale, rotation, on a grey ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

GREY = 0.5

Matrices = NDArray[np.float64]
"""Affine maps [.., 3, 3] from a place in the moved picture to the place in the picture that is seen there.

Places are (column, row, 1) in pixels from the middle.
"""


@dataclass(frozen=True)
class Robustness:
    """What is drawn at every step, uniformly: a shift, a scale, an angle in degrees, and a second shift.

    `jitter` are the widths of the two shifts in pixels (lucid crops as much away), `scales` and `angles` the values to
    draw from. Beyond its border a picture is grey (0.5), as after lucid's padding. The defaults are lucid's standard
    transforms; the four are done in one bilinear sampling. `Robustness.none()` leaves pictures as they are.
    """

    jitter: tuple[int, int] = (8, 4)
    scales: tuple[float, ...] = tuple(round(0.9 + 0.02 * k, 2) for k in range(11))
    angles: tuple[float, ...] = (*(float(a) for a in range(-10, 11)), 0.0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def none(cls) -> Robustness:
        return cls((0, 0), (1.0,), (0.0,))

    def draw(self, steps: int, pictures: int, seed: int) -> Matrices:
        """One map for each step and picture, [step, picture, 3, 3]; with 1 picture, one for a whole batch."""
        random, size = np.random.default_rng([seed, 2**31]), (steps, pictures)
        first, second = (random.integers(0, width + 1, (*size, 2)) - width // 2 for width in self.jitter)
        scales, angles = random.choice(self.scales, size), random.choice(self.angles, size)
        return shift(first) @ scaling(scales) @ rotation(angles) @ shift(second)


def shift(by: NDArray[np.int64]) -> Matrices:
    """The moved picture shows at (column, row) what was at (column, row) + by [.., 2]."""
    made = np.broadcast_to(np.eye(3), (*by.shape[:-1], 3, 3)).copy()
    made[..., :2, 2] = by
    return made


def scaling(by: NDArray[np.float64]) -> Matrices:
    """Pictures grow by this factor about their middle."""
    made = np.zeros((*by.shape, 3, 3))
    made[..., 0, 0] = made[..., 1, 1] = 1 / by
    made[..., 2, 2] = 1
    return made


def rotation(degrees: NDArray[np.float64]) -> Matrices:
    """Pictures turn counter-clockwise about their middle."""
    turn = np.deg2rad(degrees)
    made = np.zeros((*turn.shape, 3, 3))
    made[..., 0, 0] = made[..., 1, 1] = np.cos(turn)
    made[..., 0, 1], made[..., 1, 0] = -np.sin(turn), np.sin(turn)
    made[..., 2, 2] = 1
    return made


def normalised(matrices: Matrices, rows: int, columns: int) -> Tensor:
    """Maps in pixels as `moved` takes them: float32 [.., 2, 3], in halves of the picture."""
    half = np.diag([columns / 2, rows / 2, 1.0])
    return torch.from_numpy((np.linalg.inv(half) @ matrices @ half)[..., :2, :].astype(np.float32))


def moved(pictures: Tensor, maps: Tensor, *, fill: float = GREY) -> Tensor:
    """Pictures [picture, channel, row, column] after maps [picture or 1, 2, 3] of `normalised`; differentiable."""
    grid = torch.nn.functional.affine_grid(maps, [len(maps), 1, *pictures.shape[2:]], align_corners=False)
    grid = grid.expand(len(pictures), -1, -1, -1)
    ground = pictures - fill  # sampling puts zeros beyond the border
    return torch.nn.functional.grid_sample(ground, grid, align_corners=False) + fill
