"""Batches of pictures in an order of their own for every epoch."""

from __future__ import annotations

from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.preprocessing import Preprocessing


class PictureBatches:
    """Batch `index` of an epoch as (prepared pictures, labels); it depends on (seed, epoch, index) alone."""

    def __init__(
        self, images: ImageSet, preprocessing: Preprocessing, index: NDArray[np.int64], *, size: int, seed: int
    ) -> None:
        if images.labels is None:
            raise InputError(f"{images.name} has no labels to learn: give a folder with one sub-folder a class")
        if len(index) < 2:
            raise InputError(f"{images.name} has {len(index)} pictures to learn from; it needs 2")
        self.images, self.preprocessing, self.index, self.seed = images, preprocessing, index, seed
        self.labels = images.labels
        self.lanes, self.steps = min(size, len(index)), 1
        self.per_epoch = len(index) // self.lanes
        self._held = -1
        self._order = index

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """(prepared pictures [picture, ..], labels [picture])."""
        if self._held != epoch:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.index)
            self._held = epoch
        here = np.sort(self._order[index * self.lanes : (index + 1) * self.lanes])
        prepared = self.preprocessing.apply(self.images.pixels(here))
        return channels_last(prepared), torch.from_numpy(self.labels[here])


T = TypeVar("T", Tensor, nn.Module)


def channels_last(what: T) -> T:
    """Pictures, or a network with its weights, in the layout in which convolutions are learnt a third quicker."""
    if isinstance(what, Tensor):
        return what.contiguous(memory_format=torch.channels_last) if what.dim() == 4 else what
    return cast(T, what.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
