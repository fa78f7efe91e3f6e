"""Deconvnet and guided pictures of a unit's examples: its maximum, projected back to the pixels.

The seed is 1.0 at the one place of each picture's maximum (as Zeiler & Fergus 2013, and the Deep Visualization
Toolbox's crops; its live view seeds the whole map, which gives other pictures). How much of such a picture comes from
the network at all is what `randomisation.survival` measures: show it beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.data.images import ImageSet
from cellscope.errors import not_found
from cellscope.models.classifier import Classifier
from cellscope.report.pictures import Bytes, shown
from cellscope.vision.crops import Crops
from cellscope.vision.saliency import attribute

METHODS = ("deconvnet", "guided", "gradient")
SEED = "1.0 at the place of the maximum"


@dataclass(frozen=True, eq=False)
class Projections:
    """values  what reaches the pixels [k, channel, row, column], in the order of colours of a picture; 0 outside the
    receptive field
    limits     the largest absolute value of each [k]
    """

    method: str
    crops: Crops
    values: NDArray[np.float32]
    seed: str
    remarks: tuple[str, ...]

    @property
    def limits(self) -> NDArray[np.float32]:
        made: NDArray[np.float32] = np.abs(self.values).max((1, 2, 3))
        return made

    def sheet(self, *, whole: bool = False, least: int = 0, columns: int = 0) -> Bytes:
        """All of them as one grid [row, column, 3], each scaled by its own limit; zero is grey (128)."""
        limit = np.where(self.limits > 0, self.limits, 1)[:, None, None, None]
        levels = 0.5 + self.values / (2 * limit)
        return self.crops.sheet_of([shown(picture) for picture in levels], whole=whole, least=least, columns=columns)


def projections(classifier: Classifier, images: ImageSet, made: Crops, method: str = "deconvnet") -> Projections:
    """`deconvnet`, `guided` or `gradient` pictures of one unit's examples; InputError where the network's ReLUs cannot
    be reached (see `relus`), which would silently give the plain gradient.
    """
    if method not in METHODS:
        raise not_found("projection", method, METHODS)
    inputs = classifier.prepare(images.pixels(made.pictures))
    found = attribute(classifier, method, inputs, made.unit, place="max")
    values = found.values[:, ::-1] if classifier.preprocessing.order == "bgr" else found.values
    return Projections(method, made, np.ascontiguousarray(values), SEED, found.remarks)
