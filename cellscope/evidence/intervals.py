"""Confidence intervals: from blocks, for neighbouring characters are not independent, and distant blocks nearly are;
of pictures, which are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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


def jackknife(
    statistic: Callable[[list[NDArray[np.float64]]], Floats], parts: list[NDArray[np.float64]], level: float = 0.95
) -> tuple[Floats, Floats]:
    """The ends of the interval of a statistic of sums over blocks, leaving out one block at a time (Tukey 1958;
    Künsch 1989).

    parts      arrays [block, ..] whose sum over blocks is what `statistic` takes
    statistic  maps the summed parts to [..]; it should be on a scale where symmetric intervals make sense (see `logit`)
    NaN with fewer than three blocks, for two differences say nothing about a spread.
    """
    from scipy.stats import t

    whole = [p.sum(0) for p in parts]
    value = np.asarray(statistic(whole))
    blocks = len(parts[0])
    if blocks < 3:
        return np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    left = np.stack(
        [np.asarray(statistic([w - p[b] for w, p in zip(whole, parts, strict=True)])) for b in range(blocks)]
    )
    error = np.sqrt((blocks - 1) / blocks * ((left - left.mean(0)) ** 2).sum(0))
    reach = t.ppf(0.5 + level / 2, blocks - 1) * error
    return value - reach, value + reach


def logit(p: Floats) -> Floats:
    """The log odds of a score between 0 and 1, kept finite."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def expit(x: Floats) -> Floats:
    """The inverse of `logit`."""
    return 1 / (1 + np.exp(-x))
