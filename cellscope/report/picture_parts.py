"""The parts of a run's page: layers, concepts, damage, invariance, attributions, readable models, snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import Line
from cellscope.report.passages import need
from cellscope.report.picture_units import Floats, finite


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerCard:
    """One layer in the drawing of the network: address, class of module, (channel, row, column) or (unit,).

    `maps` float [unit, row, column] are its activations on the page's picture. `page` says that it has a page.
    """

    site: str
    kind: str
    shape: tuple[int, ...]
    maps: Floats | None = None
    page: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        need(len(self.shape) in (1, 3), f"{self.site} has shape {self.shape}")
        finite(f"maps of {self.site}", self.maps, 3)


@dataclass(frozen=True, kw_only=True)
class ConceptFinding:
    """A concept and its best unit: AUC on pictures it was not chosen on, with its 95 % interval.

    `iou_most` is the greatest IoU that a concept of this size can reach, `colour` the AUC of colour alone,
    `untrained` that of the best unit before training. `answer` is yes, plain or no, `reason` says why not.
    `page` says that the concept has a page.
    """

    concept: str
    unit: str = ""
    layer: str = ""
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    iou: float | None = None
    iou_most: float | None = None
    colour: float | None = None
    untrained: float | None = None
    p: float | None = None
    q: float | None = None
    answer: str = "no"
    reason: str = ""
    page: bool = True

    def __post_init__(self) -> None:
        need(self.answer in ("yes", "plain", "no"), f"answer {self.answer!r} is none of yes, plain, no")


@dataclass(frozen=True, kw_only=True, eq=False)
class Confusion:
    """Held-out pictures by class: `counts` int [true class, guessed class]."""

    classes: tuple[str, ...]
    counts: NDArray[np.integer]

    def __post_init__(self) -> None:
        size = (len(self.classes), len(self.classes))
        need(self.counts.shape == size, f"the confusion matrix has {self.counts.shape}, not {size}")


@dataclass(frozen=True, kw_only=True)
class DamageCurve:
    """Accuracy over the share of a layer's units that was removed (x in 0..1).

    `order` is how they were taken ("best first", "random"), `fill` what stands in their place ("zero", "mean").
    """

    layer: str
    order: str
    fill: str
    line: Line


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassLesions:
    """Change of each class's accuracy when one unit is removed: `values` float [unit, class], -0.3 is 30 points lost;
    NaN where there is none.
    """

    units: tuple[str, ...]
    classes: tuple[str, ...]
    values: Floats
    fill: str = "zero"

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.classes))
        need(self.values.shape == shape, f"lesions are {self.values.shape}, not {shape}")


@dataclass(frozen=True, kw_only=True)
class InvarianceCurve:
    """How like itself a layer's representation stays under a change: `line` x is the amount, y the likeness (1: same).

    `change` is translation, rotation, scale, brightness or noise, `amount` the unit of x in words (pixels), `measure`
    what y is; the output is a layer too, called "output".
    """

    change: str
    layer: str
    line: Line
    amount: str = ""
    measure: str = "cosine"


@dataclass(frozen=True, kw_only=True)
class ChangedAnswers:
    """What the network answers under a change: shares of pictures over the amount, told as before the change (`same`)
    and told right (`right`; None where there are no labels).
    """

    change: str
    same: Line
    right: Line | None = None
    amount: str = ""


@dataclass(frozen=True, kw_only=True)
class Invariances:
    """What changes when the picture does: layers, answers, and a sentence for what each pooling layer buys."""

    curves: tuple[InvarianceCurve, ...] = ()
    answers: tuple[ChangedAnswers, ...] = ()
    pooling: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """One method's map of one picture: float [row, column], signed about zero or not below it.

    `survival` is the rank correlation with the same map after the top layer was randomised: near 1, the map does not
    depend on what the network has learnt there. `note` says a convention in words (occlusion: f(x) - f(occluded)).
    """

    method: str
    map: Floats
    survival: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        finite(f"the map of {self.method}", self.map, 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class AttributionRow:
    """A picture, uint8 [row, column(, 3)], the class that is explained, and each method's map, in the same order."""

    picture: NDArray[np.uint8]
    target: str
    maps: tuple[Attribution, ...]
    label: str = ""
    number: int | None = None

    def __post_init__(self) -> None:
        fits = self.picture.dtype == np.uint8 and self.picture.ndim in (2, 3)
        need(fits, f"a picture is uint8 [row, column(, 3)], not {self.picture.dtype} {self.picture.shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadableModel:
    """A logistic regression on the input itself: its accuracy beside the network's on the same held-out inputs.

    `weights` float [class, channel, row, column] for pictures, [class, column] for rows; in units of the standardised
    input if it was standardised, which `note` says.
    """

    classes: tuple[str, ...]
    weights: Floats
    accuracy: float
    network: float
    columns: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        finite("the weights of the readable model", self.weights, 2, 4)
        fits = len(self.weights) == len(self.classes)
        need(fits, f"{len(self.weights)} sets of weights for {len(self.classes)} classes")
        flat = self.weights.ndim == 2
        named = not flat or self.weights.shape[1] == len(self.columns)
        need(named, f"{len(self.columns)} names for weights {self.weights.shape}")


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Held-out accuracy of a linear probe of every layer, first to last; `network` is the network's own."""

    layers: tuple[str, ...]
    accuracy: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    network: float | None = None

    def __post_init__(self) -> None:
        need(len(self.layers) == len(self.accuracy), "probes and layers differ in number")
        need(len(self.low) == len(self.high) and len(self.low) in (0, len(self.layers)), "probes' intervals are ragged")


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """The network at one step of its training.

    `filters` float [unit, channel, row, column] of the first layer. `dead`, `sparsity` (share of activations at zero)
    and `locality` go by layer, `concepts` is the best unit's AUC by concept.
    """

    step: int
    accuracy: float | None = None
    loss: float | None = None
    filters: Floats | None = None
    dead: Mapping[str, int] = field(default_factory=dict)
    sparsity: Mapping[str, float] = field(default_factory=dict)
    locality: Mapping[str, float] = field(default_factory=dict)
    concepts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        finite(f"filters at step {self.step}", self.filters, 4)


@dataclass(frozen=True, kw_only=True, eq=False)
class Backquery:
    """Labels run backwards through the network: `maps` float [label, row, column] in 0.01..0.99, and what the network
    answers to each, `answers` float [label, label], as its check.
    """

    labels: tuple[str, ...]
    maps: Floats
    answers: Floats

    def __post_init__(self) -> None:
        count = len(self.labels)
        finite("backquery maps", self.maps, 3)
        need(len(self.maps) == count, f"{len(self.maps)} pictures for {count} labels")
        need(self.answers.shape == (count, count), f"answers are {self.answers.shape}, not {(count, count)}")
