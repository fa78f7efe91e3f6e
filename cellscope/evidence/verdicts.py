"""The evidence for one feature, and what it amounts to in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from cellscope.axes import Unit
from cellscope.evidence.terms import TEXT, Terms

Q = 0.05
"""A finding may be false with this chance, all features counted (Benjamini and Hochberg)."""
CLEAR = 0.9
"""The score from which on a unit is said to be on, and not merely to tend to be."""
TENDS = 0.75
"""The score from which on it is said to tend to be on."""


KINDS = {"cell": "cell", "pca": "component", "ica": "component", "dictionary": "component", "probe": "direction"}
"""What a unit of a stream is called."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that is known of a feature's best unit, which was chosen on the even blocks and is reported on the
    odd ones.

    score       AUC for a span feature, Spearman's rank correlation for a numeric one; `low`, `high` its 95 % interval
    sign        +1 where the unit is high when the feature is on (or large), -1 where it is low
    chosen      the same score on the choosing half
    p, q        against the best of all units under circular shifts; counting all features
    null        the score that the best of all units reaches in one shift of twenty
    shifts      how many independent shifts of the labels the text has for this unit and feature
    current, three    the score of the best prediction from the current character, from the last three
    untrained   the score of the best unit of the same network before training
    kin         the smallest other feature that this one is a part of, if any; `within` the AUC inside of that alone
    terms       the words for what was looked at; `three` names what `three` is the score of
    lag         at this many characters' delay the unit goes best with the feature; `lag_score` on the reporting half
    """

    feature: str
    kind: str
    labelled: int
    characters: int
    unit: Unit | None
    score: float = math.nan
    low: float = math.nan
    high: float = math.nan
    sign: int = 1
    chosen: float = math.nan
    threshold: float = math.nan
    lag: int = 0
    lag_score: float = math.nan
    p: float = math.nan
    q: float = math.nan
    null: float = math.nan
    shifts: float = math.nan
    current: float = math.nan
    three: float = math.nan
    untrained: float = math.nan
    remark: str = ""
    terms: Terms = TEXT
    kin: str = ""
    within: float = math.nan

    def figures(self) -> dict[str, Any]:
        """Every figure by its name, the unit by its address; not the words in which they are told."""
        made = asdict(self)
        del made["terms"]
        return made | {"unit": str(self.unit) if self.unit else None}

    @property
    def found(self) -> bool:
        """Whether the unit beats chance, the last three characters and the untrained network, with its whole
        interval.
        """
        return self.unit is not None and self.reason == ""

    @property
    def reason(self) -> str:
        """Why nothing was found, or an empty string."""
        if self.remark:
            return self.remark
        if self.unit is None or math.isnan(self.score):
            return f"{self.feature} could not be judged"
        if math.isnan(self.p):
            return f"the {self.terms.subject} {self.terms.few} for a test against shifted labels"
        if self.q > Q and 1 / (1 + self.shifts) > Q:
            return f"the {self.terms.subject} has too few independent stretches to judge {self.feature}"
        if self.q > Q:
            return f"no unit follows {self.feature} more than the best of all units does by chance"
        if self._bound <= self.three:
            return self._beaten
        if not math.isnan(self.untrained) and self._bound <= self.untrained:
            return "no unit beats the same search on an untrained network"
        if self.within < TENDS:
            return f"the best unit is {self._state} all over {self.kin}, of which {self.feature} is a part"
        return ""

    @property
    def plain(self) -> bool:
        """Whether the unit clearly tracks the feature, and only the last three characters keep it from being a finding:
        what they give away, a unit cannot tell better.
        """
        trained = math.isnan(self.untrained) or self._bound > self.untrained
        return self.reason == self._beaten and trained and self.three >= CLEAR and self._bound >= CLEAR

    @property
    def answer(self) -> str:
        """What tables say: yes, plain or no."""
        return "yes" if self.found else "plain" if self.plain else "no"

    @property
    def _beaten(self) -> str:
        return f"no unit beats the {self.terms.three}"

    @property
    def _bound(self) -> float:
        """What the unit surely reaches."""
        return self.score if math.isnan(self.low) else self.low

    @property
    def sentence(self) -> str:
        """The finding in words, without its numbers."""
        if self.plain and self.unit is not None:
            return f"{named(self.unit)} {self._verb()} {self._object()}, but the {self.terms.three} give that away"
        if not self.found or self.unit is None:
            return self.reason if self.reason.startswith(f"{self.feature} ") else f"{self.feature}: {self.reason}"
        return f"{named(self.unit)} {self._verb()} {self._object()}"

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """The figures that go with the sentence, as (label, figure)."""
        if self.unit is None or math.isnan(self.score):
            return []
        name = "AUC" if self.kind == "span" else "rank r"
        interval = "" if math.isnan(self.low) else f" ({digits(self.low)}-{digits(self.high)})"
        shown = [(name, digits(self.score) + interval), (self.terms.three, digits(self.three))]
        if math.isnan(self.three):
            shown.pop()
        if not math.isnan(self.within):
            shown.append((f"within {self.kin}", digits(self.within)))
        if not math.isnan(self.untrained):
            shown.append(("untrained", digits(self.untrained)))
        if not math.isnan(self.p):
            shown.append(("p", probability(self.p)))
        return shown

    @property
    def verdict(self) -> str:
        """Sentence and figures on one line."""
        figures = ", ".join(
            f"{label} {figure}" if label != "p" or figure.startswith("<") else f"p = {figure}"
            for label, figure in self.numbers
        )
        if self.found or self.plain or self.unit is None:
            return f"{self.sentence}: {figures}" if figures else self.sentence
        return f"{self.sentence} (best: {named(self.unit)}, {figures})" if figures else self.sentence

    @property
    def _state(self) -> str:
        return "on" if self.sign > 0 else "off"

    def _verb(self) -> str:
        if self.kind == "numeric":
            return "rises with" if self.sign > 0 else "falls with"
        if self.score >= CLEAR:
            return f"is {self._state}"
        return f"tends to be {self._state}" if self.score >= TENDS else f"is a little more often {self._state}"

    def _object(self) -> str:
        late = f", {self.lag} characters late" if self.lag > 1 else ", one character late" if self.lag == 1 else ""
        early = (
            f", {-self.lag} characters early" if self.lag < -1 else ", one character early" if self.lag == -1 else ""
        )
        moved = self.lag_score - self.score > 0.01
        where = f"{self.terms.inside} {self.feature}" if self.kind == "span" else self.feature
        return where + ((late or early) if moved else "")


def named(unit: Unit) -> str:
    """`cell 221 of lstm.0:cell`, `component 3 of lstm.0.cell:pca`; any other stream is called a unit."""
    kind = KINDS.get(unit.site.stream, "unit")
    return f"{kind} {unit.index} of {unit.site}"


def digits(value: float) -> str:
    """Two digits, three above .99, and never rounded to 1: a score that is not 1 does not look like it."""
    if math.isnan(value):
        return "-"
    if 0.99 <= abs(value) < 1:
        return f"{max(-0.999, min(value, 0.999)):.3f}"
    return f"{value:.2f}" if abs(value) >= 0.005 else "0.00"


def probability(p: float) -> str:
    """`< 0.01` for small ones, two digits otherwise, `-` where there is none."""
    if math.isnan(p):
        return "-"
    return "< 0.01" if p < 0.01 else f"{p:.2f}"
