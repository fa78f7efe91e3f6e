"""The atlas: one page with every unit of a run, what it was found to track, and what it did on some of what it saw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Exhibit, need_keys
from cellscope.report.files import Cell, layer_name, safe_name, unit_name, write_table
from cellscope.report.panels.exhibits import exhibits_panel, exhibits_told, write_exhibits
from cellscope.report.panels.ranking import columns_panel
from cellscope.report.panels.text import round_up
from cellscope.report.passages import need
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.pictures import data_uri, png
from cellscope.report.quantise import dequantise, pack, pack_flags, pack_text, quantise
from cellscope.report.render import about, run_of, write_page
from cellscope.report.shared import ATLAS_KIT

ANSWERS = ("found", "plain", "no")
LEVELS = 63
"""A thumbnail has so many levels on either side of zero: three times the colours of the scale."""
BASE = ("unit", "site", "index", "evidence", "feature", "score", "low", "high", "measure", "sign", "p", "also", "why")
"""Columns of the table beside the page, before those that the caller adds."""


@dataclass(frozen=True, kw_only=True)
class AtlasRow:
    """One unit: `answer` is found, plain or no; `feature` is its best (of those it tracks, if any), `also` the others
    that it tracks, with their scores; `measure` says what the score is, `why` what kept the unit from being found.
    `more` has the cells of further columns.
    """

    address: str
    site: str
    index: int
    answer: str
    feature: str
    sign: int
    score: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    measure: str = "AUC"
    also: tuple[tuple[str, float], ...] = ()
    why: str = ""
    more: Mapping[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        need(self.answer in ANSWERS, f"the answer {self.answer!r} is none of {', '.join(ANSWERS)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """The text that all thumbnails show: what each unit did, [position, unit] in the order of the rows, and where
    features are, bool [position] by name. `start` is its first position in the corpus.
    """

    text: str
    start: int
    values: NDArray[np.floating]
    marks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """The pictures that all thumbnails show: what each unit did, [picture, row, column, unit] in the order of the rows,
    on one grid of places for all layers, and where concepts are there, bool [picture, row, column] by name.

    `pictures` are uint8 [picture, row, column(, 3)]; None for rows of numbers, whose grid is 1 x 1.
    """

    values: NDArray[np.floating]
    names: tuple[str, ...]
    pictures: NDArray[np.uint8] | None = None
    marks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class AtlasPage:
    """Every unit, those that were found first, and what all thumbnails show. `columns` are those of a row's `more` that
    are shown, `details` those that are told of the chosen unit; all are in the table beside the page. `command` is what
    makes the page of a unit, with UNIT in its place; `feature` is what is looked for, `plain` why a unit is plain;
    `sites` are the layers in their order (default: by name).
    """

    header: RunHeader | PictureHeader
    headline: Headline
    rows: tuple[AtlasRow, ...]
    sample: Stretch | Scenes
    columns: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    command: str = ""
    exhibits: tuple[Exhibit, ...] = ()
    feature: str = "feature"
    plain: str = "the last three characters give it away"
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        need_keys(self.exhibits)
        sample = self.sample
        places = (len(sample.text),) if isinstance(sample, Stretch) else (len(sample.names), *sample.values.shape[1:3])
        shape = (*places, len(self.rows))
        need(sample.values.shape == shape, f"the thumbnails have {sample.values.shape}, not {shape}")
        for name, marks in sample.marks.items():
            need(marks.shape == places, f"the marks of {name} have {marks.shape}, not {places}")
        if isinstance(sample, Scenes) and sample.pictures is not None:
            need(len(sample.pictures) == places[0], f"{places[0]} names for {len(sample.pictures)} pictures")


def write_atlas_page(folder: Path | str, page: AtlasPage, *, single_file: bool = False) -> Path:
    """The page under `folder` (reports/) with its table beside it; the page's path.

    Links lead to the pages of units and features that lie there already.
    """
    root = Path(folder)
    path = root / safe_name(page.header.name) / "atlas.html"
    scenes = isinstance(page.sample, Scenes)
    there = {file.name for file in path.parent.glob("*.html")}
    data: dict[str, object] = {
        "kind": "atlas",
        "atlas": atlas_panel(page) | links(page.rows, there, layers=scenes),
        "exhibits": exhibits_panel(page.exhibits),
    }
    told = about("atlas", "atlas", run_of(page.header), page.headline) | exhibits_told(page.exhibits)
    more = dict.fromkeys((*page.columns, *(name for row in page.rows for name in row.more)))
    write_table(path.with_suffix(""), (*BASE, *more), [row_cells(row) for row in page.rows], told)
    write_exhibits(path, page.exhibits, told["run"])
    here = {
        "run_page": "index.html" in there, "kinds": "kind" in page.columns, "exhibits": page.exhibits, "scenes": scenes,
        "feature": page.feature, "plain": page.plain,
    }  # fmt: skip
    return write_page(root, path, "atlas.html", page.header, page.headline, data, here, single_file, kit=ATLAS_KIT)


def atlas_panel(page: AtlasPage) -> dict[str, object]:
    """Rows as short lists, names once; the thumbnails as one packed array [unit, position]."""
    sites = page.sites or sorted({row.site for row in page.rows}, key=_natural)
    features = list(dict.fromkeys(n for row in page.rows for n in (row.feature, *(name for name, _ in row.also))))
    names = (*page.columns, *page.details)
    site_at, feature_at = ({name: k for k, name in enumerate(names)} for names in (sites, features))
    rows = [
        [site_at[r.site], r.index, ANSWERS.index(r.answer), feature_at[r.feature], r.sign, r.score, r.low, r.high,
         r.measure, [[feature_at[name], score] for name, score in r.also], r.why, [r.more.get(c) for c in names]]
        for r in page.rows
    ]  # fmt: skip
    return {
        "sites": sites,
        "features": features,
        "columns": _columns(page),
        "rows": rows,
        "sample": stretch_panel(page.sample) if isinstance(page.sample, Stretch) else scenes_panel(page.sample),
        "command": page.command,
        "feature": page.feature,
        "plain": page.plain,
    }


def _columns(page: AtlasPage) -> list[dict[str, str]]:
    columns = columns_panel((*page.columns, *page.details))
    for column in columns:
        if any(isinstance(row.more.get(column["key"]), str) for row in page.rows):
            column["form"] = "words"
        if column["key"] in page.details:
            column["detail"] = "yes"
    return columns


def _natural(name: str) -> list[tuple[int, str]]:
    """What to sort names by, so that layer 10 follows layer 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split("([0-9]+)", name)]


def stretch_panel(stretch: Stretch) -> dict[str, object]:
    """The text, and its thumbnails."""
    return {"start": stretch.start, "text": pack_text(stretch.text), **_thumbnails(stretch.values, stretch.marks)}


def scenes_panel(scenes: Scenes) -> dict[str, object]:
    """The pictures, and their thumbnails: places row after row, picture after picture."""
    count, rows, columns, units = scenes.values.shape
    pictures = [] if scenes.pictures is None else [data_uri(png(picture)) for picture in scenes.pictures]
    flat = scenes.values.reshape(count * rows * columns, units)
    marks = {name: flags.reshape(-1) for name, flags in scenes.marks.items()}
    return {"grid": [rows, columns], "names": scenes.names, "pictures": pictures, **_thumbnails(flat, marks)}


def _thumbnails(values: NDArray[np.floating], marks: Mapping[str, NDArray[np.bool_]]) -> dict[str, object]:
    """What units did, [place, unit], in few levels, a scale a unit; one range of colours fits three units of four."""
    numbers, scale = quantise(values, LEVELS)
    sizes = np.abs(dequantise(numbers, scale)).max(axis=0, initial=0)
    return {
        "length": len(values),
        "marks": {name: pack_flags(flags) for name, flags in marks.items()},
        "data": pack(numbers.tobytes()),
        "scales": [float(f"{s:.5g}") for s in scale],
        "range": round_up(float(np.percentile(sizes, 75))) if sizes.size else 1.0,
    }


def links(rows: Sequence[AtlasRow], there: set[str], *, layers: bool = False) -> dict[str, object]:
    """The pages of units (by row) and features (by name) among the files that are there; the page of a unit is its
    layer's, with `layers`.
    """
    page_of = {row.address: layer_name(row.site) if layers else unit_name(row.address) for row in rows}
    units = {k: f"{page_of[row.address]}.html" for k, row in enumerate(rows)}
    features = {name: f"{safe_name(name)}.html" for row in rows for name in (row.feature, *(n for n, _ in row.also))}
    return {
        "unit_pages": {str(k): href for k, href in units.items() if href in there},
        "feature_pages": {name: href for name, href in features.items() if name and href in there},
    }


def row_cells(row: AtlasRow) -> dict[str, Cell]:
    """A row of the table beside the page."""
    cells: dict[str, Cell] = {
        "unit": row.address, "site": row.site, "index": row.index, "evidence": row.answer, "feature": row.feature,
        "score": row.score, "low": row.low, "high": row.high, "measure": row.measure, "sign": row.sign, "p": row.p,
        "also": " ".join(name for name, _ in row.also), "why": row.why,
    }  # fmt: skip
    return cells | dict(row.more)
