"""Pictures with their classes numbered as the network numbers them, in two halves: one chooses, the other reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import evaluating
from cellscope.models.classifier import Classifier

Numbers = NDArray[np.int64]


def class_numbers(classifier: Classifier, images: ImageSet) -> Numbers:
    """The class of every picture, int64 [picture], counted as the network counts its classes.

    Classes go by name; where the names differ and there are as many, by number.
    """
    if images.labels is None:
        raise InputError(f"{images.name} has no labels, and accuracy needs them")
    if images.classes == classifier.classes:
        return images.labels
    if set(images.classes) <= set(classifier.classes):
        where = np.array([classifier.classes.index(name) for name in images.classes], np.int64)
        return where[images.labels]
    if len(images.classes) == len(classifier.classes):
        return images.labels
    raise InputError(
        f"{images.name} has the classes {_few(images.classes)} and {classifier.name} tells "
        f"{_few(classifier.classes)}; name them alike"
    )


@dataclass(frozen=True, eq=False)
class Halves:
    """Two sets that share no picture, each with about half of every class, and their class numbers."""

    choosing: ImageSet
    reporting: ImageSet
    chosen: Numbers
    reported: Numbers
    seed: int


def halves(classifier: Classifier, images: ImageSet, *, most: int | None = None, seed: int = 0) -> Halves:
    """Split pictures class by class, at random from `seed`; with `most`, of a sample of so many pictures."""
    labels = class_numbers(classifier, images)
    index = sample(len(images), most, seed)
    rng = np.random.default_rng(seed)
    order = index[np.argsort(labels[index] + rng.random(len(index)))]  # by class, at random within it
    if len(order) < 4:
        raise InputError(f"{images.name} has {len(order)} pictures; two halves need at least 4")
    one, two = np.sort(order[0::2]), np.sort(order[1::2])
    return Halves(images.take(one), images.take(two), labels[one], labels[two], seed)


@torch.no_grad()
def told(classifier: Classifier, images: ImageSet, *, batch: int = 64) -> Numbers:
    """The class with the highest score, int64 [picture]."""
    made = np.zeros(len(images), np.int64)
    with evaluating(classifier.module):
        for part in batches(len(images), batch):
            made[part] = classifier.logits(classifier.prepare(images.pixels(part))).argmax(1).cpu().numpy()
    return made


def sample(pictures: int, most: int | None, seed: int) -> Numbers:
    """The numbers of at most `most` of so many pictures, drawn from `seed`, ascending."""
    if most is None or most >= pictures:
        return np.arange(pictures)
    if most < 1:
        raise InputError(f"a sample of {most} pictures; give at least 1")
    return np.sort(np.random.default_rng(seed).choice(pictures, most, replace=False))


def batches(pictures: int, size: int) -> list[slice]:
    """Consecutive stretches of at most `size` pictures."""
    return [slice(at, min(at + size, pictures)) for at in range(0, pictures, size)]


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
