"""An array along pictures whose rows are made as they are asked for; as many as a bound of memory allows are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MEMORY = 1 << 28
"""The bytes of one array that are kept; booleans are kept as bits."""


class Decoded:
    """[picture, *shape], indexed along its pictures by number, slice or array; `make(number)` gives one.

    What was made first is kept until `memory` is full, and stays: a second pass over a set that is too large finds
    as much of it as there is room for, where the latest kept would have been driven out by the time they are needed.
    """

    def __init__(
        self, length: int, shape: tuple[int, ...], dtype: type, make: Callable[[int], Array], memory: int = 0
    ) -> None:
        self.shape, self.dtype, self.make = (length, *shape), np.dtype(dtype), make
        size = int(np.prod(shape)) * self.dtype.itemsize
        self.room = (memory or MEMORY) // max(1, (size + 7) // 8 if self.dtype == bool else size)
        self._kept: dict[int, Array] = {}

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def fits(self) -> bool:
        """Whether all of it is kept once it has been read."""
        return len(self) <= self.room

    def __getitem__(self, which: Any) -> Array:
        numbers = np.arange(len(self))[which]
        if numbers.ndim == 0:
            return self._one(int(numbers))
        made = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for place, number in enumerate(numbers.tolist()):
            made[place] = self._one(number)
        return made

    def _one(self, number: int) -> Array:
        kept = self._kept.get(number)
        if kept is not None:
            return self._unpacked(kept)
        made = self.make(number)
        if len(self._kept) < self.room:
            self._kept[number] = np.packbits(made) if self.dtype == bool else made
        return made

    def _unpacked(self, kept: Array) -> Array:
        if self.dtype != bool:
            return kept
        shape = self.shape[1:]
        return np.unpackbits(kept, count=int(np.prod(shape))).view(np.bool_).reshape(shape)
