"""What a search found: the evidence for every feature, and every score of every unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.evidence.criterion import Q, Standing, lead, surely
from cellscope.evidence.intervals import Replicates, on_line
from cellscope.evidence.terms import PLACES
from cellscope.evidence.verdicts import Evidence

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLUMNS = (
    "auc",
    "auc_low",
    "auc_high",
    "ap",
    "f1",
    "threshold",
    "iou",
    "mi",
    "r",
    "d",
    "rank_r",
    "rank_low",
    "rank_high",
    "lag",
    "lag_score",
    "p",
)
"""The scores of a unit, in the order in which tables show them; all on the reporting half."""


ALSO = ("chosen", "sign", "within", "shifts", "lag_gain", "three", "over_three_low", "over_three_high")
"""The score on the choosing half, the direction, the AUC within the larger feature that a feature is a part of, how
many independent shifts of the labels there could be, what the lag gains on the choosing half, what the last three
characters (or colours) give of what the unit was asked, and the 95 % interval of how far the unit lies above that, in
log odds (of numbers: Fisher's z).
"""


def asked_of(parts: Sequence[Any]) -> Flags:
    """`Findings.asked` of the parts of a search [unit]: "anywhere in the picture" is another question than "here"."""
    placed = [part.terms is PLACES for part in parts]
    return np.repeat([p or not any(placed) for p in placed], [len(part.units) for part in parts])


@dataclass(frozen=True)
class Findings:
    """What a search found: the evidence for each feature, and every score [feature, unit] on the reporting half.

    `scores` has COLUMNS and ALSO; NaN where a score does not apply.
    `parts` is what the pass left (count.Counts), for figures such as a histogram or a ROC curve: one for a text, one a
    site for pictures, whose layers have places of their own. `alone` is, for each part, what the last three characters
    give of every feature [feature], in log odds (Fisher's z), with and without each reporting block.
    """

    units: tuple[Unit, ...]
    features: tuple[Any, ...]
    evidence: tuple[Evidence, ...]
    scores: Mapping[str, Floats]
    parts: tuple[Any, ...]
    alone: tuple[Replicates, ...]

    @property
    def counts(self) -> Any:
        """What the pass left; where sites have places of their own (the layers of a network for pictures), the first
        one's.
        """
        return self.parts[0]

    @property
    def characters(self) -> int:
        """How many characters were heard."""
        return int(self.counts.characters)

    @property
    def draws(self) -> int:
        """How many shifts of the labels the p-values rest on."""
        return len(self.counts.shifts.draws) if self.counts.shifts is not None else 0

    def part_of(self, unit: int) -> tuple[Any, int]:
        """The counts that hold a unit, and its number in them."""
        for part in self.parts:
            if unit < len(part.units):
                return part, unit
            unit -= len(part.units)
        raise IndexError(unit)

    def ranking(self, feature: int) -> NDArray[np.int64]:
        """Units of a feature, best on the choosing half first."""
        return np.argsort(-np.nan_to_num(self.scores["chosen"][feature], nan=-1.0), kind="stable")

    def table(self) -> pd.DataFrame:
        """One tidy row for each feature and unit, best first within a feature."""
        import pandas as pd

        rows = []
        for f, feature in enumerate(self.features):
            order = self.ranking(f)
            here = {"feature": feature.name, "kind": feature.kind, "rank": np.arange(1, len(order) + 1)}
            here["unit"] = [str(self.units[u]) for u in order]
            here["site"] = [str(self.units[u].site) for u in order]
            here["index"] = [self.units[u].index for u in order]
            here |= {name: self.scores[name][f, order] for name in ("sign", "chosen", *COLUMNS)}
            e = self.evidence[f]
            here |= {"q": e.q, "current": e.current, "last_three": e.three, "untrained": e.untrained}
            here |= {name: self.scores[name][f, order] for name in ("over_three_low", "over_three_high")}
            rows.append(pd.DataFrame(here))
        return pd.concat(rows, ignore_index=True)

    def tracks(self) -> Flags:
        """Which units track which features, bool [feature, unit]: those whose feature's own unit is a finding, and who
        meet what a finding has to meet (see `Standing`).
        """
        found: Flags = np.array([e.found for e in self.evidence])[:, None] & self.asked & self.standing().found
        return found

    def standing(self) -> Standing:
        """What every unit has to meet to be found, [feature, unit]."""
        span = np.array([[f.kind == "span"] for f in self.features])
        score, scores = self.best(), self.scores
        over = on_line(score, span) - on_line(scores["three"], span)
        low, high = (np.where(span, scores[f"auc_{end}"], scores[f"rank_{end}"]) for end in ("low", "high"))
        bars = np.array([[(e.untrained, e.untrained_low, e.untrained_high)] for e in self.evidence])
        above = lead((score, low, high), tuple(np.moveaxis(bars, -1, 0)), span)
        return Standing(
            follows=scores["p"] <= self.cut, bound=surely(score, low), three=scores["three"],
            over_three=surely(over, scores["over_three_low"]), over_untrained=surely(*above[:2]),
            within=scores["within"],
        )  # fmt: skip

    @property
    def cut(self) -> float:
        """The p up to which a unit follows its feature: where Benjamini and Hochberg's line ends that `q` is read from,
        Q times the share of the features whose own unit does; none is as small as -1.
        """
        known = [e.q <= Q for e in self.evidence if not math.isnan(e.q)]
        return Q * sum(known) / len(known) if any(known) else -1.0

    @property
    def asked(self) -> Flags:
        """Which units were asked what the evidence is about [unit]: where concepts are asked of places in a picture,
        those of layers without places, who tell whether it is anywhere, were asked something else.
        """
        return asked_of(self.parts)

    def best(self) -> Floats:
        """What a feature is scored by, [feature, unit]: AUC, or rank correlation where it is numeric."""
        return np.where(np.isnan(self.scores["auc"]), self.scores["rank_r"], self.scores["auc"])

    def tracking(self, at: float = 0.9) -> tuple[int, int]:
        """How many units track a feature at this score or better (see `tracks`); and how many such features."""
        good = self.tracks() & (self.best() >= at)
        return int(good.any(0).sum()), int(good.any(1).sum())

    def summary(self, at: float = 0.9) -> str:
        """`n of N units track a feature, k of K features are tracked: AUC >= t, q <= .05`."""
        units, features = self.tracking(at)
        beaten = any(np.isfinite(e.three) for e in self.evidence)
        return (
            f"{units} of {len(self.units)} units track a feature, {features} of {len(self.features)} features are "
            f"tracked: AUC >= {at:g} (numeric: rank r), q <= {Q:g}" + f", above the {self.counts.terms.three}" * beaten
        )
