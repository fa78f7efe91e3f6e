"""What 1, 2, 4 ... and all units explain of labels: fitted on the choosing groups of a covariance, scored on the
others.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.evidence.intervals import jackknife
from cellscope.evidence.lasso import lasso
from cellscope.evidence.readouts import Readout, chosen_strengths, fitted, taken, tuned
from cellscope.evidence.selection import greedy
from cellscope.evidence.several import steps
from cellscope.parallel import in_shares
from cellscope.sinks.covariance import Covariance

Floats = NDArray[np.float64]

LARGEST = 512
"""Sets of more units than this are not chosen; what comes next is all units. A set of 512 costs each task a tenth of a
second, nearly all of it for the ridge; that grows with the cube.
"""
TUNED = 64
"""Sets of so many units at most get a ridge penalty of their own; larger ones that of all units."""
LASSO = 256
"""Nor of more than this by the lasso, whose path takes a step for every unit: a fiftieth of a second for 256 of 512."""


@dataclass(frozen=True, eq=False)
class Curves:
    """What sets of units explain; tasks are features (their controls are read with them).

    counts   numbers of units, ascending, all last
    score, lasso, control   float64 [task, count, 3]: R2 and the ends of its interval
    random   float64 [task, count, draw]
    orders   units of forward selection by task
    share    float64 [task, 3], what the best unit explains as a share of the most that is explained, with its interval
    weights  float64 [task, unit], the reading of all units; `intercept`, `strengths` [task]
    varies   bool [task], whether the label differs in both halves
    """

    counts: tuple[int, ...]
    score: Floats
    lasso: Floats
    control: Floats
    random: Floats
    orders: tuple[NDArray[np.int64], ...]
    share: Floats
    weights: Floats
    intercept: Floats
    strengths: Floats
    varies: NDArray[np.bool_]

    def at(self, task: int, step: int) -> dict[str, float]:
        """The figures of one number of units, by the names of a rung."""
        score, lasso, drawn = self.score[task, step], self.lasso[task, step], self.random[task, step]
        made = {"score": score[0], "low": score[1], "high": score[2]}
        made |= {"lasso": lasso[0], "lasso_low": lasso[1], "lasso_high": lasso[2]}
        made |= {
            "random": drawn.mean(),
            "least": drawn.min(),
            "most": drawn.max(),
            "control": self.control[task, step, 0],
        }
        return {name: float(value) for name, value in made.items()}


class Halves:
    """The two halves of a covariance, for the tasks of one mask: folds that choose, groups that report."""

    def __init__(self, covariance: Covariance, mask: int) -> None:
        first, count = covariance.choosing, len(covariance.gram)
        self.folds = [covariance.moments(np.array([g]), mask) for g in range(first)]
        self.chosen = covariance.moments(np.arange(first), mask)
        self.groups = [covariance.moments(np.array([g]), mask) for g in range(first, count)]
        self.covariance, self.with_labels = self.chosen.covariance, self.chosen.with_labels
        total = covariance.moments(np.arange(first, count), mask)
        self.varies = (self.chosen.spread > 1e-12) & (total.spread > 1e-12)
        self.grams = covariance.gram[first:, mask]
        self.cross, self.sums = (np.stack([getattr(g, name) for g in self.groups]) for name in ("cross", "sums"))
        # [group, task]: what the squared errors are compared with.
        self.labels = np.stack([np.column_stack([g.labels, np.full(len(g.labels), g.count)]) for g in self.groups])

    def reading(self, units: NDArray[np.int64], tasks: slice, own: Floats) -> Readout:
        """The ridge reading of some units; many have the penalties of all units (`own` [task]), few their own."""
        whole = taken(self.chosen, units, tasks)
        if len(units) > TUNED:
            return fitted(whole, own[tasks])
        return tuned(whole, [taken(fold, units, tasks) for fold in self.folds])

    def lost(self, units: NDArray[np.int64], own: Floats) -> Floats:
        """Squared errors [group, task] of the readings of some units."""
        reading = self.reading(units, slice(None), own)
        return np.stack([reading.residual(taken(group, units)) for group in self.groups])

    def lost_by(self, sets: Sequence[NDArray[np.int64]], task: int, own: Floats) -> Floats:
        """Squared errors [set, group] of the readings of one task by sets of units, the last of which holds most."""
        every = np.unique(np.concatenate([*sets, np.empty(0, np.int64)]))
        some = torch.from_numpy(every)
        grams = self.grams.index_select(1, some).index_select(2, some).double()
        made = np.empty((len(sets), len(self.groups)))
        y, yy, n = np.moveaxis(self.labels[:, task], -1, 0)
        for at, units in enumerate(sets):
            reading = self.reading(units, slice(task, task + 1), own)
            w, b = np.zeros(len(every)), float(reading.intercept[0])
            w[np.searchsorted(every, units)] = reading.weights[0]
            weights = torch.from_numpy(w)
            square = ((grams @ weights) @ weights).numpy()
            cross, sums = self.cross[:, task, every] @ w, self.sums[:, every] @ w
            made[at] = yy - 2 * b * y - 2 * cross + n * b * b + 2 * b * sums + square
        return np.maximum(made, 0.0)


def curves(covariance: Covariance, mask: int = 0, *, draws: int, seed: int, progress: Progress | None = None) -> Curves:
    """The curves of the tasks that count by `mask`, of which the second half are controls of the first."""
    halves = Halves(covariance, mask)
    units, tasks = halves.covariance.shape[0], len(halves.with_labels)
    features = tasks // 2
    small = [k for k in steps(units) if k < units and k <= LARGEST]
    own = chosen_strengths(halves.chosen, halves.folds)
    random = _random(halves, small, own, draws, seed)
    reading = fitted(halves.chosen, own)
    every = np.stack([reading.residual(g) for g in halves.groups])  # [group, task]
    lost = np.repeat(every[None], len(small) + 1, axis=0)  # [step, group, task]
    by_lasso = np.full((len(small) + 1, len(every), features), np.nan)
    by_lasso[-1] = every[:, :features]
    orders: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * features
    done, lock = 0, threading.Lock()

    def share(first: int, last: int) -> None:
        nonlocal done
        for task in range(first, last):
            if halves.varies[task]:
                order = greedy(halves.covariance, halves.with_labels[task], max(small, default=1))
                lost[:-1, :, task] = halves.lost_by([order[:k] for k in small], task, own)
                if task < features:
                    orders[task] = order
                    counts = [k for k in small if k <= LASSO]
                    sets = lasso(halves.covariance, halves.with_labels[task], counts)
                    by_lasso[: len(sets), :, task] = halves.lost_by(sets, task, own)
            with lock:
                done += 1
                if progress:
                    progress(done, tasks, "probes")

    in_shares(tasks, share, grain=1, each=8)
    told = _explained(lost, halves.labels)
    return Curves(
        (*small, units), told[:features], _explained(by_lasso, halves.labels[:, :features]), told[features:],
        _drawn(random, halves.labels)[:features], tuple(orders), _share(lost, halves.labels)[:features],
        reading.weights[:features], reading.intercept[:features], own[:features], halves.varies[:features],
    )  # fmt: skip


def _random(halves: Halves, small: Sequence[int], own: Floats, draws: int, seed: int) -> Floats:
    """Squared errors of units drawn at random [step, draw, group, task]; NaN at the last step, which is all of them."""
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(len(halves.covariance)) for _ in range(draws)]
    lost = np.full((len(small) + 1, draws, len(halves.groups), len(halves.with_labels)), np.nan)

    def share(first: int, last: int) -> None:
        for at in range(first, last):
            step, draw = divmod(at, draws)
            lost[step, draw] = halves.lost(np.sort(drawn[draw][: small[step]]), own)

    in_shares(len(small) * draws, share, grain=1, each=8)
    return lost


def _explained(lost: Floats, labels: Floats) -> Floats:
    """R2 and its interval [task, step, 3] of squared errors [step, group, task]."""
    told = np.full((lost.shape[2], len(lost), 3), np.nan)
    for step, errors in enumerate(lost):
        parts = [errors, labels[..., 0], labels[..., 1], labels[..., 2]]
        left = _left([p.sum(0) for p in parts])
        # A factor of what is left, for the share that is explained ends at 1; not the logarithm block by block: where
        # one block has nearly all of it, that without the block lies anywhere.
        reach = np.minimum((jackknife(_left, parts)[1] - left) / left, 700.0)  # beyond, exp is infinite
        told[:, step] = np.stack([1 - left, 1 - left * np.exp(reach), 1 - left * np.exp(-reach)], axis=1)
    return told


def _left(sums: list[Floats]) -> Floats:
    """What is not explained, as a share of the label's variance."""
    lost, total = sums[0], _total(sums[1:])
    made: Floats = np.maximum(lost / total, 1e-12)
    return made


def _total(labels: list[Floats]) -> Floats:
    """Squared deviations of the labels from their mean."""
    y, yy, n = labels
    made: Floats = np.maximum(yy - y * y / np.maximum(n, 1), 1e-12)
    return made


def _drawn(lost: Floats, labels: Floats) -> Floats:
    """R2 [task, step, draw] of squared errors [step, draw, group, task]."""
    total = _total([labels[..., i].sum(0) for i in range(3)])
    made: Floats = np.moveaxis(1 - lost.sum(2) / total, -1, 0)
    return made


def _share(lost: Floats, labels: Floats) -> Floats:
    """What the best unit explains as a share of the most that any number of units does, with its interval [task, 3];
    errors are [step, group, task].
    """
    most = lost.sum(1).argmin(0)
    every = np.take_along_axis(lost, most[None, None], axis=0)[0]

    def ratio(sums: list[Floats]) -> Floats:
        total = _total(sums[2:])
        made: Floats = (total - sums[0]) / np.maximum(total - sums[1], 1e-9 * total)
        return made

    parts = [lost[0], every, labels[..., 0], labels[..., 1], labels[..., 2]]
    low, high = jackknife(ratio, parts)
    return np.stack([ratio([p.sum(0) for p in parts]), low, high], axis=1)
