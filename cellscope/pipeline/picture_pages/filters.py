"""The filters of a layer for its page: weights, what they answer to, how Gabor-like they are, which are turned ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import CellscopeError
from cellscope.hooks.outlets import Outlet
from cellscope.pipeline.picture_pages.material import Material, coloured
from cellscope.report.picture_contents import Filter
from cellscope.vision.crops import crops
from cellscope.vision.filters import Filters, filter_sites, filters
from cellscope.vision.gabor import fit_gabors
from cellscope.vision.rotations import rotations

MULTIPLES = 16
"""Channels of a deeper filter that are shown: those with the largest weights."""


def layer_filters(material: Material, outlet: Outlet) -> tuple[Filter, ...]:
    """The filter of every unit of a layer; nothing for a layer that has none."""
    if material.search.images.flat or outlet.site not in filter_sites(material.network):
        return ()
    own = filters(material.network, outlet.site)
    return _first(material, outlet, own) if own.first else _deeper(outlet, own)


def _first(material: Material, outlet: Outlet, own: Filters) -> tuple[Filter, ...]:
    """Filters that lie on the picture, each with its response, its best real patches and its measures."""
    gabor, alike = _measured(own)
    maps = material.maps[outlet.site][0]
    made = []
    for k in range(outlet.units):
        patches, values = _patches(material, outlet, k)
        made.append(
            Filter(
                weights=own.weights[k], of_picture=own.weights.shape[1] in (1, 3),
                response=maps[k], response_input=0, patches=patches, patch_values=values,
                gabor=None if gabor is None else float(gabor[k]), rotations=alike.get(k, ()),
            )
        )  # fmt: skip
    return tuple(made)


def _deeper(outlet: Outlet, own: Filters) -> tuple[Filter, ...]:
    """Filters on the channels of the layer before: small multiples of the channels that weigh most."""
    made = []
    for weights in own.weights:
        heavy = np.sort(np.argsort(-np.abs(weights).sum((1, 2)), kind="stable")[:MULTIPLES])
        made.append(Filter(weights=weights[heavy], inputs=tuple(f"channel {c}" for c in heavy.tolist())))
    return tuple(made)


def _measured(own: Filters) -> tuple[NDArray[np.float64] | None, dict[int, tuple[int, ...]]]:
    """How Gabor-like each filter is, and for each the others that are it, turned."""
    try:
        gabor = fit_gabors(own.weights).r2
        groups = rotations(own.weights).groups
    except CellscopeError:  # filters too small, or not square
        return None, {}
    return gabor, {k: tuple(j for j in group if j != k) for group in groups for k in group}


def _patches(material: Material, outlet: Outlet, unit: int) -> tuple[NDArray[np.uint8] | None, tuple[float, ...]]:
    """The real patches that excite a filter most, cut to what it sees, and what it did."""
    found = material.examples[outlet.site]
    made = crops(material.network, material.search.images, found, unit, material.fields[outlet.site])
    cut = [made.crop(k) for k in range(len(made.pictures))]
    size = max(c.shape[1] for c in cut), max(c.shape[2] for c in cut)
    whole = [k for k, c in enumerate(cut) if c.shape[1:] == size]  # those at a border are cut off
    if not whole:
        return None, ()
    return coloured(np.stack([cut[k] for k in whole])), tuple(float(made.values[k]) for k in whole)
