"""A layer's page for its script: the bank of inputs, the tiles of every unit, and each unit's own panels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellscope.report.panels.evidence import line_panel
from cellscope.report.picture_contents import LayerPage, PictureBank, PictureUnit, RowBank
from cellscope.report.picture_units import Backward, ConceptScore, Examples, Filter, Lesion, Optimised
from cellscope.report.sheets import Json, Sheets

MOST_SLICES = 64
"""A filter of a deeper layer has one picture an input; more than this are not drawn: the strongest stay, in order."""


def bank_panel(bank: PictureBank | RowBank, sheets: Sheets) -> Json:
    """All inputs of a page: pictures in sheets, or rows of numbers."""
    words = {"numbers": bank.numbers, "labels": bank.labels, "names": bank.names}
    if isinstance(bank, RowBank):
        return {"rows": bank.values, "columns": bank.columns, **words}
    return {"strips": sheets.many("pictures", bank.pictures), "size": bank.size or bank.pictures.shape[1:3], **words}


def layer_panel(page: LayerPage, sheets: Sheets) -> Json:
    """Everything of a layer; the tiles' files come first, since they are seen first."""
    grid = None
    if page.grid is not None:
        made = [sheets.maps("grid", maps) for maps in page.grid.maps]
        grid = {"inputs": page.grid.inputs, "maps": made, "low": page.grid.maps.min(), "high": page.grid.maps.max()}
    return {
        "site": page.site,
        "grid": grid,
        "bank": bank_panel(page.bank, sheets),
        "units": [unit_panel(unit, sheets) for unit in page.units],
    }


def unit_panel(unit: PictureUnit, sheets: Sheets) -> Json:
    """One unit; what is not known of it is left out."""
    made: Json = {
        "remark": unit.remark,
        "dead": unit.dead,
        "tracks": unit.tracks,
        "numbers": unit.numbers,
        "top": examples_panel(unit.top, "top", sheets),
        "bottom": examples_panel(unit.bottom, "bottom", sheets),
        "random": examples_panel(unit.random, "random", sheets),
        "backward": [backward_panel(one, sheets) for one in unit.backward],
        "optimised": [optimised_panel(one, sheets) for one in unit.optimised],
        "agreement": unit.agreement,
        "filter": filter_panel(unit.filter, sheets),
        "weights": unit.weights,
        "concepts": concepts_panel(unit.concepts),
        "lesions": [lesion_panel(one) for one in unit.lesions],
    }
    known = {key: value for key, value in made.items() if value is not None and (key == "weights" or value)}
    return {"index": unit.index, **known}


def examples_panel(examples: Examples | None, name: str, sheets: Sheets) -> Json | None:
    """Inputs, values, boxes, and the unit's maps over them."""
    if examples is None or not examples.inputs:
        return None
    return {
        "inputs": examples.inputs,
        "values": examples.values,
        "boxes": examples.boxes,
        "maps": None if examples.maps is None else sheets.maps(f"maps {name}", examples.maps),
    }


def backward_panel(one: Backward, sheets: Sheets) -> Json:
    """What a method sent back to the pixels."""
    drawn = sheets.weights("backward", one.maps)
    return {"method": one.method, "seed": one.seed, "survival": one.survival, "checked": one.checked, "maps": drawn}


def optimised_panel(one: Optimised, sheets: Sheets) -> Json:
    """A made picture and the way to it."""
    strip = sheets.pictures("optimised", one.picture[None])
    return {"label": one.label, "value": one.value, "strip": strip, "objective": line_panel(one.objective)}


def filter_panel(one: Filter | None, sheets: Sheets) -> Json | None:
    """Weights as one picture where they are a picture's, else one small picture an input channel, strongest kept."""
    if one is None:
        return None
    channels = len(one.weights)
    as_picture = one.of_picture and channels in (1, 3)
    kept = np.arange(channels)
    if as_picture:
        drawn = sheets.weights("filters", one.weights[None] if channels == 3 else one.weights)
    else:
        if channels > MOST_SLICES:
            strength = np.square(one.weights).sum(axis=(1, 2))
            kept = np.sort(np.argsort(-strength, kind="stable")[:MOST_SLICES])
        drawn = sheets.weights("slices", one.weights[kept])
    return {
        "picture": as_picture,
        "maps": drawn,
        "size": one.weights.shape[1:],
        "channels": kept,
        "of": channels,
        "inputs": [one.inputs[k] for k in kept] if one.inputs else [],
        "response": None if one.response is None else sheets.maps("responses", one.response[None]),
        "response_input": one.response_input,
        "patches": None if one.patches is None or not len(one.patches) else sheets.pictures("patches", one.patches),
        "patch_values": one.patch_values,
        "gabor": one.gabor,
        "rotations": one.rotations,
    }


def concepts_panel(scores: Sequence[ConceptScore]) -> list[list[object]]:
    """A short list a concept: name, AUC, low, high, IoU, its greatest possible, sign, answer."""
    return [[s.concept, s.auc, s.low, s.high, s.iou, s.iou_most, s.sign, s.answer] for s in scores]


def lesion_panel(lesion: Lesion) -> Json:
    """Change of accuracy, overall and by class."""
    return {"overall": lesion.overall, "by_class": list(lesion.by_class.items()), "fill": lesion.fill}


def unit_rows(page: LayerPage) -> tuple[list[str], list[dict[str, str | float | int | bool | None]]]:
    """The table beside the page: a unit a row, with what it does, tracks, and what its loss costs."""
    concepts = list(dict.fromkeys(score.concept for unit in page.units for score in unit.concepts))
    lesions = [(one.fill, name) for unit in page.units for one in unit.lesions for name in ("", *one.by_class)]
    columns = ["unit", "dead", "tracks", "remark", "most"]
    columns += [f"{what} {name}" for name in concepts for what in ("auc", "iou")]
    columns += [_lesion_column(*one) for one in dict.fromkeys(lesions)]
    rows = []
    for unit in page.units:
        row: dict[str, str | float | int | bool | None] = {
            "unit": page.address(unit),
            "dead": unit.dead,
            "tracks": unit.tracks,
            "remark": unit.remark,
            "most": max(unit.top.values, default=None) if unit.top else None,
        }
        for score in unit.concepts:
            row |= {f"auc {score.concept}": score.auc, f"iou {score.concept}": score.iou}
        for one in unit.lesions:
            row |= {_lesion_column(one.fill, name): value for name, value in (("", one.overall), *one.by_class.items())}
        rows.append(row)
    return columns, rows


def _lesion_column(fill: str, name: str) -> str:
    """`lesion zero` for all classes together, `lesion zero circle` for one."""
    return f"lesion {fill} {name}".strip()
