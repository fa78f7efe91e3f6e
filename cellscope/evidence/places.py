"""The places in a text where a network is farthest behind a model of n characters, or ahead of it."""

from __future__ import annotations

import numpy as np

from cellscope.evidence.errors import Codes, Stretch
from cellscope.evidence.groups import Floats, Nats, pieces

COUNT, LENGTH = 6, 80
"""Places that are told, and their characters."""


def farthest(
    network: Nats, ngram: Nats, codes: Codes, start: int, *, sign: int = 1, count: int = COUNT, length: int = LENGTH
) -> tuple[Stretch, ...]:
    """The stretches of `length` characters over which the network's loss is farthest above the other (`sign` -1:
    below): none overlaps another, nor says the same.
    """
    parts = pieces(len(network) - length + 1)
    taken: list[int] = []

    def best(part: tuple[int, int]) -> tuple[float, int]:
        sums = _sums(network, ngram, sign, part, length)
        for at in taken:
            sums[max(0, at - length + 1 - part[0]) : max(0, at + length - part[0])] = -np.inf
        at = int(sums.argmax())
        return float(sums[at]), part[0] + at

    tops = [best(part) for part in parts]
    found: dict[bytes, int] = {}
    while len(found) < count:
        most, at = max(tops, key=lambda top: (top[0], -top[1]))
        if most <= 0:
            break
        found.setdefault(codes[at : at + length].tobytes(), at)
        taken.append(at)
        for k, part in enumerate(parts):
            if part[0] - length < at < part[1] + length:
                tops[k] = best(part)
    return tuple(
        Stretch(start + at, length, float(network[at : at + length].mean()), float(ngram[at : at + length].mean()))
        for at in found.values()
    )


def _sums(network: Nats, ngram: Nats, sign: int, part: tuple[int, int], length: int) -> Floats:
    """What the difference sums to over the stretches that begin in a part."""
    here = slice(part[0], part[1] + length - 1)
    gap = sign * (network[here] - ngram[here]).astype(np.float64)
    return np.convolve(gap, np.ones(length), "valid")
