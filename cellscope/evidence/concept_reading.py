"""The labels of concepts at the places of a layer's map, batch by batch of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.data.images import ImageSet
from cellscope.evidence.colours import colour_keys
from cellscope.evidence.terms import FILLED, PLACES, ROWS, WHOLE, Terms
from cellscope.features.concepts import Concept
from cellscope.look import Glance, Places
from cellscope.parallel import in_shares
from cellscope.sinks.labels import LabelGrid, Ranker


class ConceptReader:
    """What all sites with maps of one size share: the labels of their places, those of masks first, then the columns.

    Masks are read at the pixels that the places are centred on; where there is one place, which stands for the picture,
    a concept is on in a picture that has any of it. A class is on in all places of its pictures.
    """

    def __init__(self, grid: tuple[int, int], images: ImageSet, concepts: Sequence[Concept]) -> None:
        self.places, self.images = Places.of(grid), images
        self.concepts = tuple(sorted(concepts, key=lambda c: c.kind != "span"))
        self.chosen = [images.mask_names.index(c.name) for c in self.concepts if c.kind == "span"]
        self.columns = [images.columns.index(c.name) for c in self.concepts if c.kind == "numeric"]
        self._ranker = Ranker()

    @property
    def terms(self) -> Terms:
        """The words for what is counted."""
        spread = FILLED if self.images.masks is None else PLACES
        return ROWS if self.images.flat else WHOLE if self.places.whole else spread

    def grid(self, glance: Glance, masks: NDArray[np.bool_], part: Round) -> LabelGrid:
        """The labels of a batch, from its masks [concept, picture, row, column]."""
        spans = self._spans(masks).reshape(len(self.chosen), part.stop - part.start)
        numbers = glance.pixels[:, self.columns].T if self.columns else np.zeros((0, spans.shape[1]), np.float32)
        return self._ranker.grid(part.start, spans, numbers)

    def colours(self, glance: Glance) -> NDArray[np.uint64]:
        """The colours of every place of a batch [picture x place], as `colour_keys` writes them, some pictures on each
        core.
        """
        where, size = self.places, len(self.places)
        keys = np.empty(len(glance.index) * size, np.uint64)

        def share(first: int, last: int) -> None:
            pixels = glance.pixels[first:last]
            keys[first * size : last * size] = colour_keys(pixels, where.grid, where.rows, where.columns)

        in_shares(len(glance.index), share, each=2)
        return keys

    def _spans(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where each concept is on, bool [concept, picture, place]."""
        if self.chosen != list(range(len(masks))):
            masks = masks[self.chosen]
        many = masks.shape[:2]
        if masks.shape[2:] == (1, 1):
            return np.broadcast_to(masks[..., 0], (*many, len(self.places)))
        if self.places.whole:
            return np.asarray(masks.reshape(*many, masks.shape[2] * masks.shape[3]).any(2))[..., None]
        rows, columns = (_stepped(c) for c in self.places.centres((masks.shape[2], masks.shape[3])))
        return masks[:, :, rows][..., columns].reshape(*many, -1)


def masks_in(images: ImageSet, glance: Glance) -> NDArray[np.bool_]:
    """The masks of a batch, concept by concept [concept, picture, row, column]."""
    return np.ascontiguousarray(images.masks_of(glance.index).swapaxes(0, 1))


def _stepped(index: NDArray[np.int64]) -> Any:
    """The index as a slice where it is one: a view costs nothing."""
    steps = np.unique(np.diff(index))
    if len(index) == 1 or (len(steps) == 1 and steps[0] > 0):
        step = int(steps[0]) if len(steps) else 1
        return slice(int(index[0]), int(index[-1]) + 1, step)
    return index
