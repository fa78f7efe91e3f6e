"""Hewitt and Liang's control task: labels that nothing but memory can tell (Designing and Interpreting Probes with
Control Tasks, 2019, section 2).

A label is a random function of a position's type, so it has no meaning, yet the same type always gets the same one.
What a probe reaches on it is what its own capacity buys; what it reaches on the feature beyond that (selectivity) is
owed to the units. The type is what a subject shows without a network and what comes again, for only that can be learnt
by heart: in a text the last three characters; in a picture the own colour of a place, or the mean colour of a picture
whose units have no places; in a row of numbers which of some columns are high. (Own colours in eight levels of red,
green and blue come again nearly always; with those of its neighbours, more than half of the pictures of `shapes` would
have a type that no other has, which nobody could have learnt.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.sinks.labels import LabelGrid

_CUTS = 256
_TRIED = 32


class ControlTask:
    """Random labels as frequent as those of each feature; a number's control is drawn from its own ranks.

    The rates are those of the rounds that were learnt from so far.
    """

    def __init__(self, spans: int, numerics: int, *, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._factors = self._draw(spans + numerics)
        self._seed = self._rng.integers(0, 2**63, dtype=np.uint64)
        self._on, self._seen = np.zeros(spans), 0
        self._quantiles = np.zeros((numerics, _CUTS), np.float32)

    def learn(self, grid: LabelGrid, keys: NDArray[np.uint64]) -> None:
        """Take in how frequent the labels of a round are; `keys` are its types [position].

        A few types are so frequent that one of them alone may give a control several times the feature's rate: of
        some random functions that are drawn at first, each feature gets the one whose rate is nearest to its own.
        """
        first = not self._seen
        self._on += grid.spans.sum(1, dtype=np.int64)
        self._seen += grid.spans.shape[1]
        for f in range(len(self._quantiles)):
            counted = grid.rank[f, grid.mask[f] > 0]
            if len(counted):
                cuts = (np.arange(_CUTS) + 0.5) / _CUTS
                self._quantiles[f] = np.quantile(counted[:: max(1, len(counted) // 2**14)], cuts)
        if first:
            self._choose(keys[:: max(1, len(keys) // 2**14)])

    def _draw(self, count: int) -> NDArray[np.uint64]:
        return self._rng.integers(0, 2**63, count, np.uint64) * np.uint64(2) + np.uint64(1)

    def _choose(self, keys: NDArray[np.uint64]) -> None:
        """Keep of `_TRIED` random functions for each feature the one whose labels are most like its own."""
        aim = np.concatenate([self._on / self._seen, self._quantiles.std(1)])
        spans, best, kept = len(self._on), np.full(len(aim), np.inf), self._factors
        for _ in range(_TRIED):
            self._factors = self._draw(len(aim))
            made = self.labels(keys)
            away = np.abs(np.concatenate([made[:spans].mean(1), made[spans:].std(1)]) - aim)
            kept = np.where(away < best, self._factors, kept)
            best = np.minimum(away, best)
        self._factors = kept

    def labels(self, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        """The labels of types [..], float32 [feature, ..], the span features first."""
        mixed = _mixed(keys ^ self._seed)
        made = np.empty((len(self._factors), *keys.shape), np.float32)
        spans, rates = len(self._on), self._on / max(self._seen, 1)
        for f, factor in enumerate(self._factors):
            drawn = (mixed * factor) >> np.uint64(32)
            if f < spans:
                made[f] = drawn < np.uint64(rates[f] * 2**32)
            else:
                made[f] = self._quantiles[f - spans][(drawn >> np.uint64(24)).astype(np.intp)]
        return made


def contexts(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """A number for the last three characters of every position; `codes` are its code points with the two before."""
    wide = codes.astype(np.uint64)
    keys: NDArray[np.uint64] = (wide[:-2] << np.uint64(42)) | (wide[1:-1] << np.uint64(21)) | wide[2:]
    return keys


def _mixed(keys: Any) -> NDArray[np.uint64]:
    """Keys whose bits have nothing to do with one another any more (the finish of SplitMix64; Steele et al. 2014)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed
