"""What units do everywhere in some pictures: of all units of some sites, or of pairs of a unit and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.hooks.modules import watch
from cellscope.models.classifier import Classifier

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Numbers of pictures and units, each [pair]."""


@torch.no_grad()
def maps_of(network: Classifier, pixels: NDArray[np.float32], sites: Sequence[Site]) -> dict[Site, NDArray[np.float32]]:
    """What every unit does on these pictures, float32 [picture, unit, row, column]; 1 x 1 without places."""
    with watch(network.module, sites, stop=True) as seen:
        heard = seen.play(network.prepare(pixels))
        found = {site: heard[site].float().cpu().numpy() for site in sites}
    return {site: x if x.ndim == 4 else x[:, :, None, None] for site, x in found.items()}


@torch.no_grad()
def maps_of_pairs(
    network: Classifier, images: ImageSet, wanted: Mapping[Site, Pairs], *, batch: int = 64
) -> dict[Site, NDArray[np.float32]]:
    """What a unit does on a picture, for the pairs of each site, float32 [pair, row, column]; 1 x 1 without places.

    Every picture is shown once.
    """
    numbers = np.unique(np.concatenate([pictures for pictures, _ in wanted.values()]))
    found: dict[Site, NDArray[np.float32]] = {}
    for at in range(0, len(numbers), batch):
        some = numbers[at : at + batch]
        here = {site: np.flatnonzero((p >= some[0]) & (p <= some[-1])) for site, (p, _) in wanted.items()}
        keep = {
            site: partial(_picked, np.searchsorted(some, wanted[site][0][own]), wanted[site][1][own])
            for site, own in here.items()
        }
        with watch(network.module, wanted, keep=keep, stop=True) as seen:
            heard = seen.play(network.prepare(images.pixels(some)))
        for site, own in here.items():
            maps = heard[site].float().cpu().numpy()
            maps = maps if maps.ndim == 3 else maps[:, None, None]
            found.setdefault(site, np.empty((len(wanted[site][0]), *maps.shape[1:]), np.float32))[own] = maps
    return found


def _picked(pictures: NDArray[np.int64], units: NDArray[np.int64], maps: Tensor) -> Tensor:
    return maps[torch.from_numpy(pictures), torch.from_numpy(units)]
