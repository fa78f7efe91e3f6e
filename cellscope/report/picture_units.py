"""The parts of a layer's page: the bank of inputs, and all that is known of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import Line
from cellscope.report.passages import need

Floats = NDArray[np.floating]


def finite(name: str, array: NDArray[Any] | None, *dims: int) -> None:
    """InputError unless an array is left out or has one of these numbers of axes, and finite numbers alone."""
    if array is not None:
        need(array.ndim in dims and array.size > 0, f"{name} has shape {array.shape}")
        need(bool(np.isfinite(array).all()), f"{name} holds numbers that are not finite")


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureBank:
    """The pictures of a page, each once: uint8 [picture, row, column] or [picture, row, column, 3], 0 black.

    `numbers` are their places in the image set; `labels` their classes and `names` their files, where there are any.
    `size` are the rows and columns of what the network saw, in which boxes are said, where the pictures are smaller.
    """

    pictures: NDArray[np.uint8]
    numbers: tuple[int, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        fits = self.pictures.dtype == np.uint8 and self.pictures.ndim in (3, 4)
        need(fits, f"pictures are uint8 [picture, row, column(, 3)], not {self.pictures.dtype} {self.pictures.shape}")
        for name, words in (("numbers", self.numbers), ("labels", self.labels), ("names", self.names)):
            there = len(words) == len(self) or (not words and name != "numbers")
            need(there, f"{len(words)} {name} for {len(self)} pictures")

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True, kw_only=True, eq=False)
class RowBank:
    """The rows of numbers of a page, for a network whose input is no picture: `values` float [row, column]."""

    values: Floats
    columns: tuple[str, ...]
    numbers: tuple[int, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        need(self.values.ndim == 2, f"rows are [row, column], not {self.values.shape}")
        need(self.values.shape[1] == len(self.columns), f"{len(self.columns)} names for {self.values.shape[1]} columns")
        for name, words in (("numbers", self.numbers), ("labels", self.labels), ("names", self.names)):
            there = len(words) == len(self) or (not words and name != "numbers")
            need(there, f"{len(words)} {name} for {len(self)} rows")

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """Some inputs of one unit, in their order: `inputs` are places in the page's bank, `values` what the unit did.

    `boxes` int [example, 4] are top, left, bottom, right of its receptive field there, in pixels, bottom and right
    exclusive; they may reach beyond the picture. `maps` float [example, row, column] lie over the whole picture.
    """

    inputs: tuple[int, ...]
    values: tuple[float, ...]
    boxes: NDArray[np.integer] | None = None
    maps: Floats | None = None

    def __post_init__(self) -> None:
        count = len(self.inputs)
        need(len(self.values) == count, f"{len(self.values)} values for {count} examples")
        need(min(self.inputs, default=0) >= 0, "an example names an input below 0")
        if self.boxes is not None:
            need(self.boxes.shape == (count, 4), f"boxes are [example, 4], not {self.boxes.shape}")
            inside = (self.boxes[:, 2] > self.boxes[:, 0]) & (self.boxes[:, 3] > self.boxes[:, 1])
            need(bool(inside.all()), "a box of an example is empty")
        if count:
            finite("maps of examples", self.maps, 3)
        need(self.maps is None or len(self.maps) == count, "maps and examples differ in number")


@dataclass(frozen=True, kw_only=True, eq=False)
class Backward:
    """What a method sends back from a unit to the pixels of its top examples, cropped to their boxes.

    `maps` float [example, row, column] or [example, channel, row, column], signed; `method` is its name, `seed` in
    words where it starts (1 at the place of the maximum), `survival` the rank correlation with the same map after the
    layer's weights were drawn anew, the mean over `checked` of its units.
    """

    method: str
    maps: Floats
    seed: str = ""
    survival: float | None = None
    checked: int = 1

    def __post_init__(self) -> None:
        finite(f"{self.method} maps", self.maps, 3, 4)


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimised:
    """A picture made to drive a unit: uint8 [row, column] or [row, column, 3]; `label` says how (preset, seed, sign).

    `value` is what the unit does on it; `objective` is the objective by step.
    """

    picture: NDArray[np.uint8]
    label: str
    value: float | None = None
    objective: Line | None = None

    def __post_init__(self) -> None:
        fits = self.picture.dtype == np.uint8 and self.picture.ndim in (2, 3)
        need(fits, f"an optimised picture is uint8 [row, column(, 3)], not {self.picture.shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Filter:
    """The weights of a unit: float [channel, row, column]; `of_picture` where the channels are those of the picture.

    `inputs` names the channels of a deeper filter (addresses), where known. `response` float [row, column] is the
    filter's map on the input `response_input` of the bank. `patches` uint8 [patch, row, column(, 3)] are the real
    patches with the greatest `patch_values`. `gabor` is the share of variance that the best Gabor function explains,
    `rotations` are the units whose filters are this one turned.
    """

    weights: Floats
    of_picture: bool = False
    inputs: tuple[str, ...] = ()
    response: Floats | None = None
    response_input: int | None = None
    patches: NDArray[np.uint8] | None = None
    patch_values: tuple[float, ...] = ()
    gabor: float | None = None
    rotations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        finite("a filter", self.weights, 3)
        finite("a filter's response", self.response, 2)
        named = len(self.inputs) in (0, len(self.weights))
        need(named, f"{len(self.inputs)} names for {len(self.weights)} channels of a filter")
        count = 0 if self.patches is None else len(self.patches)
        need(len(self.patch_values) in (0, count), f"{len(self.patch_values)} values for {count} patches")


@dataclass(frozen=True, kw_only=True)
class ConceptScore:
    """How well one unit tells one concept. `answer` is yes (a finding), plain (true, but no feat) or no."""

    concept: str
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    iou: float | None = None
    iou_most: float | None = None
    sign: int = 1
    answer: str = "no"

    def __post_init__(self) -> None:
        need(self.answer in ("yes", "plain", "no"), f"answer {self.answer!r} is none of yes, plain, no")
        need(self.sign in (-1, 1), f"the sign of {self.concept} is {self.sign}, not -1 or +1")


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """What removing one unit does: change of accuracy (-0.03 is three points lost), overall and by class.

    `fill` says what stands in its place (zero or mean).
    """

    overall: float
    by_class: Mapping[str, float] = field(default_factory=dict)
    fill: str = "zero"


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureUnit:
    """All that is known of one unit, counted from 0.

    `remark` says in words what is odd about it ("dead: 0 on all 10,000 pictures"), `dead` marks its tile; `tracks` is
    the concept that it was found to track; `numbers` are (label, value) in words. `agreement` says in words how far
    the random starts of its optimised pictures agree. `weights` float [column] belong to a unit that reads rows.
    """

    index: int
    remark: str = ""
    dead: bool = False
    tracks: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    top: Examples | None = None
    bottom: Examples | None = None
    random: Examples | None = None
    backward: tuple[Backward, ...] = ()
    optimised: tuple[Optimised, ...] = ()
    agreement: str = ""
    filter: Filter | None = None
    weights: Floats | None = None
    concepts: tuple[ConceptScore, ...] = ()
    lesions: tuple[Lesion, ...] = ()

    def __post_init__(self) -> None:
        need(self.index >= 0, f"unit {self.index} is below 0")
        finite(f"weights of unit {self.index}", self.weights, 1)
        count = len(self.top.inputs) if self.top else 0
        for one in self.backward:
            need(len(one.maps) == count, f"{one.method} has {len(one.maps)} maps for {count} top examples")
