"""Exhibits as the page's script reads them, and their tables beside the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.report.exhibits import Bars, Exhibit, Figure, Frames, HeatMap, Lines, Sample, Samples
from cellscope.report.files import exhibit_stem, write_table
from cellscope.report.panels.ranking import columns_panel
from cellscope.report.panels.text import round_up
from cellscope.report.quantise import pack_flags, pack_numbers, pack_text
from cellscope.report.tables import Table

Json = dict[str, object]


def exhibits_panel(exhibits: Sequence[Exhibit]) -> list[Json]:
    """Figures and table of every exhibit; its words stand in the page already."""
    return [
        {"key": one.key, "figures": [figure_panel(figure) for figure in one.figures], "table": table_panel(one.table)}
        for one in exhibits
    ]


FINE = 0.1
"""A column of numbers that are all smaller is written with three digits behind the point."""


def exhibits_told(exhibits: Sequence[Exhibit]) -> Json:
    """What the JSON beside a page says of its exhibits; nothing where it has none."""
    if not exhibits:
        return {}
    return {"exhibits": [_words(one) for one in exhibits]}


def write_exhibits(page: Path, exhibits: Sequence[Exhibit], run: object) -> None:
    """The tables of the exhibits beside their page, as CSV and JSON."""
    for one in exhibits:
        if one.table is not None:
            about = {"cellscope": "exhibit", "run": run, **_words(one)}
            write_table(exhibit_stem(page, one.key), one.table.columns, one.table.rows, about)


def _words(one: Exhibit) -> Json:
    return {"key": one.key, "title": one.title, "sentence": one.sentence, "caveats": one.caveats}


def table_panel(table: Table | None) -> Json | None:
    """Columns as the table's script takes them, and rows of cells."""
    if table is None:
        return None
    rows = [[row.get(name) for name in table.columns] for row in table.rows]
    columns = columns_panel(table.columns)
    for k, column in enumerate(columns):
        cells = [row[k] for row in rows if row[k] is not None]
        if any(isinstance(cell, (str, bool)) for cell in cells):
            column["form"] = "words"
        elif column["form"] == "number" and cells and all(isinstance(cell, int) for cell in cells):
            column["form"] = "count"
        elif column["form"] == "number" and 0 < _largest(cells) < FINE:
            column["form"] = "fine"
    return {"columns": columns, "rows": rows}


def _largest(cells: Sequence[Any]) -> float:
    """The size of the number that lies farthest from 0, and 0 of none."""
    return max((abs(cell) for cell in cells if math.isfinite(cell)), default=0.0)


def figure_panel(figure: Figure) -> Json:
    """A figure as JSON; `kind` says which script draws it."""
    words: Json = {"title": figure.title, "caption": figure.caption}
    if isinstance(figure, Lines):
        return words | {"kind": "lines", **_lines(figure)}
    if isinstance(figure, Bars):
        return words | {"kind": "bars", **_bars(figure)}
    if isinstance(figure, HeatMap):
        return words | {"kind": "heatmap", **_heat(figure)}
    if isinstance(figure, Samples):
        return words | {"kind": "samples", **_samples(figure, _reach([figure]))}
    return words | {"kind": "frames", **_frames(figure)}


def _lines(figure: Lines) -> Json:
    series = [
        {"name": s.name, "x": s.x, "y": s.y, "low": s.low, "high": s.high, "labels": s.labels, "quiet": s.quiet,
         "points": s.points}
        for s in figure.series
    ]  # fmt: skip
    return {"series": series, "x": figure.x, "y": figure.y, "log_x": figure.log_x, "log_y": figure.log_y,
            "rules": figure.rules}  # fmt: skip


def _bars(figure: Bars) -> Json:
    groups = [
        {"name": g.name, "values": g.values, "low": g.low, "high": g.high, "quiet": g.quiet} for g in figure.groups
    ]
    return {"labels": figure.labels, "groups": groups, "value": figure.value, "label": figure.label,
            "base": figure.base, "upright": figure.upright}  # fmt: skip


def _heat(figure: HeatMap) -> Json:
    return {"rows": figure.rows, "columns": figure.columns, "values": np.asarray(figure.values, float),
            "value": figure.value, "row": figure.row, "column": figure.column, "centre": figure.centre,
            "reach": figure.reach}  # fmt: skip


def _samples(figure: Samples, reach: float) -> Json:
    return {"samples": [_sample(one) for one in figure.samples], "reach": reach, "marked": figure.marked}


def _sample(one: Sample) -> Json:
    return {
        "title": one.title,
        "note": one.note,
        "length": len(one.text),
        "text": pack_text(one.text),
        "values": None if one.values is None else pack_numbers(one.values),
        "marks": None if one.marks is None else pack_flags(one.marks),
    }


def _reach(figures: Sequence[Samples]) -> float:
    """The range of the colours: what was asked for, else the next round number above 99.5 % of all sizes."""
    asked = [figure.reach for figure in figures if figure.reach is not None]
    if asked:
        return max(asked)
    values = [one.values for figure in figures for one in figure.samples if one.values is not None]
    sizes = np.abs(np.concatenate([np.asarray(v, float) for v in values])) if values else np.zeros(0)
    sizes = sizes[np.isfinite(sizes)]
    return round_up(float(np.percentile(sizes, 99.5))) if sizes.size else 1.0


def _frames(figure: Frames) -> Json:
    reach = _reach([f.figure for f in figure.frames if isinstance(f.figure, Samples)])
    made = [figure_panel(f.figure) | ({"reach": reach} if isinstance(f.figure, Samples) else {}) for f in figure.frames]
    count = len(figure.frames)
    return {"frames": [{"label": f.label, "figure": m} for f, m in zip(figure.frames, made, strict=True)],
            "what": figure.what, "start": figure.start % count}  # fmt: skip
