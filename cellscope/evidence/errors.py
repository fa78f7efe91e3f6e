"""Which characters a network gets wrong that a model of n characters gets right, and the reverse.

A character is wrong where its probability is below one half (Karpathy, Johnson and Fei-Fei 2015). Losses
are nats of predicting a character from those before it; differences are the network's less the other's, so that below
zero the network is better. Intervals are of blocks of the text, for neighbouring characters are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError
from cellscope.evidence.intervals import Estimate, jackknife

Nats = NDArray[np.float32]
Floats = NDArray[np.float64]

WRONG = math.log(2)
"""Nats above which a character's probability is below one half."""
SHORT = 9
"""Models of at most so many characters are asked together: does any get it right? (as the 2015 paper does)"""
BLOCKS = 32
SPREAD = 8
"""Blocks in which a group must occur to have an interval; all of them where a text has fewer."""
FEWEST = 300
"""Characters that must be asked about."""


@dataclass(frozen=True)
class Reference:
    """What the models of 1 to `order` characters made of a stretch of text, as far as errors need it.

    nats   float32 [position], the loss of the longest model
    sums   float64 [block, order], summed losses of every model, over the blocks of the stretch
    wrong  int64 [block, order], characters that every model gets wrong
    short  bool [position], whether any model of at most SHORT characters is right
    """

    nats: Nats
    sums: Floats
    wrong: NDArray[np.int64]
    short: NDArray[np.bool_]

    @classmethod
    def of(cls, nats: Nats) -> Reference:
        """From the losses of all models, float32 [order, position]."""
        block = blocks_of(nats.shape[1])
        count = int(block.max()) + 1
        sums: Floats = np.stack([np.bincount(block, row, count) for row in nats], axis=1)
        wrong = np.stack([np.bincount(block[row > WRONG], minlength=count) for row in nats], axis=1)
        short: NDArray[np.bool_] = np.any(nats[:SHORT] <= WRONG, axis=0)
        return cls(nats[-1].copy(), sums, wrong, short)

    @property
    def order(self) -> int:
        """Characters of the longest model, the predicted one included."""
        return int(self.sums.shape[1])


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


@dataclass(frozen=True)
class Order:
    """What the model of `order` characters costs, and what the network costs less that."""

    order: int
    nats: float
    wrong: float
    difference: Estimate


@dataclass(frozen=True)
class Stretch:
    """A place where the two differ much: its first position, its length, and the mean loss of either."""

    start: int
    length: int
    network: float
    ngram: float


@dataclass(frozen=True)
class Errors:
    """A network beside models of n characters, on the same text.

    short       the share of the network's wrong characters that some model of 1 to SHORT characters gets right
    worse       the places where the network is farthest behind the longest model; `better` the reverse
    """

    all: Group
    classes: tuple[Group, ...]
    orders: tuple[Order, ...]
    short: Estimate
    worse: tuple[Stretch, ...]
    better: tuple[Stretch, ...]


def errors(network: Nats, reference: Reference, codes: NDArray[np.uint32], *, start: int = 0) -> Errors:
    """Losses of a network and of the n-gram models on the same stretch [position], which begins at `start`; `codes` are
    its characters. InputError where there is too little text.
    """
    from cellscope.evidence.classes import CLASSES, class_of

    if len(network) < FEWEST:
        raise InputError(f"{len(network):,} characters are too few to compare errors on; give at least {FEWEST:,}")
    block = blocks_of(len(network))
    whole = compare(network, reference.nats, np.zeros(len(network), np.int64), ("all",))
    difference = network - reference.nats
    return Errors(
        all=whole[0],
        classes=compare(network, reference.nats, class_of(codes), CLASSES),
        orders=_orders(network, reference, block),
        short=_share(reference.short, network > WRONG, block),
        worse=_farthest(difference, network, reference.nats, codes, start),
        better=_farthest(-difference, network, reference.nats, codes, start),
    )


def compare(network: Nats, ngram: Nats, group: NDArray[np.int64], names: Sequence[str]) -> tuple[Group, ...]:
    """The groups that characters fall into, `group` [position] (-1: none); those without characters are left out."""
    block = blocks_of(len(network))
    blocks, count = int(block.max()) + 1, len(names)
    off, other = network > WRONG, ngram > WRONG
    figures = (np.ones(len(network)), network, ngram, off, other, off & ~other, other & ~off)
    cell, some = block * count + group, group >= 0
    sums = np.stack([np.bincount(cell[some], np.asarray(f)[some], blocks * count) for f in figures], axis=-1)
    parts: Floats = sums.reshape(blocks, count, len(figures)).astype(float)

    def statistic(summed: list[Floats]) -> Floats:
        n, a, b, _, _, only_a, only_b = np.moveaxis(summed[0], -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([(a - b) / n, only_a / n, only_b / n])

    value = statistic([parts.sum(0)])
    low, high = jackknife(statistic, [parts])
    low[1:], high[1:] = np.maximum(low[1:], 0), np.minimum(high[1:], 1)
    # Few blocks say little of the spread between blocks, and a share that is 0 in each of them nothing at all.
    unknown = np.broadcast_to((parts[..., 0] > 0).sum(0) < min(SPREAD, blocks), value.shape).copy()
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


def blocks_of(length: int) -> NDArray[np.int64]:
    """The block of every position: BLOCKS contiguous stretches of nearly one length, fewer of a short text."""
    count = max(1, min(BLOCKS, length // 100))
    block: NDArray[np.int64] = np.arange(length) * count // max(length, 1)
    return block


def _orders(network: Nats, reference: Reference, block: NDArray[np.int64]) -> tuple[Order, ...]:
    count = np.bincount(block).astype(float)
    own = np.bincount(block, network)

    def statistic(sums: list[Floats]) -> Floats:
        return (sums[0] - sums[1]) / sums[2]

    parts = [own[:, None], reference.sums, count[:, None]]
    value = statistic([part.sum(0) for part in parts])
    low, high = jackknife(statistic, parts)
    nats, wrong = reference.sums.sum(0) / len(network), reference.wrong.sum(0) / len(network)
    return tuple(
        Order(k + 1, float(nats[k]), float(wrong[k]), Estimate(float(value[k]), float(low[k]), float(high[k])))
        for k in range(reference.order)
    )


def _share(hits: NDArray[np.bool_], of: NDArray[np.bool_], block: NDArray[np.int64]) -> Estimate:
    """How many of `of` [position] are hits."""
    count = int(block.max()) + 1
    parts = [np.bincount(block[m], minlength=count).astype(float) for m in (hits & of, of)]

    def statistic(sums: list[Floats]) -> Floats:
        return np.asarray(sums[0] / np.maximum(sums[1], 1))

    low, high = jackknife(statistic, parts)
    value = float(statistic([part.sum(0) for part in parts]))
    return Estimate(value, max(0.0, float(low)), min(1.0, float(high))) if low == low else Estimate(value)


def _farthest(
    gap: Nats, network: Nats, ngram: Nats, codes: NDArray[np.uint32], start: int, *, count: int = 6, length: int = 80
) -> tuple[Stretch, ...]:
    """The stretches of `length` characters over which `gap` sums to most: none overlaps another, nor says the same."""
    sums = np.convolve(gap.astype(np.float64), np.ones(length), "valid")
    found: dict[bytes, int] = {}
    while len(found) < count:
        best = int(sums.argmax())
        if sums[best] <= 0:
            break
        found.setdefault(codes[best : best + length].tobytes(), best)
        sums[max(0, best - length + 1) : best + length] = -np.inf
    return tuple(
        Stretch(start + at, length, float(network[at : at + length].mean()), float(ngram[at : at + length].mean()))
        for at in found.values()
    )
