"""One unit or many? How well the k best units together tell a concept, from a bounded sample of activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """What every unit of a site did at some places: values float32 [place, unit], labels bool [place, concept].

    reported  bool [place], whether the place's picture is of the half on which units are reported
    """

    values: NDArray[np.float32]
    labels: NDArray[np.bool_]
    reported: NDArray[np.bool_]


def k_best(sample: Sample, concept: int, order: NDArray[np.int64], counts: Sequence[int]) -> list[float]:
    """AUC on the reporting half of the best linear reading of the first k units of `order`, for each k of `counts`.

    The reading is Fisher's discriminant (1936), its covariance shrunk by a thousandth towards its diagonal, learned on
    the choosing half; NaN where either half lacks the concept or anything else.
    """
    on, half = sample.labels[:, concept], sample.reported
    if min(on[half].sum(), (~on[half]).sum(), on[~half].sum(), (~on[~half]).sum()) < 5:
        return [float("nan")] * len(counts)
    found = []
    for k in counts:
        x = sample.values[:, order[:k]].astype(np.float64)
        weights = _discriminant(x[~half], on[~half])
        found.append(_auc(x[half] @ weights, on[half]))
    return found


def steps(units: int) -> list[int]:
    """1, 2, 4 ... and all."""
    return sorted({2**k for k in range(units.bit_length()) if 2**k <= units} | {units})


def _discriminant(x: Floats, on: NDArray[np.bool_]) -> Floats:
    """The direction [unit] in which the two classes lie apart, in units of their common spread."""
    inside, outside = x[on], x[~on]
    common = (np.cov(inside.T, bias=True) * len(inside) + np.cov(outside.T, bias=True) * len(outside)) / len(x)
    common = np.atleast_2d(common)
    ridge = np.diag(np.maximum(1e-3 * np.diag(common), 1e-9))
    direction: Floats = np.linalg.solve(common + ridge, inside.mean(0) - outside.mean(0))
    return direction


def _auc(score: Floats, on: NDArray[np.bool_]) -> float:
    ranks = rankdata(score)
    inside = int(on.sum())
    return float((ranks[on].sum() - inside * (inside + 1) / 2) / (inside * (len(on) - inside)))
