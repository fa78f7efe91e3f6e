"""What passes between hearing and counting: a round of lanes, and the chunks in which it is heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site

Values = dict[Site, NDArray[np.float32]]
"""For each site what its units did: [step, lane, unit] in a chunk, [position, unit] in a sample."""


@dataclass(frozen=True)
class Round:
    """A contiguous stretch of a subject, played as `lanes` lanes that fall into `blocks` blocks."""

    start: int
    stop: int
    lanes: int
    blocks: int

    def __post_init__(self) -> None:
        if not (self.start < self.stop and 1 <= self.blocks <= self.lanes <= self.stop - self.start):
            raise ValueError(f"a round needs positions >= lanes >= blocks >= 1: {self}")

    @property
    def steps(self) -> int:
        """Steps that every lane has; the first lanes have one more where the round does not divide evenly."""
        return (self.stop - self.start) // self.lanes

    @property
    def starts(self) -> NDArray[np.int64]:
        """First position of every lane [lane]."""
        lane = np.arange(self.lanes)
        return self.start + lane * self.steps + np.minimum(lane, self.longer)

    @property
    def longer(self) -> int:
        """How many lanes, from the first, have one step more."""
        return (self.stop - self.start) % self.lanes

    @property
    def block_of(self) -> NDArray[np.int64]:
        """Block of every lane [lane]."""
        return np.arange(self.lanes) * self.blocks // self.lanes


@dataclass(frozen=True)
class Chunk:
    """What every unit did over `steps` steps of every lane.

    positions  int64 [lane], the first position of each lane's part; step s of it is position + s
    blocks     int64 [lane]
    values     {site: float32 [step, lane, unit]}, in memory lane after lane; valid until the next chunk is asked for
    step, of   the first step within the lanes, and the steps of a lane in all
    """

    positions: NDArray[np.int64]
    blocks: NDArray[np.int64]
    values: Values
    step: int
    of: int

    @property
    def steps(self) -> int:
        return len(next(iter(self.values.values())))
