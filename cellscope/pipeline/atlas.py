"""Every unit of a run: what it tracks, or plainly nothing; and how large the share of those that track something is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.evidence.criterion import Obstacle
from cellscope.evidence.shares import Share
from cellscope.evidence.terms import Terms
from cellscope.evidence.verdicts import CLEAR, Q, digits
from cellscope.observe import Progress
from cellscope.pipeline.atlas_columns import Columns, columns_of, known, picture_columns
from cellscope.pipeline.find import Search, clean, find_in
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.scan import Scan, scan, survey
from cellscope.pipeline.shares import share_of_units
from cellscope.pipeline.tracking import Tracking, tracking
from cellscope.report.files import Cell


def criterion(terms: Terms) -> str:
    """When a unit tracks a feature of a text, or a concept of pictures."""
    return (
        f"a unit tracks a {terms.feature} where, on {terms.chosen_on}, it lies above the {terms.three} and above the "
        f"best unit of the untrained network, with the whole 95 % interval of each difference, at q <= {Q:g} against "
        "shifted labels, "
        f"and where the unit that was chosen for the {terms.feature} does so too"
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
    """All units of a search, those that track something first; the share of them at `at` or better; the columns that
    stand beside each unit's answer. `scan` is what they did on the end of the text; None for pictures.
    """

    search: Search | PictureSearch
    scan: Scan | None
    tracking: Tracking
    entries: tuple[UnitEntry, ...]
    share: Share
    columns: Columns

    @property
    def terms(self) -> Terms:
        """The words for what was searched."""
        terms: Terms = self.search.findings.counts.terms
        return terms

    @property
    def sentence(self) -> str:
        """`15 of 512 units (2.9 %) track a feature at 0.9 or better; 19 (3.7 %) track one at all`; or why none can."""
        evidence = self.search.findings.evidence
        if all(e.unit is None or math.isnan(e.p) for e in evidence):
            reason = evidence[0].reason if evidence else f"no {self.terms.feature} was looked for"
            return f"no unit can be judged: {reason}"
        return self.tracking.sentence(self.share.at)

    def rows(self) -> list[dict[str, Cell]]:
        """A row for each unit, as the terminal, CSV and JSON have it; numbers that do not exist are None."""
        return [self.row(entry) for entry in self.entries]

    def row(self, entry: UnitEntry) -> dict[str, Cell]:
        """One unit's row; `measure` says what `score` is."""
        findings, unit, f = self.search.findings, self.search.findings.units[entry.unit], entry.feature
        judged = f >= 0
        score = {
            name: known(float(values[f, entry.unit])) if judged else None for name, values in findings.scores.items()
        }
        span = judged and findings.features[f].kind == "span"
        names = ("auc", "auc_low", "auc_high") if span else ("rank_r", "rank_low", "rank_high")
        return {
            "unit": str(unit),
            "site": str(unit.site),
            "index": unit.index,
            "evidence": entry.answer,
            "feature": findings.features[f].name if judged else None,
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
            **self.search.about(),
            "sentence": self.sentence,
            "criterion": criterion(self.terms),
            "method": list(self.columns.method),
            "share": self.share.json(),
            "tracking": self.tracking.count(),
            f"{self.terms.feature}s_tracked": self.tracking.features(self.share.at),
            f"{self.terms.feature}s": len(findings.features),
            "units": [clean(row) for row in self.rows()],
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def atlas_in(
    run: str | Path | None = None, *, at: float = CLEAR, progress: Progress | None = None, **options: Any
) -> Atlas:
    """Search as `find_in` does, with the same options, and list every unit."""
    return atlas(find_in(run, progress=progress, **options), at=at)


def atlas(search: Search | PictureSearch, *, at: float = CLEAR) -> Atlas:
    """What a search says of each of its units; `at` is the score from which on a unit counts."""
    told = tracking(search.findings)
    entries = [_entry(told, unit) for unit in range(len(search.findings.units))]
    features = [entry.feature for entry in entries]
    heard = None
    if isinstance(search, PictureSearch):
        columns = picture_columns(search, features)
    else:
        heard = scan(search, survey(search))
        columns = columns_of(search, heard, features)
    entries = [replace(entry, more=cells) for entry, cells in zip(entries, columns.cells, strict=True)]
    order = {"found": 0, "plain": 1, "no": 2}
    entries.sort(key=lambda e: (order[e.answer], -_score(told, e) if e.answer != "no" else 0, e.unit))
    share = share_of_units(search.findings, at=at)
    return Atlas(search, heard, told, tuple(entries), share, columns)


def _entry(told: Tracking, unit: int) -> UnitEntry:
    """A unit's own feature is the one it goes with best on the choosing half, of those that it tracks if there are any;
    a score of the reporting half chooses nothing.
    """
    span = np.array([f.kind == "span" for f in told.findings.features])
    chosen = told.findings.scores["chosen"][:, unit]
    worth = np.nan_to_num(np.where(span, 2 * chosen - 1, chosen), nan=-1.0)  # both 0 by chance and 1 at best
    for answer, flags in (("found", told.found[:, unit]), ("plain", told.plain[:, unit])):
        own = np.flatnonzero(flags)
        if len(own):
            ranked = own[np.argsort(-worth[own], kind="stable")].tolist()
            also = tuple((f, float(told.score[f, unit])) for f in ranked[1:])
            return UnitEntry(unit, answer, ranked[0], also, _why(told, ranked[0], unit) if answer == "plain" else "")
    nearest = int(worth.argmax()) if len(worth) and worth.max() > -1 else -1
    return UnitEntry(unit, "no", nearest, (), _why(told, nearest, unit) if nearest >= 0 else "")


def _why(told: Tracking, feature: int, unit: int) -> str:
    """What keeps a unit from being found at a feature, in words that follow its score."""
    findings, e = told.findings, told.findings.evidence[feature]
    part, own = findings.part_of(unit)
    if np.count_nonzero(part.tally.total[:, own].sum(0)) == 1:
        return f"it does one thing throughout the {e.terms.subject}"
    if not findings.asked[unit]:
        return f"it has no places, and {e.feature} was asked of places"
    score, three = float(told.score[feature, unit]), float(findings.scores["three"][feature, unit])
    given = f"the {e.terms.three} give {digits(three)}"
    return {
        Obstacle.CHANCE: "the best of all units does as well by chance",
        Obstacle.THREE: given if score <= three else f"{given}, and it may be no better",
        Obstacle.UNTRAINED: f"a unit of the untrained network reaches {digits(e.untrained)}",
        Obstacle.PART: f"it is so all over {e.kin}, of which {e.feature} is a part",
    }.get(Obstacle(int(told.obstacle[feature, unit])), f"{e.unit}, which was chosen for {e.feature}, is no finding")


def _score(told: Tracking, entry: UnitEntry) -> float:
    return float(np.nan_to_num(told.score[entry.feature, entry.unit]))
