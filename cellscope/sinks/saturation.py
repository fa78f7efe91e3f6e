"""How much of a text each gate spends nearly closed and nearly open (Karpathy, Johnson and Li 2015, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.chunks import Chunk

LEFT, RIGHT = 0.1, 0.9
"""A gate is left-saturated below the first and right-saturated above the second."""
SIGMOID = ("input", "forget", "output", "reset", "update")
"""Streams that are gates in this sense: between 0 and 1."""


class Saturation:
    """For every unit of every site how many of `positions` were below LEFT and above RIGHT, int64 [unit]."""

    def __init__(self, sizes: Mapping[Site, int]) -> None:
        self.positions = 0
        self.left: dict[Site, NDArray[np.int64]] = {site: np.zeros(size, np.int64) for site, size in sizes.items()}
        self.right: dict[Site, NDArray[np.int64]] = {site: np.zeros(size, np.int64) for site, size in sizes.items()}

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        self.positions += chunk.steps * len(chunk.positions)
        for site, values in chunk.values.items():
            flat = values.reshape(-1, values.shape[2])
            self.left[site] += _count(flat < LEFT)
            self.right[site] += _count(flat > RIGHT)

    def merge(self, other: Saturation) -> Saturation:
        """The counts of both; the two must be of the same sites."""
        sizes = {site: len(counts) for site, counts in self.left.items()}
        if sizes != {site: len(counts) for site, counts in other.left.items()}:
            raise ValueError("only counts of the same sites can be merged")
        both = Saturation(sizes)
        both.positions = self.positions + other.positions
        for site in sizes:
            both.left[site] = self.left[site] + other.left[site]
            both.right[site] = self.right[site] + other.right[site]
        return both

    def fractions(self, site: Site) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractions of the text that each unit spent below LEFT and above RIGHT, each [unit]."""
        count = max(self.positions, 1)
        return self.left[site] / count, self.right[site] / count


def _count(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """True values by column of flags [position, unit]; sums of bytes over short stretches, because they are quick."""
    total = np.zeros(flags.shape[1], np.int64)
    for at in range(0, len(flags), 255):
        total += np.add.reduce(flags[at : at + 255].view(np.uint8), axis=0, dtype=np.uint8)
    return total
