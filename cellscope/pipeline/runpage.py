"""The page of a run: what was found, losses, units by features, gate saturation, time scales."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.evidence.timescales import time_scales
from cellscope.evidence.verdicts import Evidence
from cellscope.findings import Findings
from cellscope.observe import Progress
from cellscope.pipeline.exhibits import errors, tracking
from cellscope.pipeline.find import Search
from cellscope.pipeline.gates import gates
from cellscope.pipeline.headlines import header, method
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.scan import Scan, split
from cellscope.report.contents import Headline, RunPage, Saturated, Table, UnitScores
from cellscope.report.files import safe_name
from cellscope.training.run import RunFolder

Row = dict[str, Any]

HEAT_UNITS = 160
SCORES = ("auc", "auc_low", "auc_high", "rank_r", "ap", "f1")
COLUMNS = ("feature", "finding", "unit", *SCORES, "current", "last three", "untrained", "lag", "p", "q")
ANSWERS = ("yes", "plain", "no")
CAVEATS = (
    "A finding (\u25cf) is a unit that lies above the last three characters and the untrained network with the whole "
    "interval of each difference, at q <= .05. Half a mark (\u25d0): a unit plainly tracks the feature, but the last "
    "three characters give it away.",
    "That a unit goes with a feature does not say that the network uses it for that.",
)


def compose_run(
    search: Search, scan: Scan, *, earlier: Sequence[Row] = (), progress: Progress | None = None
) -> RunPage:
    """Everything that the page of the search's network shows; what a foreign network has not is left out.

    `earlier` are the rows of features that this search did not look for.
    """
    findings, run = search.findings, search.run
    info = run.info() if run else {}
    scales = zip(findings.units, time_scales(scan.values), strict=True)
    length = f"Time scales: until the autocorrelation falls to 1/e, on the last {len(scan.values):,} characters."
    found = sum(e.found for e in findings.evidence)
    beside = errors.exhibit_of(search, progress=progress)
    saturation, over = _gates(search, progress)
    return RunPage(
        header=header(search),
        headline=Headline(
            sentence=findings.summary() + ".",
            good=found > 0,
            numbers=(("features with a finding", f"{found} of {len(findings.features)}"), *_losses_in_words(info)),
            caveats=(*CAVEATS, *([f"{len(earlier)} of the features are from earlier searches."] if earlier else [])),
            method=(*method(search), length),
        ),
        features=_table(findings, earlier),
        losses=_losses(run) if run else {},
        xz=info.get("xz_bits"),
        heat=_heat(findings),
        saturation=saturation,
        saturated_on=over,
        timescales={str(unit): float(scale) for unit, scale in scales if math.isfinite(scale)},
        exhibits=(tracking.exhibit(findings), *([beside] if beside else [])),
    )


def _gates(search: Search, progress: Progress | None) -> tuple[tuple[Saturated, ...], str]:
    """The gates of the network, and over which text they were counted."""
    if isinstance(search.network, Recorded):
        return (), ""
    text, over = split(search)
    folder = search.run.path / "control" if search.run else None
    return gates(search.network, text, folder=folder, progress=progress), over


def _losses_in_words(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    held, said = info.get("validation") or {}, []
    if held.get("nats"):
        said.append(("validation loss", f"{held['nats']:.3f} nats, {held['bits']:.2f} bits per character"))
    if info.get("xz_bits"):
        said.append(("xz", f"{info['xz_bits']:.2f} bits"))
    return said


def earlier_rows(search: Search, reports: Path) -> list[Row]:
    """Rows that the run's page has of features that were not looked for now, of the same weights on the same text and
    as many characters.

    Their pages are still there; nothing where there is no such page, or it is not ours.
    """
    now = header(search)
    folder = reports / safe_name(now.name)
    names = {e.feature for e in search.findings.evidence}
    try:
        about = json.loads((folder / "index.json").read_text("utf-8"))
        same = all(about["run"][name] == getattr(now, name) for name in ("corpus", "model", "characters"))
        rows = [row for row in about["rows"] if same and str(row["feature"]) not in names]
        kept = [{name: row.get(name) for name in COLUMNS} for row in rows if _is_row(row)]
        return [row for row in kept if (folder / f"{safe_name(str(row['feature']))}.html").is_file()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def _is_row(row: Any) -> bool:
    """Whether what a file holds is a row of this table: words and numbers where they belong."""
    words, numbers = ("feature", "unit"), set(COLUMNS) - {"feature", "unit", "finding"}
    return (
        isinstance(row, dict)
        and all(row.get(name) is None or isinstance(row[name], str) for name in words)
        and all(row.get(name) is None or type(row[name]) in (int, float) for name in numbers)
        and row.get("finding") in ANSWERS
    )


def _table(findings: Findings, earlier: Sequence[Row]) -> Table:
    """A row for each feature, findings first, then by score."""
    rows = [*(_row(findings, f, e) for f, e in enumerate(findings.evidence)), *earlier]
    rows.sort(key=lambda row: (ANSWERS.index(row["finding"]), -float(row["auc"] or row["rank_r"] or 0)))
    used = tuple(
        name for name in COLUMNS if name in ("feature", "finding") or any(row[name] is not None for row in rows)
    )
    return Table(columns=used, rows=tuple({name: row[name] for name in used} for row in rows))


def _row(findings: Findings, feature: int, e: Evidence) -> Row:
    own = e.unit is not None and not math.isnan(e.score)
    unit = findings.units.index(e.unit) if e.unit is not None else 0
    figures = {"current": e.current, "last three": e.three, "untrained": e.untrained, "p": e.p, "q": e.q}
    return {
        "feature": e.feature,
        "finding": e.answer,
        "unit": str(e.unit) if own else None,
        **{name: _number(findings.scores[name][feature, unit]) if own else None for name in SCORES},
        **{name: _number(value) for name, value in figures.items()},
        "lag": e.lag if own else None,
    }


def _heat(findings: Findings) -> UnitScores | None:
    """Scores of the units that are among the best of any feature, grouped by the feature they do best on."""
    judged = [f for f, e in enumerate(findings.evidence) if e.unit is not None]
    if len(judged) < 2:
        return None
    each = max(1, HEAT_UNITS // len(judged))
    units = np.unique(np.concatenate([findings.ranking(f)[:each] for f in judged]))
    size = unit_scores(findings, units.tolist(), judged).strength
    order = np.lexsort((-size.max(1), size.argmax(1)))
    return unit_scores(findings, units[order].tolist(), judged)


def unit_scores(findings: Findings, units: Sequence[int], features: Sequence[int]) -> UnitScores:
    """How well each unit tells each feature: AUC of spans, rank correlation of numeric features."""
    kinds = [findings.features[f].kind for f in features]
    names = tuple(findings.features[f].name for f in features)
    rows = [
        findings.scores["auc" if kind == "span" else "rank_r"][f, units]
        for f, kind in zip(features, kinds, strict=True)
    ]
    return UnitScores(
        units=tuple(str(findings.units[unit]) for unit in units),
        features=names,
        values=np.array(rows, float).reshape(len(features), len(units)).T,
        numeric=tuple(name for name, kind in zip(names, kinds, strict=True) if kind != "span"),
    )


def _losses(run: RunFolder) -> dict[str, tuple[float | None, ...]]:
    """The columns of losses.csv that the page draws; nothing where there is no such file, or it is damaged."""
    names = {"characters": "characters", "train": "train_nats", "validation": "validation_nats"}
    try:
        with run.losses.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: tuple(float(row[own]) if row[own] else None for row in rows) for name, own in names.items()}
    except (OSError, KeyError, ValueError, TypeError):
        return {}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
