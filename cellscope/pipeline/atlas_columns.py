"""What else the atlas says of every unit: its kind, its time scale, and what the loss rises by without it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cellscope.evidence.kinds import CRITERION
from cellscope.evidence.lesion_map import LesionMap
from cellscope.evidence.timescales import time_scales
from cellscope.evidence.zones import ELSEWHERE, INSIDE
from cellscope.models.network import Network
from cellscope.pipeline.find import Search
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.kind import kinds_in
from cellscope.pipeline.lesion_map import read_map
from cellscope.pipeline.scan import Scan
from cellscope.report.files import Cell

Cells = Mapping[str, Cell]


@dataclass(frozen=True)
class Columns:
    """`cells` has a dict for each unit; `shown` are the columns that tables show, `details` those that are told of one
    unit at a time, `method` says how they were measured.
    """

    shown: tuple[str, ...]
    cells: tuple[Cells, ...]
    method: tuple[str, ...]
    details: tuple[str, ...] = ()

    def __add__(self, other: Columns) -> Columns:
        cells = tuple({**mine, **theirs} for mine, theirs in zip(self.cells, other.cells, strict=True))
        return Columns(self.shown + other.shown, cells, self.method + other.method, self.details + other.details)


def columns_of(search: Search, heard: Scan, features: Sequence[int]) -> Columns:
    """Every column there is; `features` has each unit's own, -1 for none."""
    made = kind_columns(search, features) + _time_scales(heard)
    if search.run is None or not isinstance(search.network, Network):
        return made
    lesions = read_map(search.run, search.network)
    return made if lesions is None else made + lesion_columns(search, lesions, features)


def kind_columns(search: Search, features: Sequence[int]) -> Columns:
    """What kind of cell each unit is at its own feature, and how much of what it does that explains."""
    kinds = kinds_in(search, features)
    cells = []
    for unit in search.findings.units:
        kind = kinds.get(unit)
        fit = kind.of(kind.clock) if kind is not None else None
        cells.append({"kind": kind.name if kind is not None else None, "kind R2": known(fit.r2) if fit else None})
    return Columns(("kind",), tuple(cells), (CRITERION,), ("kind R2",))


def _time_scales(heard: Scan) -> Columns:
    cells = tuple({"time scale": known(float(scale))} for scale in time_scales(heard.values))
    length = f"Time scales: until the autocorrelation falls to 1/e, on the last {len(heard.values):,} characters."
    return Columns(("time scale",), cells, (length,))


def lesion_columns(search: Search, lesions: LesionMap, features: Sequence[int]) -> Columns:
    """The change inside each unit's feature, with its interval, and elsewhere; a map knows span features alone."""
    value, low, high = lesions.intervals()
    row_of = {unit: k for k, unit in enumerate(lesions.units)}
    column_of = {name: k for k, name in enumerate(lesions.features)}
    cells = []
    for unit, feature in zip(search.findings.units, features, strict=True):
        u = row_of.get(unit, -1)
        f = column_of.get(search.findings.features[feature].name, -1) if feature >= 0 else -1
        there = u >= 0 and f >= 0
        cells.append({
            "without it": known(float(value[u, f, INSIDE])) if there else None,
            "without it_low": known(float(low[u, f, INSIDE])) if there else None,
            "without it_high": known(float(high[u, f, INSIDE])) if there else None,
            "without it elsewhere": known(float(value[u, f, ELSEWHERE])) if there else None,
        })  # fmt: skip
    held = "zero" if lesions.fill == "zero" else "its mean"
    words = (
        f"Without it: what the loss rises by, in nats a character inside the unit's feature and elsewhere, when the "
        f"unit is held at {held} while the network runs on; over the last {lesions.characters:,} characters."
    )
    return Columns(("without it",), tuple(cells), (words,), ("without it elsewhere",))


def picture_columns(search: PictureSearch, features: Sequence[int]) -> Columns:
    """What each unit is the output of, and how far it covers its own concept (see `find_pictures.with_overlaps`)."""
    kinds = {outlet.site: outlet.kind for outlet in search.outlets}
    overlap, most = search.findings.scores["dissection"], search.findings.scores["attainable"]
    cells = tuple(
        {
            "kind": kinds[unit.site],
            "dissection": known(float(overlap[f, u])) if f >= 0 else None,
            "attainable": known(float(most[f, u])) if f >= 0 else None,
        }
        for u, (unit, f) in enumerate(zip(search.findings.units, features, strict=True))
    )
    words = (
        "Kind: the module whose output a unit is.",
        "Dissection: IoU of the half per cent of places where the unit is highest with its concept's mask (Bau et al. "
        "2017).",
    )
    return Columns(("kind", "dissection"), cells, words, ("attainable",))


def known(value: float) -> float | None:
    """The value, or None where there is none."""
    return value if math.isfinite(value) else None
