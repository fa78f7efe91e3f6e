"""Concepts of pictures as features: a mask says where each one is; without masks, a class is on in all its pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cellscope.data.images import ImageSet


@dataclass(frozen=True, kw_only=True)
class Concept:
    """A feature of pictures: "span" where a mask says on or off, "numeric" for a column of a table of rows."""

    name: str
    kind: str = "span"
    description: str = ""

    @property
    def everywhere(self) -> bool:
        """Every place has its label: a column has a number in every row."""
        return True

    @property
    def digest(self) -> str:
        """What a kept score of this concept is filed under."""
        return hashlib.sha256(repr((self.name, self.kind)).encode()).hexdigest()[:16]


def concepts_of(images: ImageSet) -> tuple[Concept, ...]:
    """The concepts that a set has: its masks, or its classes where it has none; and the columns of rows."""
    what = "a mask of the set" if images.masks is not None else "a class of the set"
    named = tuple(Concept(name=name, description=what) for name in images.mask_names)
    return named + tuple(Concept(name=name, kind="numeric", description="a column") for name in images.columns)
