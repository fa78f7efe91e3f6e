"""The page of one unit over all features."""

from __future__ import annotations

import math
from pathlib import Path

from cellscope.evidence.verdicts import digits
from cellscope.pipeline.exhibits.kinds import kind_exhibit
from cellscope.pipeline.exhibits.lesions import causes_exhibits
from cellscope.pipeline.explain import Explained, Gate
from cellscope.pipeline.headlines import header, method, percent, sentence_case
from cellscope.pipeline.pages import curves, number
from cellscope.pipeline.passages import at_random, contexts, reading
from cellscope.pipeline.texts import flags_on, texts
from cellscope.report.contents import Headline, Table, UnitPage
from cellscope.report.exhibits import Exhibit
from cellscope.report.page import write_index, write_unit_page

CURVES = 8
CONTEXTS = 10
COLUMNS = (
    "feature",
    "tracks",
    "auc",
    "auc_low",
    "auc_high",
    "rank_r",
    "ap",
    "f1",
    "r",
    "lag",
    "last three",
    "untrained",
    "p",
)


def write_unit(
    explained: Explained, reports: Path, *, exhibits: tuple[Exhibit, ...] = (), single_file: bool = False
) -> Path:
    """Write the page of the unit, and the index, under `reports`; the page's path."""
    path = write_unit_page(reports, compose_unit(explained, exhibits), single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def compose_unit(explained: Explained, exhibits: tuple[Exhibit, ...] = ()) -> UnitPage:
    """Everything that the page of a unit shows; `exhibits` are what else was measured of it."""
    material, search, unit = explained.material, explained.material.search, explained.unit
    findings, labels = search.findings, material.labels
    ordered = [_place(explained, e.feature) for e in explained.evidence] or [0]
    best = ordered[0]
    sign = material.sign(best, explained.index)
    cuts = [reading(search.corpus, labels, best, length=material.passage)]
    cuts += contexts(material.scan, best, explained.index, unit, sign, count=CONTEXTS)
    cuts += at_random(material.scan, count=CONTEXTS, seed=findings.counts.seed)
    return UnitPage(
        header=header(search),
        address=str(unit),
        headline=_headline(explained),
        features=Table(columns=COLUMNS, rows=tuple(_row(explained, f) for f in ordered)),
        passages=texts(search, cuts, units=[unit], gated=[unit]),
        spans={findings.features[f].name: flags_on(labels, f, cuts) for f in ordered if labels.is_span(f)},
        curves={findings.features[f].name: curves(material, f, explained.index) for f in ordered[:CURVES]},
        exhibits=(*_portrayed(explained), *causes_exhibits(explained.causes), *exhibits),
    )


def _portrayed(explained: Explained) -> tuple[Exhibit, ...]:
    return () if explained.portrait is None else (kind_exhibit(explained.portrait),)


def _headline(explained: Explained) -> Headline:
    best = explained.evidence[0] if explained.evidence else None
    numbers = []
    if best is not None and not math.isnan(best.score):
        numbers += [("best feature", best.feature), *best.numbers, *best.margins]
    numbers += [
        ("time scale", characters(explained.time_scale)),
        *((f"{g.name} gate", gate_in_words(g)) for g in explained.gates),
    ]
    return Headline(
        sentence=sentence_case(explained.sentence) + ".",
        numbers=tuple(numbers),
        good=best is not None and best.found,
        plain=best is not None and best.plain,
        caveats=(
            f"Over the last {len(explained.material.scan.values):,} characters the unit goes from "
            f"{explained.lowest:.3g} to {explained.highest:.3g}.",
            "Features overlap: a unit that tracks one goes with those that lie inside it too.",
            *explained.material.search.caveats,
        ),
        method=tuple(method(explained.material.search)),
    )


def _row(explained: Explained, feature: int) -> dict[str, str | float | int | bool | None]:
    findings, unit = explained.material.search.findings, explained.index
    e = next((e for e in explained.evidence if e.feature == findings.features[feature].name), None)
    scores = {
        name: number(findings.scores[name][feature, unit])
        for name in ("auc", "auc_low", "auc_high", "rank_r", "ap", "f1", "r", "lag", "p")
    }
    known = (
        {"last three": number(e.three), "untrained": number(e.untrained)}
        if e
        else {"last three": None, "untrained": None}
    )
    return {"feature": findings.features[feature].name, "tracks": "yes" if e and e.found else "no", **scores, **known}


def _place(explained: Explained, name: str) -> int:
    return next(f for f, feature in enumerate(explained.material.search.findings.features) if feature.name == name)


def characters(scale: float) -> str:
    """A time scale in words."""
    if math.isnan(scale):
        return "constant"
    return f"{scale:.1f} characters" if scale < 10 else f"{scale:.0f} characters"


def gate_in_words(gate: Gate) -> str:
    """`mean .93, open 82 %, closed 0 %`."""
    return f"mean {digits(gate.mean)}, open {percent(gate.open)}, closed {percent(gate.closed)}"
