"""What is looked at by a network for pictures: pictures or rows of numbers, their labels, and masks of concepts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures of one shape, with a label each and masks of concepts, where there are any.

    pictures  array-like [picture, channel, row, column] or [row, column], indexed with slices and arrays,
              read as needed; uint8 stands for 0..255, float32 is taken as it is
    labels    int64 [picture], numbers of `classes`, or None
    masks     array-like bool [picture, concept, row, column], named by `concepts`, or None: then the classes are the
              concepts, each on over the whole of its pictures
    columns   names of the numbers of a row; empty for pictures
    names     a name for each picture (a file's), or empty
    remarks   what was noticed on opening (files that were left out), for people
    source    the name or path by which `open_images` opened it
    """

    name: str
    pictures: Any
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    masks: Any = None
    concepts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if len(self) < 1:
            raise InputError(f"{self.name} has no pictures")
        if len(self.shape) not in (1, 3):
            raise InputError(
                f"{self.name}: pictures must be [channel, row, column] or rows of numbers, not {self.shape}"
            )
        if self.labels is not None and len(self.labels) != len(self):
            raise InputError(f"{self.name} has {len(self):,} pictures and {len(self.labels):,} labels")
        if self.labels is not None and (self.labels.min() < 0 or self.labels.max() >= len(self.classes)):
            found = f"labels from {self.labels.min()} to {self.labels.max()}"
            raise InputError(f"{self.name} has {found} for {len(self.classes)} classes")
        if self.masks is not None and len(self.masks) != len(self):
            raise InputError(f"{self.name} has {len(self):,} pictures and masks of {len(self.masks):,}")

    def __len__(self) -> int:
        return int(self.pictures.shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """(channel, row, column) of a picture, or (column,) of a row of numbers."""
        return tuple(int(n) for n in self.pictures.shape[1:])

    @property
    def flat(self) -> bool:
        """Whether these are rows of numbers and no pictures."""
        return len(self.shape) == 1

    def pixels(self, which: slice | NDArray[np.int64]) -> Pixels:
        """Pictures in 0..1, float32 [picture, channel, row, column]; or rows as they are, [row, column]."""
        part = np.asarray(self.pictures[which])
        return part.astype(np.float32) / np.float32(255) if part.dtype == np.uint8 else part.astype(np.float32)

    @property
    def mask_names(self) -> tuple[str, ...]:
        """What `masks_of` has a row for: the concepts, or the classes where there are no masks."""
        return self.concepts if self.masks is not None else self.classes

    def masks_of(self, which: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where each concept is, bool [picture, concept, row, column]; a class fills its pictures (1 x 1)."""
        if self.masks is not None:
            return np.asarray(self.masks[which], bool)
        if self.labels is None:
            return np.zeros((len(np.arange(len(self))[which]), 0, 1, 1), bool)
        on: NDArray[np.bool_] = self.labels[which][:, None] == np.arange(len(self.classes))
        return on[:, :, None, None]

    def take(self, index: NDArray[np.int64], name: str = "") -> ImageSet:
        """The pictures of these numbers, in this order, as a set of their own."""
        return replace(
            self,
            name=name or self.name,
            pictures=Chosen(self.pictures, index),
            labels=None if self.labels is None else self.labels[index],
            masks=None if self.masks is None else Chosen(self.masks, index),
            names=tuple(self.names[i] for i in index.tolist()) if self.names else (),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pictures, labels and masks."""
        made = hashlib.sha256(self.lessons.encode())
        for at in range(0, len(self) if self.masks is not None else 0, 256):
            made.update(np.packbits(self.masks_of(slice(at, at + 256))).tobytes())
        return made.hexdigest()

    @cached_property
    def lessons(self) -> str:
        """SHA-256 over what a network learns from: pictures and labels, and not their masks."""
        made = hashlib.sha256(repr((self.shape, self.classes, self.concepts)).encode())
        for at in range(0, len(self), 1024):
            made.update(np.ascontiguousarray(self.pictures[at : at + 1024]).tobytes())
        if self.labels is not None:
            made.update(self.labels.tobytes())
        return made.hexdigest()


class Chosen:
    """Rows of an array-like, in an order of their own, read as needed."""

    def __init__(self, array: Any, index: NDArray[np.int64]) -> None:
        self.array, self.index = array, index
        self.shape = (len(index), *array.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, which: Any) -> Any:
        return self.array[self.index[which]]
