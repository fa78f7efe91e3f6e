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
        means = [part.mean((2, 3)) for part in (x, x[..., :third], x[..., -third:])]
        fine, *coarse = (_codes(mean, levels) for mean, levels in zip(means, (FINE, COARSE, COARSE), strict=True))
    else:
        mean = (x if x.shape[2:] == grid else torch.nn.functional.adaptive_avg_pool2d(x, grid))[:, :, rows]
        near = _codes(mean, COARSE)
        fine = _codes(mean[..., columns], FINE)
        coarse = [near[..., np.clip(columns + by, 0, grid[1] - 1)] for by in (-1, 1)]
    keys: NDArray[np.uint64] = coarse[0].ravel().astype(np.uint64)
    for code in (coarse[1], fine):
        keys = keys << np.uint64(21) | code.ravel().astype(np.uint64)
    return keys


def own_colours(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The colour of every place alone, of the keys that `colour_keys` makes."""
    return keys & np.uint64(2**21 - 1)


def _codes(colours: Tensor, levels: int) -> NDArray[np.int32]:
    """Colours [picture, channel, ..] in 0..1 as numbers [picture, ..]."""
    many = levels**2 if colours.shape[1] == 1 else levels
    steps = (colours * many).to(torch.int32).clamp_(0, many - 1)
    code = steps[:, 0].clone()
    for channel in range(1, steps.shape[1]):
        code += steps[:, channel] * many**channel
    made: NDArray[np.int32] = code.numpy()
    return made
