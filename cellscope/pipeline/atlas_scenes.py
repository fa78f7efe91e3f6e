"""The pictures that all thumbnails of an atlas show, and what every unit did on them, on one grid for all layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.data.images import ImageSet
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.picture_pages.bounds import shrunk
from cellscope.pipeline.picture_pages.maps import maps_of
from cellscope.pipeline.picture_pages.material import as_shown
from cellscope.report.atlas import Scenes

PICTURES, ROWS = 6, 24
"""How many pictures, or rows of numbers, every thumbnail shows."""
SIDE = 16
"""Places on the longer side of a thumbnail's picture, fewer where there are many units."""
MOST = 2**22
"""Numbers in the thumbnails of a page at most."""
LOOKED = 512
"""Pictures among which those that are shown are chosen."""
PART = 32
"""Pictures whose masks are unpacked at a time."""
PIXELS = 96
"""No picture is drawn larger than this."""


def scenes(search: PictureSearch, order: Sequence[int]) -> Scenes:
    """Pictures in which concepts that were found come and go; `order` has the units as the page lists them."""
    images, network = search.images, search.network
    numbers = chosen(search)
    grid = (1, 1) if images.flat else _grid(images.shape[1:], len(order) * len(numbers))
    pixels, masks = images.pixels(numbers), images.masks_of(numbers)
    sites = [outlet.site for outlet in search.outlets]
    heard = []
    for k in range(len(numbers)):  # all maps of all layers of one picture are the most that is held
        maps = maps_of(network, pixels[k : k + 1], sites)
        heard.append(np.concatenate([shrunk(maps[site][0], grid) for site in sites]))
    values = np.moveaxis(np.stack(heard)[:, list(order)], 1, -1)
    marks = {
        name: shrunk(masks[:, images.mask_names.index(name)].astype(np.float32), grid) >= 0.5
        for name in (f.name for f in search.findings.features if f.kind == "span")
    }
    return Scenes(
        values=values,
        marks=marks,
        names=tuple(_name(images, int(k)) for k in numbers),
        pictures=None if images.flat else as_shown(network, pixels, _drawn(images.shape[1:])),
    )


def chosen(search: PictureSearch) -> NDArray[np.int64]:
    """The pictures that are shown: each adds what is still seldom among them, the concepts that were found first."""
    images, findings = search.images, search.findings
    some = np.random.default_rng(findings.counts.seed).permutation(len(images))[:LOOKED]
    names = {f.name: 4.0 if e.found else 1.0 for f, e in zip(findings.features, findings.evidence, strict=True)}
    worth = np.array([names.get(name, 0.0) for name in images.mask_names])
    share = np.zeros((len(some), len(worth)))
    for at in range(0, len(some) if worth.size else 0, PART):
        masks = images.masks_of(some[at : at + PART])
        share[at : at + PART] = masks.reshape(*masks.shape[:2], -1).mean(2)
    there = np.minimum(share * 20, 1)  # a twentieth of a picture is enough to be seen
    seen, kept = np.zeros(len(worth)), np.zeros(len(some), bool)
    for _ in range(min(ROWS if images.flat else PICTURES, len(some))):
        gain = there @ (worth / (1 + seen) ** 2)
        best = int(np.argmax(np.where(kept, -1, gain)))
        kept[best] = True
        seen += there[best]
    return np.asarray(some[kept])


def _grid(size: Sequence[int], thumbnails: int) -> tuple[int, int]:
    """Rows and columns of a thumbnail's picture, in the shape of the pictures, so that all stay within MOST."""
    longer = min(SIDE, max(size), max(4, math.isqrt(MOST // max(1, thumbnails))))
    rows, columns = (max(1, round(longer * side / max(size))) for side in size)
    return rows, columns


def _drawn(size: Sequence[int]) -> tuple[int, int]:
    share = min(1.0, PIXELS / max(size))
    rows, columns = (max(1, round(side * share)) for side in size)
    return rows, columns


def _name(images: ImageSet, number: int) -> str:
    """`picture 107, circle`."""
    label = "" if images.labels is None else f", {images.classes[int(images.labels[number])]}"
    return f"{'row' if images.flat else 'picture'} {number:,}{label}"
