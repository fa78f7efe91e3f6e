"""Which characters a network gets wrong that a model of n characters gets right, and the reverse.

A character is wrong where its probability is below one half (Karpathy, Johnson and Fei-Fei 2015). Losses
are nats of predicting a character from those before it; differences are the network's less the other's, so that below
zero the network is better. Intervals are of blocks of the text, for neighbouring characters are not independent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError
from cellscope.evidence.groups import WRONG, Floats, Group, Nats, Sums, blocks_in, blocks_of, by_block, pieces
from cellscope.evidence.intervals import Estimate, jackknife

SHORT = 9
"""Models of at most so many characters are asked together: does any get it right? (as the 2015 paper does)"""
FEWEST = 300
"""Characters that must be asked about."""


class Codes(Protocol):
    """The characters of a stretch as code points, of which slices are taken: an array, or a text that is read on."""

    def __getitem__(self, here: slice, /) -> NDArray[np.uint32]: ...


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
        return cls.gathered(nats.shape[1], [nats])

    @classmethod
    def gathered(cls, length: int, pieces: Iterable[Nats]) -> Reference:
        """From the losses of all models on one piece of the stretch after the other, float32 [order, position]."""
        whole, short = np.empty(length, np.float32), np.empty(length, bool)
        sums: list[Floats] = []
        wrong: list[NDArray[np.int64]] = []
        at = 0
        for nats in pieces:
            to = at + nats.shape[1]
            block, count = blocks_of(length, at, to), blocks_in(length)
            sums.append(np.stack([np.bincount(block, row, count) for row in nats], axis=1))
            wrong.append(np.stack([np.bincount(block[row > WRONG], minlength=count) for row in nats], axis=1))
            short[at:to] = np.any(nats[:SHORT] <= WRONG, axis=0)
            whole[at:to] = nats[-1]
            at = to
        return cls(whole, np.sum(sums, axis=0), np.sum(wrong, axis=0), short)

    @property
    def order(self) -> int:
        """Characters of the longest model, the predicted one included."""
        return int(self.sums.shape[1])


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

    symbols     every character that occurs, those that either alone gets wrong most often first
    short       the share of the network's wrong characters that some model of 1 to SHORT characters gets right
    worse       the places where the network is farthest behind the longest model; `better` the reverse
    """

    all: Group
    classes: tuple[Group, ...]
    symbols: tuple[Group, ...]
    orders: tuple[Order, ...]
    short: Estimate
    worse: tuple[Stretch, ...]
    better: tuple[Stretch, ...]


def errors(network: Nats, reference: Reference, codes: Codes, *, start: int = 0) -> Errors:
    """Losses of a network and of the n-gram models on the same stretch [position], which begins at `start`; `codes` are
    its characters. InputError where there is too little text.
    """
    from cellscope.evidence.classes import CLASSES, class_of
    from cellscope.evidence.places import farthest

    length, ngram = len(network), reference.nats
    if length < FEWEST:
        raise InputError(f"{length:,} characters are too few to compare errors on; give at least {FEWEST:,}")
    known = np.unique(np.concatenate([np.unique(codes[a:b]) for a, b in pieces(length)]))
    whole, classes, symbols = (Sums(length, count) for count in (1, len(CLASSES), len(known)))
    for a, b in pieces(length):
        some, both = codes[a:b], (network[a:b], ngram[a:b])
        whole.add(a, *both, np.zeros(b - a, np.int64))
        classes.add(a, *both, class_of(some))
        symbols.add(a, *both, np.searchsorted(known, some))
    found = symbols.groups([chr(code) for code in known.tolist()])
    return Errors(
        all=whole.groups(("all",))[0],
        classes=classes.groups(CLASSES),
        symbols=tuple(sorted(found, key=lambda g: -g.characters * (g.only_network.value + g.only_ngram.value))),
        orders=_orders(network, reference),
        short=_share(reference.short, network),
        worse=farthest(network, ngram, codes, start),
        better=farthest(network, ngram, codes, start, sign=-1),
    )


def _orders(network: Nats, reference: Reference) -> tuple[Order, ...]:
    length = len(network)
    count = by_block(length, lambda here: np.ones(here.stop - here.start))
    own = by_block(length, lambda here: network[here])

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


def _share(short: NDArray[np.bool_], network: Nats) -> Estimate:
    """How many of the network's errors are right in some short model."""
    length = len(network)
    parts = [
        by_block(length, lambda here: (network[here] > WRONG) & short[here]),
        by_block(length, lambda here: network[here] > WRONG),
    ]

    def statistic(sums: list[Floats]) -> Floats:
        return np.asarray(sums[0] / np.maximum(sums[1], 1))

    low, high = jackknife(statistic, parts)
    value = float(statistic([part.sum(0) for part in parts]))
    return Estimate(value, max(0.0, float(low)), min(1.0, float(high))) if low == low else Estimate(value)
