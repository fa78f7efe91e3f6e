"""Which units track which features, all at once, by the criterion that a finding has to meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.verdicts import CLEAR
from cellscope.findings import Findings

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tracking:
    """`found` and `plain` are bool [feature, unit], `score` float [feature, unit]: AUC, or rank correlation; `obstacle`
    the first Obstacle that a unit meets, [feature, unit].
    """

    findings: Findings
    found: Flags
    plain: Flags
    score: NDArray[np.float64]
    obstacle: NDArray[np.int64]

    def units(self, at: float = 0.0) -> Flags:
        """Which units track some feature at this score or better, bool [unit]."""
        flags: Flags = np.asarray(np.any(self.found & (self.score >= at), axis=0))
        return flags

    def count(self, at: float = 0.0) -> int:
        """How many do."""
        return int(self.units(at).sum())

    def features(self, at: float = 0.0) -> int:
        """How many features have such a unit."""
        return int((self.found & (self.score >= at)).any(1).sum())

    def sentence(self, at: float = CLEAR) -> str:
        """`12 of 512 units (2.3 %) track a feature at 0.9 or better; 97 (18.9 %) track one at all`."""
        number, total = self.count(at), len(self.findings.units)
        share = f"{100 * number / max(total, 1):.1f} %"
        every = self.count()
        rest = f"; {every:,} ({100 * every / max(total, 1):.1f} %) track one at all" if every > number else ""
        feature = self.findings.counts.terms.feature
        return f"{number:,} of {total:,} units ({share}) track a {feature} at {at:g} or better{rest}"


def tracking(findings: Findings) -> Tracking:
    """What `explain.evidence_of` says of every unit, without making a sentence of each.

    Plain: all but the last three characters speak for the unit, and they and the unit both reach .9 (see `Evidence`).
    """
    judged = np.array([e.unit is not None for e in findings.evidence])[:, None] & findings.asked
    standing = findings.standing()
    return Tracking(findings, findings.tracks(), judged & standing.plain, findings.best(), standing.obstacle)
