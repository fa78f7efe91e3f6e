"""An exhibit: one thing that was measured, as a sentence with its caveats, figures and a table.

Every page of a text shows exhibits in the same way, whatever they are about, and a study's page shows nothing else.
All is computed before it comes here: strings, numbers and arrays alone, any text may be hostile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.report.passages import need
from cellscope.report.tables import Table

Numbers = tuple[float | None, ...]
Floats = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve y over x, with an interval where there is one; `quiet` is what others are compared with.

    `labels` say in words what each point is; they are seen on pointing at it.
    """

    name: str
    x: Numbers
    y: Numbers
    low: Numbers = ()
    high: Numbers = ()
    labels: tuple[str, ...] = ()
    quiet: bool = False
    points: bool = False

    def __post_init__(self) -> None:
        need(len(self.x) == len(self.y), f"x and y of {self.name} differ in length")
        need(len(self.low) == len(self.high) and len(self.low) in (0, len(self.x)), f"{self.name}: ragged interval")
        need(len(self.labels) in (0, len(self.x)), f"{self.name}: labels and points differ in number")


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Curves over one x; `rules` are heights (y) that are drawn across, each with its name."""

    title: str
    caption: str = ""
    series: tuple[Series, ...]
    x: str
    y: str
    log_x: bool = False
    log_y: bool = False
    rules: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """A bar for each label, with an interval where there is one; `quiet` is what others are compared with."""

    name: str
    values: Numbers
    low: Numbers = ()
    high: Numbers = ()
    quiet: bool = False

    def __post_init__(self) -> None:
        need(
            len(self.low) == len(self.high) and len(self.low) in (0, len(self.values)), f"{self.name}: ragged interval"
        )


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars from `base` to each value, one a label in every group; lying unless `upright`."""

    title: str
    caption: str = ""
    labels: tuple[str, ...]
    groups: tuple[Group, ...]
    value: str
    label: str = ""
    base: float = 0.0
    upright: bool = False

    def __post_init__(self) -> None:
        for group in self.groups:
            need(len(group.values) == len(self.labels), f"{group.name} has {len(group.values)} bars, not a bar a label")


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMap:
    """Values [row, column]; NaN is no value. `centre` is the paper's colour, what is above it blue, below it orange.

    The colours reach `reach` on either side of the centre (default: the farthest value).
    """

    title: str
    caption: str = ""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Floats
    value: str
    row: str = ""
    column: str = ""
    centre: float = 0.0
    reach: float | None = None

    def __post_init__(self) -> None:
        shape = (len(self.rows), len(self.columns))
        need(self.values.shape == shape, f"the heat map {self.title} has {self.values.shape}, not {shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """A text, what a unit did on each of its characters, and where the feature is (underlined)."""

    title: str
    text: str
    values: Floats | None = None
    marks: NDArray[np.bool_] | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for name, array in (("values", self.values), ("marks", self.marks)):
            fits = array is None or array.shape == (len(self.text),)
            need(fits, f"{name} of the sample {self.title} are not [character]")


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Coloured texts side by side, one range of colours for all of them (default: what fits 99.5 % of the values)."""

    title: str
    caption: str = ""
    samples: tuple[Sample, ...]
    reach: float | None = None
    marked: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture of a sequence, and what is said of it beside the slider."""

    label: str
    figure: Lines | Bars | HeatMap | Samples


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """Pictures of one kind in a sequence, with a slider and a button to play them; axes and colours stay the same.

    `start` is the frame that is shown first (default: the last).
    """

    title: str
    caption: str = ""
    frames: tuple[Frame, ...]
    what: str = "step"
    start: int = -1

    def __post_init__(self) -> None:
        need(bool(self.frames), f"{self.title} has no frames")
        need(len({type(f.figure) for f in self.frames}) == 1, f"the frames of {self.title} are of several kinds")
        need(-len(self.frames) <= self.start < len(self.frames), f"{self.title} has no frame {self.start}")


Figure = Lines | Bars | HeatMap | Samples | Frames


@dataclass(frozen=True, kw_only=True, eq=False)
class Exhibit:
    """One thing that was measured. `key` names it in addresses and files: small letters, digits, hyphens."""

    key: str
    title: str
    sentence: str
    caveats: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: Table | None = None

    def __post_init__(self) -> None:
        need(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.key) is not None, f"{self.key!r} cannot be an exhibit's key")


def numbered_key(kind: str, number: int, name: str) -> str:
    """`kind-3-name`: a key whatever the name is, and another one for every number; a long name is cut."""
    return "-".join([kind, str(number), *re.findall("[a-z0-9]+", name.lower()[:80])])


def need_keys(exhibits: tuple[Exhibit, ...]) -> None:
    """InputError where two exhibits of a page have one key."""
    keys = [one.key for one in exhibits]
    need(len(set(keys)) == len(keys), f"two exhibits have one key: {', '.join(keys)}")
