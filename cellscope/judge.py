"""From counts to findings: a unit is chosen on the even blocks of the text and judged on the odd ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.evidence.intervals import expit, jackknife, logit
from cellscope.evidence.multiplicity import family_wise, q_values
from cellscope.evidence.verdicts import Evidence, Q
from cellscope.parallel import in_shares
from cellscope.scores import association as scores
from cellscope.scores.correlation import pearson
from cellscope.sinks.lags import LAGS, Lags
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CHOOSE, REPORT = 0, 1
FEWEST = 20
"""A feature that labels fewer characters than this in either half is not judged."""

COLUMNS = (
    "auc",
    "auc_low",
    "auc_high",
    "ap",
    "f1",
    "threshold",
    "iou",
    "mi",
    "r",
    "d",
    "rank_r",
    "rank_low",
    "rank_high",
    "lag",
    "lag_score",
    "p",
)
"""The scores of a unit, in the order in which tables show them; all on the reporting half."""


@dataclass(frozen=True)
class Findings:
    """What a search found: the evidence for each feature, and every score [feature, unit] on the reporting half.

    `scores` has COLUMNS and "chosen" (the score on the choosing half) and "sign"; NaN where a score does not apply.
    `counts` is what the pass left (count.Counts), for pictures such as a histogram or a ROC curve.
    """

    units: tuple[Unit, ...]
    features: tuple[Any, ...]
    evidence: tuple[Evidence, ...]
    scores: Mapping[str, Floats]
    counts: Any

    @property
    def characters(self) -> int:
        """How many characters were heard."""
        return int(self.counts.characters)

    @property
    def draws(self) -> int:
        """How many shifts of the labels the p-values rest on."""
        return len(self.counts.shifts.draws) if self.counts.shifts is not None else 0

    def ranking(self, feature: int) -> NDArray[np.int64]:
        """Units of a feature, best on the choosing half first."""
        return np.argsort(-np.nan_to_num(self.scores["chosen"][feature], nan=-1.0), kind="stable")

    def table(self) -> pd.DataFrame:
        """One tidy row for each feature and unit, best first within a feature."""
        import pandas as pd

        rows = []
        for f, feature in enumerate(self.features):
            order = self.ranking(f)
            here = {"feature": feature.name, "kind": feature.kind, "rank": np.arange(1, len(order) + 1)}
            here["unit"] = [str(self.units[u]) for u in order]
            here["site"] = [str(self.units[u].site) for u in order]
            here["index"] = [self.units[u].index for u in order]
            here |= {name: self.scores[name][f, order] for name in ("sign", "chosen", *COLUMNS)}
            e = self.evidence[f]
            here |= {"q": e.q, "current": e.current, "last_three": e.three, "untrained": e.untrained}
            rows.append(pd.DataFrame(here))
        return pd.concat(rows, ignore_index=True)

    def tracking(self, at: float = 0.9) -> tuple[int, int]:
        """How many units track a feature that was found, at this score, with q <= .05 and more than the last three
        characters and the untrained network do; and how many such features.
        """
        known = [e.p for e in self.evidence if e.q <= Q]
        p = self.scores["p"] <= max(known, default=-1.0)
        score, low = (
            np.where(np.isnan(self.scores[auc]), self.scores[rank], self.scores[auc])
            for auc, rank in (("auc", "rank_r"), ("auc_low", "rank_low"))
        )
        surely = np.where(np.isnan(low), score, low)  # only the best have an interval
        bar = np.nan_to_num([[e.three, e.untrained] for e in self.evidence], nan=0.0).max(1)
        found = np.array([e.found for e in self.evidence])
        good = found[:, None] & p & (score >= at) & (surely > bar[:, None])
        return int(good.any(0).sum()), int(good.any(1).sum())

    def summary(self, at: float = 0.9) -> str:
        """`n of N units track one of k features at AUC >= t, q <= .05`."""
        units, features = self.tracking(at)
        return (
            f"{units} of {len(self.units)} units track one of {features} of {len(self.features)} features "
            f"at AUC >= {at:g} (numeric: rank r), q <= {Q:g}, above the last three characters"
        )


def judge(counts: Any, *, untrained: Mapping[str, float] | None = None) -> Findings:
    """The findings of one pass (see count.Counts); `untrained` is the score of the best unit of the untrained network
    by feature name.
    """
    spans, total = counts.spans, len(counts.features)
    table = {name: np.full((total, len(counts.units)), np.nan) for name in (*COLUMNS, "chosen", "sign")}
    _score_spans(table, counts.tally, spans)
    _score_numbers(table, counts.tally, spans)
    _score_lags(table, counts.lags, counts.binary)
    maxima = _p_values(table, counts.shifts, counts.binary)
    best = np.array([int(np.argmax(np.nan_to_num(row, nan=-1.0))) for row in table["chosen"]])
    remarks = [_remark(counts, f) for f in range(total)]
    for values in table.values():
        values[[f for f in range(total) if remarks[f]]] = np.nan
    p = np.array([math.nan if remarks[f] else table["p"][f, best[f]] for f in range(total)])
    q = q_values(p)
    one, three = _baselines(counts)
    evidence = []
    for f, feature in enumerate(counts.features):
        name = "auc" if f < spans else "rank_r"
        low, high = ("auc_low", "auc_high") if f < spans else ("rank_low", "rank_high")
        here = {n: float(v[f, best[f]]) for n, v in table.items()}
        evidence.append(
            Evidence(
                feature=feature.name, kind=feature.kind, labelled=int(counts.labelled[f]), characters=counts.characters,
                unit=None if remarks[f] else counts.units[best[f]], score=here[name], low=here[low], high=here[high],
                sign=int(here["sign"]) if here["sign"] == here["sign"] else 1, chosen=here["chosen"],
                threshold=here["threshold"], lag=int(np.nan_to_num(here["lag"])), lag_score=here["lag_score"],
                p=float(p[f]), q=float(q[f]), null=math.nan if maxima is None else float(np.quantile(maxima[:, f],
                0.95) + 0.5 * (f < spans)), current=float(one[f]), three=float(three[f]),
                untrained=(untrained or {}).get(feature.name, math.nan), remark=remarks[f],
            )
        )  # fmt: skip
    return Findings(counts.units, counts.features, tuple(evidence), table, counts)


def _score_spans(table: dict[str, Floats], tally: Tally, spans: int) -> None:
    """Every score of span features; one feature at a time, so that memory stays small."""
    (total_a, positive_a), (total_b, positive_b) = tally.half(CHOOSE), tally.half(REPORT)
    means = tally.inside[..., 1] / np.maximum(tally.inside[..., 0], 1)
    powers = tally.powers[REPORT::2].sum(0)

    def share(first: int, last: int) -> None:
        for f in range(first, last):
            score(f)

    def score(f: int) -> None:
        auc = scores.auroc(positive_a[f], total_a)
        sign = np.where(auc >= 0.5, 1, -1)
        table["sign"][f] = sign
        table["chosen"][f] = np.where(sign > 0, auc, 1 - auc)
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
        _interval(table, tally, f, sign)

    in_shares(spans, share, grain=1)


def _threshold(tally: Tally, sign: NDArray[np.int64], cut: NDArray[np.int64]) -> Floats:
    """The activation at which "on" begins: at or above it for positive units, below it for negative ones."""
    edges = tally.quantiser.edges
    rows, last = np.arange(len(cut)), edges.shape[1]
    up = np.where(cut > 0, edges[rows, np.clip(cut - 1, 0, last - 1)], -np.inf)
    down = np.where(cut > 0, edges[rows, np.clip(last - cut, 0, last - 1)], np.inf)
    return np.where(sign > 0, up, down).astype(float)


def _interval(table: dict[str, Floats], tally: Tally, f: int, sign: NDArray[np.int64], top: int = 16) -> None:
    """Intervals of the AUC of the `top` units that the choosing half likes best."""
    units = np.argsort(-table["chosen"][f], kind="stable")[:top]
    blocks = [a[REPORT::2].astype(float) for a in (tally.positive[:, f, units], tally.total[:, units])]
    signs = sign[units]

    def statistic(sums: list[NDArray[np.float64]]) -> Floats:
        auc = scores.auroc(sums[0], sums[1])  # type: ignore[arg-type]
        return logit(np.where(signs > 0, auc, 1 - auc))

    low, high = jackknife(statistic, blocks)
    table["auc_low"][f, units], table["auc_high"][f, units] = expit(low), expit(high)


def _score_numbers(table: dict[str, Floats], tally: Tally, spans: int) -> None:
    """Pearson's and the rank correlation of numeric features, with intervals on Fisher's z."""

    def correlations(sums: list[NDArray[np.float64]]) -> tuple[Floats, Floats]:
        moments, labels = sums
        a, aa, ya, rank, rr, qr = np.moveaxis(moments, -1, 0)
        n, y, yy, q, qq = (labels[:, [k]] for k in range(5))
        return pearson(n, a, aa, y, yy, ya), pearson(n, rank, rr, q, qq, qr)

    if not tally.products.shape[1]:
        return
    here = slice(spans, None)
    halves = [[x[parity::2] for x in (tally.products, tally.numbers)] for parity in (CHOOSE, REPORT)]
    chosen = correlations([x.sum(0) for x in halves[CHOOSE]])[1]
    sign = np.where(chosen >= 0, 1.0, -1.0)
    table["sign"][here], table["chosen"][here] = sign, np.abs(chosen)
    r, rank_r = correlations([x.sum(0) for x in halves[REPORT]])
    table["r"][here], table["rank_r"][here] = r, rank_r * sign
    low, high = jackknife(
        lambda sums: np.arctanh(np.clip(correlations(sums)[1] * sign, -0.999999, 0.999999)), halves[REPORT]
    )
    table["rank_low"][here], table["rank_high"][here] = np.tanh(low), np.tanh(high)


def _score_lags(table: dict[str, Floats], lags: Lags, binary: NDArray[np.bool_]) -> None:
    """The lag is chosen on one half, its score read off the other."""
    best = (lags.effects(CHOOSE, binary) * table["sign"][:, None, :]).argmax(1)
    table["lag"][:] = LAGS[best]
    effects = np.take_along_axis(lags.effects(REPORT, binary), best[:, None, :], axis=1)[:, 0] * table["sign"]
    table["lag_score"][:] = np.clip(effects + 0.5 * binary[:, None], -1.0, 1.0)


def _p_values(table: dict[str, Floats], shifts: Shifts | None, binary: NDArray[np.bool_]) -> Floats | None:
    """Family-wise p of every unit, and the null's maxima [draw, feature]; None where the text is too short to be
    turned.
    """
    if shifts is None or shifts.distinct < 100:
        return None
    maxima = shifts.maxima(binary)
    # Of so many different shifts that there could be, none can show a smaller p than this.
    table["p"][:] = np.maximum(family_wise(shifts.effects(shifts.observed, binary), maxima), 1 / (1 + shifts.distinct))
    return maxima


def _baselines(counts: Any) -> tuple[Floats, Floats]:
    """Scores of the current character and of the last three, [feature]."""
    if counts.contexts is None:
        return np.full(len(counts.features), np.nan), np.full(len(counts.features), np.nan)
    auc, r = counts.contexts.aucs(), counts.contexts.correlations()
    return np.concatenate([auc[0], r[0]]), np.concatenate([auc[1], r[1]])


def _remark(counts: Any, f: int) -> str:
    """Why a feature cannot be judged in this text, or an empty string."""
    name, labelled, n = counts.features[f].name, int(counts.labelled[f]), counts.characters
    total = np.array([counts.tally.total[parity::2, 0].sum() for parity in (CHOOSE, REPORT)])
    if f < counts.spans and labelled == 0:
        return f"{name} matches nothing in this text"
    if f < counts.spans and labelled >= n:
        return f"{name} matches every character of this text"
    if total.min() < 2 * FEWEST:
        return f"the text is too short to be judged: {n:,} characters"
    if f >= counts.spans:
        counted = [
            counts.tally.numbers[parity::2, f - counts.spans, 0].sum() * counts.tally.stride
            for parity in (CHOOSE, REPORT)
        ]
        return f"{name} counts at only {labelled:,} of {n:,} characters" if min(counted) < FEWEST else ""
    on = np.array([counts.tally.positive[parity::2, f, 0].sum() for parity in (CHOOSE, REPORT)])
    if on.min() < FEWEST:
        return f"{name} is too rare to be judged: {labelled:,} of {n:,} characters"
    if (total - on).min() < FEWEST:
        return f"{name} is too common to be judged: {labelled:,} of {n:,} characters"
    return ""
