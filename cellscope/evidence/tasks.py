"""What a probe is asked to read: every feature's label, the same some characters late, and a control of each.

A unit that has to see three characters before it knows, and one before it knows that all is over, is late. Read at once
it would seem to need help from units that echo the last characters; so a feature is read at the lag of its best unit.
The places of a picture are not read one after the other, so its concepts have no lags (`late=0`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Chunk
from cellscope.evidence.control import ControlTask
from cellscope.evidence.probes import FLOOR, SHARE
from cellscope.sinks.covariance import Covariance
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.lags import REACH

Integers = NDArray[np.int64]


class Tasks:
    """The tasks of some features, the spans first: all on time, then those that count everywhere 1 to `late` characters
    late, then a control of each.

    feature, lag, counted   int [task]; a task counts in all rows (0), or where the k-th mask does
    """

    def __init__(self, features: Sequence[Any], spans: int, *, late: int = REACH, seed: int = 0) -> None:
        self.many, self.spans = len(features), spans
        self.control = ControlTask(spans, self.many - spans, seed=seed)
        everywhere = np.array([f.everywhere for f in features], bool)
        self._partial, self._whole = np.flatnonzero(~everywhere), np.flatnonzero(everywhere)
        every, again = np.arange(self.many), np.arange(1, late + 1)
        self.feature = np.concatenate([every, np.tile(self._whole, late), every])
        self.lag = np.concatenate([0 * every, np.repeat(again, len(self._whole)), 0 * every])
        masks = np.zeros(self.many, np.int64)
        masks[self._partial] = np.arange(1, len(self._partial) + 1)
        self.counted: Integers = masks[self.feature]
        self.late = late

    def learn(self, grid: LabelGrid, keys: NDArray[np.uint64]) -> None:
        """Take in a round before its labels are asked for; `keys` are the types of its positions (see control)."""
        self.control.learn(grid, keys)

    def labels(
        self, chunk: Chunk, grid: LabelGrid, keys: NDArray[np.uint64], stride: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Labels [task, step, lane] of every `stride`-th step, and the masks of the numbers that count only in
        places.
        """
        rows = (chunk.positions - grid.start)[None, :] + np.arange(0, chunk.steps, stride)[:, None]
        masks = grid.mask[:, rows]
        drawn = self.control.labels(keys[rows])
        drawn[self.spans :] *= masks
        late = [np.maximum(rows - lag, 0) for lag in range(1, self.late + 1)]  # first stands for what is before a round
        heard = [_taken(grid, rows), *(_taken(grid, at)[self._whole] for at in late)]
        return np.concatenate([*heard, drawn]), masks[self._partial - self.spans]

    def chosen(self, covariance: Covariance) -> Integers:
        """For each feature the task at whose lag its best unit tells most of it on the choosing blocks, then all
        controls; on time, where that unit tells as large a share then as one has that tells all.
        """
        told = np.zeros(len(self.counted))
        told[self.counted == 0] = covariance.moments(np.arange(covariance.choosing)).alone.max(1)
        made = np.arange(self.many)
        for f in self._whole:
            own = np.flatnonzero(self.feature[: -self.many] == f)
            best = own[told[own].argmax()]
            if told[f] < SHARE * told[best] and told[best] - told[f] > FLOOR:
                made[f] = best
        return np.concatenate([made, np.arange(len(self.counted) - self.many, len(self.counted))])


def _taken(grid: LabelGrid, rows: Integers) -> NDArray[np.float32]:
    """The labels [feature, ..] of some rows, and only of those, for a round has a million. A number enters by its rank,
    as it does everywhere else: what is far out would drown the rest.
    """
    return np.concatenate([grid.spans[:, rows], grid.rank[:, rows]], dtype=np.float32)
