"""The one number that a map explains: a class's score, or what a unit does in a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cellscope.axes import Unit
from cellscope.errors import InputError, not_found
from cellscope.hooks.modules import Seen, evaluating, watch
from cellscope.hooks.outlets import require_units
from cellscope.models.classifier import Classifier

Target = int | Unit
"""The number of a class, or a unit."""

Place = str | tuple[int, int]
"""Where a unit's map is read: `mean` over it, its `centre`, its `max`, or a row and column of it."""

PLACES = ("mean", "centre", "max")


class Aim(nn.Module):
    """forward(prepared pictures [picture, ..]) -> the target's number [picture], differentiable.

    A module, so that captum finds the network's modules in it. Pictures are copied on the way in: an in-place first
    layer rewrites what it gets.
    """

    def __init__(self, classifier: Classifier, target: Target, place: Place, seen: Seen | None) -> None:
        super().__init__()
        self.network = classifier.module
        self.classifier, self.target, self.place = classifier, target, place
        self.seen = seen

    def forward(self, inputs: Tensor) -> Tensor:
        if isinstance(self.target, Unit):
            assert self.seen is not None
            return read_unit(self.seen.play(inputs.clone())[self.target.site], self.target, self.place)
        return self.classifier.logits(inputs.clone())[:, self.target]

    @property
    def name(self) -> str:
        """What is explained, for people: `class star`, or `features.3/17 (mean)`."""
        if isinstance(self.target, Unit):
            return f"{self.target} ({say_place(self.place)})"
        return f"class {self.classifier.classes[self.target]}"


@contextmanager
def aim_at(
    classifier: Classifier, target: Target, place: Place = "mean", *, stop: bool = False, known: bool = False
) -> Iterator[Aim]:
    """The network's answer to one question, in eval mode; no trace is left afterwards.

    A network that ends in a softmax is asked for its log-probability. With `stop` a pass is left once the unit has
    spoken, before hooks that were set on its module later. InputError where there is no such class, unit or place;
    a unit that is `known`, because it was asked of a network like this one, is not looked for again.
    """
    if isinstance(place, str) and place not in PLACES:
        raise InputError(f"no place {place!r}; there is {', '.join(PLACES)}, or a row and a column")
    if isinstance(target, Unit):
        if not known:
            require_units(classifier.module, classifier.example, [target])
        with watch(classifier.module, [target.site], stop=stop) as seen:
            yield Aim(classifier, target, place, seen)
        return
    if not 0 <= target < len(classifier.classes):
        raise not_found("class", str(target), [f"{k} ({name})" for k, name in enumerate(classifier.classes)])
    with evaluating(classifier.module):
        yield Aim(classifier, target, place, None)


def read_unit(values: Tensor, unit: Unit, place: Place) -> Tensor:
    """One number a picture [picture] of what a site put out, [picture, channel, row, column] or [picture, unit]."""
    own = values[:, unit.index]
    if own.dim() == 1:
        return own
    rows, columns = own.shape[1:]
    if place == "mean":
        return own.mean((1, 2))
    if place == "max":
        return largest(own)
    row, column = (rows // 2, columns // 2) if isinstance(place, str) else place
    if not (0 <= row < rows and 0 <= column < columns):
        raise InputError(f"no place {row}, {column} in {unit.site}; its map has {rows} rows and {columns} columns")
    return own[:, row, column]


def largest(maps: Tensor) -> Tensor:
    """What maps [picture, ..] are in one place each, [picture]: the first of equals, where a gradient starts alone."""
    flat = maps.reshape(len(maps), -1)
    return flat.gather(1, flat.argmax(1, keepdim=True))[:, 0]


def class_number(classifier: Classifier, name: str) -> int:
    """The number of a class given by name or number; MissingError lists what there is."""
    if name in classifier.classes:
        return classifier.classes.index(name)
    if name.isdecimal() and int(name) < len(classifier.classes):
        return int(name)
    raise not_found("class", name, classifier.classes)


def say_place(place: Place) -> str:
    """In words."""
    return place if isinstance(place, str) else f"row {place[0]}, column {place[1]}"


def checked(classifier: Classifier, inputs: Tensor) -> Tensor:
    """The pictures, without a graph, on the network's device; InputError where they are not what it takes."""
    shape = tuple(classifier.shape)
    if tuple(inputs.shape[1:]) != shape or len(inputs) < 1:
        raise InputError(f"{classifier.name} takes [picture, {', '.join(map(str, shape))}], not {list(inputs.shape)}")
    if not bool(torch.isfinite(inputs).all()):
        raise InputError("a picture has numbers that are not finite")
    return inputs.detach().to(classifier.device)
