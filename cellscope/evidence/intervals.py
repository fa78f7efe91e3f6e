"""Confidence intervals: from blocks, for neighbouring characters are not independent, and distant blocks nearly are;
of pictures, which are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEFT = 0.25
"""Without any one block at least this share of the error is left (see Replicates.in_log_odds)."""
FEWEST = 3
"""Blocks without which there is no interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; NaN where there is too little to tell."""

    value: float
    low: float = math.nan
    high: float = math.nan


def mean_of(values: Floats, level: float = 0.95) -> Estimate:
    """The mean of independent values, with Student's interval; without one of fewer than two."""
    from scipy.stats import t

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return Estimate(mean)
    reach = float(t.ppf(0.5 + level / 2, count - 1) * np.std(values, ddof=1) / math.sqrt(count))
    return Estimate(mean, mean - reach, mean + reach)


def paired_interval(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % interval of the change of a share, each bool [picture]; half a picture is added to each of the four cells
    (Agresti and Min 2005).
    """
    lost, gained = float((before & ~after).sum()) + 0.5, float((after & ~before).sum()) + 0.5
    count = len(before) + 2
    middle = (gained - lost) / count
    reach = 1.959964 * np.sqrt(lost + gained - (gained - lost) ** 2 / count) / count
    return max(-1.0, float(middle - reach)), min(1.0, float(middle + reach))


@dataclass(frozen=True)
class Replicates:
    """A statistic of all blocks, `whole` [..], and of all but each one of them, `left` [block, ..].

    Two statistics of the same blocks have one difference, whose replicates are those of a pair: what both owe to a
    block falls out of it.
    """

    whole: Floats
    left: Floats

    def of(self, *index: Any) -> Replicates:
        """Those of the statistics at an index of `whole`."""
        return Replicates(self.whole[index], self.left[(slice(None), *index)])

    def through(self, change: Callable[[Floats], Floats]) -> Replicates:
        """Those of a function of the statistic."""
        return Replicates(change(self.whole), change(self.left))

    def in_log_odds(self) -> Replicates:
        """Those of the log odds of scores between 0 and 1.

        A block that makes nearly all of the few errors there are would leave none behind, and log odds without end: at
        least LEFT of what is wrong is taken to be left, which makes the interval wide and not endless.
        """
        wrong, right = LEFT * (1 - self.whole), LEFT * self.whole
        return Replicates(logit(self.whole), logit(np.clip(self.left, right, 1 - wrong)))

    def in_z(self) -> Replicates:
        """Those of Fisher's z of correlations, which is half the log odds of (1 + r) / 2."""
        odds = self.through(lambda r: (1 + r) / 2).in_log_odds()
        return Replicates(fisher(self.whole), odds.left / 2)

    def on_line(self, span: NDArray[np.bool_]) -> Replicates:
        """Those of scores [.., feature] on the scale on which differences are taken (see on_line)."""
        odds, z = self.in_log_odds(), self.in_z()
        return Replicates(np.where(span, odds.whole, z.whole), np.where(span, odds.left, z.left))

    def __sub__(self, other: Replicates) -> Replicates:
        return Replicates(self.whole - other.whole, self.left - other.left)

    def ends(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """The ends of the interval (Tukey 1958; Künsch 1989): NaN with fewer than three blocks, for two differences
        say nothing about a spread.
        """
        from scipy.stats import t

        blocks = len(self.left)
        if blocks < FEWEST:
            return np.full(self.whole.shape, np.nan), np.full(self.whole.shape, np.nan)
        error = np.sqrt((blocks - 1) / blocks * ((self.left - self.left.mean(0)) ** 2).sum(0))
        reach = t.ppf(0.5 + level / 2, blocks - 1) * error
        return self.whole - reach, self.whole + reach

    def drawn(self, weights: Floats) -> Floats:
        """The statistic where each block counts so often, `weights` [draw, block], to the first order, [draw, ..]: what
        a block adds is what is lost without it (Efron 1982, section 6).
        """
        blocks = len(self.left)
        adds = (blocks - 1) / blocks * (self.left.mean(0) - self.left)
        drawn: Floats = self.whole + np.tensordot(weights - 1, adds, 1)
        return drawn


def replicates(
    statistic: Callable[[list[NDArray[np.float64]]], Floats], parts: list[NDArray[np.float64]]
) -> Replicates:
    """A statistic of sums over blocks, leaving out one block at a time; NaN with fewer than three blocks.

    parts      arrays [block, ..] whose sum over blocks is what `statistic` takes
    statistic  maps the summed parts to [..]; intervals are symmetric on its scale, so a score is brought to another one
               first (see Replicates.in_log_odds)
    """
    sums = [p.sum(0) for p in parts]
    whole, blocks = np.asarray(statistic(sums)), len(parts[0])
    left = np.full((blocks, *whole.shape), np.nan)
    if blocks >= FEWEST:
        for b in range(blocks):
            left[b] = statistic([w - p[b] for w, p in zip(sums, parts, strict=True)])
    return Replicates(whole, left)


def jackknife(
    statistic: Callable[[list[NDArray[np.float64]]], Floats], parts: list[NDArray[np.float64]], level: float = 0.95
) -> tuple[Floats, Floats]:
    """The ends of the interval of a statistic of sums over blocks (see `replicates`)."""
    return replicates(statistic, parts).ends(level)


def apart(reach: Floats, other: Floats) -> Floats:
    """How far the interval of a difference of two independent figures reaches, from how far those of both do (Zou and
    Donner 2008); a reach that is not known counts as none.
    """
    both: Floats = np.hypot(reach, np.nan_to_num(other))
    return both


def on_line(score: Floats | float, span: bool | NDArray[np.bool_]) -> Floats:
    """A score on the scale on which differences are taken: the log odds of an AUC, Fisher's z of a correlation."""
    made: Floats = np.where(span, logit(score), fisher(score))
    return made


def fisher(r: Floats | float) -> Floats:
    """Fisher's z of a correlation, kept finite."""
    z: Floats = np.arctanh(np.clip(r, -0.999999, 0.999999))
    return z


def logit(p: Floats | float) -> Floats:
    """The log odds of a score between 0 and 1, kept finite."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def expit(x: Floats) -> Floats:
    """The inverse of `logit`."""
    return 1 / (1 + np.exp(-x))
