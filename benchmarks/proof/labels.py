"""Labels that are made up, and a text that has them: every character says which of them are on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from cellscope.features.feature import Feature

FIRST = 0x4E00
"""The character that has no label; those after it have the labels of their number's bits."""


def coded(labels: NDArray[np.bool_]) -> str:
    """A text with these labels [feature, position]."""
    numbers = (labels * (1 << np.arange(len(labels)))[:, None]).sum(0)
    return "".join(map(chr, (FIRST + numbers).tolist()))


def features_of(many: int) -> tuple[Feature, ...]:
    """The features of such a text."""
    having = [[chr(FIRST + n) for n in range(2**many) if n >> bit & 1] for bit in range(many)]
    return tuple(Feature(name=f"made-up-{bit}", pattern=f"[{''.join(s)}]") for bit, s in enumerate(having))


def runs(rng: np.random.Generator, length: int, scale: float, on: float | None = None) -> NDArray[np.bool_]:
    """A label that is off and on for stretches of these mean lengths, both `scale` by default [position]."""
    parts: list[NDArray[np.bool_]] = []
    size = 0
    while size < length:
        off, inside = 1 + int(rng.exponential(scale)), 1 + int(rng.exponential(on or scale))
        parts.append(np.repeat([False, True], [off, inside]))
        size += off + inside
    first = int(rng.integers(0, size - length + 1))
    return np.concatenate(parts)[first : first + length]


def slow_noise(rng: np.random.Generator, length: int, scales: list[float]) -> NDArray[np.float32]:
    """AR(1) noise whose autocorrelation falls to 1/e after each of `scales` [position, unit]; 0 is white."""
    noise = np.empty((length, len(scales)), np.float32)
    for unit, scale in enumerate(scales):
        a, before = (np.exp(-1 / scale), int(5 * scale)) if scale else (0.0, 0)
        draws = rng.standard_normal(length + before)
        noise[:, unit] = lfilter([np.sqrt(1 - a * a)], [1, -a], draws)[before:]
    return noise
