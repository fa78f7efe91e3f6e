"""How well a unit's activation tells a span feature: AUROC, average precision, best F1, IoU, mutual information.

All are pure functions of counts along bins of ascending activation: `positive` (label on) and `total`, each [.., bin].
Units that switch *off* inside a feature count as much as those that switch on: `sign` turns the bins round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def auroc(positive: Counts, total: Counts) -> Floats:
    """P(activation inside > activation outside) + half the ties, [..]; 0.5 where the label is always or never on.

    Mann and Whitney 1947; values above 0.5 mean that the unit is higher inside.
    """
    negative = total - positive
    below = np.cumsum(negative, axis=-1) - negative
    pairs = positive.sum(-1).astype(float) * negative.sum(-1)
    wins = np.einsum("...b,...b->...", positive.astype(float), below + negative / 2)
    auc: Floats = np.divide(wins, pairs, out=np.full(pairs.shape, 0.5), where=pairs > 0)
    return auc


def along(sign: NDArray[np.int64], positive: Counts, total: Counts) -> tuple[Counts, Counts]:
    """The counts with the bins of units of negative `sign` [..] turned round, so that `on` is always up."""
    flip = (sign < 0)[..., None]
    return np.where(flip, positive[..., ::-1], positive), np.where(flip, total[..., ::-1], total)


def average_precision(positive: Counts, total: Counts) -> Floats:
    """Area under precision over recall, stepwise from the highest activation down, [..] (as scikit-learn defines
    it).
    """
    hits, called = _from_above(positive), _from_above(total)
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    gained = positive[..., ::-1]
    return _over(np.asarray((precision * gained).sum(-1), float), positive.sum(-1))


def f1_curve(positive: Counts, total: Counts) -> Floats:
    """F1 of "on in this bin and above" for every bin, [.., bin]."""
    hits, called = _from_above(positive)[..., ::-1], _from_above(total)[..., ::-1]
    return _over(2.0 * hits.astype(float), called + positive.sum(-1, keepdims=True))


def iou_curve(positive: Counts, total: Counts) -> Floats:
    """Intersection over union of "on in this bin and above" with the feature, for every bin, [.., bin]."""
    hits, called = _from_above(positive)[..., ::-1], _from_above(total)[..., ::-1]
    return _over(hits.astype(float), called + positive.sum(-1, keepdims=True) - hits)


def mutual_information(positive: Counts, total: Counts) -> Floats:
    """Information in bits between the unit's bin and the label, [..], less Miller and Madow's bias of (bins - 1) / 2n
    ln 2.
    """
    n = np.maximum(total.sum(-1), 1).astype(float)
    negative = total - positive
    used = (total > 0).sum(-1)
    p = positive.sum(-1) / n
    plain = _entropy(total / n[..., None]) + _entropy(np.stack([p, 1 - p], -1))
    both = _entropy(positive / n[..., None]) + _entropy(negative / n[..., None])
    cells = (positive > 0).sum(-1) + (negative > 0).sum(-1)
    bias = (cells - used - (p > 0) - (p < 1) + 1) / (2 * n * np.log(2))
    information: Floats = np.maximum(plain - both - np.maximum(bias, 0), 0.0)
    return information


def point_biserial(
    positive: Floats, total: Floats, count: NDArray[np.int64], labelled: NDArray[np.int64], squares: Floats
) -> tuple[Floats, Floats]:
    """Pearson's r with a 0/1 label, and Cohen's d with the pooled standard deviation, each [..].

    positive, total  sums of the activation where the label is on, and over all; squares its sum of squares; each [..]
    """
    off = count - labelled
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = positive / labelled - (total - positive) / off
        spread = squares - total**2 / count
        r = gap * np.sqrt(labelled / count * (off / count)) / np.sqrt(spread / count)
        within = (spread - gap**2 * labelled * off / count) / (count - 2)
        d = gap / np.sqrt(within)
    return np.nan_to_num(r, nan=0.0, posinf=0.0, neginf=0.0), np.nan_to_num(d, nan=0.0, posinf=0.0, neginf=0.0)


def _from_above(counts: Counts) -> Counts:
    """Running sums from the highest bin down; entry k is of the k + 1 highest bins."""
    return np.cumsum(counts[..., ::-1], axis=-1)


def _over(a: Floats, b: NDArray[np.int64]) -> Floats:
    ratio: Floats = np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b > 0)
    return ratio


def _entropy(p: Floats) -> Floats:
    logs = np.log2(p, out=np.zeros(p.shape), where=p > 0)
    entropy: Floats = -(p * logs).sum(-1)
    return entropy
