"""Which unit goes best with which: chosen on the even blocks of a text, reported on the odd ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.errors import InputError
from cellscope.evidence.intervals import fisher, jackknife, replicates
from cellscope.scores.correlation import pearson
from cellscope.sinks.crossed import Crossed, Turned

CHOOSE, REPORT = slice(0, None, 2), slice(1, None, 2)
LEVEL = 0.05

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Units = tuple[Unit, ...]


@dataclass(frozen=True)
class Match:
    """The unit of the other network that goes best with `unit`: chosen on even blocks, its r reported on odd ones.

    r           Pearson's correlation on the odd blocks; `low`, `high` its 95 % interval
    chosen      the same on the even blocks
    untrained   the largest |r| of the unit's best match in any of the other network's untrained twins, chosen and
                reported alike (see `twins`)
    p           how often any unit's best match is as far out where the text is turned (see `by_chance`)
    mutual      whether the other unit's best match is this one
    assigned    the unit that the one-to-one assignment gives it; None where the other network has too few
    """

    unit: Unit
    other: Unit
    r: float
    low: float
    high: float
    chosen: float
    untrained: float
    p: float
    mutual: bool
    assigned: Unit | None

    @property
    def closeness(self) -> float:
        """r along the direction in which the match was chosen: below 0 where the odd blocks contradict it."""
        return self.r if self.chosen >= 0 else -self.r

    @property
    def closer(self) -> bool:
        """Whether the match is surely closer than any with an untrained network, and than chance."""
        surely = self.low if self.chosen >= 0 else -self.high
        return self.p <= LEVEL and surely > max(0.0, self.untrained)

    @property
    def found(self) -> bool:
        """Whether each is the other's best match, and a closer one than it would be without any training."""
        return self.mutual and self.closer


def matches(
    units: tuple[Units, Units], pair: Crossed, untrained: Floats, assigned: tuple[Ints, Ints], p: Floats
) -> tuple[Match, ...]:
    """The best match in the second network of every unit of the first.

    untrained  what every unit's best match in the second network's untrained twins reaches [first_unit]
    assigned   the pairs of a one-to-one assignment, as numbers of units
    p          of every unit's best match [first_unit]
    """
    choose, report = pair.correlations(CHOOSE), pair.correlations(REPORT)
    rows, best, back = np.arange(len(choose)), np.abs(choose).argmax(1), np.abs(choose).argmax(0)
    low, high = map(np.tanh, replicates(_r, pair.of_pairs(rows, best, REPORT)).in_z().ends())
    given = dict(zip(assigned[0].tolist(), assigned[1].tolist(), strict=True))
    return tuple(
        Match(
            units[0][u], units[1][v], float(report[u, v]), float(low[u]), float(high[u]), float(choose[u, v]),
            float(untrained[u]), float(p[u]), bool(back[v] == u), units[1][given[u]] if u in given else None,
        )
        for u, v in enumerate(best.tolist())
    )  # fmt: skip


def assign(pair: Crossed) -> tuple[tuple[Ints, Ints], tuple[float, float, float]]:
    """The one-to-one assignment with the greatest sum of |r| on the even blocks, as numbers of units, and its mean r on
    the odd ones, along the signs it was chosen with, with the 95 % interval (scipy's linear_sum_assignment).
    """
    from scipy.optimize import linear_sum_assignment

    choose = pair.correlations(CHOOSE)
    one, other = linear_sum_assignment(-np.abs(choose))
    sign = np.where(choose[one, other] < 0, -1.0, 1.0)
    parts = pair.of_pairs(one, other, REPORT)
    low, high = jackknife(lambda sums: (_r(sums) * sign).mean(), parts)
    return (one, other), (float((_r([p.sum(0) for p in parts]) * sign).mean()), float(low), float(high))


def by_chance(pair: Crossed, turned: Turned) -> tuple[Floats, Floats]:
    """p of the best match of every unit of the first network, and of the second, each [unit]; all units are counted.

    Every unit's closeness is taken on Fisher's z over its own spread through all texts, the one as it is among them: a
    slow unit, or one that is rarely active, strays far by chance, and it must not set the bar for the others. p is the
    share of texts in which the largest of all units is as large (Westfall and Young 1993), the text itself counted.
    """
    texts = [(pair.correlations(CHOOSE), pair.correlations(REPORT))]
    texts += [(turned.correlations(draw, 0), turned.correlations(draw, 1)) for draw in range(len(turned.products))]
    sides = [np.stack([fisher(reached(*pair)) for pair in texts]),
             np.stack([fisher(reached(*(half.T for half in pair))) for pair in texts])]  # fmt: skip
    sides = [z / np.maximum(np.sqrt((z**2).mean(0)), 1e-9) for z in sides]
    largest = np.max([z.max(1) for z in sides], axis=0)[1:]
    first, second = ((1 + (largest[:, None] >= z[0]).sum(0)) / (1 + len(largest)) for z in sides)
    return first, second


def reached(choose: Floats, report: Floats) -> Floats:
    """What the best match of every row [first_unit], chosen by its |r| in `choose`, has in `report` along its sign."""
    rows, best = np.arange(len(choose)), np.abs(choose).argmax(1)
    made: Floats = report[rows, best] * np.where(choose[rows, best] < 0, -1.0, 1.0)
    return made


def refuse_unfit(pair: Crossed) -> None:
    """InputError where values were not finite."""
    if not all(np.isfinite(sums).all() for sums in pair.sums):
        raise InputError("some units give values that are not finite; is one of the networks damaged?")


def _r(sums: list[Floats]) -> Floats:
    """Pearson's r [pair] from `Crossed.of_pairs` summed over blocks."""
    n, x, y, xy = sums
    return pearson(n, x[:, 0], x[:, 1], y[:, 0], y[:, 1], xy)
