"""Planted networks: is every planted cell found, with its sign, lag, kind, and how far its concept is spread?"""

from __future__ import annotations

from typing import Any

from cellscope.axes import Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.evidence.portraits import kinds_of
from cellscope.evidence.probes import Probe
from cellscope.evidence.probing import probe
from cellscope.evidence.verdicts import Evidence
from cellscope.hooks.sites import choose_sites
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.models.planted import SYMBOLS, Plant, planted, planted_text
from cellscope.observe import NetworkSource
from cellscope.pipeline.kind import stretch_of
from proof.material import SEED, trained
from proof.rows import Part, Row, table

LENGTH = 100_000
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
        "spread": "local or distributed, asked of all streams",
    }
    checks = []
    for name, said in words.items():
        asked = [row for row in rows if name in row["right"]]
        good = sum(row["right"][name] for row in asked)
        if asked:
            checks.append(Row(f"Planted cells: {said}", "all", f"{good} of {len(asked)}", good == len(asked)))
    marks = {True: "yes", False: "**no**", None: ""}
    lines = [
        [r["among"], r["feature"], r["planted"], "; ".join(filter(None, (r["found"], r["probe"]))),
         *(marks[r["right"].get(name)] for name in words)] for r in rows
    ]  # fmt: skip
    page = table(["among", "feature", "planted: exact addresses", "what find and probe said", *words], lines)
    return Part("Planted networks", tuple(checks), {"plants": rows}, page)


def _one(network: Network, plants: tuple[Plant, ...], corpus: Corpus, among: str) -> list[dict[str, Any]]:
    """What is said of each plant of one network, asked as a user asks: all streams, the features as they are."""
    features = tuple(plant.feature for plant in plants)
    with NetworkSource(network, corpus, choose_sites(network.module)) as source:
        findings = judge(count(source, corpus, features, seed=SEED))
        probes = probe(source, corpus, features, seed=SEED)
        # Of every exact address, whichever of them was found.
        lags = {e.feature: e.lag for e in findings.evidence}
        plans = {u: (plant.feature, lags[plant.feature.name]) for plant in plants for u in plant.exact}
        kinds = {u: k.name for u, k in kinds_of(source, corpus, plans, stretch=stretch_of(findings)).items()}
    evidence, read = {e.feature: e for e in findings.evidence}, {p.feature: p for p in probes.probes}
    return [_told(plant, evidence[plant.feature.name], read[plant.feature.name], kinds, among) for plant in plants]


def _told(plant: Plant, e: Evidence, reading: Probe, kinds: dict[Unit, str], among: str) -> dict[str, Any]:
    """What was said of one plant, and whether it is right; a unit is right if its whole address is an exact one."""
    name, right = plant.feature.name, {"spread": reading.spread == plant.spread}
    if plant.spread == "local":
        right["unit"] = e.found and e.unit in plant.exact
        right["sign"], right["lag"] = e.sign == plant.sign, e.lag == plant.lag
        right["kind"] = all(kinds[unit] == kind for unit, kind in plant.exact.items())
        right["spread"] &= reading.chosen[0] in plant.exact and reading.lag == plant.lag
    late = f", {plant.lag} late" if plant.lag else ""
    where = " or ".join(f"{u} ({k})" for u, k in plant.exact.items()) or f"spread over {len(plant.units)} cells"
    alone = f"{where}, {'+' if plant.sign > 0 else '-'}{late}"
    return {
        "among": among, "feature": name, "planted": alone if plant.sign else where,
        "found": e.verdict if plant.sign else "", "kinds": {str(unit): kinds[unit] for unit in plant.exact},
        "probe": reading.verdict,
        "spread": reading.spread, "right": right,
    }  # fmt: skip
