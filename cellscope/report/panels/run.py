"""The pictures of a run: losses, units by features, gate saturation, time scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellscope.report.contents import RunPage, Saturated, UnitScores

MOST_UNITS = 400
"""More units than this are not drawn in the heat map: those with the best scores stay, in the order given."""


def heat_panel(heat: UnitScores | None) -> dict[str, object] | None:
    """Scores [unit, feature] in three digits."""
    if heat is None or not heat.units or not heat.features:
        return None
    values, units = np.asarray(heat.values, dtype=float), list(heat.units)
    left_out = max(0, len(units) - MOST_UNITS)
    if left_out:
        best = heat.strength.max(axis=1)
        keep = np.sort(np.argsort(-best, kind="stable")[:MOST_UNITS])
        values, units = values[keep], [units[k] for k in keep]
    return {
        "units": units,
        "features": heat.features,
        "numeric": heat.is_numeric,
        "values": np.round(values, 3),
        "left_out": left_out,
    }


def saturation_panel(saturation: Sequence[Saturated]) -> dict[str, object] | None:
    """Circles by gate and layer: unit, fraction open (right), fraction closed (left)."""
    if not saturation:
        return None
    gates = list(dict.fromkeys(one.gate for one in saturation))
    layers = list(dict.fromkeys(one.layer for one in saturation))
    points: dict[str, dict[str, list[tuple[int, float, float]]]] = {g: {layer: [] for layer in layers} for g in gates}
    for one in saturation:
        points[one.gate][one.layer].append((one.unit, round(one.right, 4), round(one.left, 4)))
    return {"gates": gates, "layers": layers, "points": points}


def run_panel(page: RunPage) -> dict[str, object]:
    """All pictures of a run's page; what was not measured is null."""
    return {
        "losses": page.losses or None,
        "xz": page.xz,
        "heat": heat_panel(page.heat),
        "saturation": saturation_panel(page.saturation),
        "saturated_on": page.saturated_on,
        "timescales": {"units": list(page.timescales), "values": list(page.timescales.values())}
        if page.timescales
        else None,
    }
