"""Do climbs from several starts end at one picture? Erhan et al. (2009) mostly found one; here it is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.5
"""The correlation from which on two pictures are said to show the same."""

SOFT = 1 / 32
"""Standard deviation, in sides of the picture, of the blur before pictures are compared: a line may lie a pixel off."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike the pictures of each unit are, over its starts; NaN where fewer than two starts reached anything.

    correlation  float64 [unit]: mean over pairs of starts, of the softened pixels that reach the unit
    others       float64: mean over pairs of different units with equal starts: what is no agreement; NaN for one unit
    spread       float64 [unit]: standard deviation of the best activations / the size of their mean
    modes        int64 [unit]: groups that remain when pictures correlated by `alike` or more are joined; 0 if dead
    """

    correlation: NDArray[np.float64]
    others: float
    spread: NDArray[np.float64]
    modes: NDArray[np.int64]
    alike: float = ALIKE

    @classmethod
    def of(
        cls, pictures: NDArray[np.float32], values: NDArray[np.float32], reached: NDArray[np.bool_],
        *, alike: float = ALIKE,
    ) -> Agreement:  # fmt: skip
        """From pictures [unit, start, ..], values [unit, start], and where gradients were [unit, start, places]."""
        count, starts = values.shape
        alive: NDArray[np.bool_] = reached.reshape(count, starts, -1).max(2)
        flat = _softened(pictures).reshape(count, starts, -1)
        where = _over_channels(reached.max(1), pictures.shape[2:])
        correlation, spread = np.full(count, np.nan), np.full(count, np.nan)
        modes = np.zeros(count, np.int64)
        for unit in range(count):
            among = _correlations(flat[unit, alive[unit]][:, where[unit]])
            modes[unit] = _groups(among >= alike) if len(among) else 0
            if len(among) > 1:
                correlation[unit] = among[np.triu_indices(len(among), 1)].mean()
                best = values[unit, alive[unit]].astype(np.float64)
                spread[unit] = best.std() / max(abs(best.mean()), 1e-12)
        return cls(correlation, _others(flat, where, alive), spread, modes, alike)


def _over_channels(places: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """bool [unit, number]: the places of a picture [channel, row, column], or of a row, for every number of it."""
    count = len(places)
    wide = places[:, None] if len(shape) == 3 else places
    return np.broadcast_to(wide, (count, *shape)).reshape(count, -1)


def _softened(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pictures [unit, start, channel, row, column] a little blurred; rows of numbers as they are."""
    from scipy.ndimage import gaussian_filter

    if pictures.ndim != 5:
        return pictures
    spread = SOFT * min(pictures.shape[3:])
    made: NDArray[np.float32] = gaussian_filter(pictures, (0, 0, 0, spread, spread))
    return made


def _correlations(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pearson's of every pair of rows; a constant row agrees with itself and with nothing else."""
    if not rows.size:
        return np.eye(len(rows))
    centred = rows.astype(np.float64) - rows.mean(1, keepdims=True, dtype=np.float64)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 1e-9)
    made: NDArray[np.float64] = unit @ unit.T
    np.fill_diagonal(made, 1.0)
    return made


def _groups(joined: NDArray[np.bool_]) -> int:
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(joined, directed=False, return_labels=False))


def _others(flat: NDArray[np.float32], where: NDArray[np.bool_], alive: NDArray[np.bool_]) -> float:
    """Pictures of neighbouring units from one start, over what reaches either."""
    pairs = [
        _correlations(flat[[unit, unit + 1], start][:, where[unit] | where[unit + 1]])[0, 1]
        for unit in range(len(flat) - 1)
        for start in range(flat.shape[1])
        if alive[unit, start] and alive[unit + 1, start]
    ]
    return float(np.mean(pairs)) if pairs else float("nan")
