"""A real result re-examined: every feature of the library in the demonstration's network, with all the evidence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.lesions import Lesion, lesion_changes
from cellscope.evidence.needs import Effect
from cellscope.evidence.probing import probe
from cellscope.evidence.verdicts import Evidence, digits, probability
from cellscope.features.library import select
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites
from cellscope.observe import NetworkSource
from cellscope.pipeline.find import clean, search
from proof.material import KEPT, SEED, trained
from proof.rows import Part, Row, table

CHARACTERS = 1_000_000
LESIONED = 40_000
RANDOM = 10
"""Units drawn at random that are lesioned beside the best ones."""


def measure(quick: bool = False) -> Part:
    """The table, and how many of the library's features have a special cell by cellscope's own measure."""
    network, corpus = trained()
    many = CHARACTERS // 4 if quick else CHARACTERS
    text, features, sites = corpus.part(max(0, len(corpus) - many), len(corpus)), select(), choose_sites(network.module)
    findings = search(network, text, features, control=KEPT / "control", seed=SEED)
    with NetworkSource(network, text, sites) as source:
        probes = probe(source, text, findings.features, seed=SEED)
    read = {p.feature: p for p in probes.probes}
    effects, least = _lesions(network, text, findings, LESIONED // 4 if quick else LESIONED)
    lines, figures, needed = [], [], 0
    for e in findings.evidence:
        if e.unit is None or math.isnan(e.score):
            continue
        effect, bar = effects.get(e.feature), least.get(e.feature, math.nan)
        costs = effect is not None and effect.inside.low > max(0.0, bar)
        needed += costs and e.found
        p = read[e.feature]
        lines.append([
            e.feature, str(e.unit), f"{digits(e.score)} ({digits(e.low)}-{digits(e.high)})", digits(e.three),
            digits(e.untrained), probability(e.p), e.answer,
            "-" if effect is None else f"{effect.inside.words}{' *' if costs else ''}", p.spread,
            _special(e, p.spread),
        ])  # fmt: skip
        figures.append({**clean(e.figures()), "answer": e.answer, "lesion": _lesioned(effect), "spread": p.spread,
                        "needed": p.needed, "random_most": clean({"most": bar})["most"]})  # fmt: skip
    found = [e for e in findings.evidence if e.found]
    judged = len(lines)
    special = [e.feature for e in found if read[e.feature].spread == "local"]
    rows = (
        Row("Library features judged on the demonstration's network", "", f"{judged} of {len(findings.evidence)}"),
        Row("... with a unit that beats chance, the last three characters and the untrained network", "",
            f"{len(found)}: {', '.join(e.feature for e in found)}"),
        Row("... that hang on that one cell as far as a linear reading goes (local)", "",
            f"{len(special)}: {', '.join(special) or 'none'}"),
        Row("... where the network also needs it more than units drawn at random", "", str(needed)),
        Row("... where cellscope says that no cell is special", "",
            f"{judged - len(special)}: {judged - len(found)} not found, {len(found) - len(special)} take several"),
    )  # fmt: skip
    head = ["feature", "best unit", "score, held out", "3 chars", "untrained", "p", "found", "nats inside without it",
            "spread", "no cell is special, because"]  # fmt: skip
    note = (
        "\n\n`*`: the whole interval lies above 0 and above what each of "
        f"{RANDOM} units drawn at random costs there, each held at its mean over the last {LESIONED:,} characters."
    )
    return Part("A real result re-examined", rows, {"network": network.description, "features": figures},
                table(head, lines) + note)  # fmt: skip


def _special(e: Evidence, spread: str) -> str:
    """Why no cell is special, or nothing."""
    if not e.found:
        return e.reason
    return "" if spread == "local" else f"it takes several units: {spread}"


def _lesioned(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return clean({name: getattr(effect.inside, name) for name in ("value", "low", "high")})


def _lesions(network: Any, text: Any, findings: Findings, many: int) -> tuple[dict[str, Effect], dict[str, float]]:
    """For each span feature what its best unit's lesion costs, and the most that one of the random ones costs."""
    tally = findings.counts.tally
    seen = tally.total.sum((0, 2))
    means = tally.powers[..., 0].sum(0) / seen + tally.middle
    spans = [e for e in findings.evidence if e.kind == "span" and e.unit is not None]
    wanted: list[Unit] = sorted({e.unit for e in spans if e.unit is not None})
    others = [findings.units[u] for u in np.random.default_rng(SEED).permutation(len(findings.units)).tolist()]
    drawn = [unit for unit in others if unit not in wanted][:RANDOM]
    number = {unit: at for at, unit in enumerate(findings.units)}
    lesions = [
        Lesion(str(u), {u.site: (np.array([u.index]), np.array([means[number[u]]], np.float32))})
        for u in [*wanted, *drawn]
    ]
    asked = [next(f for f in findings.features if f.name == e.feature) for e in spans]
    changes = lesion_changes(network, text, asked, lesions, start=len(text) - many)
    effects, least = {}, {}
    for f, e in enumerate(spans):
        assert e.unit is not None
        effect = Effect.of(changes, wanted.index(e.unit), f)
        if not math.isnan(effect.inside.value):
            effects[e.feature] = effect
            drawn_cost = [Effect.of(changes, len(wanted) + k, f).inside.value for k in range(len(drawn))]
            least[e.feature] = max(drawn_cost, default=math.nan)
    return effects, least
