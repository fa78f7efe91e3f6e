"""The page of a layer: its units as tiles, and all that is known of each."""

from __future__ import annotations

import numpy as np

from cellscope.hooks.outlets import Outlet
from cellscope.pipeline.picture_pages.concepts import Concepts, bank_of
from cellscope.pipeline.picture_pages.effort import Effort
from cellscope.pipeline.picture_pages.material import Material
from cellscope.pipeline.picture_pages.units import Dear, Units
from cellscope.pipeline.picture_pages.words import header, method
from cellscope.report.contents import Headline
from cellscope.report.picture_contents import LayerGrid, LayerPage


def layer_page(material: Material, concepts: Concepts, dear: Dear, position: int, effort: Effort) -> LayerPage:
    """Everything that the page of the `position`-th layer shows."""
    outlets = material.search.outlets
    outlet, found = outlets[position], material.examples[outlets[position].site]
    numbers = np.unique(
        np.concatenate([material.shown, *(found.kept(w).pictures.ravel() for w in ("top", "bottom", "random"))])
    )
    bank = {int(n): at for at, n in enumerate(numbers)}
    units = Units(material, concepts, outlet, dear, bank, effort.checked).all()
    return LayerPage(
        header=header(material.search),
        headline=headline(material, concepts, outlet),
        site=str(outlet.site),
        kind=outlet.kind,
        shape=outlet.shape,
        bank=bank_of(material, numbers),
        units=units,
        grid=LayerGrid(inputs=tuple(bank[int(n)] for n in material.shown), maps=material.maps[outlet.site]),
        previous=str(outlets[position - 1].site) if position else "",
        next=str(outlets[position + 1].site) if position + 1 < len(outlets) else "",
        position=position,
    )


def headline(material: Material, concepts: Concepts, outlet: Outlet) -> Headline:
    """What the layer's units track, how many are dead, and what one of its places sees."""
    found = material.examples[outlet.site]
    findings = concepts.findings
    own = [e for e in findings.evidence if e.found and e.unit is not None and e.unit.site == outlet.site]
    names = ", ".join(f"{e.feature} (unit {e.unit.index})" for e in own if e.unit is not None)
    units = f"{outlet.units} units"
    said = f"{outlet.site} has {units}; " + (
        f"the best of all units for {names}." if own else "for no concept is one of them the best and a finding."
    )
    field = material.fields[outlet.site]
    seen = " x ".join(map(str, field.size))
    numbers = [("units", f"{outlet.units}"), ("dead", f"{len(found.dead)}")]
    if not material.search.images.flat:
        numbers += [("map", f"{outlet.grid[0]} x {outlet.grid[1]}"), ("a place sees", f"{seen} pixels")]
    caveats = [f"Dead on all {found.seen:,} pictures: units {', '.join(map(str, found.dead))}."] if found.dead else []
    return Headline(
        sentence=said, numbers=tuple(numbers), good=bool(own), caveats=tuple(caveats), method=method(material.search)
    )
