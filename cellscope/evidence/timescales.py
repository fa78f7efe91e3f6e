"""How long a unit remembers: the characters until its autocorrelation has fallen to 1/e."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LEVEL = 1 / math.e
LONGEST = 8192


def time_scales(values: NDArray[np.floating], *, longest: int = LONGEST) -> NDArray[np.float64]:
    """The lag at which the autocorrelation of values [position, unit] first falls below 1/e, in positions, [unit].

    For an AR(1) process of coefficient a that is -1 / ln a. A unit that stays above up to `longest`, or up to a quarter
    of the text, has that as its time scale; a constant unit has NaN.
    """
    lags = _lags(max(1, min(longest, len(values) // 4)))
    rows = (np.ascontiguousarray(column, dtype=np.float32) for column in values.T)
    return np.array([_time_scale(row, lags) for row in rows], np.float64)


def _time_scale(row: NDArray[np.float32], lags: list[int]) -> float:
    return _falls_at((row - row.mean(dtype=np.float64).astype(np.float32))[:, None], lags)


def _falls_at(centred: NDArray[np.float32], lags: list[int]) -> float:
    """Where the autocorrelation of [step, lane] is below the level; between two lags its logarithm is straight."""
    power = _product(centred, centred) / max(centred.size, 1)
    if not power > 1e-12 or len(centred) < 2:
        return math.nan
    above, last = 1.0, 0
    for lag in lags:
        early, late = centred[:-lag], centred[lag:]
        now = _product(early, late) / early.size / power
        if now < LEVEL:
            high, low = math.log(above), math.log(max(now, 1e-3))
            return last + (lag - last) * (high + 1) / (high - low)
        above, last = now, lag
    return float(last)


def _product(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a.ravel() @ b.ravel())


def _lags(longest: int) -> list[int]:
    """Every lag up to 16, then each a tenth longer than the one before."""
    lags = list(range(1, min(16, longest) + 1))
    while lags[-1] < longest:
        lags.append(min(longest, math.ceil(lags[-1] * 1.1)))
    return lags


def time_scale_of_lanes(values: NDArray[np.floating], *, longest: int = LONGEST) -> float:
    """The same of one unit heard in lanes, values [step, lane]: its mean is that of all, products are within lanes."""
    if values.size < 2:
        return math.nan
    centred = np.ascontiguousarray(values, dtype=np.float32) - values.mean(dtype=np.float64).astype(np.float32)
    return _falls_at(centred, _lags(max(1, min(longest, len(values) // 2))))
