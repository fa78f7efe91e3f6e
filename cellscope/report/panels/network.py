"""A run's page for its script: the network as cards, the concepts found, and every measurement that there is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellscope.report.files import Cell, layer_name, safe_name
from cellscope.report.panels.evidence import line_panel
from cellscope.report.picture_contents import PictureRunPage
from cellscope.report.picture_parts import (
    AttributionRow,
    Backquery,
    ClassLesions,
    ConceptFinding,
    Invariances,
    LayerCard,
    ReadableModel,
    Snapshot,
)
from cellscope.report.picture_units import Floats
from cellscope.report.sheets import Json, Sheets

CONCEPT_COLUMNS = (
    "concept", "answer", "unit", "layer", "auc", "auc_low", "auc_high", "iou", "iou_most", "colour", "untrained", "p",
    "q", "reason",
)  # fmt: skip
MOST_UNITS = 60
"""More units than this are not drawn in the heat map of lesions: those that any class hangs on most stay."""


def network_panel(page: PictureRunPage, sheets: Sheets) -> Json:
    """All panels of a run; what was not measured is null."""
    picture = None if page.picture is None else sheets.pictures("picture", page.picture[None])
    return {
        "layers": {"picture": picture, "cards": [card_panel(card, sheets) for card in page.layers]},
        "concepts": [concept_row(one) for one in page.concepts],
        "links": {one.concept: f"{safe_name(one.concept)}.html" for one in page.concepts if one.page},
        "over_units": {name: line_panel(line) for name, line in page.over_units.items()},
        "losses": page.losses or None,
        "confusion": {"classes": page.confusion.classes, "counts": page.confusion.counts} if page.confusion else None,
        "damage": [
            {"layer": one.layer, "order": one.order, "fill": one.fill, "line": line_panel(one.line)}
            for one in page.damage
        ],
        "chance": page.chance,
        "lesions": [made for one in page.lesions if (made := lesions_panel(one)) is not None],
        "invariance": None if page.invariance is None else invariance_panel(page.invariance),
        "attributions": [attribution_panel(row, sheets) for row in page.attributions],
        "readable": readable_panel(page.readable, sheets),
        "probes": None if page.probes is None else vars(page.probes),
        "snapshots": snapshots_panel(page.snapshots, sheets),
        "backquery": backquery_panel(page.backquery, sheets),
    }


def card_panel(card: LayerCard, sheets: Sheets) -> Json:
    """A layer in the drawing of the network."""
    return {
        "site": card.site,
        "kind": card.kind,
        "shape": card.shape,
        "note": card.note,
        "href": f"{layer_name(card.site)}.html" if card.page else "",
        "maps": None if card.maps is None else sheets.maps("layers", card.maps),
    }


def concept_row(one: ConceptFinding) -> dict[str, Cell]:
    """One line of the table of concepts, on the page and beside it."""
    values: dict[str, Cell] = {**vars(one), "auc_low": one.low, "auc_high": one.high}
    return {name: values[name] for name in CONCEPT_COLUMNS}


def lesions_panel(lesions: ClassLesions) -> Json | None:
    """The units that any class hangs on most, in the order given."""
    if not lesions.units:
        return None
    weight = np.nan_to_num(np.abs(lesions.values)).max(axis=1)
    kept = np.sort(np.argsort(-weight, kind="stable")[:MOST_UNITS])
    return {
        "units": [lesions.units[k] for k in kept],
        "links": {lesions.units[k]: unit_href(lesions.units[k]) for k in kept},
        "classes": lesions.classes,
        "values": np.round(np.asarray(lesions.values, float)[kept], 4),
        "fill": lesions.fill,
        "left_out": len(lesions.units) - len(kept),
    }


def invariance_panel(made: Invariances) -> Json:
    """The curves of the layers, those of the answers, and what is said of pooling."""
    return {
        "curves": [
            {"change": i.change, "layer": i.layer, "amount": i.amount, "measure": i.measure, "line": line_panel(i.line)}
            for i in made.curves
        ],
        "answers": [
            {
                "change": a.change,
                "amount": a.amount,
                "same": line_panel(a.same),
                "right": None if a.right is None else line_panel(a.right),
            }
            for a in made.answers
        ],
        "pooling": made.pooling,
    }


def unit_href(address: str) -> str:
    """Where a unit is shown: its layer's page, without the fragment that says which unit."""
    return f"{layer_name(address.rpartition('/')[0])}.html"


def attribution_panel(row: AttributionRow, sheets: Sheets) -> Json:
    """A picture and its maps."""
    return {
        "picture": sheets.pictures("explained", row.picture[None]),
        "target": row.target,
        "label": row.label,
        "number": row.number,
        "maps": [
            {
                "method": a.method,
                "survival": a.survival,
                "note": a.note,
                "map": sheets.maps("attributions", a.map[None]),
            }
            for a in row.maps
        ],
    }


def readable_panel(model: ReadableModel | None, sheets: Sheets) -> Json | None:
    """The weights of a logistic regression, as pictures or as bars by column."""
    if model is None:
        return None
    flat = model.weights.ndim == 2
    pictured = None if flat else sheets.weights("readable", _channels(model.weights))
    return {
        "classes": model.classes,
        "pictures": pictured,
        "weights": model.weights if flat else None,
        "columns": model.columns,
        "accuracy": model.accuracy,
        "network": model.network,
        "note": model.note,
    }


def _channels(weights: Floats) -> Floats:
    """[picture, row, column] for one channel, as it is for three, the mean of any other number of channels."""
    return weights if weights.shape[1] == 3 else np.asarray(weights.mean(axis=1))


def snapshots_panel(snapshots: Sequence[Snapshot], sheets: Sheets) -> list[Json]:
    """The network over its training, in the order of the steps."""
    return [
        {
            **{name: value for name, value in vars(one).items() if name != "filters"},
            "filters": None if one.filters is None else sheets.weights("training", _channels(one.filters)),
        }
        for one in sorted(snapshots, key=lambda one: one.step)
    ]


def backquery_panel(one: Backquery | None, sheets: Sheets) -> Json | None:
    """Labels run backwards as pictures, grey from 0 to 1, and what the network answers."""
    if one is None:
        return None
    drawn = np.rint(np.clip(one.maps, 0, 1) * 255).astype(np.uint8)
    return {
        "labels": one.labels,
        "strip": sheets.pictures("backquery", drawn),
        "low": one.maps.min(),
        "high": one.maps.max(),
        "answers": one.answers,
    }
