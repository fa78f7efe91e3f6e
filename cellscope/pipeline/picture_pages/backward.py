"""What deconvnet and guided backprop send back to the pixels of a unit's best pictures, for the page of its layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellscope.axes import Site, Unit
from cellscope.errors import CellscopeError
from cellscope.hooks.outlets import Outlet
from cellscope.models.classifier import Classifier
from cellscope.pipeline.picture_pages.bounds import bounded, shrunk
from cellscope.pipeline.picture_pages.material import Material
from cellscope.report.picture_contents import Backward
from cellscope.vision.projections import SEED
from cellscope.vision.randomisation import drawn_anew, survived
from cellscope.vision.sent_back import METHODS, Maps, require_methods, sent_back

Box = tuple[int, int, int, int]
AT_ONCE = 18
"""Pictures of a pass, about: what is quickest in a core's own cache."""
JUDGED = 3
"""Examples of a unit on which it is measured how much survives."""


def layer_backward(material: Material, outlet: Outlet, checked: int) -> list[tuple[Backward, ...]]:
    """For every unit of a layer what the methods make of its top examples; nothing where they cannot be asked."""
    if material.search.images.flat:
        return [()] * outlet.units
    found, field = material.examples[outlet.site], material.fields[outlet.site]
    boxes = [[(field.reach(*place), field.box(*place)) for place in own] for own in found.top.places.tolist()]
    size = bounded(outlet.units * len(METHODS) * found.k, field.size)
    made: list[tuple[Backward, ...]] = []
    try:
        require_methods(material.network, Unit(outlet.site, 0))
        few = _checked(material, outlet, checked)
        kept = _survival(material, outlet, few)
        together = max(1, AT_ONCE // found.k)
        for first in range(0, outlet.units, together):
            units = range(first, min(first + together, outlet.units))
            for unit, sent in zip(units, _sent(material, material.network, outlet.site, units, found.k), strict=True):
                cut = {method: shrunk(_cut(values, boxes[unit]), size) for method, values in sent.items()}
                made.append(
                    tuple(
                        Backward(method=m, maps=maps, seed=SEED, survival=kept[m], checked=len(few))
                        for m, maps in cut.items()
                    )
                )
    except CellscopeError:  # no ReLU modules that could be reached
        return [()] * outlet.units
    return made


def _sent(
    material: Material, network: Classifier, site: Site, units: Sequence[int], each: int
) -> list[dict[str, Maps]]:
    """For each unit, by method, what reaches the pixels of the first so many of its top examples."""
    pictures = material.examples[site].top.pictures[list(units), :each]
    inputs = network.prepare(material.search.images.pixels(pictures.ravel()))
    sent = sent_back(network, inputs, site, np.repeat(units, pictures.shape[1]).tolist())
    if network.preprocessing.order == "bgr":
        sent = {method: values[:, ::-1] for method, values in sent.items()}
    by_unit = {method: values.reshape(*pictures.shape, *values.shape[1:]) for method, values in sent.items()}
    return [{method: values[at] for method, values in by_unit.items()} for at in range(len(units))]


def _checked(material: Material, outlet: Outlet, most: int) -> list[int]:
    """At most so many live units of a layer, evenly spread."""
    dead = material.examples[outlet.site].dead
    live = [k for k in range(outlet.units) if k not in dead]
    places = np.linspace(0, len(live) - 1, min(most, len(live))).round().astype(int)
    return [live[k] for k in np.unique(places).tolist()]


def _survival(material: Material, outlet: Outlet, units: list[int]) -> dict[str, float | None]:
    """By method, the mean over units of what survives when the layer's own weights are drawn anew."""
    if not units:
        return dict.fromkeys(METHODS)
    anew = drawn_anew(material.network, Unit(outlet.site, units[0]))
    made: dict[str, list[float]] = {method: [] for method in METHODS}
    together = max(1, AT_ONCE // JUDGED)
    for first in range(0, len(units), together):
        some = units[first : first + together]
        before, after = (_sent(material, one, outlet.site, some, JUDGED) for one in (material.network, anew))
        for b, a in zip(before, after, strict=True):
            for method, own in made.items():
                own.append(survived(b[method], a[method]))
    return {method: float(np.mean(own)) for method, own in made.items()}


def _cut(values: Maps, boxes: Sequence[tuple[Box, Box]]) -> Maps:
    """Maps [example, channel, row, column] cut to what the unit sees, a reach and the box of it that is in the picture
    for each; with zeros beyond the picture's border.
    """
    rows, columns = max(r[1] - r[0] for r, _ in boxes), max(r[3] - r[2] for r, _ in boxes)
    made = np.zeros((len(values), values.shape[1], rows, columns), np.float32)
    for k, (reach, (top, bottom, left, right)) in enumerate(boxes):
        inner = slice(top - reach[0], bottom - reach[0]), slice(left - reach[2], right - reach[2])
        made[k, :, inner[0], inner[1]] = values[k, :, top:bottom, left:right]
    return made
