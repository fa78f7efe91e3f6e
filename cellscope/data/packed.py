"""Masks kept as bits: an eighth of the memory of booleans, unpacked as they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class PackedMasks:
    """bool [picture, concept, row, column], indexed along its pictures."""

    def __init__(
        self, length: int, concepts: int, rows: int, columns: int, bits: NDArray[np.uint8] | None = None
    ) -> None:
        self.shape = (length, concepts, rows, columns)
        self.bits = np.zeros((length, concepts, (rows * columns + 7) // 8), np.uint8) if bits is None else bits

    def __len__(self) -> int:
        return self.shape[0]

    def __setitem__(self, picture: int, masks: NDArray[np.bool_]) -> None:
        """The masks of one picture [concept, row, column]."""
        cells = self.shape[2] * self.shape[3]
        if cells % 8 == 0:  # along an axis numpy takes eight times as long
            self.bits[picture] = np.packbits(masks).reshape(self.shape[1], -1)
        else:
            self.bits[picture] = np.packbits(masks.reshape(self.shape[1], -1), axis=-1)

    def __getitem__(self, which: Any) -> NDArray[np.bool_]:
        cells = self.shape[2] * self.shape[3]
        bits = self.bits[which]
        on = np.unpackbits(bits, axis=-1, count=cells).view(np.bool_)
        return on.reshape(*bits.shape[:-1], *self.shape[2:])
