"""The evidence for one feature, and what it amounts to in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.evidence.criterion import CLEAR as CLEAR
from cellscope.evidence.criterion import TENDS as TENDS
from cellscope.evidence.criterion import Obstacle, Standing, lead, surely
from cellscope.evidence.criterion import Q as Q
from cellscope.evidence.intervals import on_line
from cellscope.evidence.terms import TEXT, Terms

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
    turns       how many independent shifts of the labels the text (or all batches of pictures together) has for this
                unit and feature
    current, three    the score of the best prediction from the current character, from the last three
    untrained   the score of the best unit of the same network before training, with its 95 % interval
    over_three_low, over_three_high   the 95 % interval of how far `score` lies above `three`, which are of the same
                blocks, in log odds (of a number: Fisher's z)
    unjudged    which other units could have been the best one and could not be judged, and why
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
    turns: float = math.nan
    current: float = math.nan
    three: float = math.nan
    untrained: float = math.nan
    untrained_low: float = math.nan
    untrained_high: float = math.nan
    over_three_low: float = math.nan
    over_three_high: float = math.nan
    remark: str = ""
    unjudged: str = ""
    terms: Terms = TEXT
    kin: str = ""
    within: float = math.nan

    def figures(self) -> dict[str, Any]:
        """Every figure by its name, the unit by its address; not the words in which they are told."""
        made = asdict(self)
        del made["terms"]
        names = ("over_untrained", "over_untrained_low", "over_untrained_high")
        made |= {"over_three": self.over_three, **dict(zip(names, self.over_untrained, strict=True))}
        return made | {"unit": str(self.unit) if self.unit else None}

    @property
    def over_three(self) -> float:
        """How far the score lies above `three`, in log odds (of a number: Fisher's z)."""
        score, three = (float(on_line(x, self.kind == "span")) for x in (self.score, self.three))
        return score - three

    @property
    def over_untrained(self) -> tuple[float, float, float]:
        """How far the score lies above `untrained`, likewise, and its 95 % interval; the two are taken as
        independent.
        """
        other = self.untrained, self.untrained_low, self.untrained_high
        value, low, high = map(float, lead((self.score, self.low, self.high), other, self.kind == "span"))
        return value, low, high

    @cached_property
    def standing(self) -> Standing:
        """What has to be met to be found."""
        return Standing(
            follows=np.asarray(self.q <= Q), bound=surely(self.score, self.low), three=np.asarray(self.three),
            over_three=surely(self.over_three, self.over_three_low), over_untrained=surely(*self.over_untrained[:2]),
            within=np.asarray(self.within),
        )  # fmt: skip

    @property
    def found(self) -> bool:
        """Whether the unit surely beats chance, the last three characters and the untrained network."""
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
        reason = self._obstacle()
        return f"{reason}; {self.unjudged}" if reason and self.unjudged else reason

    def _obstacle(self) -> str:
        """What keeps the unit from being found, in words."""
        obstacle = self.standing.obstacle
        if obstacle == Obstacle.CHANCE and 1 / (1 + self.turns) > Q:
            return f"the {self.terms.subject} has too few independent stretches to judge {self.feature}"
        return {
            Obstacle.CHANCE: f"no unit follows {self.feature} more than the best of all units does by chance",
            Obstacle.THREE: f"no unit beats the {self.terms.three}",
            Obstacle.UNTRAINED: "no unit beats the same search on an untrained network",
            Obstacle.PART: f"the best unit is {self._state} all over {self.kin}, of which {self.feature} is a part",
        }.get(Obstacle(int(obstacle)), "")

    @property
    def plain(self) -> bool:
        """Whether the unit clearly tracks the feature, and only the last three characters keep it from being a finding:
        what they give away, a unit cannot tell better.
        """
        judged = not (self.remark or self.unit is None or math.isnan(self.score) or math.isnan(self.p))
        return judged and bool(self.standing.plain)

    @property
    def answer(self) -> str:
        """What tables say: yes, plain or no."""
        return "yes" if self.found else "plain" if self.plain else "no"

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
    def margins(self) -> list[tuple[str, str]]:
        """How far the unit lies above what it is compared with, as (label, figure)."""
        scale = "log odds" if self.kind == "span" else "of Fisher's z"
        three = self.over_three, self.over_three_low, self.over_three_high
        named = ((f"above the {self.terms.three}", three), ("above untrained", self.over_untrained))
        return [
            (label, f"{value:+.2f} {scale}" + ("" if math.isnan(low) else f" ({low:+.2f} to {high:+.2f})"))
            for label, (value, low, high) in named
            if not math.isnan(value)
        ]

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
