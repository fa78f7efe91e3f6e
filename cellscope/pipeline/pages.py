"""From a search to its pages: the run's, one for each feature, and the index over all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.findings import Findings
from cellscope.observe import Progress
from cellscope.pipeline.curves import FEW, Histograms, number_curves, span_curves
from cellscope.pipeline.find import Search
from cellscope.pipeline.headlines import header, headline
from cellscope.pipeline.marks import Marks
from cellscope.pipeline.passages import READING, at_random, contexts, reading
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.runpage import compose_run, earlier_rows, unit_scores
from cellscope.pipeline.scan import Scan, Survey, scan, survey
from cellscope.pipeline.texts import flags_on, numbers_on, texts
from cellscope.report.contents import FeatureInfo, FeaturePage, Passages, Ranking, UnitCurves, UnitRow, UnitScores
from cellscope.report.page import write_feature_page, write_index, write_run_page

BEST = 16
"""Units with gates and curves."""
MOST = 512
"""Units on a page at most."""
ROOM = 20_000 * MOST
"""Characters to read times units that a page holds: where more is to be read, fewer units are shown."""
SPARE = 64
"""Units on the page of a feature of which nothing was found."""
CONTEXTS = (6, 3, 3)
"""Contexts of each kind for the best unit, the second, the third; where nothing was found, of the first alone."""
RANDOM = 6
PATTERN = 90
"""Characters of a pattern that are shown."""
WRITERS = 2
MANY = 16
"""For so many pages it pays to mark the states of the network all over the surveyed text."""

SPAN_SCORES = ("auc", "auc_low", "auc_high", "ap", "f1", "threshold", "iou", "mi", "r", "d", "lag", "lag_score", "p")
NUMBER_SCORES = ("rank_r", "rank_low", "rank_high", "r", "lag", "lag_score", "p")
SHOWN = {"span": ("auc", "auc_low", "auc_high", "ap", "f1", "lag"), "numeric": ("rank_r", "r", "lag")}


@dataclass(frozen=True)
class Material:
    """What every page of a search is made from, read and heard once; each has about `passage` characters to read."""

    search: Search
    labels: Survey
    scan: Scan
    histograms: Histograms
    marks: Marks | None = None
    passage: int = READING

    @classmethod
    def of(cls, search: Search, *, pages: int = 1, passage: int = READING) -> Material:
        """Label and hear the end of the searched text, for so many pages."""
        labels, network = survey(search), search.network
        marks = None
        if pages >= MANY and not isinstance(network, Recorded):
            marks = Marks.of(network, search.corpus, labels.start, labels.stop)
        return cls(search, labels, scan(search, labels), Histograms(search.findings.counts.tally), marks, passage)

    def sign(self, feature: int, unit: int) -> int:
        """Whether the unit goes up (+1) or down (-1) with the feature."""
        return -1 if self.search.findings.scores["sign"][feature, unit] < 0 else 1


def write_pages(
    search: Search, reports: Path, *, passage: int = READING, single_file: bool = False,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Write the page of the searched run, one for each feature, and the index under `reports`; the path of the run's.

    A feature's page has about `passage` characters to read.
    Every page is written whole or not at all; pages of other features and runs stay.
    """
    total = len(search.findings.features) + 1
    material = Material.of(search, pages=total, passage=passage)
    writing: list[Future[Path]] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        for feature in range(total - 1):
            if progress:
                progress(feature, total, search.findings.features[feature].name)
            if len(writing) > WRITERS:  # so that pages wait for the disk one by one, not in memory
                writing.pop(0).result()
            page = compose_feature(material, feature)
            writing.append(pool.submit(write_feature_page, reports, page, single_file=single_file))
        for future in writing:
            future.result()
    told: Progress | None = (lambda *_: progress(total - 1, total, "gates")) if progress else None
    run = compose_run(search, material.scan, earlier=earlier_rows(search, reports), progress=told)
    path = write_run_page(reports, run, single_file=single_file)
    write_index(reports, single_file=single_file)
    if progress:
        progress(total, total, "")
    return path


def compose_feature(material: Material, feature: int) -> FeaturePage:
    """Everything that the page of a feature shows."""
    findings = material.search.findings
    order = findings.ranking(feature)
    most = MOST if findings.evidence[feature].found else SPARE
    shown = order[: min(most, ROOM // material.passage)].tolist()
    best = shown[:BEST]
    kind = findings.features[feature].kind
    names = ["", *(f.name for f in findings.features), ""]
    return FeaturePage(
        header=header(material.search),
        feature=describe(findings.features[feature]),
        headline=headline(material.search, feature, material.histograms),
        ranking=Ranking(rows=tuple(unit_row(material, feature, unit) for unit in shown), columns=SHOWN[kind]),
        passages=feature_texts(material, feature, shown, best),
        curves={str(findings.units[unit]): curves(material, feature, unit) for unit in best},
        others=others(findings, shown),
        previous=names[feature],
        next=names[feature + 2],
    )


def describe(feature: Any) -> FeatureInfo:
    """What was looked for; a long pattern is cut."""
    pattern = " ".join(feature.pattern.split())
    return FeatureInfo(
        name=feature.name,
        kind=feature.kind,
        description=feature.description,
        pattern=pattern if len(pattern) <= PATTERN else pattern[: PATTERN - 1] + "…",
        where=feature.where,
    )


def unit_row(material: Material, feature: int, unit: int) -> UnitRow:
    """The scores of a unit at a feature, and its histograms where the feature is a span."""
    findings, address = material.search.findings, material.search.findings.units[unit]
    span = findings.features[feature].kind == "span"
    names = ("chosen", *(SPAN_SCORES if span else NUMBER_SCORES))
    parts = material.histograms.inside_outside(feature, unit, FEW)[1:] if span else ()
    inside, outside = (tuple(np.rint(part).astype(int).tolist()) for part in parts) if span else ((), ())
    return UnitRow(
        address=str(address),
        site=str(address.site),
        unit=address.index,
        scores={name: number(findings.scores[name][feature, unit]) for name in names},
        sign=material.sign(feature, unit),
        inside=inside,
        outside=outside,
    )


def curves(material: Material, feature: int, unit: int) -> UnitCurves:
    """The pictures of a unit at a feature."""
    if material.labels.is_span(feature):
        return span_curves(material.histograms, material.scan, feature, unit, material.sign(feature, unit))
    return number_curves(material.scan, feature, unit)


def others(findings: Findings, units: Sequence[int]) -> UnitScores:
    """The scores of units on every feature that could be judged."""
    return unit_scores(findings, units, [f for f, e in enumerate(findings.evidence) if not e.remark])


def feature_texts(material: Material, feature: int, shown: Sequence[int], best: Sequence[int]) -> Passages:
    """A passage to read and contexts of the best units, with what the `shown` units did on them."""
    search, labels, units = material.search, material.labels, material.search.findings.units
    cuts = [reading(search.corpus, labels, feature, length=material.passage)]
    counts = CONTEXTS if search.findings.evidence[feature].found else CONTEXTS[:1]
    for unit, count in zip(best, counts, strict=False):
        cuts += contexts(material.scan, feature, unit, units[unit], material.sign(feature, unit), count=count)
    cuts += at_random(material.scan, count=RANDOM, seed=search.findings.counts.seed)
    span = labels.is_span(feature)
    return texts(
        search,
        cuts,
        units=[units[unit] for unit in shown],
        gated=[units[unit] for unit in best],
        spans=flags_on(labels, feature, cuts) if span else None,
        numbers=None if span else numbers_on(labels, feature, cuts),
        marks=material.marks,
    )


def number(value: float) -> float | None:
    """The value, or None where there is none."""
    return float(value) if math.isfinite(value) else None
