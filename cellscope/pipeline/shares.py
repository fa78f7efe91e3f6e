"""The share of units that track something, with its interval, from the counts that a search leaves."""

from __future__ import annotations

import math

import numpy as np

from cellscope.evidence.criterion import Standing
from cellscope.evidence.intervals import FEWEST, Floats, on_line
from cellscope.evidence.shares import Share, interval_of_number, resampled
from cellscope.findings import Findings
from cellscope.judge import REPORT
from cellscope.scores.association import auroc
from cellscope.scores.correlation import rank_correlation

NEAR, BELOW = 0.1, 1.0
"""A unit whose score misses the line by more than the first, or which lies below a baseline by more than the second in
log odds, is taken not to cross it in any resampled text.
"""


def share_of_units(findings: Findings, *, at: float) -> Share:
    """How many units track a feature at `at` or better (`Findings.tracks`), and the interval of that number.

    A text is drawn anew from the reporting blocks; a pair of feature and unit counts in it where its score there
    reaches `at` and exceeds what the baselines give there by the reach of the interval of the difference. Which
    features were found, p, and the untrained network stay.
    """
    number, seed = findings.tracking(at)[0], findings.counts.seed
    standing, score = findings.standing(), findings.best()
    found = np.array([e.found for e in findings.evidence])[:, None] & findings.asked
    with np.errstate(invalid="ignore"):
        near = (score > at - NEAR) & standing.follows & found
        near &= ~(standing.over_three <= -BELOW) & ~(standing.over_untrained <= -BELOW)
    feature, unit = np.nonzero(near)
    weights = resampled(len(findings.counts.tally.total[REPORT::2]), seed=seed)  # blocks are those of every part
    if weights.shape[1] < FEWEST:
        return Share(at, number, len(findings.units), math.nan, math.nan, 0, seed)
    drawn = _scores(findings, feature, unit, weights)
    kept = (drawn >= at) & _drawn(findings, standing, feature, unit, drawn, weights).found
    low, high = interval_of_number(kept, unit)
    return Share(at, number, len(findings.units), low, high, len(weights), seed)


def _drawn(
    findings: Findings, standing: Standing, feature: np.ndarray, unit: np.ndarray, drawn: Floats, weights: Floats
) -> Standing:
    """How the pairs stand in each resampled text, [draw, pair]: what a pair surely exceeds a baseline by is moved by
    what the draw adds to the difference.
    """
    span = np.array([f.kind == "span" for f in findings.features])[feature]
    own = on_line(drawn, span) - on_line(findings.best()[feature, unit], span)
    texts = [alone.drawn(weights) - alone.whole for alone in findings.alone]
    part = np.repeat(np.arange(len(findings.parts)), [len(part.units) for part in findings.parts])[unit]
    alone = np.stack([texts[p][:, f] for p, f in zip(part, feature, strict=True)], 1) if len(unit) else own
    here = {name: getattr(standing, name)[feature, unit] for name in ("follows", "bound", "three", "within")}
    return Standing(
        **here, over_three=standing.over_three[feature, unit] + own - alone,
        over_untrained=standing.over_untrained[feature, unit] + own,
    )  # fmt: skip


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
