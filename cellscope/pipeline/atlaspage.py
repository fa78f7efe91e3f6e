"""The page of the atlas: rows, the text or the pictures that all thumbnails show, and the share as an exhibit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellscope.evidence.shares import Share
from cellscope.evidence.terms import ROWS
from cellscope.pipeline.atlas import Atlas, criterion
from cellscope.pipeline.atlas_scenes import scenes
from cellscope.pipeline.exhibits import tracking
from cellscope.pipeline.find import Search
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.headlines import header, method, percent, sentence_case
from cellscope.pipeline.picture_pages import words
from cellscope.pipeline.scan import Scan
from cellscope.report.atlas import AtlasPage, AtlasRow, Scenes, Stretch, write_atlas_page
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
    command = f"cellscope find{name}" if isinstance(search, PictureSearch) else f"cellscope explain{name} UNIT"
    return AtlasPage(
        header=words.header(search) if isinstance(search, PictureSearch) else header(search),
        headline=_headline(atlas),
        rows=tuple(_row(atlas, k) for k in range(len(atlas.entries))),
        sample=_sample(atlas),
        columns=atlas.columns.shown,
        details=atlas.columns.details,
        command=command if search.run else "",
        exhibits=(tracking.exhibit(search.findings),),
        feature=atlas.terms.feature,
        plain=f"the {atlas.terms.three} give it away",
        sites=tuple(str(o.site) for o in search.outlets) if isinstance(search, PictureSearch) else (),
    )


def _sample(atlas: Atlas) -> Stretch | Scenes:
    if isinstance(atlas.search, PictureSearch):
        return scenes(atlas.search, [entry.unit for entry in atlas.entries])
    assert atlas.scan is not None
    return stretch(atlas.search, atlas.scan, [(entry.unit, entry.feature) for entry in atlas.entries])


def _headline(atlas: Atlas) -> Headline:
    search, findings, share, terms = atlas.search, atlas.search.findings, atlas.share, atlas.terms
    blocks = "blocks of text" if isinstance(search, Search) else f"groups of {'rows' if terms is ROWS else 'pictures'}"
    measured = words.method(search) if isinstance(search, PictureSearch) else method(search)
    return Headline(
        sentence=sentence_case(atlas.sentence).replace(" %", "\u00a0%") + ".",
        good=share.number > 0,
        numbers=(
            (f"units at {share.at:g} or better", share_in_words(share)),
            (f"{terms.feature}s they track", f"{atlas.tracking.features(share.at)} of {len(findings.features)}"),
            (f"given away by the {terms.three}", f"{sum(e.answer == 'plain' for e in atlas.entries):,}"),
            ("nothing found", f"{sum(e.answer == 'no' for e in atlas.entries):,}"),
        ),
        caveats=(
            _criterion(atlas),
            f"Nothing found: none of the {terms.feature}s that were looked for; what else the unit may track, nobody "
            "asked.",
            "A cell and the hidden unit that it drives count as two; features overlap, so a unit may track several."
            if isinstance(search, Search)
            else "A unit and its activation function count as two; concepts overlap, so a unit may track several.",
        ),
        method=(
            *measured,
            *atlas.columns.method,
            f"The interval of the number of units: the {blocks} on which units are reported, drawn anew "
            f"{share.draws} times (seed {share.seed})."
            if share.draws
            else f"The {terms.subject} has too few {blocks} for an interval of the number of units.",
        ),
    )


def _criterion(atlas: Atlas) -> str:
    words = criterion(atlas.terms)
    return words[:1].upper() + words[1:] + "."


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


def stretch(search: Search, heard: Scan, rows: Sequence[tuple[int, int]]) -> Stretch:
    """The text of the thumbnails: a stretch in which many of the features that were found come and go.

    `rows` are the units in the order of the page, each with its own feature (-1 for none).
    """
    findings = search.findings
    length = min(LENGTH, len(heard.values))
    first = _lively(heard, [f for f, e in enumerate(findings.evidence) if e.found], length)
    text = search.corpus.text(heard.start, heard.start + first + length)
    line = text.rfind("\n", max(0, first - BACK), first + 1)
    first = line + 1 if line >= 0 else first
    here = slice(first, first + length)
    order = [unit for unit, _ in rows]
    spans = heard.labels.spans[:, here]
    shown = {feature for _, feature in rows if 0 <= feature < len(spans)}
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
