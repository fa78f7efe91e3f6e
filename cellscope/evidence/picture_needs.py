"""Whether a network for pictures needs units for a concept: what it loses in pictures that have it, and in others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.intervals import paired_interval
from cellscope.evidence.need_words import PICTURES, Words
from cellscope.evidence.needs import Change, Need

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Right:
    """The share of some pictures that the network tells right, its change by a lesion, and those by the random ones."""

    free: float
    change: Change
    random: tuple[float, ...]

    @classmethod
    def of(cls, right: Bools, own: int, random: Sequence[int]) -> Right:
        """What lesion `own` and the `random` ones change, of right [1 + lesion, picture], in whose first row there is
        none.
        """
        free, shares = right[0], right[1:].mean(1) - right[0].mean()
        change = Change(float(shares[own]), *paired_interval(free, right[1 + own]))
        return cls(float(free.mean()), change, tuple(shares[list(random)].tolist()))


@dataclass(frozen=True, kw_only=True)
class PictureNeed(Need):
    """A Need whose inside are the pictures that have the concept anywhere, and whose elsewhere those that have not;
    there is no end. `characters` and `counted` are pictures, `chosen` those from which means and best units come.

    right, right_elsewhere   what is told right of either
    """

    right: Right
    right_elsewhere: Right
    words: ClassVar[Words] = PICTURES

    @classmethod
    def of(cls, need: Need, right: Bools, having: Bools, own: int, random: Sequence[int]) -> PictureNeed:
        """A need, and what lesion `own` and the `random` ones change in what is told right [1 + lesion, picture], of
        the pictures `having` the concept [picture] and of the others.
        """
        known = {field.name: getattr(need, field.name) for field in fields(need)} | {"before": False}
        inside, elsewhere = (Right.of(right[:, some], own, random) for some in (having, ~having))
        return cls(**known, right=inside, right_elsewhere=elsewhere)

    @property
    def sentence(self) -> str:
        """The verdict in words, with its figures in nats, then those in pictures told right."""
        inside, elsewhere = self.right, self.right_elsewhere
        return (
            f"{super().sentence} The share told right changes from {inside.free:.3f} by {inside.change.words} in "
            f"pictures with {self.feature}, from {elsewhere.free:.3f} by {elsewhere.change.words} in others."
        )
