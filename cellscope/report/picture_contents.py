"""What the pages of a network for pictures show: a run, a layer, a concept. All is computed before it comes here.

Pictures arrive as uint8, 0 black: [picture, row, column], or [picture, row, column, 3] in colour. Maps and weights
arrive as numbers: the page scales and colours them, zero neutral, and prints their range. Whatever was not measured is
left out, and then its panel is not drawn. The parts of a unit are in `picture_units`, those of a run in
`picture_parts`; their names can be had from here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import Headline, Line, Ranking, UnitCurves
from cellscope.report.passages import need
from cellscope.report.picture_parts import (
    Attribution,
    AttributionRow,
    Backquery,
    ChangedAnswers,
    ClassLesions,
    ConceptFinding,
    Confusion,
    DamageCurve,
    InvarianceCurve,
    Invariances,
    LayerCard,
    Probes,
    ReadableModel,
    Snapshot,
)
from cellscope.report.picture_units import (
    Backward,
    ConceptScore,
    Examples,
    Filter,
    Lesion,
    Optimised,
    PictureBank,
    PictureUnit,
    RowBank,
)

__all__ = [
    "Attribution", "AttributionRow", "Backquery", "Backward", "ChangedAnswers", "ClassLesions", "ConceptExample",
    "ConceptFinding", "ConceptPage", "ConceptScore", "Confusion", "DamageCurve", "Examples", "Filter", "Headline",
    "InvarianceCurve", "Invariances", "LayerCard", "LayerGrid", "LayerPage", "Lesion", "Line", "Optimised",
    "PictureBank", "PictureHeader", "PictureRunPage", "PictureUnit", "Probes", "Ranking", "ReadableModel", "RowBank",
    "Snapshot", "UnitCurves",
]  # fmt: skip

EXAMPLE_KINDS = ("hit", "miss", "false alarm")
"""The tabs of a concept's pictures: on where the concept is; off though it is there; on though it is not."""


@dataclass(frozen=True, kw_only=True)
class PictureHeader:
    """Which network saw which pictures: the line at the top of every page. `preprocessing` is said in words.

    `inputs` is what the network sees: pictures, or rows.
    """

    name: str
    images: str
    model: str
    pictures: int
    inputs: str = "pictures"
    preprocessing: str = ""
    seed: int | None = None
    date: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerGrid:
    """What every unit of a layer did on some inputs: `maps` float [input, unit, row, column], 1 x 1 without places.

    `inputs` are places in the page's bank, one for each of the first axis.
    """

    inputs: tuple[int, ...]
    maps: NDArray[np.floating]

    def __post_init__(self) -> None:
        need(self.maps.ndim == 4, f"the maps of a layer are [input, unit, row, column], not {self.maps.shape}")
        need(len(self.inputs) == len(self.maps) > 0, f"{len(self.maps)} sets of maps for {len(self.inputs)} inputs")
        need(bool(np.isfinite(self.maps).all()), "the maps of a layer hold numbers that are not finite")


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPage:
    """One layer: its units as tiles, and all that is known of each; `#site/index` shows a unit.

    `site` is the layer's address, `kind` the module's class, `shape` (channel, row, column) or (unit,). `units` are in
    the order of the tiles. `previous` and `next` are sites whose pages lie beside this one. `bank` holds all pictures
    (or rows of numbers) that the page shows; examples and grid name them by their place in it.
    """

    header: PictureHeader
    headline: Headline
    site: str
    kind: str
    shape: tuple[int, ...]
    bank: PictureBank | RowBank
    units: tuple[PictureUnit, ...]
    grid: LayerGrid | None = None
    previous: str = ""
    next: str = ""
    position: int = 0

    def __post_init__(self) -> None:
        need(len(self.units) > 0, f"{self.site} has no units")
        indices = [unit.index for unit in self.units]
        need(len(set(indices)) == len(indices), f"a unit of {self.site} comes twice")
        if self.grid is not None:
            got, most = self.grid.maps.shape[1], max(self.grid.inputs)
            need(got == len(self.units), f"{self.site} has {len(self.units)} units and maps of {got}")
            need(most < len(self.bank), f"a map belongs to input {most} of {len(self.bank)}")
        for unit in self.units:
            for examples in (unit.top, unit.bottom, unit.random):
                most = max(examples.inputs, default=0) if examples else 0
                need(most < len(self.bank), f"{self.site}/{unit.index} names input {most} of {len(self.bank)}")

    def address(self, unit: PictureUnit) -> str:
        """`features.3/17`."""
        return f"{self.site}/{unit.index}"


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptExample:
    """A picture, where the concept is in it, and what the best unit did.

    `input` is a place in the page's bank; `mask` bool [row, column] and `map` float [row, column] lie over the whole
    picture, each with as many rows and columns as it has; `value` is what the picture is listed by.
    """

    kind: str
    input: int
    mask: NDArray[np.bool_] | None = None
    map: NDArray[np.floating] | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        need(self.kind in EXAMPLE_KINDS, f"example kind {self.kind!r} is none of {', '.join(EXAMPLE_KINDS)}")
        for name, array in (("mask", self.mask), ("map", self.map)):
            need(array is None or (array.ndim == 2 and array.size > 0), f"a {name} is not [row, column]")


@dataclass(frozen=True, kw_only=True, eq=False)
class ConceptPage:
    """One concept, every unit of every layer. `ranking` is best first, its scores by name as on pages of text
    (`auc`, `auc_low`, `auc_high`, `iou`, `iou_most`, ...); `curves[address]` for the best ones.

    `over_units` is AUROC over the number of best units that are read together. `examples` belong to the first unit of
    the ranking. `previous` and `next` are concepts whose pages lie beside this one.
    """

    header: PictureHeader
    headline: Headline
    concept: str
    ranking: Ranking
    description: str = ""
    bank: PictureBank | RowBank | None = None
    examples: tuple[ConceptExample, ...] = ()
    curves: Mapping[str, UnitCurves] = field(default_factory=dict)
    over_units: Line | None = None
    previous: str = ""
    next: str = ""

    def __post_init__(self) -> None:
        most = max((e.input for e in self.examples), default=-1)
        count = len(self.bank) if self.bank is not None else 0
        need(most < count, f"an example of {self.concept} names input {most} of {count}")


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureRunPage:
    """One run of a network for pictures (or for rows of numbers): the network, what was found, and every measurement.

    `picture` uint8 [row, column] or [row, column, 3] is the one whose activations are drawn in the layers' cards.
    `losses` are columns of equal length, `epoch` (or `step`) the x; names with "accuracy" get a figure of their own.
    `over_units[concept]` is AUROC over the number of best units read together. `chance` is the accuracy of guessing.
    """

    header: PictureHeader
    headline: Headline
    layers: tuple[LayerCard, ...] = ()
    picture: NDArray[np.uint8] | None = None
    concepts: tuple[ConceptFinding, ...] = ()
    over_units: Mapping[str, Line] = field(default_factory=dict)
    losses: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    confusion: Confusion | None = None
    damage: tuple[DamageCurve, ...] = ()
    lesions: tuple[ClassLesions, ...] = ()
    invariance: Invariances | None = None
    attributions: tuple[AttributionRow, ...] = ()
    readable: ReadableModel | None = None
    probes: Probes | None = None
    snapshots: tuple[Snapshot, ...] = ()
    backquery: Backquery | None = None
    chance: float | None = None

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.losses.values()}
        need(len(lengths) <= 1, f"columns of losses have lengths {sorted(lengths)}")
        need(not self.losses or bool({"epoch", "step"} & set(self.losses)), "losses have no column 'epoch' or 'step'")
        names = [card.site for card in self.layers]
        need(len(set(names)) == len(names), "a layer comes twice")
        if self.picture is not None:
            fits = self.picture.dtype == np.uint8 and self.picture.ndim in (2, 3)
            need(fits, f"the picture is uint8 [row, column] or [row, column, 3], not {self.picture.shape}")
