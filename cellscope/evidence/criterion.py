"""When a unit is said to track a feature: the one definition, for a unit by itself and for all units at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.intervals import Floats, apart, on_line

Flags = NDArray[np.bool_]
Figure = Floats | float
Ends = tuple[Figure, Figure, Figure]
"""A score and the ends of its interval."""

Q = 0.05
"""A finding may be false with this chance, all features counted (Benjamini and Hochberg)."""
CLEAR = 0.9
"""The score from which on a unit is said to be on, and not merely to tend to be."""
TENDS = 0.75
"""The score from which on it is said to tend to be on."""


class Obstacle(IntEnum):
    """What keeps a unit from being found, what is asked first coming first."""

    NONE = 0
    CHANCE = 1
    THREE = 2
    UNTRAINED = 3
    PART = 4


@dataclass(frozen=True)
class Standing:
    """How units stand at a feature; numbers, or arrays of one shape.

    follows   whether it follows the feature more than the best of all units does by chance: q <= Q
    bound     what its score surely reaches
    three     the score of what the subject alone gives: the last three characters, colours, a single column
    over_three, over_untrained   how far it surely lies above that, and above the best unit of the untrained network, on
              the line (`on_line`); NaN where there is no such thing to be above
    within    its AUC inside of the larger feature that this one is a part of; NaN where it is part of none
    """

    follows: Flags
    bound: Floats
    three: Floats
    over_three: Floats
    over_untrained: Floats
    within: Floats

    @property
    def obstacle(self) -> NDArray[np.int64]:
        """The first Obstacle of each."""
        met = [~self.follows, self.over_three <= 0, self.over_untrained <= 0, self.within < TENDS]
        first: NDArray[np.int64] = np.select(met, list(Obstacle)[1:], Obstacle.NONE)
        return first

    @property
    def found(self) -> Flags:
        """Whether nothing speaks against it."""
        return np.asarray(self.obstacle == Obstacle.NONE)

    @property
    def plain(self) -> Flags:
        """Whether it clearly tracks the feature, and only what the subject alone gives keeps it from being found, which
        clearly tells the feature too.
        """
        clear = (self.three >= CLEAR) & (self.bound >= CLEAR) & ~(self.over_untrained <= 0)
        return np.asarray((self.obstacle == Obstacle.THREE) & clear)


def surely(value: Figure, low: Figure) -> Floats:
    """What a figure surely reaches: the lower end of its interval, or itself where it has none."""
    made: Floats = np.where(np.isnan(low), value, low)
    return made


def lead(own: Ends, other: Ends, span: Flags | bool) -> tuple[Floats, Floats, Floats]:
    """How far a score lies above another on the line, and the ends of the interval, from the score and the interval of
    each.

    For two that make no pairs, as they are of other blocks, or of other text even: their errors are added as those of
    independent figures.
    """
    value, low, high = (on_line(x, span) for x in own)
    bar, below, above = (on_line(x, span) for x in other)
    return value - bar, value - bar - apart(value - low, above - bar), value - bar + apart(high - value, bar - below)
