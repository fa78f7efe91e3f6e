"""The pictures behind a score, one set a unit: histogram, averages around a span's borders, ROC, other features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cellscope.report.contents import Line, UnitCurves, UnitScores
from cellscope.report.quantise import pack

STEPS = 1000
"""A score is told in as many steps."""
NONE = -(2**15)


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


def others_panel(others: UnitScores | None) -> dict[str, object]:
    """How each unit does on all features: names, and int16 [unit, feature] in thousandths; NONE where there is none."""
    if others is None or not others.units:
        return {"features": []}
    steps = np.where(np.isnan(others.values), NONE, np.rint(np.nan_to_num(others.values) * STEPS))
    return {
        "features": others.features,
        "numeric": others.is_numeric,
        "steps": STEPS,
        "scores": pack(steps.astype("<i2").tobytes()),
    }
