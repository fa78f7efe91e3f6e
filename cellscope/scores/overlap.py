"""How far the places where a unit is at its highest are those of a concept: Network Dissection's score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
QUANTILE = 0.005
"""The share of places that a unit is said to be on at (Bau et al. 2017, section 2.3)."""


def dissection(choose: Counts, positive: Counts, total: Counts, share: float = QUANTILE) -> tuple[Floats, Floats]:
    """(IoU, the most that it could be) of "among the `share` highest places" with the concept, each [..].

    The threshold is the bin border nearest to that share on the choosing half (`choose`, all its places); the overlap
    is counted on the reporting half, over all places of the map as it is, without upsampling. With the concept on at g
    of the places and the unit at q, no IoU can be above min(q, g) / max(q, g).

    choose, total, positive  [.., bin] of ascending activation
    """
    above = np.cumsum(choose[..., ::-1], axis=-1)[..., ::-1] / np.maximum(choose.sum(-1, keepdims=True), 1)
    # On a share that is nearest by its logarithm: half as many and twice as many are as far off.
    cut = np.abs(np.log(np.maximum(above, 1e-12) / share)).argmin(-1)[..., None]
    called = _from(total, cut)
    hits = _from(positive, cut)
    labelled = positive.sum(-1)
    union = np.maximum(called + labelled - hits, 1)
    attainable = np.minimum(called, labelled) / np.maximum(np.maximum(called, labelled), 1)
    return hits / union, attainable


def _from(counts: Counts, cut: NDArray[np.int64]) -> Counts:
    """Counts of the bins from `cut` [.., 1] on, [..]."""
    above = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    taken: Counts = np.take_along_axis(above, np.broadcast_to(cut, (*above.shape[:-1], 1)), axis=-1)[..., 0]
    return taken
