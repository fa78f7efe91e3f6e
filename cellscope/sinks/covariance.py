"""Covariances of all units with one another and with labels, block by block: all that linear readings need.

Held are sums of products, never activations, so memory does not grow with the text. Neighbouring characters say nearly
the same, so every `stride`-th step is enough. What a linear reading of any units explains of a label, on any of the
blocks, is a quadratic form of these sums.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.errors import InputError
from cellscope.parallel import in_shares
from cellscope.sinks.merging import added_up

Floats = NDArray[np.float64]

BUDGET = 2**30
"""Bytes that the products of units may take: where they do not fit, neighbouring blocks share theirs."""
FOLDS, REPORTING = 3, 16
"""Groups of blocks that choose, and that report, at most; `FEWEST` at least."""
FEWEST = 2, 3


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over some blocks: what a linear reading of the units is fitted to, or scored on.

    count   rows
    sums    float64 [unit]
    gram    float64 [unit, unit], products of units
    cross   float64 [task, unit], products of labels and units
    labels  float64 [task, 2], sums of labels and of their squares
    """

    count: float
    sums: Floats
    gram: Floats
    cross: Floats
    labels: Floats

    @property
    def covariance(self) -> Floats:
        """[unit, unit]"""
        middle = self.sums / max(self.count, 1)
        return self.gram / max(self.count, 1) - np.outer(middle, middle)

    @property
    def with_labels(self) -> Floats:
        """Covariance of every label with every unit [task, unit]."""
        n = max(self.count, 1)
        made: Floats = self.cross / n - np.outer(self.labels[:, 0] / n, self.sums / n)
        return made

    @property
    def spread(self) -> Floats:
        """Variance of every label [task]."""
        n = max(self.count, 1)
        made: Floats = self.labels[:, 1] / n - (self.labels[:, 0] / n) ** 2
        return made

    @property
    def alone(self) -> Floats:
        """The share of every label's variance that each unit tells by itself [task, unit]."""
        varied = np.diag(self.covariance) * self.spread[:, None]
        return np.divide(self.with_labels**2, varied, out=np.zeros_like(varied), where=varied > 1e-12)


class Covariance:
    """Sums of products of `units` standardised units with one another and with the labels of tasks.

    counted  int [task], which rows a task counts: 0 all of them, k those of the k-th mask
    middle, scale   float32 [unit]: a unit enters as (activation - middle) * scale, so that sums stay exact in float32,
                    and not beyond `low` and `high`, the extremes of the sample: a cell without bounds that runs far
                    out once would outweigh all the rest
    gram     float32 [group, mask, unit, unit]
    sums     float64 [group, mask, unit] ; count float64 [group, mask]
    cross    float32 [group, task, unit] ; labels float64 [group, task, 2]

    Blocks of one parity are put together into groups of neighbours, `choosing` groups of even blocks first.
    """

    def __init__(
        self, sample: NDArray[np.float32], counted: NDArray[np.int64], blocks: int, *, stride: int = 1,
        budget: int = BUDGET,
    ) -> None:  # fmt: skip
        units, masks = sample.shape[1], 1 + int(counted.max(initial=0))
        self.counted, self.blocks, self.stride = counted, blocks, stride
        self.middle = sample.mean(0, dtype=np.float64).astype(np.float32)
        spread = sample.std(0, dtype=np.float64)
        live = spread > 1e-6 * max(float(np.abs(sample).max(initial=0)), 1e-30)
        self.scale = np.divide(1, spread, out=np.zeros_like(spread), where=live).astype(np.float32)
        self.low, self.high = ((end - self.middle) * self.scale for end in (sample.min(0), sample.max(0)))
        self.choosing, reporting = groups(units, masks, blocks, budget)
        many = self.choosing + reporting
        self.gram = torch.zeros(many, masks, units, units)
        self.sums, self.count = np.zeros((many, masks, units)), np.zeros((many, masks))
        self.cross = torch.zeros(many, len(counted), units)
        self.labels = np.zeros((many, len(counted), 2))
        self._finite = np.ones((many, units), bool)

    @property
    def group_of(self) -> NDArray[np.int64]:
        """The group of every block [block]."""
        number, even = np.arange(self.blocks) // 2, np.arange(self.blocks) % 2 == 0
        halves = np.array([(self.blocks + 1) // 2, self.blocks // 2])
        reporting = len(self.gram) - self.choosing
        chosen = number * self.choosing // halves[0]
        of: NDArray[np.int64] = np.where(even, chosen, self.choosing + number * reporting // max(halves[1], 1))
        return of

    def add(self, chunk: Chunk, labels: NDArray[np.float32], masks: NDArray[np.float32]) -> None:
        """Take in every `stride`-th step of a chunk, with its labels [task, step, lane] and masks [mask - 1, step,
        lane] of those steps; a label is 0 where its task does not count.
        """
        group = self.group_of[chunk.blocks]
        # Each worker has its own groups, so that no sum is written by two.
        in_shares(len(self.gram), lambda a, b: self._share(chunk, labels, masks, group, a, b), grain=1)

    def _share(
        self, chunk: Chunk, labels: NDArray[np.float32], masks: NDArray[np.float32], group: NDArray[np.int64],
        first: int, last: int,
    ) -> None:  # fmt: skip
        for g in range(first, last):
            lanes = np.flatnonzero(group == g)
            if not len(lanes):
                continue
            steps = slice(None, None, self.stride)
            parts = [v.swapaxes(0, 1)[lanes, steps].reshape(-1, v.shape[2]) for v in chunk.values.values()]
            x = np.concatenate(parts, axis=1)
            np.logical_and(self._finite[g], np.isfinite(x.sum(0)), out=self._finite[g])
            x = self.standardised(x)
            y = np.ascontiguousarray(labels[:, :, lanes].swapaxes(1, 2)).reshape(len(labels), len(x))
            rows = torch.from_numpy(x)
            self.cross[g].addmm_(torch.from_numpy(y), rows)
            self.labels[g] += np.stack([y.sum(1, dtype=np.float64), (y * y).sum(1, dtype=np.float64)], 1)
            self._square(g, 0, rows)
            for mask, where in enumerate(masks[:, :, lanes], 1):
                on = np.flatnonzero(where.T.ravel())
                if len(on):
                    self._square(g, mask, rows[torch.from_numpy(on)])

    def standardised(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations [.., unit] as they enter."""
        made: NDArray[np.float32] = (values - self.middle) * self.scale
        return np.clip(made, self.low, self.high, out=made)

    def _square(self, group: int, mask: int, rows: torch.Tensor) -> None:
        self.gram[group, mask].addmm_(rows.T, rows)
        self.sums[group, mask] += rows.sum(0, dtype=torch.float64).numpy()
        self.count[group, mask] += len(rows)

    def merge(self, other: Covariance) -> Covariance:
        """Both together, in place of this one; they must have the same units, tasks, groups and scales."""
        alike = ("middle", "scale", "counted", "blocks")
        return added_up(self, other, ("gram", "sums", "count", "cross", "labels"), alike)

    def take(self, tasks: NDArray[np.int64]) -> Covariance:
        """The same with some of the tasks, in this order; the sums of units are shared."""
        part = copy(self)
        part.counted, part.labels = self.counted[tasks], self.labels[:, tasks]
        part.cross = self.cross[:, torch.from_numpy(tasks)]
        return part

    @property
    def lost(self) -> int | None:
        """The first unit that gave a value that is not finite, None where there is none."""
        lost = np.flatnonzero(~self._finite.all(0))
        return int(lost[0]) if len(lost) else None

    def moments(self, which: NDArray[np.int64], mask: int = 0) -> Moments:
        """The sums over the groups `which`, of the tasks that count by `mask`, in the order of the tasks."""
        tasks = np.flatnonzero(self.counted == mask)
        some = torch.from_numpy(which)
        return Moments(
            float(self.count[which, mask].sum()), self.sums[which, mask].sum(0),
            self.gram[some, mask].sum(0, dtype=torch.float64).numpy(),
            self.cross[some][:, torch.from_numpy(tasks)].sum(0, dtype=torch.float64).numpy(),
            self.labels[which][:, tasks].sum(0),
        )  # fmt: skip


def groups(units: int, masks: int, blocks: int, budget: int = BUDGET) -> tuple[int, int]:
    """How many groups of blocks choose and report: as many as fit in the budget, the reporting ones first in need.

    InputError where not even the fewest fit in four times as much.
    """
    each = 4 * masks * units * units
    room = budget // max(each, 1)
    fewest = sum(FEWEST)
    if room * 4 < fewest:
        raise InputError(
            f"the covariance of {units:,} units takes {each * fewest / 2**30:.0f} GiB; "
            "ask about fewer of them at a time, for instance with --streams c (pictures: --layer)"
        )
    have = (blocks + 1) // 2, blocks // 2
    choosing = min(have[0], FOLDS, max(FEWEST[0], room // 4))
    return choosing, min(have[1], REPORTING, max(FEWEST[1], room - choosing))
