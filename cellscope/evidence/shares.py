"""How large a share of the units is that meets a criterion, and how far that hangs on the text at hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DRAWS = 400
"""Resampled texts."""


@dataclass(frozen=True)
class Share:
    """`number` of `of` units score `at` or better; `low`, `high` are the 95 % interval of that number over resampled
    blocks of the text, NaN where there are too few blocks.
    """

    at: float
    number: int
    of: int
    low: float
    high: float
    draws: int
    seed: int

    @property
    def share(self) -> float:
        """The share of the units, 0 to 1."""
        return self.number / max(self.of, 1)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the share, 0 to 1."""
        return self.low / max(self.of, 1), self.high / max(self.of, 1)

    def json(self) -> dict[str, Any]:
        """Every figure by its name."""
        low, high = self.interval
        return asdict(self) | {"share": self.share, "share_low": low, "share_high": high}


def resampled(blocks: int, *, draws: int = DRAWS, seed: int) -> Floats:
    """How often each block is drawn, with replacement, in each resampled text, [draw, block] (Efron 1979; blocks as
    in Künsch 1989).
    """
    if not blocks:
        return np.zeros((draws, 0))
    weights: Floats = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), draws).astype(float)
    return weights


def interval_of_number(kept: Flags, unit: NDArray[np.int64]) -> tuple[float, float]:
    """The 95 % interval of how many units have at least one pair that is kept.

    kept  bool [draw, pair]: whether a pair of a feature and a unit meets the criterion in a resampled text
    unit  int [pair]: its unit
    """
    if not len(unit):
        return 0.0, 0.0
    order = np.argsort(unit, kind="stable")
    first = np.flatnonzero(np.diff(unit[order], prepend=-1))
    number = np.logical_or.reduceat(kept[:, order], first, axis=1).sum(1)
    low, high = np.quantile(number, [0.025, 0.975])
    return float(low), float(high)
