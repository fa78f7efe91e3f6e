"""What deconvnet and guided backprop send back to the pixels of a unit's best pictures, for the page of its layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.errors import CellscopeError
from cellscope.hooks.modules import Outlet
from cellscope.pipeline.picture_pages.bounds import bounded, shrunk
from cellscope.pipeline.picture_pages.material import Material
from cellscope.report.picture_contents import Backward
from cellscope.vision.crops import Crops, crops
from cellscope.vision.projections import projections
from cellscope.vision.randomisation import survival

METHODS = ("deconvnet", "guided")


def layer_backward(material: Material, outlet: Outlet, checked: int) -> list[tuple[Backward, ...]]:
    """For every unit of a layer what the methods make of its top examples; nothing where they cannot be asked."""
    network, images = material.network, material.search.images
    if images.flat:
        return [()] * outlet.units
    found, field = material.examples[outlet.site], material.fields[outlet.site]
    made: list[tuple[Backward, ...]] = []
    try:
        few = _checked(material, outlet, checked)
        kept = {method: _survival(material, outlet, method, few) for method in METHODS}
        size = bounded(outlet.units * len(METHODS) * found.k, field.size)
        for unit in range(outlet.units):
            own = crops(network, images, found, unit, field)
            sent = {method: projections(network, images, own, method) for method in METHODS}
            made.append(
                tuple(
                    Backward(
                        method=method,
                        maps=shrunk(_cut(one.values, own), size),
                        seed=one.seed,
                        survival=kept[method],
                        checked=len(few),
                    )
                    for method, one in sent.items()
                )
            )
    except CellscopeError:  # no ReLU modules that could be reached
        return [()] * outlet.units
    return made


def _checked(material: Material, outlet: Outlet, most: int) -> list[int]:
    """At most so many live units of a layer, evenly spread."""
    dead = material.examples[outlet.site].dead
    live = [k for k in range(outlet.units) if k not in dead]
    places = np.linspace(0, len(live) - 1, min(most, len(live))).round().astype(int)
    return [live[k] for k in np.unique(places).tolist()]


def _survival(material: Material, outlet: Outlet, method: str, units: list[int]) -> float | None:
    """The mean over units of what survives when the layer's own weights are drawn anew."""
    if not units:
        return None
    found, values = material.examples[outlet.site], []
    for unit in units:
        inputs = material.network.prepare(material.search.images.pixels(found.top.pictures[unit][:3]))
        target = Unit(outlet.site, unit)
        values.append(survival(material.network, method, inputs, target, place="max", cascade=False, draws=1).top)
    return float(np.mean(values))


def _cut(values: NDArray[np.float32], own: Crops) -> NDArray[np.float32]:
    """Maps [example, channel, row, column] cut to what the unit sees; with zeros beyond the picture's border."""
    boxes = np.array([own.field.reach(int(row), int(column)) for row, column in own.places])
    rows, columns = int(np.ptp(boxes[:, :2], 1).max()), int(np.ptp(boxes[:, 2:], 1).max())
    made = np.zeros((len(values), values.shape[1], rows, columns), np.float32)
    for k, (start, box) in enumerate(zip(boxes[:, [0, 2]].tolist(), own.boxes.tolist(), strict=True)):
        top, bottom, left, right = box
        inner = slice(top - start[0], bottom - start[0]), slice(left - start[1], right - start[1])
        made[k, :, inner[0], inner[1]] = values[k, :, top:bottom, left:right]
    return made
