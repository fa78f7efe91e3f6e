"""Sums of products of two networks' units that were heard side by side: all that their correlations need."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk, Values
from cellscope.parallel import in_shares

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Mean and one over the spread of every unit [unit] of all sites, so that sums of products keep their digits."""

    mean: torch.Tensor
    over: torch.Tensor

    @classmethod
    def of(cls, sample: Values) -> Scale:
        """From a sample {site: [position, unit]}; a unit that hardly moves keeps its own scale."""
        values = np.concatenate(list(sample.values()), axis=1)
        spread = values.std(0)
        over = 1 / np.where(spread > 1e-6, spread, 1).astype(np.float32)
        return cls(torch.from_numpy(values.mean(0)), torch.from_numpy(over))

    def rows(self, chunk: Chunk) -> torch.Tensor:
        """A chunk as [lane, step, unit] of all sites, centred and scaled."""
        whole = np.concatenate([v.swapaxes(0, 1) for v in chunk.values.values()], axis=2)
        return torch.from_numpy(whole).sub_(self.mean).mul_(self.over)


class Crossed:
    """Correlations between the units of two networks, group by group of lanes (a block, or all even blocks).

    count     float64 [group]
    sums      for each of the two, float64 [group, unit, 2], of values and their squares
    products  float64 [group, first_unit, second_unit]

    Sums of a chunk are made in float32, so values should come centred and scaled.
    """

    def __init__(self, first: int, second: int, groups: int) -> None:
        self.count = np.zeros(groups)
        self.sums = np.zeros((groups, first, 2)), np.zeros((groups, second, 2))
        self.products = np.zeros((groups, first, second))

    def add(self, first: torch.Tensor, second: torch.Tensor, groups: NDArray[np.int64]) -> None:
        """Take in two tensors [lane, step, unit] of the same characters; `groups` [lane] says where each lane goes."""
        borders = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(groups)]
        for begin, end in pairwise(borders):
            group = int(groups[begin])
            rows = [x[begin:end].reshape(-1, x.shape[2]) for x in (first, second)]
            self.count[group] += len(rows[0])
            for sums, x in zip(self.sums, rows, strict=True):
                sums[group] += torch.stack([x.sum(0), x.square().sum(0)], 1).double().numpy()
            self.products[group] += torch.mm(rows[0].T, rows[1]).double().numpy()

    def correlations(self, groups: slice) -> Floats:
        """Pearson's r over these groups together, [first_unit, second_unit]; 0 where a unit is constant."""
        first, second = (sums[groups].sum(0) for sums in self.sums)
        return correlated(self.count[groups].sum(), first, second, self.products[groups].sum(0))

    def of_pairs(self, first: NDArray[np.int64], second: NDArray[np.int64], groups: slice) -> list[Floats]:
        """What the correlations of these pairs need, each [group, pair, ..]: count, both sums, products."""
        count = np.repeat(self.count[groups, None], len(first), 1)
        return [count, self.sums[0][groups][:, first], self.sums[1][groups][:, second],
                self.products[groups][:, first, second]]  # fmt: skip

    def swapped(self) -> Crossed:
        """The same sums with the two networks the other way round; nothing is copied."""
        other = Crossed(0, 0, 0)
        other.count, other.sums, other.products = self.count, self.sums[::-1], self.products.swapaxes(1, 2)
        return other


class Turned:
    """The same correlations where the second network's lanes are turned round against the first one's, by chance.

    What two series share only because both are slow is left, what they share because they read the same characters is
    gone (the null of `sinks.shifts`). All lanes are turned together, so that even and odd blocks stay neighbours as
    they are where nothing is turned: what leaks from the choosing half into the other one leaks here too.

    products  float32 [draw, parity, first_unit, second_unit], parity that of the first network's block
    """

    def __init__(self, first: int, second: int, draws: int, *, seed: int) -> None:
        self.products = np.zeros((draws, 2, first, second), np.float32)
        self.count = np.zeros(2)
        self.sums = np.zeros((2, first, 2)), np.zeros((draws, 2, second, 2))
        self._rng = np.random.default_rng(seed)
        self.turns: NDArray[np.int64] = np.zeros(draws, np.int64)

    def begin(self, lanes: int) -> None:
        """A new round of so many lanes: every draw gets a turn."""
        # At least one lane either way: neighbours in the text are not independent of one another.
        self.turns = self._rng.integers(1, max(lanes, 2), size=len(self.turns))

    def add(self, first: torch.Tensor, second: torch.Tensor, blocks: NDArray[np.int64]) -> None:
        """Take in two tensors [lane, step, unit] of all lanes of the round."""
        own = [np.flatnonzero(blocks % 2 == parity) for parity in (0, 1)]
        lanes = [torch.stack([x.sum(1), x.square().sum(1)], 2).double().numpy() for x in (first, second)]
        rows = [first[torch.from_numpy(some)].reshape(-1, first.shape[2]).T for some in own]
        for parity, some in enumerate(own):
            self.count[parity] += len(some) * first.shape[1]
            self.sums[0][parity] += lanes[0][some].sum(0)

        def share(begin: int, end: int) -> None:
            for draw in range(begin, end):
                order = np.roll(np.arange(len(blocks)), self.turns[draw])
                for parity, some in enumerate(own):
                    turned = second[torch.from_numpy(order[some])].reshape(-1, second.shape[2])
                    self.products[draw, parity] += torch.mm(rows[parity], turned).numpy()
                    self.sums[1][draw, parity] += lanes[1][order[some]].sum(0)

        in_shares(len(self.products), share, grain=1)

    def correlations(self, draw: int, parity: int) -> Floats:
        """Pearson's r of one draw on the even (0) or odd (1) blocks, [first_unit, second_unit]."""
        return correlated(
            self.count[parity], self.sums[0][parity], self.sums[1][draw, parity], self.products[draw, parity]
        )


def correlated(count: Floats | float, first: Floats, second: Floats, products: Floats) -> Floats:
    """Pearson's r [first_unit, second_unit] from sums [unit, 2] of values and squares, and sums of products."""
    from cellscope.scores.correlation import pearson

    n = np.maximum(np.asarray(count, float), 1)
    return pearson(n, first[:, None, 0], first[:, None, 1], second[None, :, 0], second[None, :, 1],
                   products.astype(float))  # fmt: skip
