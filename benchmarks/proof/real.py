"""A real result re-examined: every feature of the library in the demonstration's network, with all the evidence."""

from __future__ import annotations

import math
from typing import Any

from cellscope.evidence.needs import Need, nats
from cellscope.evidence.probes import Probe
from cellscope.evidence.probing import probe
from cellscope.evidence.verdicts import Evidence, digits, probability
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites
from cellscope.observe import NetworkSource
from cellscope.pipeline.find import clean, search
from proof.material import KEPT, SEED, trained
from proof.needs import DRAWS, needs
from proof.rows import Part, Row, table

CHARACTERS = 1_000_000
LESIONED = 16_000
TOLD = (1, 4, 16, 64)
"""Numbers of units whose R2 is in the table, beside all."""


def measure(quick: bool = False) -> Part:
    """The tables, and how many of the library's features have a special cell by cellscope's own measure."""
    network, corpus = trained()
    many, lesioned = (CHARACTERS // 8, LESIONED // 8) if quick else (CHARACTERS, LESIONED)
    text, features, sites = corpus.part(max(0, len(corpus) - many), len(corpus)), select(), choose_sites(network.module)
    findings = search(network, text, features, control=KEPT / "control", seed=SEED)
    with NetworkSource(network, text, sites) as source:
        read = {p.feature: p for p in probe(source, text, findings.features, seed=SEED).probes}
    judged = [e for e in findings.evidence if e.unit is not None and not math.isnan(e.score)]
    told = needs(network, text, findings, min(lesioned, len(text) // 2))
    figures = [
        {**clean(e.figures()), "answer": e.answer, "probe": clean(_probed(read[e.feature])),
         "need": clean(_needed(told.get(e.feature)))} for e in judged
    ]  # fmt: skip
    page = "\n\n".join([_search_table(judged, read, told), _note(lesioned), _probe_table(judged, read), _PROBE_NOTE])
    rows = _rows(len(findings.evidence), judged, read, told)
    return Part("A real result re-examined", rows, {"network": network.description, "features": figures}, page)


def _rows(of: int, judged: list[Evidence], read: dict[str, Probe], told: dict[str, Need]) -> tuple[Row, ...]:
    found = [e for e in judged if e.found]
    special = [e.feature for e in found if read[e.feature].spread == "local"]
    needed = [e.feature for e in found if e.feature in told and told[e.feature].needed]
    read_at_all = [read[e.feature] for e in judged if read[e.feature].needed is not None]
    shares = sorted(p.share[0] for p in read_at_all)
    half = f"{shares[len(shares) // 2]:.0%}" if shares else "-"
    selective = sum(p.selective > 0 for p in read_at_all)
    return (
        Row("Library features judged on the demonstration's network", "", f"{len(judged)} of {of}"),
        Row("... with a unit that beats chance, the last three characters and the untrained network", "", _listed(
            [e.feature for e in found])),
        Row("... that hang on that one cell as far as a linear reading goes (local)", "", _listed(special)),
        Row("... where the network also needs it more than units of like variance", "", _listed(needed)),
        Row("... where cellscope says that no cell is special", "",
            f"{len(judged) - len(special)}: {len(judged) - len(found)} not found, "
            f"{len(found) - len(special)} take several"),
        Row("What the best unit has of what all have, the median of the features that are told", "",
            f"{half} of {len(shares)} features"),
        Row("Features that are told better than their control task", "", f"{selective} of {len(shares)}"),
    )  # fmt: skip


def _listed(names: list[str]) -> str:
    return f"{len(names)}: {', '.join(names) or 'none'}"


def _search_table(judged: list[Evidence], read: dict[str, Probe], told: dict[str, Need]) -> str:
    lines = []
    for e in judged:
        need = told.get(e.feature)
        known = need is not None and not math.isnan(need.effect.inside.value)
        lines.append([
            e.feature, str(e.unit), f"{digits(e.score)} ({digits(e.low)}-{digits(e.high)})", digits(e.three),
            digits(e.untrained), probability(e.p), e.answer,
            f"{need.effect.inside.words}{' *' * need.needed}" if need and known else "-",
            f"{nats(min(r.inside.value for r in need.random))} to {nats(need.most)}" if need and known else "-",
            f"{need.ratios[0]:.2g} to {need.ratios[1]:.2g}" if need and known else "-",
            _special(e, read[e.feature].spread),
        ])  # fmt: skip
    return table(["feature", "best unit", "score, held out", "3 chars", "untrained", "p", "found",
                  "nats inside without it", "without each control", "their variance / its",
                  "no cell is special, because"], lines)  # fmt: skip


def _note(lesioned: int) -> str:
    return (
        f"Each unit is held at its mean over the last {lesioned:,} characters; so are its controls, {DRAWS} units of "
        "the same stream of nearest variance. `*`: the whole interval lies above 0 and above what each of these costs."
    )


def _probe_table(judged: list[Evidence], read: dict[str, Probe]) -> str:
    lines = []
    for p in (read[e.feature] for e in judged if read[e.feature].rungs):
        by_count = {rung.units: rung for rung in p.rungs}
        lines.append([
            p.feature, str(p.lag or ""), *(digits(by_count[k].score) if k in by_count else "-" for k in TOLD),
            f"{digits(p.all.score)} ({digits(p.all.low)} to {digits(p.all.high)})",
            "-" if p.needed is None else f"{p.share[0]:.0%} ({p.share[1]:.0%} to {p.share[2]:.0%})",
            digits(p.all.control), digits(p.selective), str(p.equalled or "-"), p.spread,
        ])  # fmt: skip
    return table(["feature", "late", *(f"R2 of {k}" for k in TOLD), "of all", "one of all", "control", "selectivity",
                  "random units as good as the best", "spread"], lines)  # fmt: skip


_PROBE_NOTE = (
    "R2 of chosen units, on blocks that did not choose; the share that the best one has of the most that is told; R2 "
    "of all units for Hewitt and Liang's control task, and what is told beyond it; how many units drawn at random tell "
    "as much as the best one. `late`: read so many characters late, as the best unit is."
)


def _special(e: Evidence, spread: str) -> str:
    """Why no cell is special, or nothing."""
    if not e.found:
        return e.reason
    return "" if spread == "local" else f"it takes several units: {spread}"


def _probed(p: Probe) -> dict[str, Any]:
    """A curve without what the random sets and the lasso did at every number."""
    names = ("units", "score", "low", "high", "control", "random")
    rungs = [{name: getattr(rung, name) for name in names} for rung in p.rungs]
    return {"spread": p.spread, "lag": p.lag, "needed": p.needed, "share": list(p.share), "selective": p.selective,
            "equalled": p.equalled, "rungs": rungs}  # fmt: skip


def _needed(need: Need | None) -> dict[str, Any] | None:
    if need is None:
        return None
    inside = {name: getattr(need.effect.inside, name) for name in ("value", "low", "high")}
    return {"inside": inside, "needed": need.needed, "controls": [r.inside.value for r in need.random],
            "ratios": list(need.ratios)}  # fmt: skip
