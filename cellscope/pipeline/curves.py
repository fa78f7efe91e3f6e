"""The pictures behind a score: histograms and ROC from the search's counts, averages around borders from the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.judge import REPORT
from cellscope.pipeline.scan import Scan
from cellscope.report.contents import Line, UnitCurves

Floats = NDArray[np.float64]

BINS, FEW = 48, 24
REACH = 20
"""Characters around a border."""
MOST_SPANS = 20_000


class Histograms:
    """How often each unit's activation was where, on the reporting half, in bins of equal width."""

    def __init__(self, tally: Any) -> None:
        self.total, self.positive = tally.half(REPORT)
        self.edges = tally.quantiser.edges

    def borders(self, unit: int, bins: int = BINS) -> Floats:
        """The borders of `bins` bins over what the unit was seen to do, [bin + 1]."""
        edges, used = self.edges[unit], np.flatnonzero(self.total[unit])
        first, last = (used[0], used[-1]) if len(used) else (1, len(edges) - 1)
        low, high = edges[max(first - 1, 0)], edges[min(last, len(edges) - 1)]
        return np.linspace(low, high if high > low else low + 1e-6, bins + 1)

    def spread(self, counts: NDArray[np.int64], unit: int, borders: Floats) -> Floats:
        """Counts [quantised bin] as counts [bin] between borders; mass within a quantised bin lies evenly."""
        below = np.interp(borders, self.edges[unit], np.cumsum(counts)[:-1])
        below[0], below[-1] = 0, counts.sum()
        return np.diff(below)

    def inside_outside(self, feature: int, unit: int, bins: int) -> tuple[Floats, Floats, Floats]:
        """Borders, and counts inside and outside of a span feature."""
        borders, inside = self.borders(unit, bins), self.positive[feature, unit]
        return borders, self.spread(inside, unit, borders), self.spread(self.total[unit] - inside, unit, borders)

    def roc(self, feature: int, unit: int, sign: int) -> Line | None:
        """The true over the false positive rate, threshold by threshold, in the unit's direction."""
        inside = self.positive[feature, unit][::-sign]
        outside = self.total[unit][::-sign] - inside
        if not (inside.sum() and outside.sum()):
            return None
        hits, alarms = np.cumsum(inside) / inside.sum(), np.cumsum(outside) / outside.sum()
        return Line(x=(0.0, *_rounded(alarms)), y=(0.0, *_rounded(hits)))

    def precision(self, feature: int, unit: int, sign: int, threshold: float) -> tuple[float, float]:
        """Precision and recall of "on" at a threshold."""
        edges = self.edges[unit]
        if sign > 0:  # bin k lies between the edges k - 1 and k
            bins = np.concatenate([[threshold == -np.inf], edges >= threshold])
        else:
            bins = np.concatenate([edges <= threshold, [threshold == np.inf]])
        hits, called = self.positive[feature, unit][bins].sum(), self.total[unit][bins].sum()
        return float(hits / max(called, 1)), float(hits / max(self.positive[feature, unit].sum(), 1))


def span_curves(histograms: Histograms, scan: Scan, feature: int, unit: int, sign: int) -> UnitCurves:
    """Every picture of a unit and a span feature."""
    borders, inside, outside = histograms.inside_outside(feature, unit, BINS)
    values, label = scan.unit(unit), scan.labels.spans[feature]
    change = np.diff(label.astype(np.int8), prepend=label[:1].astype(np.int8))
    return UnitCurves(
        edges=_rounded(borders, 5),
        inside=_rounded(inside, 1),
        outside=_rounded(outside, 1),
        roc=histograms.roc(feature, unit, sign),
        start=around(values, np.flatnonzero(change == 1)),
        end=around(values, np.flatnonzero(change == -1)),
    )


def number_curves(scan: Scan, feature: int, unit: int) -> UnitCurves:
    """The mean activation by the value of a numeric feature, in at most 40 steps of equal mass."""
    known = scan.labels.flags(feature)
    return UnitCurves(by_value=by_value(scan.unit(unit)[known], scan.labels.row(feature)[known]))


def by_value(values: NDArray[np.float32], label: NDArray[np.float32], *, steps: int = 40) -> Line | None:
    """Mean activation over the label's value, with the interval of neighbouring characters taken as one draw in ten."""
    if len(values) < 2:
        return None
    cuts = np.unique(np.quantile(label, np.linspace(0, 1, steps + 1)))
    place = np.clip(np.searchsorted(cuts, label, side="right") - 1, 0, len(cuts) - 1)
    count = np.bincount(place, minlength=len(cuts))
    used = count > 0
    weights = (label, values, values.astype(float) ** 2)
    x, y, yy = (np.bincount(place, w, len(cuts))[used] / count[used] for w in weights)
    half = 1.96 * np.sqrt(np.maximum(yy - y * y, 0) / np.maximum(count[used] / 10, 1))
    return Line(x=_rounded(x), y=_rounded(y), low=_rounded(y - half), high=_rounded(y + half))


def around(values: NDArray[np.float32], places: NDArray[np.int64]) -> Line | None:
    """Mean activation by characters from a border, with a 95 % interval over the borders; None without any."""
    places = places[(places >= REACH) & (places < len(values) - REACH)]
    if not len(places):
        return None
    places = places[:: -(-len(places) // MOST_SPANS)]
    offsets = np.arange(-REACH, REACH + 1)
    seen = values[places[:, None] + offsets]
    mean = seen.mean(axis=0, dtype=np.float64)
    if len(places) < 2:
        return Line(x=_rounded(offsets), y=_rounded(mean))
    half = 1.96 * seen.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(places))
    return Line(x=_rounded(offsets), y=_rounded(mean), low=_rounded(mean - half), high=_rounded(mean + half))


def _rounded(values: NDArray[Any], digits: int = 4) -> tuple[float, ...]:
    return tuple(np.round(values.astype(np.float64), digits).tolist())
