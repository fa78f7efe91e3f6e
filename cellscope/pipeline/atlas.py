"""Every unit of a run: what it tracks, or plainly nothing; and how large the share of those that track something is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.shares import Share
from cellscope.evidence.timescales import time_scales
from cellscope.evidence.verdicts import CLEAR, TENDS, Q, digits
from cellscope.observe import Progress
from cellscope.pipeline.find import Search, clean, find_in
from cellscope.pipeline.scan import Scan, Survey, scan, survey
from cellscope.pipeline.shares import share_of_units
from cellscope.pipeline.tracking import Tracking, tracking
from cellscope.report.files import Cell

CRITERION = (
    f"a unit tracks a feature where, on text it was not chosen on, its whole 95 % interval lies above the last three "
    f"characters and above the best unit of the untrained network, at q <= {Q:g} against shifted labels, "
    "and where the unit that was chosen for the feature does so too"
)


@dataclass(frozen=True)
class UnitEntry:
    """One unit: `answer` is found, plain or no; `feature` is the best of those it tracks, else the nearest of all.

    `also` has the further features that it tracks with their scores, best first; `why` says what kept a unit from being
    found; `more` what else was measured.
    """

    unit: int
    answer: str
    feature: int
    also: tuple[tuple[int, float], ...]
    why: str = ""
    more: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Atlas:
    """All units of a search, those that track something first; the share of them at `at` or better."""

    search: Search
    labels: Survey
    scan: Scan
    tracking: Tracking
    entries: tuple[UnitEntry, ...]
    share: Share
    columns: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """`15 of 512 units (2.9 %) track a feature at 0.9 or better; 19 (3.7 %) track one at all`."""
        return self.tracking.sentence(self.share.at)

    def rows(self) -> list[dict[str, Cell]]:
        """A row for each unit, as the terminal, CSV and JSON have it; numbers that do not exist are None."""
        return [self.row(entry) for entry in self.entries]

    def row(self, entry: UnitEntry) -> dict[str, Cell]:
        """One unit's row; `measure` says what `score` is."""
        findings, unit, f = self.search.findings, self.search.findings.units[entry.unit], entry.feature
        known = f >= 0
        score = {
            name: known_number(findings.scores[name][f, entry.unit]) if known else None for name in findings.scores
        }
        span = known and findings.features[f].kind == "span"
        names = ("auc", "auc_low", "auc_high") if span else ("rank_r", "rank_low", "rank_high")
        return {
            "unit": str(unit),
            "site": str(unit.site),
            "index": unit.index,
            "evidence": entry.answer,
            "feature": findings.features[f].name if known else None,
            "sign": -1 if (score["sign"] or 0) < 0 else 1,
            "measure": "AUC" if span else "rank r",
            **dict(zip(("score", "low", "high"), (score[name] for name in names), strict=True)),
            "p": score["p"],
            "also": " ".join(findings.features[other].name for other, _ in entry.also),
            "why": entry.why,
            **entry.more,
        }

    def json(self) -> str:
        """Everything as JSON; keys are stable."""
        findings = self.search.findings
        content = {
            "cellscope": version("cellscope"),
            "run": self.search.run.name if self.search.run else None,
            "network": self.search.network.description,
            "corpus": self.search.corpus.name,
            "characters": findings.characters,
            "seed": findings.counts.seed,
            "shifts": findings.draws,
            "sentence": self.sentence,
            "criterion": CRITERION,
            "share": self.share.json(),
            "tracking": self.tracking.count(),
            "features_tracked": self.tracking.features(self.share.at),
            "features": len(findings.features),
            "units": [clean(row) for row in self.rows()],
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def atlas_in(
    run: str | Path | None = None, *, at: float = CLEAR, progress: Progress | None = None, **options: Any
) -> Atlas:
    """Search as `find_in` does, with the same options, and list every unit."""
    return atlas(find_in(run, progress=progress, **options), at=at)


def atlas(search: Search, *, at: float = CLEAR) -> Atlas:
    """What a search says of each of its units; `at` is the score from which on a unit counts."""
    told = tracking(search.findings)
    labels = survey(search)
    heard = scan(search, labels)
    scales = time_scales(heard.values)
    made = [
        _entry(told, unit, {"time scale": known_number(scales[unit])}) for unit in range(len(search.findings.units))
    ]
    order = {"found": 0, "plain": 1, "no": 2}
    made.sort(key=lambda e: (order[e.answer], -_score(told, e) if e.answer != "no" else 0, e.unit))
    return Atlas(search, labels, heard, told, tuple(made), share_of_units(search.findings, at=at), ("time scale",))


def _entry(told: Tracking, unit: int, more: Mapping[str, Cell]) -> UnitEntry:
    score = np.nan_to_num(told.score[:, unit], nan=-1.0)
    for answer, flags in (("found", told.found[:, unit]), ("plain", told.plain[:, unit])):
        own = np.flatnonzero(flags)
        if len(own):
            ranked = own[np.argsort(-score[own], kind="stable")].tolist()
            also = tuple((f, float(score[f])) for f in ranked[1:])
            return UnitEntry(
                unit, answer, ranked[0], also, _why(told, ranked[0], unit) if answer == "plain" else "", more
            )
    chosen = np.nan_to_num(told.findings.scores["chosen"][:, unit], nan=-1.0)
    nearest = int(chosen.argmax()) if len(chosen) and chosen.max() >= 0 else -1
    return UnitEntry(unit, "no", nearest, (), _why(told, nearest, unit) if nearest >= 0 else "", more)


def _why(told: Tracking, feature: int, unit: int) -> str:
    """What keeps a unit from being found at a feature, in words that follow its score."""
    findings, e = told.findings, told.findings.evidence[feature]
    bound, within = float(findings.bound()[feature, unit]), float(findings.scores["within"][feature, unit])
    cut = max((other.p for other in findings.evidence if other.q <= Q), default=-1.0)
    if not findings.scores["p"][feature, unit] <= cut:
        return "the best of all units does as well by chance"
    if bound <= e.three:
        return f"the last three characters give {digits(e.three)}"
    if bound <= e.untrained:
        return f"a unit of the untrained network reaches {digits(e.untrained)}"
    if within < TENDS:
        return f"it is so all over {e.kin}, of which {e.feature} is a part"
    return f"{e.unit}, which was chosen for {e.feature}, is no finding"


def _score(told: Tracking, entry: UnitEntry) -> float:
    return float(np.nan_to_num(told.score[entry.feature, entry.unit]))


def known_number(value: float | NDArray[Any]) -> float | None:
    """The value, or None where there is none."""
    return float(value) if math.isfinite(value) else None
