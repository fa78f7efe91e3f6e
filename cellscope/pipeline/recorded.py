"""An array that was recorded elsewhere, in the place of a network: what its units did is known, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.data.arrays import RecordedArray, open_array
from cellscope.errors import InputError
from cellscope.observe import ArraySource


@dataclass(frozen=True)
class Recorded:
    """An array [position, unit] on disk, the address of its units, and what pages call it."""

    array: RecordedArray
    site: Site

    @property
    def name(self) -> str:
        key = f":{self.array.key}" if self.array.key else ""
        return f"{self.array.path.name}{key}"  # a.npy and a.h5 are two, and so are two arrays of one file

    @property
    def description(self) -> str:
        key = f", {self.array.key}" if self.array.key else ""
        return f"recorded in {self.array.path.name}{key}"

    def source(self) -> ArraySource:
        """The array as something that is heard."""
        return ArraySource(self.array, self.site)

    def read(self, stretches: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """What the units did on stretches of the text, one after the other, float32 [position, unit]."""
        return np.concatenate([self.array.read(start, stop) for start, stop in stretches])


def open_recorded(path: Path, *, key: str | None = None, site: str | None = None) -> Recorded:
    """The array of a file; its site is `site`, or the one that a recording of ours says, or else `array`."""
    array = open_array(path, key=key)
    said = site or getattr(array.source, "attrs", {}).get("site")
    try:
        return Recorded(array, Site.parse(str(said)) if said else Site("array"))
    except InputError:
        return Recorded(array, Site("array"))
