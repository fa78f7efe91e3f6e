"""One cell or many: the curve of a feature over the number of units, and the verdicts of all features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cellscope.evidence.curves import LARGEST, LASSO
from cellscope.evidence.probes import Probe, Probes, criterion
from cellscope.evidence.terms import TEXT
from cellscope.hooks.sites import choose_sites
from cellscope.pipeline.exhibits.lesions import need_exhibit
from cellscope.pipeline.picture_pages.words import header_in
from cellscope.pipeline.probing import Probed
from cellscope.pipeline.probing_pictures import PictureProbed
from cellscope.pipeline.training import is_own
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Bars, Exhibit, Group, Lines, Series, numbered_key
from cellscope.report.page import write_index
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table

DEEP = 8
"""Features that have a curve of their own; more are told together."""
SCORE = "R², blocks that report"


def probe_exhibit(probe: Probe, number: int) -> Exhibit:
    """The curve of one feature: chosen units with their interval, the lasso's, random sets, the control task."""
    key = numbered_key("probe", number, _name(probe))
    if not probe.rungs:
        return Exhibit(key=key, title=_name(probe), sentence=f"{probe.remark}.", caveats=())
    rungs, x = probe.rungs, tuple(float(r.units) for r in probe.rungs)
    chosen = Series(
        name="chosen units", x=x, y=tuple(_known(r.score) for r in rungs), low=tuple(_known(r.low) for r in rungs),
        high=tuple(_known(r.high) for r in rungs),
    )  # fmt: skip
    lasso = Series(name="the lasso's units", x=x, y=tuple(_known(r.lasso) for r in rungs))
    random = Series(
        name="units drawn at random", x=x, y=tuple(_known(r.random) for r in rungs), quiet=True,
        low=tuple(_known(r.least) for r in rungs), high=tuple(_known(r.most) for r in rungs),
    )  # fmt: skip
    control = Series(name="control task", x=x, y=tuple(_known(r.control) for r in rungs), quiet=True)
    caption = "The band is the 95 % interval; that of the random units their range. The last point is all units."
    return Exhibit(
        key=key,
        title=f"One cell or many: {_name(probe)}",
        sentence=f"{probe.verdict}.",
        caveats=_caveats(probe),
        figures=(
            Lines(title="What so many units tell", caption=caption, series=(chosen, lasso, random, control),
                  x="units", y=SCORE, log_x=True, rules=((f"{'95 %'} of what all have", 0.95 * probe.told),)),
        ),
        table=Table(
            columns=("units", "R²", "low", "high", "lasso", "random", "least", "most", "control", "selectivity"),
            rows=tuple(
                {"units": r.units, "R²": _known(r.score), "low": _known(r.low), "high": _known(r.high),
                 "lasso": _known(r.lasso), "random": _known(r.random), "least": _known(r.least),
                 "most": _known(r.most), "control": _known(r.control), "selectivity": _known(r.selectivity)}
                for r in rungs
            ),
        ),
    )  # fmt: skip


def probes_exhibit(probes: Sequence[Probe]) -> Exhibit:
    """Every feature: what the best unit tells beside what all tell, and the verdict."""
    curves = sorted((p for p in probes if p.rungs), key=lambda p: (p.needed is None, p.needed or 0, -p.told))
    counts = {name: sum(p.spread == name for p in curves) for name in ("local", "sparse", "distributed", "nothing")}
    left, terms = len(probes) - len(curves), probes[0].terms
    late = ("late",) if terms is TEXT else ()
    said = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    return Exhibit(
        key="probes",
        title="One cell or many",
        sentence=f"Of {len(curves)} {terms.feature}s: {said or 'none could be probed'}.",
        caveats=(f"{criterion(terms)}.", *([f"{left} {terms.feature}s were too rare or too common."] if left else [])),
        figures=(
            Bars(
                title="The best unit beside all units", labels=tuple(map(_name, curves)), value=SCORE,
                groups=(
                    Group(name="all units", values=tuple(_known(p.all.score) for p in curves), quiet=True,
                          low=tuple(_known(p.all.low) for p in curves), high=tuple(_known(p.all.high) for p in curves)),
                    Group(name="the best unit", values=tuple(_known(p.rungs[0].score) for p in curves)),
                ),
            ),
        ) if curves else (),
        table=Table(
            columns=(terms.feature, *late, "verdict", "units", "best unit", "alone", "share", "all", "low", "high",
                     "control", "random units as good"),
            rows=tuple(
                {terms.feature: p.feature, "late": p.lag, "verdict": p.spread, "units": p.needed,
                 "best unit": str(p.chosen[0]) if p.chosen else None, "alone": _known(p.rungs[0].score),
                 "share": _known(p.share[0]), "all": _known(p.all.score), "low": _known(p.all.low),
                 "high": _known(p.all.high), "control": _known(p.all.control), "random units as good": p.equalled}
                for p in curves
            ),
        ),
    )  # fmt: skip


def write_probes(probed: Probed, reports: Path, *, single_file: bool = False) -> Path:
    """The study of what was probed in a text; its path."""
    found, network = probed.found, probed.network
    own = is_own(probed.run, probed.corpus)
    header = RunHeader(
        name=network.name if own else f"{network.name}-on-{probed.corpus.name}", corpus=probed.corpus.name,
        model=network.description or type(network.module).__name__, characters=found.characters, seed=found.seed,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"), vocabulary_size=len(network.vocabulary),
    )  # fmt: skip
    steps = "every character" if found.stride == 1 else f"one character in {found.stride}"
    heard = f"{sum(found.sites.values()):,} units of {', '.join(map(str, found.sites))}; {steps}."
    usual = tuple(found.sites) == choose_sites(network.module)
    where = "" if usual else f"in {', '.join(map(str, found.sites))}"
    name = study_of("probe" if probed.asked else "probes", probed.asked, where)
    more = tuple(need_exhibit(need, number) for number, need in enumerate(probed.lesions, 1))
    return _written(reports, header, name, found.probes, heard, found, more, single_file)


def write_picture_probes(probed: PictureProbed, reports: Path, *, single_file: bool = False) -> Path:
    """The study of what was probed in pictures; its path."""
    found = probed.found.found
    header = header_in(probed.network, probed.run, probed.images, probed.seed)
    heard = "; ".join(f"{sum(one.sites.values()):,} units of {', '.join(map(str, one.sites))}" for one in found)
    where = f"in {', '.join(probed.sites)}" if probed.sites else ""
    name = study_of("probe" if probed.asked else "probes", probed.asked, where)
    return _written(reports, header, name, probed.found.probes, f"{heard}.", found[0], (), single_file)


def _written(
    reports: Path, header: RunHeader | PictureHeader, name: str, probes: Sequence[Probe], heard: str, made: Probes,
    more: tuple[Exhibit, ...], single_file: bool,
) -> Path:  # fmt: skip
    """The page of some curves, made like those of `made`, with `more` after them; and the index."""
    deep = tuple(probe_exhibit(probe, number) for number, probe in enumerate(probes, 1))
    exhibits = deep if len(probes) <= DEEP else (probes_exhibit(probes),)
    good = any(p.spread in ("local", "sparse", "distributed") for p in probes)
    method = (
        heard,
        f"Units and weights come from the even blocks, scores from {made.reporting} groups of odd ones.",
        f"Forward selection goes up to {LARGEST} units and the lasso to {LASSO}, for the sake of time; the last point "
        "is the ridge regression on all units.",
        f"{made.draws} random sets at each number of units, seed {made.seed}.",
    )
    headline = Headline(sentence=exhibits[0].sentence, numbers=(), good=good, caveats=(), method=method)
    page = StudyPage(header=header, name=name, headline=headline, exhibits=(*exhibits, *more))
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def _caveats(probe: Probe) -> tuple[str, ...]:
    said = [f"{criterion(probe.terms)}.", "What a probe can read the network need not use."]
    if probe.lag:
        said.append(
            f"Read is where the feature was {probe.lag} back: there the best unit tells most of it. Its control task "
            "is read at once, which is easier as a rule, so that what is told beyond it is rather too little."
        )
    if probe.all.control > 0.5 * max(probe.all.score, 0):
        said.append(
            f"The control task reaches R² {probe.all.control:.2f}: much of this score any labels would get that hang "
            f"on the {probe.terms.type}."
        )
    return tuple(said)


def _name(probe: Probe) -> str:
    return f"{probe.feature} in {probe.layer}" if probe.layer else probe.feature


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
