"""Numbers on their way into a page: few levels, a scale, deflated, base64.

Zero stays exactly zero, and every unit has a scale of its own, so that a counter that reaches -1,800 takes no levels
from its neighbours. Units that a page is about keep 127 levels a side; the many others share what is left of a budget.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FINE = 127
LEVELS = (127, 63, 31, 20, 15, 11, 8, 6, 4, 3, 2, 1)
BLOCK_UNITS = 32

Packed = dict[str, object]


def pack(raw: bytes) -> str:
    """Bytes as zlib-deflated base64, which the page's script inflates."""
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def quantise(values: NDArray[np.floating], levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Values [position, unit] as whole numbers [unit, position] and a scale [unit]: value = number * scale.

    The error is at most half a scale; what is not finite becomes zero.
    """
    finite = np.nan_to_num(np.asarray(values, dtype=np.float32).T, nan=0.0, posinf=0.0, neginf=0.0)
    largest = np.abs(finite).max(axis=1, initial=0.0)
    scale = np.where(largest > 0, largest / levels, 1.0).astype(np.float32)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    numbers = np.clip(np.rint(finite / scale[:, None]), -levels, levels)
    return numbers.astype(np.int8), scale


def dequantise(numbers: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of `quantise`, [position, unit]."""
    return (numbers.astype(np.float32) * scale[:, None]).T


def _deltas(numbers: NDArray[np.int8]) -> NDArray[np.int8]:
    """Differences along the positions, wrapping around at 256."""
    wrapped = numbers.view(np.uint8)
    return np.diff(wrapped, axis=1, prepend=np.uint8(0)).astype(np.uint8).view(np.int8)


@dataclass(frozen=True)
class Block:
    """Some units over all positions, packed together: the page inflates a block when one of them is chosen."""

    columns: tuple[int, ...]
    scales: tuple[float, ...]
    delta: bool
    data: str

    def as_json(self) -> Packed:
        """The block as the page's script reads it."""
        return {"columns": self.columns, "scales": self.scales, "delta": self.delta, "data": self.data}


def block(values: NDArray[np.floating], columns: Sequence[int], *, levels: int) -> Block:
    """The given columns of values [position, unit], plain or as differences, whichever promises to be smaller."""
    numbers, scale = quantise(values[:, list(columns)], levels)
    part = np.ascontiguousarray(numbers[:, :4096])
    delta = len(zlib.compress(_deltas(part).tobytes(), 1)) < len(zlib.compress(part.tobytes(), 1))
    scales = tuple(float(f"{s:.6g}") for s in scale)
    return Block(tuple(columns), scales, delta, pack((_deltas(numbers) if delta else numbers).tobytes()))


def blocks(values: NDArray[np.floating], *, fine: Sequence[int], budget: int) -> list[Block]:
    """All columns of values [position, unit] in blocks whose base64 stays within `budget` bytes where levels allow.

    The `fine` columns (those that the page is about) come first and with the most levels.
    """
    fine = list(dict.fromkeys(fine))
    rest = [c for c in range(values.shape[1]) if c not in set(fine)]
    made: list[Block] = []
    for levels in LEVELS:
        made = _cut(values, fine, levels=levels)
        if sum(len(b.data) for b in made) <= max(budget // 2, budget if not rest else 0):
            break
    left = budget - sum(len(b.data) for b in made)
    return made + _cut(values, rest, levels=_levels(values, rest, left)) if rest else made


def _cut(values: NDArray[np.floating], columns: list[int], *, levels: int) -> list[Block]:
    parts = [columns[i : i + BLOCK_UNITS] for i in range(0, len(columns), BLOCK_UNITS)]
    return [block(values, part, levels=levels) for part in parts]


def _levels(values: NDArray[np.floating], columns: list[int], budget: int) -> int:
    """The most levels with which the columns fit, judged by a few of them over part of the text."""
    sample = columns[:: max(1, len(columns) // 16)]
    rows = values[: min(len(values), 8192)]
    part = max(1, len(rows) * len(sample))
    for levels in LEVELS:
        size = len(block(rows, sample, levels=levels).data)
        if size / part * len(values) * len(columns) * 1.05 <= budget:
            return levels
    return LEVELS[-1]


def pack_text(text: str) -> str:
    """Text as packed UTF-8; a lone surrogate, which UTF-8 cannot say, becomes U+FFFD."""
    if any("\ud800" <= symbol <= "\udfff" for symbol in set(text)):
        text = "".join("\ufffd" if "\ud800" <= symbol <= "\udfff" else symbol for symbol in text)
    return pack(text.encode("utf-8"))


def pack_flags(flags: NDArray[np.bool_]) -> str:
    """Bool [position] as packed bits, first position in the highest bit."""
    return pack(np.packbits(flags.astype(bool)).tobytes())


def pack_numbers(values: NDArray[np.floating], *, levels: int = FINE) -> Packed:
    """Float [position] as one scale and whole numbers."""
    numbers, scale = quantise(values[:, None], levels)
    return {"scale": float(scale[0]), "data": pack(numbers.tobytes())}
