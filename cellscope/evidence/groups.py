"""Groups of the characters of a text, and what they cost a network and a model of n characters, summed piece by piece.

Intervals are of blocks of the text, for neighbouring characters are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.intervals import Estimate, jackknife

Nats = NDArray[np.float32]
Floats = NDArray[np.float64]

WRONG = math.log(2)
"""Nats above which a character's probability is below one half."""
BLOCKS = 32
SPREAD = 8
"""Blocks in which a group must occur to have an interval; all of them where a text has fewer."""
PIECE = 2**18
"""Characters that are looked at at a time."""


@dataclass(frozen=True)
class Group:
    """Some of the characters: what they cost either, and what only one of the two gets wrong.

    network, ngram              mean nats
    difference                  network's less n-gram's
    network_wrong, ngram_wrong  shares of the characters that have a probability below one half
    only_network, only_ngram    shares that one gets wrong and the other right
    """

    name: str
    characters: int
    network: float
    ngram: float
    difference: Estimate
    network_wrong: float
    ngram_wrong: float
    only_network: Estimate
    only_ngram: Estimate


class Sums:
    """What groups of characters cost either, summed by block: pieces of a stretch of `length` are added one by one."""

    def __init__(self, length: int, groups: int) -> None:
        self._length, self._groups = length, groups
        self._parts: Floats = np.zeros((blocks_in(length), groups, 7))

    def add(self, start: int, network: Nats, ngram: Nats, group: NDArray[np.int64]) -> None:
        """Add the piece that begins at `start`; `group` [position], -1 where a character is of none."""
        some = np.flatnonzero(group >= 0)
        network, ngram = network[some], ngram[some]
        off, other = network > WRONG, ngram > WRONG
        block = blocks_of(self._length, start, start + len(group))[some]
        cell, shape = block * self._groups + group[some], self._parts.shape[:2]
        for k, figure in enumerate((None, network, ngram, off, other, off & ~other, other & ~off)):
            self._parts[..., k] += np.bincount(cell, figure, shape[0] * shape[1]).reshape(shape)

    def groups(self, names: Sequence[str]) -> tuple[Group, ...]:
        """Those that have characters."""
        parts = self._parts
        value = _compared([parts.sum(0)])
        low, high = jackknife(_compared, [parts])
        low[1:], high[1:] = np.maximum(low[1:], 0), np.minimum(high[1:], 1)
        # Few blocks say little of the spread between blocks, and a share that is 0 in each of them nothing at all.
        unknown = np.broadcast_to((parts[..., 0] > 0).sum(0) < min(SPREAD, len(parts)), value.shape).copy()
        unknown[1:] |= (value[1:] == 0) | (value[1:] == 1)
        low[unknown], high[unknown] = np.nan, np.nan
        made = []
        for g, name in enumerate(names):
            n, *means = parts[:, g].sum(0).tolist()
            if n:
                a, b, off_a, off_b = (mean / n for mean in means[:4])
                three = [Estimate(float(value[k, g]), float(low[k, g]), float(high[k, g])) for k in range(3)]
                made.append(Group(name, int(n), a, b, three[0], off_a, off_b, three[1], three[2]))
        return tuple(made)


def _compared(summed: list[Floats]) -> Floats:
    """Difference, and shares that one of the two gets wrong alone, [3, ..]."""
    n, a, b, _, _, only_a, only_b = np.moveaxis(summed[0], -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([(a - b) / n, only_a / n, only_b / n])


def compare(network: Nats, ngram: Nats, group: NDArray[np.int64], names: Sequence[str]) -> tuple[Group, ...]:
    """The groups that characters fall into, `group` [position] (-1: none); those without characters are left out."""
    sums = Sums(len(network), len(names))
    for a, b in pieces(len(network)):
        sums.add(a, network[a:b], ngram[a:b], group[a:b])
    return sums.groups(names)


def pieces(length: int) -> list[tuple[int, int]]:
    """The stretch in pieces of PIECE characters, so that what is made of them does not grow with the text."""
    return [(at, min(at + PIECE, length)) for at in range(0, length, PIECE)]


def blocks_in(length: int) -> int:
    """How many blocks a stretch has: BLOCKS, fewer of a short text."""
    return max(1, min(BLOCKS, length // 100))


def blocks_of(length: int, start: int = 0, stop: int | None = None) -> NDArray[np.int64]:
    """The block of every position of [start, stop): contiguous stretches of nearly one length."""
    block: NDArray[np.int64] = np.arange(start, length if stop is None else stop) * blocks_in(length) // max(length, 1)
    return block


def by_block(length: int, figure: Callable[[slice], NDArray[Any]]) -> Floats:
    """Sums over blocks of a figure [position] of slices."""
    made = np.zeros(blocks_in(length))
    for a, b in pieces(length):
        made += np.bincount(blocks_of(length, a, b), figure(slice(a, b)), len(made))
    return made
