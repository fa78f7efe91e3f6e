"""A bounded sample of what every unit did, for readings of several units together."""

from __future__ import annotations

import numpy as np

from cellscope.axes import Site
from cellscope.evidence.several import Sample
from cellscope.look import Places, look
from cellscope.pipeline.find_pictures import PictureSearch

PICTURES = 768
EACH = 48
"""Places of a picture that are taken, drawn by chance."""


def samples(search: PictureSearch, *, pictures: int = PICTURES, each: int = EACH) -> dict[Site, Sample]:
    """A sample of every site, in the order and with the halves of the search itself."""
    rng = np.random.default_rng(search.findings.counts.seed)
    names = [f.name for f in search.findings.features if f.kind == "span"]
    columns = [search.images.mask_names.index(name) for name in names]
    kept: dict[Site, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {o.site: [] for o in search.outlets}
    shown = 0
    for glance in look(search.network, search.images, search.outlets, seed=search.findings.counts.seed):
        masks = search.images.masks_of(glance.index)[:, columns]
        for outlet in search.outlets:
            chunk, places = glance.chunks[outlet.site], Places.of(outlet.grid)
            values = chunk.values[outlet.site].swapaxes(0, 1)
            few = np.sort(rng.permutation(len(places))[:each])
            if masks.shape[2:] == (1, 1):
                labels = np.repeat(masks[:, :, :, 0], len(few), 2)
            elif places.whole:
                labels = np.asarray(masks.reshape(*masks.shape[:2], -1).any(2))[:, :, None]
            else:
                rows, cols = places.centres((masks.shape[2], masks.shape[3]))
                labels = masks[:, :, rows[few // len(cols)], cols[few % len(cols)]]
            half = np.repeat(chunk.blocks % 2 == 1, len(few))
            taken = values[:, few].reshape(-1, outlet.units).copy()
            kept[outlet.site].append((taken, labels.swapaxes(1, 2).reshape(-1, len(columns)), half))
        shown += len(glance.index)
        if shown >= pictures:
            break
    return {site: Sample(*(np.concatenate(part) for part in zip(*parts, strict=True))) for site, parts in kept.items()}
