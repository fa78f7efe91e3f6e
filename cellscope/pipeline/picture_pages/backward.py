"""What deconvnet and guided backprop send back to the pixels of a unit's best pictures, for the page of its layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.errors import CellscopeError
from cellscope.hooks.modules import Outlet
from cellscope.pipeline.picture_pages.material import Material
from cellscope.report.picture_contents import Backward
from cellscope.vision.crops import Crops, crops
from cellscope.vision.projections import projections
from cellscope.vision.randomisation import survival

METHODS = ("deconvnet", "guided")
CHECKED = 2
"""Units of a layer for which it is measured how much of the pictures survives; the page says their mean."""


def layer_backward(material: Material, outlet: Outlet) -> list[tuple[Backward, ...]]:
    """For every unit of a layer what the methods make of its top examples; nothing where they cannot be asked."""
    network, images = material.network, material.search.images
    if images.flat or outlet.grid == (1, 1):
        return [()] * outlet.units
    found, field = material.examples[outlet.site], material.fields[outlet.site]
    made: list[tuple[Backward, ...]] = []
    try:
        kept = {method: _survival(material, outlet, method) for method in METHODS}
        for unit in range(outlet.units):
            own = crops(network, images, found, unit, field)
            sent = {method: projections(network, images, own, method) for method in METHODS}
            made.append(
                tuple(
                    Backward(method=method, maps=_cut(one.values, own), seed=one.seed, survival=kept[method])
                    for method, one in sent.items()
                )
            )
    except CellscopeError:  # no ReLU modules that could be reached
        return [()] * outlet.units
    return made


def _survival(material: Material, outlet: Outlet, method: str) -> float | None:
    """The mean over some live units of what survives when the layer's own weights are drawn anew."""
    found = material.examples[outlet.site]
    live = [k for k in range(outlet.units) if k not in found.dead][:CHECKED]
    if not live:
        return None
    values = []
    for unit in live:
        inputs = material.network.prepare(material.search.images.pixels(found.top.pictures[unit][:3]))
        target = Unit(outlet.site, unit)
        values.append(survival(material.network, method, inputs, target, place="max", cascade=False, draws=1).top)
    return float(np.mean(values))


def _cut(values: NDArray[np.float32], own: Crops) -> NDArray[np.float32]:
    """Maps [example, channel, row, column] cut to what the unit sees; with zeros where a border cut that off."""
    boxes = own.boxes
    rows, columns = int(np.ptp(boxes[:, :2], 1).max()), int(np.ptp(boxes[:, 2:], 1).max())
    made = np.zeros((len(values), values.shape[1], rows, columns), np.float32)
    for k, (top, bottom, left, right) in enumerate(boxes.tolist()):
        high, wide = bottom - top, right - left
        down, along = (rows - high if top == 0 else 0), (columns - wide if left == 0 else 0)
        made[k, :, down : down + high, along : along + wide] = values[k, :, top:bottom, left:right]
    return made
