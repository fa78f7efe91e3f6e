"""Pages of a network for pictures, or for rows of numbers: static, and at home without a network.

reports/RUN/index.html               a run
reports/RUN/layer-SITE.html          a layer; layer-SITE.html#SITE/17 shows one of its units
reports/RUN/CONCEPT.html             a concept
reports/RUN/PAGE.sheets/*.png        the pictures of a page, many to a file; within the page if it is to stand alone

Beside each page lie its numbers as CSV and JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellscope.report.contents import Headline
from cellscope.report.files import layer_name, safe_name, write_table
from cellscope.report.panels.concept import concept_panel
from cellscope.report.panels.evidence import curves_panel
from cellscope.report.panels.layer import layer_panel, unit_rows
from cellscope.report.panels.network import CONCEPT_COLUMNS, concept_row, network_panel
from cellscope.report.panels.ranking import ranking_panel, ranking_rows
from cellscope.report.picture_contents import ConceptPage, LayerPage, PictureHeader, PictureRunPage, RowBank
from cellscope.report.render import about, write_page
from cellscope.report.shared import PICTURE_KIT
from cellscope.report.sheets import Json, Sheets


def write_picture_run_page(folder: Path | str, page: PictureRunPage, *, single_file: bool = False) -> Path:
    """The page of a run under `folder` (reports/), its concepts as a table beside it; the page's path."""
    path = Path(folder) / safe_name(page.header.name) / "index.html"
    sheets = _sheets(path, single_file)
    data = {"kind": "network", "network": network_panel(page, sheets), "sheets": sheets.close()}
    rows = [concept_row(one) for one in page.concepts]
    write_table(
        path.with_suffix(""), CONCEPT_COLUMNS, rows, _about("run", page.header.name, page.header, page.headline)
    )
    return _write(folder, path, "network.html", page.header, page.headline, data, {"page": page}, single_file)


def write_layer_page(folder: Path | str, page: LayerPage, *, single_file: bool = False) -> Path:
    """The page of a layer under `folder`, its units as a table beside it; the page's path."""
    path = Path(folder) / safe_name(page.header.name) / f"{layer_name(page.site)}.html"
    sheets = _sheets(path, single_file)
    concepts = dict.fromkeys(score.concept for unit in page.units for score in unit.concepts)
    panel = layer_panel(page, sheets) | {
        "previous": f"{layer_name(page.previous)}.html" if page.previous else "",
        "next": f"{layer_name(page.next)}.html" if page.next else "",
        "links": {name: f"{safe_name(name)}.html" for name in concepts},
    }
    data = {"kind": "layer", "layer": panel, "sheets": sheets.close()}
    columns, rows = unit_rows(page)
    told = _about("layer", page.site, page.header, page.headline) | {"position": page.position}
    write_table(path.with_suffix(""), columns, rows, told)
    here = {"page": page, "flat": isinstance(page.bank, RowBank), "count": len(page.units), "side": _side(page)}
    return _write(folder, path, "layer.html", page.header, page.headline, data, here, single_file, plots=False)


def write_concept_page(folder: Path | str, page: ConceptPage, *, single_file: bool = False) -> Path:
    """The page of a concept over the units of all layers, the ranking as a table beside it; the page's path."""
    path = Path(folder) / safe_name(page.header.name) / f"{safe_name(page.concept)}.html"
    sheets = _sheets(path, single_file)
    panel = concept_panel(page, sheets) | {
        "ranking": ranking_panel(page.ranking),
        "curves": curves_panel(page.curves),
        "links": {row.site: f"{layer_name(row.site)}.html" for row in page.ranking.rows},
    }
    data = {"kind": "concept", "concept": panel, "sheets": sheets.close()}
    columns, rows = ranking_rows(page.ranking)
    told = _about("concept", page.concept, page.header, page.headline) | {"description": page.description}
    write_table(path.with_suffix(""), columns, rows, told)
    here = {"page": page, "count": len(page.ranking.rows)}
    return _write(folder, path, "concept.html", page.header, page.headline, data, here, single_file)


def _sheets(path: Path, single_file: bool) -> Sheets:
    name = f"{path.stem}.sheets"
    return Sheets(path.parent / name, None if single_file else name)


def _side(page: LayerPage) -> int:
    """Tiles in a row of the near-square grid of units."""
    return math.isqrt(len(page.units) - 1) + 1


def _about(kind: str, name: str, header: PictureHeader, headline: Headline) -> Json:
    run = {"name": header.name, "corpus": header.images, "model": header.model, "pictures": header.pictures,
           "preprocessing": header.preprocessing, "seed": header.seed, "date": header.date}  # fmt: skip
    return about(kind, name, {**run, **header.extra}, headline)


def _write(
    folder: Path | str,
    path: Path,
    template: str,
    header: PictureHeader,
    headline: Headline,
    data: Mapping[str, object],
    here: Mapping[str, Any],
    single_file: bool,
    *,
    plots: bool = True,
) -> Path:
    root = Path(folder)
    return write_page(root, path, template, header, headline, data, here, single_file, kit=PICTURE_KIT, plots=plots)
