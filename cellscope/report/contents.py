"""What a page shows, as plain strings, arrays and tables: everything is computed before it comes here.

The texts themselves are in `passages`, exhibits in `exhibits`; the names of the texts can be had from here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellscope.report.exhibits import Exhibit, need_keys
from cellscope.report.passages import PASSAGE_KINDS, Passage, Passages, Predictions, need
from cellscope.report.tables import Table

__all__ = [
    "PASSAGE_KINDS", "FeatureInfo", "FeaturePage", "Headline", "Line", "Passage", "Passages", "Predictions", "Ranking",
    "RunHeader", "RunPage", "Saturated", "Table", "UnitCurves", "UnitPage", "UnitRow", "UnitScores",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """Which network read which text: the line at the top of every page."""

    name: str
    corpus: str
    model: str
    characters: int
    seed: int | None = None
    date: str = ""
    vocabulary_size: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FeatureInfo:
    """What was looked for."""

    name: str
    kind: str = "span"
    description: str = ""
    pattern: str = ""
    where: str = "inside"

    def __post_init__(self) -> None:
        need(self.kind in ("span", "numeric"), f"feature kind {self.kind!r} is neither span nor numeric")


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One unit and its scores: numbers or None, and two histograms over the same bins of its activation."""

    address: str
    site: str
    unit: int
    scores: Mapping[str, float | None] = field(default_factory=dict)
    sign: int = 1
    inside: tuple[int, ...] = ()
    outside: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        need(self.sign in (-1, 1), f"the sign of {self.address} is {self.sign}, not -1 or +1")
        need(len(self.inside) == len(self.outside), f"the two histograms of {self.address} differ in length")


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Every unit, best first, and the names of the scores that are shown as columns, most important first."""

    rows: tuple[UnitRow, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve y over x, with an interval where there is one."""

    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        need(len(self.x) == len(self.y), "a curve's x and y differ in length")
        need(len(self.low) == len(self.high) and len(self.low) in (0, len(self.x)), "a curve's interval is ragged")


@dataclass(frozen=True, kw_only=True)
class UnitCurves:
    """The pictures behind one unit's score; what does not apply is left out.

    `edges` [bin + 1] belong to `inside` and `outside` [bin]; `start` and `end` are mean activations by characters
    from a span's border; `roc` is true over false positive rate; `by_value` mean activation by a number's value.
    """

    edges: tuple[float, ...] = ()
    inside: tuple[float, ...] = ()
    outside: tuple[float, ...] = ()
    roc: Line | None = None
    start: Line | None = None
    end: Line | None = None
    by_value: Line | None = None

    def __post_init__(self) -> None:
        bins = max(len(self.edges) - 1, 0)
        need(len(self.inside) == len(self.outside) == bins, f"histograms of {len(self.inside)} bins, {bins} expected")


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The answer: one sentence, its numbers as (label, value) in words, what weakens it, how it was measured.

    good   it is a finding; `plain`: it is true, but no feat
    """

    sentence: str
    numbers: tuple[tuple[str, str], ...] = ()
    good: bool = False
    plain: bool = False
    caveats: tuple[str, ...] = ()
    method: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitScores:
    """Scores [unit, feature], NaN where there is none: of the features in `numeric` rank correlations, else AUCs."""

    units: tuple[str, ...]
    features: tuple[str, ...]
    values: NDArray[np.floating]
    numeric: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.features))
        need(self.values.shape == shape, f"the scores of units are {self.values.shape}, not {shape}")
        need({*self.numeric} <= {*self.features}, f"{', '.join(self.numeric)} are not all features")

    @property
    def is_numeric(self) -> NDArray[np.bool_]:
        """Which scores are rank correlations, bool [feature]."""
        return np.array([name in self.numeric for name in self.features], bool)

    @property
    def strength(self) -> NDArray[np.floating]:
        """How far from chance, 0 to 1, [unit, feature]: |rank r|, and on the same scale |2 AUC - 1|; 0 for NaN."""
        told = np.where(self.is_numeric, self.values, 2 * self.values - 1)
        return np.nan_to_num(np.abs(told), nan=0.0)


@dataclass(frozen=True, kw_only=True)
class FeaturePage:
    """One feature, every unit. `others` are the scores of the ranked units, in their order, on all features."""

    header: RunHeader
    feature: FeatureInfo
    headline: Headline
    ranking: Ranking
    passages: Passages
    curves: Mapping[str, UnitCurves] = field(default_factory=dict)
    others: UnitScores | None = None
    previous: str = ""
    next: str = ""
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        need_keys(self.exhibits)
        ranked = tuple(row.address for row in self.ranking.rows)
        need(self.others is None or self.others.units == ranked, "scores on all features are not of the ranked units")


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitPage:
    """One unit, every feature: `features` has a row per feature, best first, with a `feature` column.

    `spans[feature]` is bool [position] for the features that can be underlined; `curves[feature]` for its best ones.
    """

    header: RunHeader
    address: str
    headline: Headline
    features: Table
    passages: Passages
    spans: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    curves: Mapping[str, UnitCurves] = field(default_factory=dict)
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        need_keys(self.exhibits)
        for name, array in self.spans.items():
            need(array.shape == (self.passages.length,), f"spans of {name} are not [position]")


@dataclass(frozen=True, kw_only=True)
class Saturated:
    """How much of the text one unit's gate spent closed (left, < 0.1) and open (right, > 0.9), as fractions."""

    layer: str
    gate: str
    unit: int
    left: float
    right: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RunPage:
    """One run: `losses` are columns of equal length, `characters` the x and the rest nats per character.

    `timescales[address]` is in characters; `xz` in bits per character of the same validation text; `features` has a
    row per feature with a `feature` column; `saturated_on` says over which text the gates were counted.
    """

    header: RunHeader
    headline: Headline
    features: Table
    losses: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    xz: float | None = None
    heat: UnitScores | None = None
    saturation: tuple[Saturated, ...] = ()
    saturated_on: str = ""
    timescales: Mapping[str, float] = field(default_factory=dict)
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        need_keys(self.exhibits)
        lengths = {len(column) for column in self.losses.values()}
        need(len(lengths) <= 1, f"columns of losses have lengths {sorted(lengths)}")
        need(not self.losses or "characters" in self.losses, "losses have no column 'characters'")
