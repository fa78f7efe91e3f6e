"""The null: the same text with its labels turned round, so that labels and activations keep their rhythm and lose
their bond.

The reporting lanes of a stretch of text lie one after the other round a circle. Turning the labels by m lanes against
the activations is a circular shift of that text; the scores of *all* turns at once are one product per frequency
after a Fourier transform along the lanes. Rounds, or the few stretches of a single round, are turned independently,
which makes many different draws. A lane is never cut: what goes on from one part of a lane to the next would no
longer do so where the two are turned apart, and the null would be too narrow for units and features that are slower
than the parts. Circular shifts as a null for autocorrelated series: Harris, "Nonsense correlations in neuroscience"
(2020).

No turn at all is one of the turns that are drawn: with the whole group of them the test is exact where what a turn
joins is no different from what lies together anyway (Lehmann & Romano, Testing Statistical Hypotheses, section
15.2). It is different for a unit and a feature that are both slow, whose turns by m and by m + 1 lanes say nearly
the same: there are fewer turns to tell apart than there are lanes. `independent` counts them, and the null is
widened by what that costs.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.parallel import in_shares
from cellscope.scores.effects import line
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.merging import added_up

DRAWS = 999
ALIKE = 17
"""Turns that are compared: each with itself and with the following, as far as a quarter of a round's circle."""
_BUDGET = 2**28


class Shifts:
    """Sums of label times rank under turned labels: `draws` [draw, feature, unit], and unturned: `observed` [feature,
    unit].

    Features are the span features, then the numeric ones. All lanes of odd blocks take part; chunks without a full grid
    (the last odd step of a round) are left out.
    """

    def __init__(
        self, features: int, units: int, *, groups: int, seed: int, stride: int = 1, draws: int | None = None
    ) -> None:
        count = draws or int(np.clip(_BUDGET // (4 * features * units), 199, DRAWS))
        self.groups, self.stride = groups, stride
        self.draws = np.zeros((count, features, units), np.float32)
        self.observed = np.zeros((features, units))
        self.labels = np.zeros((features, 2))
        self.ranks = np.zeros((units, 2))
        self.positions = 0
        self.turns: Counter[int] = Counter()
        """How many stretches there were of so many turns."""
        self._alike = np.zeros((ALIKE, features, units), np.float32)
        self._rng = np.random.default_rng(seed)
        self._sums: list[torch.Tensor] = []
        self._lanes: list[int] = []

    def add(self, chunk: Chunk, grid: LabelGrid, ranks: NDArray[np.float32]) -> None:
        """Take in the ranks [step, lane, unit] of every `stride`-th step of a chunk."""
        if chunk.step >= chunk.of:
            return
        lanes = np.flatnonzero(chunk.blocks % 2 == 1)
        if len(lanes) < 3:
            return
        x = torch.from_numpy(ranks[:, lanes]) - 0.5
        y = torch.from_numpy(_labels(grid, chunk, lanes, self.stride))
        self.positions += x.shape[0] * x.shape[1]
        self.labels += torch.stack([y.sum((0, 1)), (y * y).sum((0, 1))], 1).double().numpy()
        self.ranks += torch.stack([x.sum((0, 1)), (x * x).sum((0, 1))], 1).double().numpy()
        groups = np.array_split(np.arange(len(lanes)), max(1, min(self.groups, len(lanes) // 3)))
        self._lanes = [len(group) for group in groups]
        for k, group in enumerate(groups):
            here = slice(group[0], group[-1] + 1)
            product = _turned(x[:, here], y[:, here], self._sums[k] if len(self._sums) == len(groups) else None)
            self._sums[k : k + 1] = [product]

    def close(self) -> None:
        """End a round: every draw gets one random turn of each of its stretches."""
        turned, chosen, first = [], [], 0
        for product, lanes in zip(self._sums, self._lanes, strict=True):
            self._alike += _alike(product, lanes)
            turned.append(_untransformed(product, lanes))
            self.observed += turned[-1][0].numpy()
            # No turn at all is one of them: only draws from the whole group of turns are exact.
            chosen.append(first + self._rng.integers(lanes, size=len(self.draws)))
            first += lanes
            self.turns[lanes] += 1
        if turned:
            self._add(torch.cat(turned), np.stack(chosen))
        self._sums, self._lanes = [], []

    def _add(self, turned: torch.Tensor, chosen: NDArray[np.int64]) -> None:
        """Add to every draw the turns [turn, feature, unit] that it got, `chosen` [stretch, draw]."""
        picked = torch.zeros(len(self.draws), len(turned))
        picked.scatter_(1, torch.from_numpy(chosen.T), 1.0)
        torch.from_numpy(self.draws).flatten(1).addmm_(picked, turned.flatten(1))

    def merge(self, other: Shifts) -> Shifts:
        """Both together, in place of this one, between rounds; seeds must differ, or the turns of one would be those of
        the other.
        """
        added_up(self, other, ("draws", "observed", "labels", "ranks", "_alike"), ("stride",))
        self.positions += other.positions
        self.turns += other.turns
        return self

    @property
    def distinct(self) -> float:
        """How many different draws there could be; few where the text is short."""
        return (
            float(min(math.prod(turns**count for turns, count in self.turns.items()), 10**100)) if self.turns else 0.0
        )

    @property
    def independent(self) -> NDArray[np.float64]:
        """How many of the draws that there could be are worth counting as different, [feature, unit]: of each stretch
        what its turns are worth, less one, which says the text as it is.
        """
        worth = self._worth()
        logs = [count * np.log(np.maximum(turns * worth - 1, 1)) for turns, count in self.turns.items()]
        many: NDArray[np.float64] = np.exp(np.minimum(np.sum(logs, axis=0), 230.0))  # a googol, or more than that
        return many

    @property
    def widening(self) -> NDArray[np.float64]:
        """By how much the null is wider than its draws show, [feature, unit]; 1 where all turns are independent.

        The text as it is goes on at its borders, and its turns are cut there: it is one more value beside n of another
        kind, so (n + 1) / (n - 1) in variance, as for a prediction interval; less what it is where no two turns are
        alike, since then there is nothing to cut.
        """
        most = sum(turns * count for turns, count in self.turns.items()) / max(1, self.turns.total())
        n = most * self._worth()
        wider: NDArray[np.float64] = np.sqrt((n + 1) / np.maximum(n - 1, 0.25) * (most - 1) / (most + 1))
        return np.maximum(wider, 1.0)

    def _worth(self) -> NDArray[np.float64]:
        """How many independent turns each turn of a stretch is worth, [feature, unit].

        Of n turns that correlate it is n / (1 + 2 (r1 + r2 + ..)), where r is their autocorrelation over the lanes as
        far as it is positive (Geyer 1992, section 3.3), pooled over all stretches.
        """
        r = self._alike[1:] / np.maximum(self._alike[0], np.finfo(np.float32).tiny)
        each = 1 + 2 * np.where(np.logical_and.accumulate(r > 0, axis=0), r, 0).sum(0, dtype=np.float64)
        worth: NDArray[np.float64] = 1 / each
        return worth

    def effects(self, sums: NDArray[np.float64], binary: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Sums [feature, unit] of this sink as effects (see scores.effects); `binary` says of each feature whether it
        is a span.
        """
        chance, scale = self._line(binary)
        return (sums - chance) * scale

    def maxima(self, binary: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The largest effect of any unit, either sign, in every draw: [draw, feature]."""
        chance, scale = self._line(binary)
        largest = np.empty(self.draws.shape[:2])

        def share(first: int, last: int) -> None:
            for draw in range(first, last):
                largest[draw] = np.abs((self.draws[draw] - chance) * scale).max(-1)

        in_shares(len(largest), share)
        return largest

    def _line(self, binary: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        label = self.labels[:, :1], self.labels[:, 1:]
        return line(label, (self.ranks[:, 0], self.ranks[:, 1]), self.positions, binary[:, None])


def _turned(ranks: torch.Tensor, labels: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
    """Add to `before` the transform along the lanes of the sums of label times rank at every turn, [frequency, 2
    feature, unit].
    """
    waves = _waves(ranks.shape[1])
    # Real parts of all steps, then imaginary ones, side by side: a product of conjugates becomes two real ones.
    a = torch.cat([waves[0] @ ranks, waves[1] @ ranks]).transpose(0, 1)
    real, imaginary = waves[0] @ labels, waves[1] @ labels
    b = torch.cat([torch.cat([real, imaginary]), torch.cat([-imaginary, real])], dim=2).permute(1, 2, 0)
    return torch.bmm(b, a) if before is None else torch.baddbmm(before, b, a)


def _alike(product: torch.Tensor, lanes: int) -> NDArray[np.float32]:
    """Sums over the turns of what each shares with the turn 0, 1 .. lanes on, less the mean turn: [lag, feature, unit].

    They are read off the transform [frequency, 2 feature, unit] (Wiener 1930, Khinchin 1934).
    """
    sums = (_spectrum(lanes) @ product[1:].square().flatten(1)).view(ALIKE, 2, product.shape[1] // 2, -1)
    return sums.sum(1).numpy()


@cache
def _spectrum(lanes: int) -> torch.Tensor:
    """What each frequency but the first adds to the autocorrelation at every lag, [lag, frequency]."""
    frequency = torch.arange(1, lanes // 2 + 1)
    twice = torch.where(2 * frequency == lanes, 1.0, 2.0)
    return twice * torch.cos(2 * torch.pi * torch.outer(torch.arange(ALIKE), frequency) / lanes)


def _untransformed(product: torch.Tensor, lanes: int) -> torch.Tensor:
    """The sums at every turn [lane, feature, unit], of their transform [frequency, 2 feature, unit]."""
    real, imaginary = (part.flatten(1) for part in product.chunk(2, dim=1))
    cosines, sines = _waves(lanes)
    # All frequencies but the first and, of an even number of lanes, the last stand for their conjugates as well.
    twice = torch.where(2 * torch.arange(len(product)) % lanes == 0, 1.0, 2.0)[:, None] / lanes
    return ((twice * cosines).T @ real + (twice * sines).T @ imaginary).view(lanes, product.shape[1] // 2, -1)


@cache
def _waves(lanes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The real Fourier transform along lanes as two matrices [frequency, lane]: so few lanes are quicker as a
    product.
    """
    turn = 2 * np.pi * np.outer(np.arange(lanes // 2 + 1), np.arange(lanes)) / lanes
    return torch.from_numpy(np.cos(turn).astype(np.float32)), torch.from_numpy(-np.sin(turn).astype(np.float32))


def _labels(grid: LabelGrid, chunk: Chunk, lanes: NDArray[np.int64], stride: int) -> NDArray[np.float32]:
    """The labels of every `stride`-th step: [step, lane, feature], spans first, then the ranks of the numeric ones."""
    rows = (chunk.positions[lanes] - grid.start)[None, :] + np.arange(0, chunk.steps, stride)[:, None]
    both = np.concatenate([grid.spans[:, rows], grid.rank[:, rows]], dtype=np.float32)
    return np.ascontiguousarray(np.moveaxis(both, 0, -1))
