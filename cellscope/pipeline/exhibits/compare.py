"""Two networks on one text, or on the same pictures: how close their units come, what the closest pairs do, and which
features either has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.evidence.matching import Match
from cellscope.evidence.verdicts import Evidence, digits
from cellscope.models.network import Network
from cellscope.pipeline.compare import Read
from cellscope.pipeline.comparison import Comparison, Shared, Side
from cellscope.pipeline.rehear import rehear
from cellscope.report.contents import Headline
from cellscope.report.exhibits import Bars, Exhibit, Group, HeatMap, Lines, Sample, Samples, Series
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table

PAIRS, SHOWN, READ = 40, 3, 600
"""Pairs on the heat map, pairs whose text is shown, and its characters."""


def write_comparison(comparison: Comparison, reports: Path, *, single_file: bool = False) -> Path:
    """The study page of a comparison, with the first network's pages, and the index; the page's path."""
    path = write_study_page(reports, study(comparison), single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def study(comparison: Comparison) -> StudyPage:
    """Everything that the page of a comparison shows."""
    (first, second), cells, what = comparison.sides, comparison.cells, comparison.subject.feature
    mean, low, high = cells.assigned
    headline = Headline(
        sentence=comparison.sentences[0] + ".",
        good=bool(comparison.pairs),
        numbers=(
            ("one to one, mean r", f"{digits(mean)} ({digits(low)}-{digits(high)})"),
            (f"{what}s in both", f"{len(comparison.of('both'))} of {len(comparison.features)}"),
            (f"in {first.name} alone", str(len(comparison.of("first")))),
            (f"in {second.name} alone", str(len(comparison.of("second")))),
        ),
        caveats=comparison.caveats,
        method=comparison.subject.method(cells),
    )
    model = f"{first.name}: {first.network.description}; {second.name}: {second.network.description}"
    header = comparison.subject.header(first, model, cells.seed)
    both = f"compare-{first.name}-{second.name}".replace("@", "-at-")
    asked, at = ", ".join(comparison.asked), ", ".join(comparison.at)
    name = study_of(both, (), f"for {asked}" if asked else "", f"at {at}" if at else "")
    exhibits = (correspondence(comparison), features(comparison))
    return StudyPage(header=header, name=name, headline=headline, exhibits=exhibits)


def correspondence(comparison: Comparison) -> Exhibit:
    """How close best matches are, beside the untrained network's; the closest pairs on a map and on a text."""
    pairs = comparison.pairs
    figures: list[Lines | HeatMap | Samples] = [_closeness(comparison)]
    if len(pairs) > 1:
        figures.append(_map(comparison, pairs[:PAIRS]))
    if pairs and isinstance(comparison.subject, Read):
        figures.append(_texts(comparison, comparison.subject.corpus, pairs[:SHOWN]))
    kept = ("same number",) if comparison.same_run else ()
    return Exhibit(
        key="correspondence",
        title="Which units correspond",
        sentence=f"{comparison.sentences[0]}; {comparison.sentences[1]}.",
        caveats=(
            "Corresponding: each is the other's best match, its whole interval above the best match in any of "
            f"{comparison.cells.controls} untrained networks, and p <= .05.",
            f"r counts every {comparison.subject.position}: two units that mark the same rare thing and differ "
            "elsewhere have a low r.",
        ),
        figures=tuple(figures),
        table=Table(
            columns=("unit", "other", "corresponds", "mutual", "r", "low", "high", "untrained", "p", "assigned", *kept),
            rows=tuple(_row(match, bool(kept)) for match in sorted(comparison.cells.first, key=lambda m: -m.closeness)),
        ),
    )


def features(comparison: Comparison) -> Exhibit:
    """The best unit of either network for every feature that one of them has."""
    (a, b), what = comparison.names, comparison.subject.feature
    shown = [f for f in comparison.features if f.who != "neither"]
    shown.sort(key=lambda f: (f.who, -max(f.first.score, f.second.score)))
    bars = Bars(
        title="The best unit of either network",
        caption=f"AUC (numeric {what}s: rank correlation) with its 95 % interval; only {what}s that one of them has.",
        labels=tuple(f.feature for f in shown),
        groups=(_group(a, [f.first for f in shown]), _group(b, [f.second for f in shown])),
        value="score",
    )
    columns = (what, "found in", f"unit of {a}", f"score in {a}", f"unit of {b}", f"score in {b}", "apart", "r",
               "corresponds")  # fmt: skip
    return Exhibit(
        key=f"{what}s",
        title=f"Which {what}s either has",
        sentence=f"{comparison.sentences[2][:1].upper()}{comparison.sentences[2][1:]}; {comparison.sentences[3]}.",
        caveats=("Apart: the two intervals leave a gap; without one, that only one was found proves no difference.",),
        figures=(bars,) if shown else (),
        table=Table(
            columns=columns,
            rows=tuple(dict(zip(columns, _cells(comparison, f), strict=True)) for f in comparison.features),
        ),
    )


def _closeness(comparison: Comparison) -> Lines:
    """Best matches from the closest to the farthest, of both networks, and what they are in untrained ones."""
    series = []
    for name, other, side in zip(comparison.names, comparison.names[::-1],
                                 (comparison.cells.first, comparison.cells.second), strict=True):  # fmt: skip
        share = tuple((k + 0.5) / len(side) for k in range(len(side)))
        for quiet in (False, True):
            order = sorted(side, key=lambda m, q=quiet: -(m.untrained if q else m.closeness))  # type: ignore[misc]
            series.append(Series(
                name=f"{name} in untrained networks" if quiet else f"{name} in {other}",
                x=share,
                y=tuple(m.untrained if quiet else m.closeness for m in order),
                labels=tuple(str(m.unit) if quiet else f"{m.unit} and {m.other}" for m in order),
                quiet=quiet,
            ))  # fmt: skip
    return Lines(
        title="How close the best matches are",
        caption="Every unit's best match in the other network, the closest first.",
        series=tuple(series),
        x="share of the units",
        y="r of the best match",
    )


def _map(comparison: Comparison, pairs: Sequence[Match]) -> HeatMap:
    rows, columns = ([m.unit for m in side] for side in (comparison.cells.first, comparison.cells.second))
    values = comparison.cells.r[np.ix_([rows.index(m.unit) for m in pairs], [columns.index(m.other) for m in pairs])]
    a, b = comparison.names
    return HeatMap(
        title="The closest pairs",
        caption="Correlation of every unit of the closest pairs with every other; the pairs lie on the diagonal.",
        rows=tuple(str(m.unit) for m in pairs),
        columns=tuple(str(m.other) for m in pairs),
        values=values,
        value="r",
        row=f"unit of {a}",
        column=f"unit of {b}",
        reach=1.0,
    )


def _texts(comparison: Comparison, corpus: Corpus, pairs: Sequence[Match]) -> Samples:
    """The end of the text, coloured by both units of each pair."""
    start = max(0, len(corpus) - READ)
    text = corpus.text(start, len(corpus))
    heard = [_heard(side, [m.unit if k == 0 else m.other for m in pairs], corpus, start)
             for k, side in enumerate(comparison.sides)]  # fmt: skip
    samples = []
    for p, match in enumerate(pairs):
        for k, (name, unit) in enumerate(zip(comparison.names, (match.unit, match.other), strict=True)):
            over = -1 if k and match.closeness != match.r else 1
            note = f"r {digits(match.r)}" + (", turned over" if over < 0 else "")
            samples.append(Sample(title=f"{unit} of {name}", text=text, values=over * heard[k][p], note=note))
    return Samples(
        title="The closest pairs on the end of the text",
        caption="Each unit in spreads from its own mean over these characters; turned over where r is negative.",
        samples=tuple(samples),
    )


def _heard(side: Side, units: list[Unit], corpus: Corpus, start: int) -> list[NDArray[np.floating]]:
    assert isinstance(side.network, Network)
    heard = rehear(side.network, corpus, side.sites, [(start, len(corpus))]).values
    made = []
    for unit in units:
        values = heard[unit.site][:, unit.index].astype(np.float64)
        made.append((values - values.mean()) / max(float(values.std()), 1e-9))
    return made


def _row(match: Match, same: bool) -> dict[str, str | float | bool | None]:
    made: dict[str, str | float | bool | None] = {
        "unit": str(match.unit), "other": str(match.other), "corresponds": "yes" if match.found else "no",
        "mutual": "yes" if match.mutual else "no", "r": match.r, "low": match.low, "high": match.high,
        "untrained": match.untrained, "p": match.p, "assigned": str(match.assigned) if match.assigned else None,
    }  # fmt: skip
    return made | ({"same number": "yes" if match.unit == match.other else "no"} if same else {})


def _cells(comparison: Comparison, shared: Shared) -> list[str | float | None]:
    a, b = comparison.names
    where = {"both": "both", "first": a, "second": b, "neither": "neither"}[shared.who]
    known = shared.r is not None
    return [
        shared.feature, where,
        str(shared.first.unit) if shared.first.unit else None, _number(shared.first.score),
        str(shared.second.unit) if shared.second.unit else None, _number(shared.second.score),
        ("yes" if shared.apart else "no") if known else None, shared.r,
        ("yes" if shared.counterpart else "no") if known else None,
    ]  # fmt: skip


def _group(name: str, evidence: Sequence[Evidence]) -> Group:
    return Group(
        name=name,
        values=tuple(_number(e.score) for e in evidence),
        low=tuple(_number(e.low) for e in evidence),
        high=tuple(_number(e.high) for e in evidence),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
