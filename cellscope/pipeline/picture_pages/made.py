"""Pictures made to drive the units of a layer: feature visualisation, and climbs on pixels from several starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.errors import CellscopeError
from cellscope.hooks.outlets import Outlet
from cellscope.pipeline.picture_pages.bounds import bounded, shrunk
from cellscope.pipeline.picture_pages.effort import Effort
from cellscope.pipeline.picture_pages.material import Material, coloured
from cellscope.report.contents import Line
from cellscope.report.picture_contents import Optimised
from cellscope.vision.maximise import Maximisation, maximise
from cellscope.vision.objectives import logit, neuron
from cellscope.vision.visualise import visualise

POINTS = 48
"""Of the curve of an objective."""
PUBLISHED = ("simonyan", "yosinski-1", "yosinski-2", "yosinski-3", "yosinski-4")
"""The recipes that classes are climbed by, beside the one that fits any network."""


@dataclass(eq=False)
class Made:
    """For every unit what was made to drive it, and in words how far the starts of its climbs agree."""

    pictures: dict[int, list[Optimised]] = field(default_factory=dict)
    agreement: dict[int, str] = field(default_factory=dict)


def made_for(material: Material, outlet: Outlet, effort: Effort) -> Made:
    """All pictures of a layer; nothing for rows of numbers."""
    made = Made()
    if material.search.images.flat:
        return made
    few, size = _climbed(material, outlet, effort), material.network.shape[1:]
    per_unit = outlet.units + len(few) * (effort.starts + len(PUBLISHED))
    small = bounded(per_unit, (size[0], size[1]))
    _visualised(material, outlet, effort, small, made)
    if few:
        _climbs(material, outlet, effort, few, small, made)
    return made


def _visualised(material: Material, outlet: Outlet, effort: Effort, size: tuple[int, int], made: Made) -> None:
    """A picture of every unit by its spectrum."""
    units = [str(Unit(outlet.site, k)) for k in range(outlet.units)]
    found = visualise(material.network, units, steps=effort.steps, seed=material.search.findings.counts.seed)
    for k in range(outlet.units):
        label = f"preset {found.preset.name}, {found.preset.steps} steps, seed {found.seed}"
        label += "; no gradient reached the picture: the unit is dead here" if found.dead[k] else ""
        picture = coloured(shrunk(found.pictures[k : k + 1], size))[0]
        line = _line(found.curve[k])
        made.pictures[k] = [Optimised(picture=picture, label=label, value=float(found.end[k]), objective=line)]


def _climbs(
    material: Material, outlet: Outlet, effort: Effort, few: Sequence[int], size: tuple[int, int], made: Made
) -> None:
    """Climbs on pixels: of a unit in the middle of its map from several starts; of a class also as published."""
    network, seed = material.network, material.search.findings.counts.seed
    scores = outlet == material.main[-1] and outlet.units == len(network.classes)
    wanted = logit(list(few), network.classes) if scores else neuron([Unit(outlet.site, k) for k in few])
    found = maximise(network, wanted, steps=effort.climb, starts=effort.starts, seed=seed)
    for row, unit in enumerate(few):
        made.agreement[unit] = agreed(found, row)
    every = [found]
    for name in PUBLISHED if scores else ():
        try:
            every.append(maximise(network, wanted, recipe=name, steps=effort.published, starts=1, seed=seed))
        except CellscopeError:  # a published rate that leaves the range of numbers with this network
            continue
    for one in every:
        for row, unit in enumerate(few):
            made.pictures[unit] += [_climb(one, row, start, size) for start in range(one.values.shape[1])]


def _climb(one: Maximisation, row: int, start: int, size: tuple[int, int]) -> Optimised:
    several = one.values.shape[1] > 1
    label = f"climbed, recipe {one.recipe.name}" + (f", start {start}" if several else "")
    label += f", {one.recipe.steps} steps" + ("; no gradient reached it" if one.dead[row, start] else "")
    picture = coloured(shrunk(one.pictures[row, start : start + 1], size))[0]
    line, value = _line(one.curve[row, start]), float(one.values[row, start])
    return Optimised(picture=picture, label=label, value=value, objective=line)


def agreed(found: Maximisation, row: int) -> str:
    """How far the starts of one unit's climbs agree, in words."""
    starts, modes = found.values.shape[1], int(found.agreement.modes[row])
    if starts < 2:
        return ""
    if modes == 0:
        return f"Dead: no gradient reached any of {starts} starts"
    alike, others = float(found.agreement.correlation[row]), found.agreement.others
    ends = "all end at one picture" if modes == 1 else f"end at {modes} different pictures"
    between = "" if np.isnan(others) else f"; between units {others:.2f}"
    compared = "" if np.isnan(alike) else f" (mean correlation {alike:.2f}{between})"
    return f"Climbs from {starts} random starts {ends}{compared}"


def _climbed(material: Material, outlet: Outlet, effort: Effort) -> list[int]:
    """The units that are climbed for: those that are the best for a concept first, then others evenly spread."""
    dead = set(material.examples[outlet.site].dead)
    units = [e.unit for e in material.search.findings.evidence if e.unit is not None]
    best = [unit.index for unit in units if unit.site == outlet.site]
    spread = np.linspace(0, outlet.units - 1, min(effort.climbed, outlet.units)).round().astype(int).tolist()
    order = dict.fromkeys([*best, *spread, *range(outlet.units)])
    return sorted([k for k in order if k not in dead][: effort.climbed])


def _line(curve: NDArray[np.float32]) -> Line:
    every = max(1, len(curve) // POINTS)
    kept = curve[::every]
    return Line(x=tuple(float(k * every) for k in range(len(kept))), y=tuple(float(v) for v in kept))
