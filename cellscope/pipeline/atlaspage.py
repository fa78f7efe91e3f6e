"""The page of the atlas: rows, the stretch of text that all thumbnails show, and the share as an exhibit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellscope.evidence.shares import Share
from cellscope.pipeline.atlas import CRITERION, Atlas
from cellscope.pipeline.exhibits import tracking
from cellscope.pipeline.headlines import header, method, percent, sentence_case
from cellscope.pipeline.scan import Scan
from cellscope.report.atlas import AtlasPage, AtlasRow, Stretch, write_atlas_page
from cellscope.report.contents import Headline
from cellscope.report.page import write_index

LENGTH = 240
"""Characters of the stretch that every thumbnail shows."""
BACK = 100
"""Characters by which the stretch is moved to begin at the start of a line."""


def write_atlas(atlas: Atlas, reports: Path, *, single_file: bool = False) -> Path:
    """Write the page, and the index, under `reports`; the page's path."""
    path = write_atlas_page(reports, compose_atlas(atlas), single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def compose_atlas(atlas: Atlas) -> AtlasPage:
    """Everything that the page shows."""
    search = atlas.search
    name = f" {search.run.name}" if search.run else ""
    return AtlasPage(
        header=header(search),
        headline=_headline(atlas),
        rows=tuple(_row(atlas, k) for k in range(len(atlas.entries))),
        stretch=stretch(atlas),
        columns=atlas.columns.shown,
        details=atlas.columns.details,
        command=f"cellscope explain{name} UNIT" if search.run else "",
        exhibits=(tracking.exhibit(search.findings),),
    )


def _headline(atlas: Atlas) -> Headline:
    findings, share = atlas.search.findings, atlas.share
    return Headline(
        sentence=sentence_case(atlas.sentence).replace(" %", "\u00a0%") + ".",
        good=share.number > 0,
        numbers=(
            (f"units at {share.at:g} or better", share_in_words(share)),
            ("features they track", f"{atlas.tracking.features(share.at)} of {len(findings.features)}"),
            ("given away by the last three characters", f"{sum(e.answer == 'plain' for e in atlas.entries):,}"),
            ("nothing found", f"{sum(e.answer == 'no' for e in atlas.entries):,}"),
        ),
        caveats=(
            CRITERION[:1].upper() + CRITERION[1:] + ".",
            "Nothing found: none of the features that were looked for; what else the unit may track, nobody asked.",
            "A cell and the hidden unit that it drives count as two; features overlap, so a unit may track several.",
        ),
        method=(
            *method(atlas.search),
            *atlas.columns.method,
            "The interval of the number of units: the blocks of text on which units are reported, drawn anew "
            f"{share.draws} times (seed {share.seed})."
            if share.draws
            else "The text has too few blocks for an interval of the number of units.",
        ),
    )


def share_in_words(share: Share) -> str:
    """`15 of 512, 2.9 % (2.5-3.3 %)`."""
    text = f"{share.number:,} of {share.of:,}, {percent(share.share)}"
    low, high = share.interval
    return text if np.isnan(low) else f"{text} ({percent(low)} to {percent(high)})"


def _row(atlas: Atlas, k: int) -> AtlasRow:
    entry, findings = atlas.entries[k], atlas.search.findings
    cells, unit = atlas.row(entry), findings.units[entry.unit]
    number = {name: None if cells[name] is None else float(cells[name] or 0) for name in ("score", "low", "high", "p")}
    return AtlasRow(
        address=str(unit),
        site=str(unit.site),
        index=unit.index,
        answer=entry.answer,
        feature=findings.features[entry.feature].name if entry.feature >= 0 else "",
        sign=int(cells["sign"] or 1),
        measure=str(cells["measure"]),
        also=tuple((findings.features[f].name, score) for f, score in entry.also),
        why=entry.why,
        more=entry.more,
        **number,
    )


def stretch(atlas: Atlas) -> Stretch:
    """The text of the thumbnails: a stretch in which many of the features that were found come and go."""
    heard, findings = atlas.scan, atlas.search.findings
    length = min(LENGTH, len(heard.values))
    first = _lively(heard, [f for f, e in enumerate(findings.evidence) if e.found], length)
    text = atlas.search.corpus.text(heard.start, heard.start + first + length)
    line = text.rfind("\n", max(0, first - BACK), first + 1)
    first = line + 1 if line >= 0 else first
    here = slice(first, first + length)
    order = [entry.unit for entry in atlas.entries]
    spans = heard.labels.spans[:, here]
    shown = {entry.feature for entry in atlas.entries if 0 <= entry.feature < len(spans)}
    return Stretch(
        text=text[here],
        start=heard.start + first,
        values=heard.values[here][:, order].astype(np.float32),
        marks={findings.features[f].name: spans[f] for f in sorted(shown)},
    )


def _lively(heard: Scan, found: list[int], length: int) -> int:
    """The first of the stretches that most found features enter or leave; of all features where none was found."""
    spans = heard.labels.spans
    own = [f for f in found if f < len(spans)] or list(range(len(spans)))
    firsts = np.arange(0, len(heard.values) - length + 1, max(1, length // 4))
    worth = np.zeros(len(firsts))
    for f in own:
        changes = np.concatenate([[0], np.cumsum(spans[f, 1:] != spans[f, :-1])])
        moved = changes[firsts + length - 1] - changes[firsts]
        worth += np.minimum(moved, 4)
    return int(firsts[worth.argmax()]) if len(own) else 0
