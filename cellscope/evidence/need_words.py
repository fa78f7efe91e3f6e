"""The words in which a need is told, of a text and of pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """How a need is told of: `where` a feature is, what costs something there and elsewhere, and what is too little.

    item      what a loss belongs to, in `zones` as is said
    chosen    where means and best units come from
    held      how the units are held
    """

    where: str
    elsewhere: str
    cost: str
    rest: str
    little: str
    item: str
    zones: dict[str, str]
    said: str
    chosen: str
    held: str


TEXT = Words(
    "inside {feature}", "elsewhere", "a character inside costs", "elsewhere", "so little text",
    "character", {"inside": "inside", "end": "end", "elsewhere": "elsewhere"},
    "A loss belongs to the character that is predicted: inside is every character of the feature, its end the last of "
    "a span and the first after it, elsewhere all others.",
    "the text before", "Units are held while the network runs on, from 512 characters before each block.",
)  # fmt: skip
PICTURES = Words(
    "in pictures with {feature}", "in others", "such a picture costs", "others", "so few pictures",
    "picture", {"inside": "with it", "elsewhere": "without"},
    "A picture has a concept that is anywhere in it. The loss is -log of the probability of its true class.",
    "the other half of the pictures", "Units are held in all places of their maps.",
)  # fmt: skip
