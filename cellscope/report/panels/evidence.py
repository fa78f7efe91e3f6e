"""The pictures behind a score, one set a unit: histogram, averages around a span's borders, ROC, other features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellscope.report.contents import Line, UnitCurves


def line_panel(line: Line | None) -> dict[str, object] | None:
    """A curve with its interval."""
    if line is None or not line.x:
        return None
    return {"x": line.x, "y": line.y, "low": line.low, "high": line.high}


def curves_panel(curves: Mapping[str, UnitCurves]) -> dict[str, object]:
    """Each unit's curves by its address; what does not apply is null."""
    return {
        key: {
            "histogram": {"edges": one.edges, "inside": one.inside, "outside": one.outside} if one.edges else None,
            "roc": line_panel(one.roc),
            "start": line_panel(one.start),
            "end": line_panel(one.end),
            "value": line_panel(one.by_value),
        }
        for key, one in curves.items()
    }


def others_panel(others: Mapping[str, Sequence[tuple[str, float | None]]]) -> dict[str, object]:
    """How each unit does on all features: names once, then a list of scores a unit."""
    names = list(dict.fromkeys(name for pairs in others.values() for name, _ in pairs))
    scores = {}
    for unit, pairs in others.items():
        found = dict(pairs)
        scores[unit] = [found.get(name) for name in names]
    return {"features": names, "scores": scores}
