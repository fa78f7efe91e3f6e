"""Components of what a network does at the places of its maps, learnt from a few pictures in one showing of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.evidence.bases import Basis
from cellscope.evidence.components import COMPONENTS, basis_of, check
from cellscope.hooks.outlets import Outlet
from cellscope.look import Places, look
from cellscope.models.classifier import Classifier
from cellscope.sinks.covariance import Covariance

LEARNT = 1_024
"""Pictures that components are learnt from, at most."""
FEW = 16
"""Places of each that are taken, about: neighbours say nearly the same."""


def learn_picture_bases(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], kind: str, *, components: int | None = None,
    seed: int = 0, batch: int | None = None, progress: Progress | None = None,
) -> tuple[Basis, ...]:  # fmt: skip
    """A basis of every outlet (None: of COMPONENTS components, or as many as there are units): `pca`, `ica` or
    `dictionary`, from LEARNT pictures that are drawn from `seed`. The same seed and batch give the same one, whatever
    other outlets there are.
    """
    many = {o.site: components or min(COMPONENTS, o.units) for o in outlets}
    for outlet in outlets:
        check(kind, outlet.site, many[outlet.site], outlet.units)
    covariances, rows = _heard(network, images, outlets, seed, kind != "pca", batch, progress)
    return tuple(
        basis_of(kind, covariances[site], rows.get(site), site=site, components=most, seed=seed)
        for site, most in many.items()
    )


def _heard(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], seed: int, keep: bool, batch: int | None,
    progress: Progress | None,
) -> tuple[dict[Site, Covariance], dict[Site, NDArray[np.float32]]]:  # fmt: skip
    """The covariance of every site, and where `keep` standardised rows [row, unit] of it."""
    order = np.random.default_rng(seed).permutation(len(images))[:LEARNT]
    some = images.take(np.sort(order))
    strides = {outlet.site: Places.of(outlet.grid).stride(FEW) for outlet in outlets}
    found: dict[Site, Covariance] = {}
    kept: dict[Site, list[NDArray[np.float32]]] = {outlet.site: [] for outlet in outlets}
    shown = 0
    for glance in look(network, some, outlets, seed=seed, batch=batch):
        for site, chunk in glance.chunks.items():
            values = chunk.values[site]
            rows = values[:: strides[site]].reshape(-1, values.shape[2])
            if site not in found:
                found[site] = Covariance(rows, np.empty(0, np.int64), 1, stride=strides[site])
            none = np.empty((0, -(-chunk.steps // strides[site]), len(chunk.positions)), np.float32)
            found[site].add(replace(chunk, blocks=np.zeros_like(chunk.blocks)), none, none)  # one sum of all
            if keep:
                kept[site].append(found[site].standardised(rows))
        shown += len(glance.index)
        if progress:
            progress(shown, len(some), "basis")
    return found, {site: np.concatenate(rows) for site, rows in kept.items() if rows}
