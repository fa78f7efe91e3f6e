"""Planted networks: is every planted cell found, with its sign, lag, kind, and how far its concept is spread?"""

from __future__ import annotations

from typing import Any

from cellscope.axes import Site, Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.evidence.portraits import kinds_of
from cellscope.evidence.probing import probe
from cellscope.features.feature import Feature
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.models.planted import SYMBOLS, Plant, planted, planted_text
from cellscope.observe import NetworkSource
from cellscope.pipeline.kind import stretch_of
from proof.material import SEED, trained
from proof.rows import Part, Row, table

LENGTH = 100_000
CELL = Site("lstm.0", "cell")
LATE_URL = Feature(name="planted-url-late", pattern=r"(?<=ht)t[^ \n]*[ \n].", flags=("DOTALL",))
"""Where a detector of URLs is on that is two characters late: a linear reading has no lag of its own."""
RANDOM, HIDDEN = 4, 2
"""Networks of random units, and of trained ones, with planted cells."""


def measure(quick: bool = False) -> Part:
    """All planted networks, all plants."""
    corpus = Corpus.from_text(planted_text(LENGTH, SEED))
    host = trained()[0]
    rows: list[dict[str, Any]] = []
    for seed in range(1 if quick else RANDOM):
        rows += _one(*planted(Vocabulary(tuple(sorted(SYMBOLS)), "characters", None), seed=seed), corpus, "random")
    for seed in range(1 if quick else HIDDEN):
        rows += _one(*planted(host.vocabulary, host=host, seed=seed), corpus, "trained")
    words = {
        "unit": "the right unit",
        "sign": "its sign",
        "lag": "its lag",
        "kind": "its kind",
        "spread": "local or distributed",
    }
    checks = []
    for name, said in words.items():
        asked = [row for row in rows if name in row["right"]]
        good = sum(row["right"][name] for row in asked)
        if asked:
            checks.append(Row(f"Planted cells: {said}", "all", f"{good} of {len(asked)}", good == len(asked)))
    marks = {True: "yes", False: "**no**", None: ""}
    lines = [
        [r["among"], r["feature"], r["planted"], r["found"], *(marks[r["right"].get(name)] for name in words)]
        for r in rows
    ]
    page = table(["among", "feature", "planted", "what was said", *words], lines)
    return Part("Planted networks", tuple(checks), {"plants": rows}, page)


def _one(network: Network, plants: tuple[Plant, ...], corpus: Corpus, among: str) -> list[dict[str, Any]]:
    """What is said of each plant of one network, and whether it is right."""
    features = tuple(plant.feature for plant in plants)
    sites = choose_sites(network.module)
    with NetworkSource(network, corpus, sites) as source:
        findings = judge(count(source, corpus, features, seed=SEED))
    with NetworkSource(network, corpus, (CELL,)) as source:
        probes = probe(source, corpus, (*features, LATE_URL), seed=SEED)
    evidence, read = {e.feature: e for e in findings.evidence}, {p.feature: p for p in probes.probes}
    kinds = _kinds(network, corpus, findings)
    made = []
    for plant in plants:
        e, name = evidence[plant.feature.name], plant.feature.name
        reading = read[LATE_URL.name if plant.lag else name]
        right = {"spread": reading.spread == plant.spread}
        if plant.spread == "local":
            right["unit"] = e.found and e.unit is not None and e.unit.index == plant.units[0]
            right["sign"], right["lag"] = e.sign == plant.sign, e.lag == plant.lag
            right["kind"] = kinds.get(name) == plant.kind
        where = f"cell {plant.units[0]}" if plant.spread == "local" else f"{len(plant.units)} cells"
        late = f", {plant.lag} late" if plant.lag else ""
        alone = f"{plant.kind}, {where}, {'+' if plant.sign > 0 else '-'}{late}"
        told = alone if plant.sign else f"spread over {where}"
        said = e.verdict if plant.sign else reading.verdict
        made.append({"among": among, "feature": name, "planted": told, "found": said, "kind": kinds.get(name, ""),
                     "spread": reading.spread, "right": right})  # fmt: skip
    return made


def _kinds(network: Network, corpus: Corpus, findings: Findings) -> dict[str, str]:
    """What kind of cell the unit is that was found for each feature, at the lag that was found."""
    best = [(e, f) for e, f in zip(findings.evidence, findings.features, strict=True) if e.unit is not None and e.found]
    made = {}
    with NetworkSource(network, corpus, (CELL,)) as source:
        for e, f in best:
            assert e.unit is not None
            cell = Unit(CELL, e.unit.index)
            made[f.name] = kinds_of(source, corpus, {cell: (f, e.lag)}, stretch=stretch_of(findings))[cell].name
    return made
