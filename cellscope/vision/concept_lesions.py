"""What lesions change in pictures that have a concept, and in those that have not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.data.images import ImageSet
from cellscope.evidence.lesions import Changes, Lesion
from cellscope.evidence.zones import ELSEWHERE, INSIDE, ZONES
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Numbers, batches
from cellscope.vision.lesions import BATCH, answers, outlet_of

BLOCKS = 32
"""Parts that the pictures are dealt out to by chance, for the intervals."""


def concept_changes(
    classifier: Classifier, images: ImageSet, labels: Numbers, having: NDArray[np.bool_], lesions: Sequence[Lesion], *,
    seed: int = 0, batch: int = BATCH, progress: Progress | None = None,
) -> tuple[Changes, NDArray[np.bool_]]:  # fmt: skip
    """What each lesion changes in the loss (nats: -log of the probability of the true class), and which pictures are
    told right, bool [1 + lesion, picture], without any lesion first.

    Inside are the pictures that have a concept [picture, concept], elsewhere the others.
    """
    removed, fills = _told(classifier, lesions)
    given = answers(classifier, images, labels, removed, fills, batch=batch, progress=progress)
    count = len(images)
    blocks = np.random.default_rng(seed).permutation(count) * min(BLOCKS, count) // count
    counts = _summed(np.ones((1, count)), having, blocks)[0]
    paid = given.surprise.astype(np.float64)
    free, changed = _summed(paid[:1], having, blocks)[0], _summed(paid[1:] - paid[:1], having, blocks)
    names = tuple(lesion.name for lesion in lesions)
    return Changes(names, changed, free, counts.astype(np.int64)), given.predicted == labels


def having_of(images: ImageSet, concepts: Sequence[str], *, batch: int = BATCH) -> NDArray[np.bool_]:
    """Which pictures have any of each concept, bool [picture, concept]."""
    which = [images.mask_names.index(name) for name in concepts]
    parts = [images.masks_of(part)[:, which].any((2, 3)) for part in batches(len(images), batch)]
    return np.concatenate(parts)


def _told(
    classifier: Classifier, lesions: Sequence[Lesion]
) -> tuple[dict[Site, NDArray[np.bool_]], dict[Site, NDArray[np.float32]]]:
    """Lesions as `answers` takes them, after one that removes nothing."""
    sites = dict.fromkeys(site for lesion in lesions for site in lesion.units)
    shapes = {site: (1 + len(lesions), outlet_of(classifier, site).units) for site in sites}
    removed: dict[Site, NDArray[np.bool_]] = {site: np.zeros(shape, bool) for site, shape in shapes.items()}
    fills: dict[Site, NDArray[np.float32]] = {site: np.zeros(shape, np.float32) for site, shape in shapes.items()}
    for number, lesion in enumerate(lesions, 1):
        for site, (units, values) in lesion.units.items():
            removed[site][number, units] = True
            fills[site][number, units] = values
    return removed, fills


def _summed(values: NDArray[np.float64], having: NDArray[np.bool_], blocks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums [lesion, block, concept, zone] of values [lesion, picture]; nothing is at an end."""
    made = np.zeros((len(values), blocks.max() + 1, having.shape[1], len(ZONES)))
    for block in range(made.shape[1]):
        here = blocks == block
        made[:, block, :, INSIDE] = values[:, here] @ having[here]
        made[:, block, :, ELSEWHERE] = values[:, here] @ ~having[here]
    return made
