"""How large the pictures of a page may be: many large ones are drawn smaller, so that a page stays light."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

MOST = 1 << 24
"""Pixels of a page's bank of pictures, and of what is made for its units by one technique."""
LEAST = 16
"""No picture is made smaller than this."""


def bounded(count: int, size: tuple[int, int], most: int = MOST) -> tuple[int, int]:
    """Rows and columns of each of `count` pictures of `size`, so that all of them have at most `most` pixels."""
    share = math.sqrt(min(1.0, most / max(1, count * size[0] * size[1])))
    rows, columns = (min(side, max(LEAST, int(side * share))) for side in size)
    return rows, columns


def shrunk(pictures: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """Pictures or maps [.., row, column] of this size or a smaller one: means over the pixels that fall together."""
    whole: NDArray[np.float32] = np.asarray(pictures, np.float32)
    if pictures.shape[-2:] == size or not pictures.size:
        return whole
    flat = torch.from_numpy(np.ascontiguousarray(whole)).reshape(-1, 1, *pictures.shape[-2:])
    made: NDArray[np.float32] = torch.nn.functional.adaptive_avg_pool2d(flat, size).numpy()
    return made.reshape(*pictures.shape[:-2], *size)
