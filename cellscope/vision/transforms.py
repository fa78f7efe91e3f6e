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


_BILINEAR, _ZEROS = 0, 0
"""What torch's sampling is told: how it interpolates, and what lies beyond the border."""


class Mover:
    """`mover(pictures, mover.grid(maps, count))`: pictures [picture, channel, row, column] after maps of `maps`.

    One bilinear sampling. Beyond their border pictures are 0: give them as differences from grey.
    """

    def __init__(self, rows: int, columns: int, *, device: torch.device | None = None) -> None:
        self.rows, self.columns, self.device = rows, columns, device
        across, down = (torch.arange(size) + 0.5 - size / 2 for size in (columns, rows))
        places = [across.expand(rows, columns), down[:, None].expand(rows, columns), torch.ones(rows, columns)]
        self.places = torch.stack(places, 2).flatten(0, 1).to(device)

    def maps(self, matrices: Matrices) -> Tensor:
        """Matrices [.., 3, 3] in pixels as float32 [.., 3, 2], that lead from pixels to halves of the picture."""
        halves = np.diag([2 / self.columns, 2 / self.rows, 1.0])
        made = np.swapaxes(halves @ matrices, -1, -2)[..., :2].astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(made)).to(self.device)

    def grid(self, maps: Tensor, count: int) -> Tensor:
        """Where each pixel of `count` pictures comes from, [picture, row, column, 2], in halves of the picture."""
        return (self.places @ maps).view(-1, self.rows, self.columns, 2).expand(count, -1, -1, -1)

    def __call__(self, pictures: Tensor, grid: Tensor) -> Tensor:
        return torch.grid_sampler_2d(pictures, grid, _BILINEAR, _ZEROS, False)

    def back(self, gradient: Tensor, pictures: Tensor, grid: Tensor) -> Tensor:
        """The gradient of the pictures from that of the moved ones."""
        back = torch.ops.aten.grid_sampler_2d_backward
        made: Tensor = back(gradient, pictures, grid, _BILINEAR, _ZEROS, False, [True, False])[0]
        return made
