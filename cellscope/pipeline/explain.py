"""One unit in full: every feature, its gates, its time scale, and the places where it does most and least."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.needs import Need
from cellscope.evidence.portraits import Portrait
from cellscope.evidence.timescales import time_scales
from cellscope.evidence.verdicts import Evidence, Q, named
from cellscope.findings import Findings
from cellscope.hooks.sites import sites_of
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, Progress, rounds
from cellscope.pipeline.causes import causes_of
from cellscope.pipeline.find import Search, clean
from cellscope.pipeline.kind import best_features, portrait_of
from cellscope.pipeline.pages import Material
from cellscope.pipeline.passages import READING, peaks
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.searched import search_with
from cellscope.sinks.saturation import SIGMOID, Saturation

PLACES = 5
LEFT, RIGHT = 60, 20
"""Characters that are printed before and after a place."""


@dataclass(frozen=True)
class Place:
    """A place in the text: the characters around it, and what the unit did there."""

    position: int
    before: str
    here: str
    after: str
    value: float


@dataclass(frozen=True)
class Gate:
    """What one gate of the unit did over a stretch of text: its mean, and the fractions below .1 and above .9."""

    name: str
    mean: float
    closed: float
    open: float


@dataclass(frozen=True)
class Explained:
    """What is known of one unit: `evidence` for every judged feature, best first; gates; time scale; places;
    `causes` are what the network loses without it, `portrait` what kind of cell it is at its own feature, where there
    is a network and a feature can be judged.
    """

    material: Material
    index: int
    evidence: tuple[Evidence, ...]
    gates: tuple[Gate, ...]
    time_scale: float
    lowest: float
    highest: float
    top: tuple[Place, ...]
    bottom: tuple[Place, ...]
    causes: tuple[Need, ...] = ()
    portrait: Portrait | None = None

    @property
    def unit(self) -> Unit:
        """The unit's address."""
        return self.material.search.findings.units[self.index]

    @property
    def sentence(self) -> str:
        """What the unit is about, if anything."""
        found = [e for e in self.evidence if e.found]
        if found:
            rest = f", and {len(found) - 1} more" if len(found) > 1 else ""
            return found[0].sentence + rest
        many = len(self.material.search.findings.features)
        return (
            f"{self.unit} tracks none of {many} features"
            if many > 1
            else f"{self.unit} does not track {self.evidence[0].feature}"
        )

    def json(self) -> str:
        """Everything as JSON; numbers that do not exist are null."""
        search = self.material.search
        content = {
            "unit": str(self.unit),
            "run": search.run.name if search.run else None,
            "network": search.network.description,
            "corpus": search.corpus.name,
            "characters": search.findings.characters,
            "caveats": search.caveats,
            "sentence": self.sentence,
            "lowest": self.lowest,
            "highest": self.highest,
            "time_scale": self.time_scale,
            "gates": [asdict(gate) for gate in self.gates],
            "features": [{**e.figures(), "found": e.found} for e in self.evidence],
            "causes": [need.figures() for need in self.causes],
            "top": [asdict(place) for place in self.top],
            "bottom": [asdict(place) for place in self.bottom],
            "portrait": None if self.portrait is None else self.portrait.figures(),
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def explain_in(
    run: str | Path | None, address: str, *, passage: int = READING, progress: Progress | None = None, **options: Any
) -> Explained:
    """Search as `find_in` does, with the same options, and look at one unit or component (see `search_with`)."""
    search, unit = search_with(run, address, progress=progress, **options)
    return explain(search, unit, passage=passage, progress=progress)


def explain(search: Search, unit: Unit, *, passage: int = READING, progress: Progress | None = None) -> Explained:
    """What a search says of one of its units, and what the network loses without it."""
    material = Material.of(search, passage=passage)
    index = search.findings.units.index(unit)
    values = material.scan.unit(index)
    return Explained(
        material,
        index,
        evidence_of(search.findings, index),
        _gates(search, unit, material.scan.start, material.scan.labels.stop),
        float(time_scales(values[:, None])[0]),
        float(values.min()),
        float(values.max()),
        _places(material, values, peaks(values, PLACES)),
        _places(material, values, peaks(-values, PLACES)),
        causes_of(search, unit, progress=progress),
        _portrait(search, unit, index, progress),
    )


def _portrait(search: Search, unit: Unit, index: int, progress: Progress | None) -> Portrait | None:
    judged = isinstance(search.network, Network) and best_features(search.findings)[index] >= 0
    return portrait_of(search, unit, progress=progress) if judged else None


def evidence_of(findings: Findings, unit: int) -> tuple[Evidence, ...]:
    """The evidence that one unit tracks each judged feature, best score first, those that it tracks before the others.

    p counts all units; q is .05 where p is as small as that of any finding of the search, else 1.
    """
    made = [_evidence(findings, f, unit) for f, e in enumerate(findings.evidence) if e.unit is not None]
    return tuple(sorted(made, key=lambda e: (not e.found, -np.nan_to_num(e.score, nan=-1.0))))


def _evidence(findings: Findings, feature: int, unit: int) -> Evidence:
    best = findings.evidence[feature]
    value = {name: float(scores[feature, unit]) for name, scores in findings.scores.items()}
    name, low, high = ("auc", "auc_low", "auc_high") if best.kind == "span" else ("rank_r", "rank_low", "rank_high")
    made = replace(
        best,
        unit=findings.units[unit],
        score=value[name],
        low=value[low],
        high=value[high],
        sign=-1 if value["sign"] < 0 else 1,
        chosen=value["chosen"],
        threshold=value["threshold"],
        lag=int(np.nan_to_num(value["lag"])),
        lag_score=value["lag_score"],
        p=value["p"],
        within=value["within"],
        three=value["three"],
        over_three_low=value["over_three_low"],
        over_three_high=value["over_three_high"],
        q=math.nan if math.isnan(value["p"]) else Q if value["p"] <= findings.cut else 1.0,
    )
    if made.found and not best.found and best.unit is not None:
        # To name whichever of all units passes would be to choose on the text that it is reported on.
        return replace(made, remark=f"{named(best.unit)}, which was chosen for {best.feature}, is no finding")
    return made


def _gates(search: Search, unit: Unit, start: int, stop: int) -> tuple[Gate, ...]:
    """The unit's gates over [start, stop)."""
    if isinstance(search.network, Recorded):
        return ()
    sites = tuple(s for s in sites_of(search.network.module) if s.path == unit.site.path and s.stream in SIGMOID)
    if not sites:
        return ()
    total = dict.fromkeys(sites, 0.0)
    with NetworkSource(search.network, search.corpus, sites) as source:
        sink = Saturation(source.sizes)
        for part in rounds(stop, start=start):
            for chunk in source.play(part)[1]:
                sink.add(chunk)
                for site, values in chunk.values.items():
                    total[site] += float(values[..., unit.index].sum(dtype=np.float64))
    made = []
    for site in sites:
        closed, open_ = sink.fractions(site)
        mean = total[site] / sink.positions
        made.append(Gate(site.stream, mean, float(closed[unit.index]), float(open_[unit.index])))
    return tuple(made)


def _places(material: Material, values: np.ndarray, found: Sequence[int]) -> tuple[Place, ...]:
    corpus, start = material.search.corpus, material.scan.start
    made = []
    for at in found:
        first, last = max(0, start + at - LEFT), min(len(corpus), start + at + 1 + RIGHT)
        text, here = corpus.text(first, last), start + at - first
        made.append(Place(start + at, text[:here], text[here], text[here + 1 :], float(values[at])))
    return tuple(made)
