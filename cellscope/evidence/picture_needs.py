"""Whether a network for pictures needs units for a concept: what it loses in pictures that have it, and in others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from cellscope.evidence.lesions import Changes
from cellscope.evidence.needs import Effect, Need, Words, effects_of, free_of

PICTURES = Words("in pictures with {feature}", "in others", "such a picture costs", "others", "so few pictures")


@dataclass(frozen=True, kw_only=True)
class PictureNeed(Need):
    """A Need whose inside are the pictures that have the concept anywhere, and whose elsewhere those that have not;
    there is no end. `characters` and `counted` are pictures, `chosen` those from which means and best units come.

    right     share of the pictures that the network as it is tells right, inside and elsewhere
    accuracy  the change of that share; `random_accuracy` for each of the random units
    """

    right: tuple[float, float]
    accuracy: Effect
    random_accuracy: tuple[Effect, ...]
    words: ClassVar[Words] = PICTURES

    @classmethod
    def of(cls, need: Need, told: Changes, own: int, random: Sequence[int], concept: int) -> PictureNeed:
        """A need, and what lesion `own` and the `random` ones change in the share that is told right."""
        inside, _, elsewhere = free_of(told, concept)
        return cls(
            **{field.name: getattr(need, field.name) for field in fields(need)} | {"before": False},
            right=(inside, elsewhere), accuracy=Effect.of(told, own, concept),
            random_accuracy=effects_of(told, random, concept),
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """The verdict in words, with its figures in nats, then those in pictures told right."""
        inside, elsewhere = self.right
        return (
            f"{super().sentence} The share told right changes from {inside:.3f} by {self.accuracy.inside.words} in "
            f"pictures with {self.feature}, from {elsewhere:.3f} by {self.accuracy.elsewhere.words} in others."
        )
