"""Pages: written whole under `reports/`, static, and at home without a network.

reports/index.html            over all runs
reports/assets/               scripts, styles and plotly, once
reports/RUN/index.html        a run
reports/RUN/FEATURE.html      a feature, with FEATURE.csv and FEATURE.json beside it
reports/RUN/unit-ADDRESS.html a unit

The table of an exhibit lies beside its page as PAGE~KEY.csv and PAGE~KEY.json. A study's page is in `study`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cellscope.report.contents import FeaturePage, Headline, RunHeader, RunPage, UnitPage
from cellscope.report.files import json_text, safe_name, unit_name, write_table
from cellscope.report.index import gather
from cellscope.report.panels.evidence import curves_panel, others_panel
from cellscope.report.panels.exhibits import exhibits_panel, exhibits_told, write_exhibits
from cellscope.report.panels.ranking import columns_panel, features_panel, ranking_panel, ranking_rows
from cellscope.report.panels.run import run_panel
from cellscope.report.panels.text import text_panel
from cellscope.report.render import about, write_page
from cellscope.report.shared import TEXT_KIT, inline, packed_plotly
from cellscope.report.siblings import list_all
from cellscope.report.words import visible

MOST_BYTES = 7_700_000
"""A page aims to stay below this; activations take what the rest leaves."""


def write_feature_page(folder: Path | str, page: FeaturePage, *, single_file: bool = False) -> Path:
    """The page of one feature under `folder` (reports/), its numbers beside it; the page's path."""
    root = Path(folder)
    best = [row.address for row in page.ranking.rows]
    rest = {
        "kind": "feature",
        "pages": {row.address: unit_name(row.address) for row in page.ranking.rows},
        "feature": {"name": visible(page.feature.name), "kind": page.feature.kind},
        "ranking": ranking_panel(page.ranking),
        "curves": curves_panel(page.curves),
        "others": others_panel(page.others),
        "exhibits": exhibits_panel(page.exhibits),
    }
    data = _with_text(rest, page, best, single_file)
    path = root / safe_name(page.header.name) / f"{safe_name(page.feature.name)}.html"
    columns, rows = ranking_rows(page.ranking)
    told = _about("feature", page.feature.name, page.header, page.headline) | {"description": page.feature.description}
    write_table(path.with_suffix(""), columns, rows, told | exhibits_told(page.exhibits))
    write_exhibits(path, page.exhibits, told["run"])
    here = {"feature": page.feature, "before": page.previous, "after": page.next, "count": len(page.ranking.rows)}
    here |= {"exhibits": page.exhibits}
    return write_page(root, path, "feature.html", page.header, page.headline, data, here, single_file)


def write_unit_page(folder: Path | str, page: UnitPage, *, single_file: bool = False) -> Path:
    """The page of one unit over all features, its numbers beside it; the page's path."""
    root = Path(folder)
    rest = {
        "kind": "unit",
        "address": page.address,
        "pages": {str(row["feature"]): safe_name(str(row["feature"])) for row in page.features.rows},
        "ranking": features_panel(page.features),
        "curves": curves_panel(page.curves),
        "others": {"features": []},
        "exhibits": exhibits_panel(page.exhibits),
    }
    data = _with_text(rest, page, [page.address], single_file)
    path = root / safe_name(page.header.name) / f"{unit_name(page.address)}.html"
    told = _about("unit", page.address, page.header, page.headline)
    write_table(path.with_suffix(""), page.features.columns, page.features.rows, told | exhibits_told(page.exhibits))
    write_exhibits(path, page.exhibits, told["run"])
    here = {"address": page.address, "count": len(page.features.rows), "exhibits": page.exhibits}
    return write_page(root, path, "unit.html", page.header, page.headline, data, here, single_file)


def write_run_page(folder: Path | str, page: RunPage, *, single_file: bool = False) -> Path:
    """The page of one run: losses, what was found, and its units at a glance; the page's path."""
    root = Path(folder)
    names = [str(row.get("feature", "")) for row in page.features.rows]
    data: dict[str, object] = {
        "kind": "run",
        "run": run_panel(page),
        "exhibits": exhibits_panel(page.exhibits),
        "table": {
            "columns": columns_panel(page.features.columns),
            "rows": [[row.get(c) for c in page.features.columns] for row in page.features.rows],
        },
        "pages": {str(row.get("unit")): unit_name(str(row.get("unit"))) for row in page.features.rows},
        "links": {name: safe_name(name) for name in [*names, *(page.heat.features if page.heat else ())]},
    }
    path = root / safe_name(page.header.name) / "index.html"
    told = _about("run", page.header.name, page.header, page.headline)
    write_table(path.with_suffix(""), page.features.columns, page.features.rows, told | exhibits_told(page.exhibits))
    write_exhibits(path, page.exhibits, told["run"])
    here = {"exhibits": page.exhibits}
    return write_page(root, path, "run.html", page.header, page.headline, data, here, single_file)


def write_index(folder: Path | str, *, single_file: bool = False) -> Path:
    """The page over all runs and pages that lie under `folder`; the page's path."""
    root = Path(folder)
    path = root / "index.html"
    list_all(root)
    data, here = {"kind": "index"}, {"runs": gather(root)}
    return write_page(root, path, "index.html", None, None, data, here, single_file, plots=False)


def _with_text(
    rest: Mapping[str, object], page: FeaturePage | UnitPage, best: list[str], single: bool
) -> dict[str, object]:
    used = len(json_text(rest)) + sum(len(inline((name,))) for name in TEXT_KIT.scripts + TEXT_KIT.styles) + 20_000
    budget = MOST_BYTES - used - (len(packed_plotly()) if single else 0)
    spans = page.spans if isinstance(page, UnitPage) else None
    return {**rest, "text": text_panel(page.passages, best, budget=budget, spans=spans)}


def _about(kind: str, name: str, header: RunHeader, headline: Headline) -> dict[str, object]:
    run = {"name": header.name, "corpus": header.corpus, "model": header.model, "characters": header.characters,
           "seed": header.seed, "date": header.date, "vocabulary_size": header.vocabulary_size}  # fmt: skip
    return about(kind, name, {**run, **header.extra}, headline)
