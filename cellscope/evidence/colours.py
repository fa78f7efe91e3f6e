"""What pictures alone give away: the best prediction of a concept from colours, without any network.

The colour of a place stands where the current character of a text does, that of it and its two neighbours in a row
where the last three characters do; for a picture as a whole, its mean colour and those of its left and right thirds.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.data.images import Pixels

FINE, COARSE = 8, 4
"""Levels of red, green and blue that are told apart in a place, and in its neighbours; their squares for grey."""


def colour_keys(
    pixels: Pixels, grid: tuple[int, int], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """A context for each place [picture x place], as `Contexts.add_keys` takes it: own colour lowest."""
    x = torch.from_numpy(pixels[:, :3])
    if grid == (1, 1):
        third = max(1, x.shape[3] // 3)
        own, left, right = (part.mean((2, 3)) for part in (x, x[..., :third], x[..., -third:]))
        parts = [part[:, :, None] for part in (own, left, right)]
    else:
        mean = torch.nn.functional.adaptive_avg_pool2d(x, grid)
        beside = [np.clip(columns + by, 0, grid[1] - 1) for by in (0, -1, 1)]
        parts = [mean[:, :, torch.from_numpy(rows)[:, None], torch.from_numpy(c)].flatten(2) for c in beside]
    fine, *coarse = (_codes(part, levels) for part, levels in zip(parts, (FINE, COARSE, COARSE), strict=True))
    return (coarse[0] << np.uint64(42) | coarse[1] << np.uint64(21) | fine).ravel()


def _codes(colours: Tensor, levels: int) -> NDArray[np.uint64]:
    """Colours [picture, channel, place] in 0..1 as numbers [picture, place]."""
    many = levels**2 if colours.shape[1] == 1 else levels
    steps = (colours * many).clamp(0, many - 1).long()
    weights = torch.tensor([many**k for k in range(colours.shape[1])])
    code: NDArray[np.uint64] = (steps * weights[:, None]).sum(1).numpy().astype(np.uint64)
    return code
