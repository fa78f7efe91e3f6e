"""One cell or many: the curve of a feature over the number of units, and the verdicts of all features."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path

from cellscope.evidence.curves import LARGEST, LASSO
from cellscope.evidence.probes import CRITERION, Probe, Probes
from cellscope.hooks.sites import choose_sites
from cellscope.pipeline.exhibits.lesions import need_exhibit
from cellscope.pipeline.probing import Probed
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Bars, Exhibit, Group, Lines, Series
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table

DEEP = 8
"""Features that have a curve of their own; more are told together."""
SCORE = "R², blocks that report"


def probe_exhibit(probe: Probe) -> Exhibit:
    """The curve of one feature: chosen units with their interval, the lasso's, random sets, the control task."""
    if not probe.rungs:
        return Exhibit(key=_key(probe), title=probe.feature, sentence=f"{probe.remark}.", caveats=())
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
        key=_key(probe),
        title=f"One cell or many: {probe.feature}",
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


def probes_exhibit(found: Probes) -> Exhibit:
    """Every feature: what the best unit tells beside what all tell, and the verdict."""
    curves = sorted((p for p in found.probes if p.rungs), key=lambda p: (p.needed is None, p.needed or 0, -p.told))
    counts = {name: sum(p.spread == name for p in curves) for name in ("local", "sparse", "distributed", "nothing")}
    left = len(found.probes) - len(curves)
    said = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    return Exhibit(
        key="probes",
        title="One cell or many",
        sentence=f"Of {len(curves)} features: {said or 'none could be probed'}.",
        caveats=(f"{CRITERION}.", *([f"{left} features were too rare or too common."] if left else [])),
        figures=(
            Bars(
                title="The best unit beside all units", labels=tuple(p.feature for p in curves), value=SCORE,
                groups=(
                    Group(name="all units", values=tuple(_known(p.all.score) for p in curves), quiet=True,
                          low=tuple(_known(p.all.low) for p in curves), high=tuple(_known(p.all.high) for p in curves)),
                    Group(name="the best unit", values=tuple(_known(p.rungs[0].score) for p in curves)),
                ),
            ),
        ) if curves else (),
        table=Table(
            columns=("feature", "late", "verdict", "units", "best unit", "alone", "share", "all", "low", "high",
                     "control", "random units as good"),
            rows=tuple(
                {"feature": p.feature, "late": p.lag, "verdict": p.spread, "units": p.needed,
                 "best unit": str(p.chosen[0]) if p.chosen else None, "alone": _known(p.rungs[0].score),
                 "share": _known(p.share[0]), "all": _known(p.all.score), "low": _known(p.all.low),
                 "high": _known(p.all.high), "control": _known(p.all.control), "random units as good": p.equalled}
                for p in curves
            ),
        ),
    )  # fmt: skip


def write_probes(probed: Probed, reports: Path, *, single_file: bool = False) -> Path:
    """The study of what was probed; its path."""
    found, network = probed.found, probed.network
    deep = len(found.probes) <= DEEP
    exhibits = tuple(probe_exhibit(p) for p in found.probes) if deep else (probes_exhibit(found),)
    exhibits += tuple(need_exhibit(need) for need in probed.lesions)
    known = (probed.run.info().get("corpus") or {}) if probed.run else {}
    own = bool(known) and known.get("digest") == probed.corpus.digest
    header = RunHeader(
        name=network.name if own else f"{network.name}-on-{probed.corpus.name}", corpus=probed.corpus.name,
        model=network.description or type(network.module).__name__, characters=found.characters, seed=found.seed,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"), vocabulary_size=len(network.vocabulary),
    )  # fmt: skip
    good = any(p.spread in ("local", "sparse", "distributed") for p in found.probes)
    steps = "every character" if found.stride == 1 else f"one character in {found.stride}"
    method = (
        f"{sum(found.sites.values()):,} units of {', '.join(map(str, found.sites))}; {steps}.",
        f"Units and weights come from the even blocks, scores from {found.reporting} groups of odd ones.",
        f"Forward selection goes up to {LARGEST} units and the lasso to {LASSO}, for the sake of time; the last point "
        "is the ridge regression on all units.",
        f"{found.draws} random sets at each number of units, seed {found.seed}.",
    )
    headline = Headline(sentence=exhibits[0].sentence, numbers=(), good=good, caveats=(), method=method)
    usual = tuple(found.sites) == choose_sites(network.module)
    where = "" if usual else f"in {', '.join(map(str, found.sites))}"
    name = study_of("probe" if probed.asked else "probes", probed.asked, where)
    path = write_study_page(
        reports, StudyPage(header=header, name=name, headline=headline, exhibits=exhibits), single_file=single_file
    )
    write_index(reports, single_file=single_file)
    return path


def _caveats(probe: Probe) -> tuple[str, ...]:
    said = [f"{CRITERION}.", "What a probe can read the network need not use."]
    if probe.lag:
        said.append(
            f"Read is where the feature was {probe.lag} back: there the best unit tells most of it. Its control task "
            "is read at once, which is easier as a rule, so that what is told beyond it is rather too little."
        )
    if probe.all.control > 0.5 * max(probe.all.score, 0):
        said.append(
            f"The control task reaches R² {probe.all.control:.2f}: much of this score any labels would get that hang "
            "on the last three characters."
        )
    return tuple(said)


def _key(probe: Probe) -> str:
    return "probe-" + re.sub(r"[^a-z0-9]+", "-", probe.feature.lower()).strip("-")


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
