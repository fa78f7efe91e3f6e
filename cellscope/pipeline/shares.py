"""The share of units that track something, with its interval, from the counts that a search leaves."""

from __future__ import annotations

import math

import numpy as np

from cellscope.evidence.intervals import Floats
from cellscope.evidence.shares import Share, interval_of_number, resampled
from cellscope.evidence.verdicts import TENDS, Q
from cellscope.findings import Findings
from cellscope.judge import REPORT
from cellscope.scores.association import auroc
from cellscope.scores.correlation import rank_correlation

NEAR = 0.1
"""A unit that misses the line by more than this is taken not to cross it in any resampled text."""


def share_of_units(findings: Findings, *, at: float) -> Share:
    """How many units track a feature at `at` or better (`Findings.tracks`), and the interval of that number.

    A text is drawn anew from the reporting blocks; a pair of feature and unit counts in it where its score there
    reaches `at` and exceeds the baselines by its interval's own reach. Which features were found, and p, stay.
    """
    number, seed = findings.tracking(at)[0], findings.counts.seed
    evidence, score = findings.evidence, findings.best()
    bar = findings.bar()
    reach = score - findings.bound()
    found = np.array([e.found for e in evidence])[:, None] & findings.asked
    cut = max((e.p for e in evidence if e.q <= Q), default=-1.0)  # as in `Findings.tracks`
    with np.errstate(invalid="ignore"):
        near = (score > at - NEAR) & (score - reach > bar - NEAR) & (findings.scores["p"] <= cut) & found
    feature, unit = np.nonzero(near)
    weights = resampled(len(findings.counts.tally.total[REPORT::2]), seed=seed)  # blocks are those of every part
    if weights.shape[1] < 3:
        return Share(at, number, len(findings.units), math.nan, math.nan, 0, seed)
    drawn = _scores(findings, feature, unit, weights)
    part = findings.scores["within"][feature, unit] < TENDS
    kept = (drawn >= at) & (drawn - reach[feature, unit] > bar[feature, unit]) & ~part
    low, high = interval_of_number(kept, unit)
    return Share(at, number, len(findings.units), low, high, len(weights), seed)


def _scores(findings: Findings, feature: np.ndarray, unit: np.ndarray, weights: Floats) -> Floats:
    """The score of each pair in each resampled text, [draw, pair]."""
    made = np.empty((len(weights), len(feature)))
    for k, (f, u) in enumerate(zip(feature.tolist(), unit.tolist(), strict=True)):
        sign = findings.scores["sign"][f, u]
        part, own = findings.part_of(u)
        tally, number = part.tally, f - part.spans
        if number < 0:
            auc = auroc(weights @ tally.positive[REPORT::2, f, own], weights @ tally.total[REPORT::2, own])
            made[:, k] = auc if sign > 0 else 1 - auc
        else:
            sums = weights @ tally.products[REPORT::2, number, own], weights @ tally.numbers[REPORT::2, number]
            made[:, k] = sign * rank_correlation(*sums)
    return made
