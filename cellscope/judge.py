"""From counts to findings: a unit is chosen on the even blocks of the text and judged on the odd ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.evidence.intervals import Estimate, Replicates, expit, fisher, logit, replicates
from cellscope.evidence.multiplicity import family_wise, q_values
from cellscope.evidence.verdicts import CLEAR, Evidence
from cellscope.findings import ALSO, COLUMNS, Findings, Floats, asked_of
from cellscope.parallel import in_shares
from cellscope.scores import association as scores
from cellscope.scores.correlation import pearson, rank_correlation
from cellscope.sinks.lags import LAGS, REACH, Lags
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

CHOOSE, REPORT = 0, 1
FEWEST = 20
"""A feature that labels fewer characters than this in either half is not judged."""


def judge(*parts: Any, untrained: Mapping[str, Estimate] | None = None) -> Findings:
    """The findings of one pass (see count.Counts); `untrained` is the score of the best unit of the untrained network
    by feature name, with its interval.

    Several parts are the same features counted over other units, with the same draws of the null: the best unit is that
    of all of them, and so is the p-value.
    """
    shared = {id(part.contexts): part for part in parts}  # sites with maps of one size share what colours give away
    known = {key: _baselines(part) for key, part in shared.items()}
    current, alone = zip(*(known[id(part.contexts)] for part in parts), strict=True)
    kin = [kin_of(part) for part in parts]
    tables = [_scored(*given) for given in zip(parts, alone, kin, strict=True)]
    maxima = _p_values(tables, parts)
    sizes = [len(part.units) for part in parts]
    owner = np.repeat(np.arange(len(parts)), sizes)
    remarks = [[_remark(part, f) for f in range(len(part.features))] for part in parts]
    for table, said in zip(tables, remarks, strict=True):
        for values in table.values():
            values[[f for f, remark in enumerate(said) if remark]] = np.nan
    table = {name: np.concatenate([t[name] for t in tables], axis=1) for name in tables[0]}
    units = tuple(unit for part in parts for unit in part.units)
    asked = asked_of(parts)  # what was asked something else does not choose the unit
    best = np.array([int(np.argmax(np.where(asked, np.nan_to_num(row, nan=-1.0), -2.0))) for row in table["chosen"]])
    asking = np.unique(owner[asked]).tolist()
    features = parts[0].features
    q = q_values(np.array([table["p"][f, best[f]] for f in range(len(features))]))
    evidence = []
    for f in range(len(features)):
        of = int(owner[best[f]])
        here = {name: float(values[f, best[f]]) for name, values in table.items()}
        null = math.nan if maxima is None else float(np.quantile(maxima[:, f], 0.95))
        bare = (untrained or {}).get(features[f].name, Estimate(math.nan))
        unit = None if remarks[of][f] else units[best[f]]
        whole = int(kin[of][f]) if f < parts[of].spans else -1
        larger = features[whole].name if whole >= 0 else ""
        bars = null, float(current[of][f]), float(alone[of].whole[f]), bare
        left = {str(parts[k].units[0].site): remarks[k][f] for k in asking if remarks[k][f]} if unit is not None else {}
        why = remarks[of][f], _unjudged(left)
        evidence.append(_evidence(parts[of], f, unit, here, float(q[f]), bars, why, larger))
    binary = parts[0].binary
    line = tuple(own.on_line(binary) for own in alone)
    return Findings(units, features, tuple(evidence), table, parts, line)


def _evidence(
    part: Any, f: int, unit: Unit | None, here: dict[str, float], q: float,
    bars: tuple[float, float, float, Estimate], why: tuple[str, str], kin: str,
) -> Evidence:  # fmt: skip
    """The evidence of feature `f`, whose best unit has the scores `here`; `bars` are null, current, three, untrained;
    `why` are why it was not judged, and which other units were not.
    """
    span = f < part.spans
    names = ("auc", "auc_low", "auc_high") if span else ("rank_r", "rank_low", "rank_high")
    score, low, high = (here[name] for name in names)
    null, current, three, untrained = bars
    return Evidence(
        feature=part.features[f].name, kind=part.features[f].kind, labelled=int(part.labelled[f]),
        characters=part.characters, unit=unit, score=score, low=low, high=high,
        sign=int(here["sign"]) if here["sign"] == here["sign"] else 1, chosen=here["chosen"],
        threshold=here["threshold"], lag=int(np.nan_to_num(here["lag"])), lag_score=here["lag_score"],
        p=here["p"], q=q, null=null + 0.5 * span, turns=here["shifts"], current=current,
        three=three, over_three_low=here["over_three_low"], over_three_high=here["over_three_high"],
        untrained=untrained.value, untrained_low=untrained.low, untrained_high=untrained.high,
        remark=why[0], unjudged=why[1], terms=part.terms, kin=kin, within=here["within"],
    )  # fmt: skip


def _unjudged(left: Mapping[str, str]) -> str:
    """Which sites' units could not be judged, in words, from why: nothing where there are none."""
    if not left:
        return ""
    sites = ", ".join(list(left)[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
    return f"units of {sites} could not be judged: {next(iter(left.values()))}"


def _scored(counts: Any, alone: Replicates, kin: NDArray[np.int64]) -> dict[str, Floats]:
    """Every score of one part [feature, unit], but for the p-values; `alone` [feature] is what a unit has to beat."""
    table = {name: np.full((len(counts.features), len(counts.units)), np.nan) for name in (*COLUMNS, *ALSO)}
    table["three"][:] = alone.whole[:, None]
    _score_spans(table, counts.tally, alone.of(slice(counts.spans)), kin)
    _score_numbers(table, counts.tally, counts.spans, alone.of(slice(counts.spans, None)))
    if counts.lags is not None:
        _score_lags(table, counts.lags, counts.binary)
    return table


def kin_of(counts: Any) -> NDArray[np.int64]:
    """For every span feature the smallest one that it is a part of (99 % of it, and a tenth larger), else -1."""
    kin = np.full(counts.spans, -1)
    if counts.together is None:
        return kin
    own = np.diag(counts.together)
    for f in range(counts.spans):
        larger = np.flatnonzero((counts.together[f] >= 0.99 * own[f]) & (own > 1.1 * own[f]) & (own[f] > 0))
        if len(larger):
            kin[f] = larger[own[larger].argmin()]
    return kin


def _score_spans(table: dict[str, Floats], tally: Tally, alone: Replicates, kin: NDArray[np.int64]) -> None:
    """Every score of span features; one feature at a time, so that memory stays small."""
    (total_a, positive_a), (total_b, positive_b) = tally.half(CHOOSE), tally.half(REPORT)
    means = tally.means()
    powers = tally.powers[REPORT::2].sum(0)

    def share(first: int, last: int) -> None:
        for f in range(first, last):
            score(f)

    def score(f: int) -> None:
        auc = scores.auroc(positive_a[f], total_a)
        sign = np.where(auc >= 0.5, 1, -1)
        table["sign"][f] = sign
        table["chosen"][f] = np.where(sign > 0, auc, 1 - auc)
        if kin[f] >= 0:
            inner = scores.auroc(positive_b[f], positive_b[kin[f]])
            table["within"][f] = np.where(sign > 0, inner, 1 - inner)
        auc = scores.auroc(positive_b[f], total_b)
        table["auc"][f] = np.where(sign > 0, auc, 1 - auc)
        labelled, count = positive_b[f].sum(-1), total_b.sum(-1)
        on = (positive_b[f] * means).sum(-1)
        table["r"][f], table["d"][f] = scores.point_biserial(on, powers[:, 0], count, labelled, powers[:, 1])
        choose, all_choose = scores.along(sign, positive_a[f], total_a)
        report, all_report = scores.along(sign, positive_b[f], total_b)
        table["ap"][f] = scores.average_precision(report, all_report)
        table["mi"][f] = scores.mutual_information(report, all_report)
        cut = scores.f1_curve(choose, all_choose).argmax(-1)
        rows = np.arange(len(cut))
        table["f1"][f] = scores.f1_curve(report, all_report)[rows, cut]
        table["iou"][f] = scores.iou_curve(report, all_report)[rows, cut]
        table["threshold"][f] = _threshold(tally, sign, cut)
        _interval(table, tally, f, sign, alone.of(f))

    in_shares(len(alone.whole), share, grain=1)


def _threshold(tally: Tally, sign: NDArray[np.int64], cut: NDArray[np.int64]) -> Floats:
    """The activation at which "on" begins: at or above it for positive units, below it for negative ones."""
    edges = tally.quantiser.edges
    rows, last = np.arange(len(cut)), edges.shape[1]
    up = np.where(cut > 0, edges[rows, np.clip(cut - 1, 0, last - 1)], -np.inf)
    down = np.where(cut > 0, edges[rows, np.clip(last - cut, 0, last - 1)], np.inf)
    return np.where(sign > 0, up, down).astype(float)


def _interval(
    table: dict[str, Floats], tally: Tally, f: int, sign: NDArray[np.int64], alone: Replicates, top: int = 16
) -> None:
    """Intervals of the AUC, and of how far it lies above `alone`, of the `top` units that the choosing half likes best,
    and of every unit above that or CLEAR: none tracks a feature, plainly or not, without one.
    """
    best = np.argsort(-table["chosen"][f], kind="stable")[:top]
    units = np.union1d(best, np.flatnonzero(table["auc"][f] > np.fmin(alone.whole, CLEAR)))
    blocks = [a[REPORT::2].astype(float) for a in (tally.positive[:, f, units], tally.total[:, units])]
    signs = sign[units]

    def statistic(sums: list[NDArray[np.float64]]) -> Floats:
        auc = scores.auroc(sums[0], sums[1])  # type: ignore[arg-type]
        return np.where(signs > 0, auc, 1 - auc)

    own = replicates(statistic, blocks).in_log_odds()
    low, high = map(expit, own.ends())
    # Log odds are kept finite, so that those of a perfect score fall a little short of it.
    table["auc_low"][f, units] = np.minimum(low, table["auc"][f, units])
    table["auc_high"][f, units] = np.maximum(high, table["auc"][f, units])
    over = own - alone.of(None).in_log_odds()
    table["over_three_low"][f, units], table["over_three_high"][f, units] = over.ends()


def _score_numbers(table: dict[str, Floats], tally: Tally, spans: int, alone: Replicates) -> None:
    """Pearson's and the rank correlation of numeric features, with intervals on Fisher's z, and how far the latter lies
    above `alone`.
    """

    def correlations(sums: list[NDArray[np.float64]]) -> tuple[Floats, Floats]:
        moments, labels = sums
        a, aa, ya, *_ = np.moveaxis(moments, -1, 0)
        n, y, yy, *_ = (labels[:, [k]] for k in range(5))
        return pearson(n, a, aa, y, yy, ya), rank_correlation(moments, labels[:, None])

    if not tally.products.shape[1]:
        return
    here = slice(spans, None)
    halves = [[x[parity::2] for x in (tally.products, tally.numbers)] for parity in (CHOOSE, REPORT)]
    chosen = correlations([x.sum(0) for x in halves[CHOOSE]])[1]
    sign = np.where(chosen >= 0, 1.0, -1.0)
    table["sign"][here], table["chosen"][here] = sign, np.abs(chosen)
    r, rank_r = correlations([x.sum(0) for x in halves[REPORT]])
    table["r"][here], table["rank_r"][here] = r, rank_r * sign
    own = replicates(lambda sums: correlations(sums)[1] * sign, halves[REPORT]).in_z()
    low, high = map(np.tanh, own.ends())
    table["rank_low"][here] = np.minimum(low, table["rank_r"][here])
    table["rank_high"][here] = np.maximum(high, table["rank_r"][here])
    over = own - alone.of(slice(None), None).in_z()
    table["over_three_low"][here], table["over_three_high"][here] = over.ends()


def _score_lags(table: dict[str, Floats], lags: Lags, binary: NDArray[np.bool_]) -> None:
    """The lag is chosen on one half; its score is the unit's own and what the lag gains on the other half.

    Lags are summed over a part of the steps only, so it is their difference that is compared with a score of all, in
    log odds (of numbers in Fisher's z), where no gain leads beyond 1.
    """
    chosen = lags.effects(CHOOSE, binary) * table["sign"][:, None, :]
    best = chosen.argmax(1)
    table["lag"][:] = LAGS[best]
    table["lag_gain"][:] = np.take_along_axis(chosen, best[:, None, :], axis=1)[:, 0] - chosen[:, REACH]
    effects = lags.effects(REPORT, binary) * table["sign"][:, None, :]
    there, here = np.take_along_axis(effects, best[:, None, :], axis=1)[:, 0], effects[:, REACH]
    auc = expit(logit(table["auc"]) + logit(0.5 + there) - logit(0.5 + here))
    z = [fisher(r) for r in (table["rank_r"], there, here)]
    moved = np.where(binary[:, None], auc, np.tanh(z[0] + z[1] - z[2]))
    table["lag_score"][:] = np.where(best == REACH, np.where(binary[:, None], table["auc"], table["rank_r"]), moved)


def _p_values(tables: Sequence[dict[str, Floats]], parts: Sequence[Any]) -> Floats | None:
    """Family-wise p of every unit of all parts, and the null's maxima [draw, feature]; None where there is too little
    to be turned.
    """
    binary = parts[0].binary
    if any(part.shifts is None or part.shifts.distinct < 100 for part in parts):
        return None
    # The same draw turned the labels of every part alike, so the largest of all is one draw's maximum.
    maxima: Floats = np.max([part.shifts.maxima(binary) for part in parts], axis=0)
    for table, part in zip(tables, parts, strict=True):
        shifts: Shifts = part.shifts
        own = family_wise(shifts.effects(shifts.observed, binary) / shifts.widening, maxima)
        table["p"][:] = np.maximum(own, 1 / shifts.distinct)  # of so many shifts none can show less
        table["shifts"][:] = shifts.independent
    return maxima


def _baselines(counts: Any) -> tuple[Floats, Replicates]:
    """Scores of the current character and of the last three, [feature]; the latter also without each reporting
    block.
    """
    if counts.contexts is None:
        nothing = np.full(len(counts.features), np.nan)
        return nothing, Replicates(nothing, np.tile(nothing, (len(counts.tally.total[REPORT::2]), 1)))
    (one, three), (near, far) = counts.contexts.aucs(), counts.contexts.correlations()
    both = np.concatenate([three.whole, far.whole]), np.concatenate([three.left, far.left], axis=1)
    return np.concatenate([one, near]), Replicates(*both)


def _spread(numbers: Floats) -> tuple[float, float]:
    """Mean and variance of a numeric feature, from n and the sums of y and y y; what rounding leaves is none."""
    n, total, squares = numbers[:3]
    variance = squares / n - (total / n) ** 2
    return float(total / n), float(variance if variance > 1e-12 * squares / n else 0.0)


def _remark(counts: Any, f: int) -> str:
    """Why a feature cannot be judged in this text, or an empty string."""
    name, labelled, n = counts.features[f].name, int(counts.labelled[f]), counts.characters
    items, subject = counts.terms.items, counts.terms.subject
    total = np.array([counts.tally.total[parity::2, 0].sum() for parity in (CHOOSE, REPORT)])
    if f < counts.spans and labelled == 0:
        return f"{name} matches nothing in this {subject}"
    if f < counts.spans and labelled >= n:
        return f"{name} matches every {items.split()[0][:-1]} of this {subject}"
    if total.min() < 2 * FEWEST:
        return f"the {subject} {counts.terms.few} to be judged: {n:,} {items}"
    if f >= counts.spans:
        counted = [
            counts.tally.numbers[parity::2, f - counts.spans, 0].sum() * counts.tally.stride
            for parity in (CHOOSE, REPORT)
        ]
        if min(counted) < FEWEST:
            return f"{name} counts at only {labelled:,} of {n:,} {items}"
        halves = [_spread(counts.tally.numbers[parity::2, f - counts.spans].sum(0)) for parity in (CHOOSE, REPORT)]
        value, spread = _spread(counts.tally.numbers[:, f - counts.spans].sum(0))
        if min(varied for _, varied in halves) > 0:
            return ""
        where = f"half of this {subject}, and" if spread > 0 else f"this {subject} ({value:g}), and"
        return f"{name} has one value throughout {where} cannot be judged"
    on = np.array([counts.tally.positive[parity::2, f, 0].sum() for parity in (CHOOSE, REPORT)])
    if on.min() < FEWEST:
        return f"{name} is too rare to be judged: {labelled:,} of {n:,} {items}"
    if (total - on).min() < FEWEST:
        return f"{name} is too common to be judged: {labelled:,} of {n:,} {items}"
    return ""
