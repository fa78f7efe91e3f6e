"""The pictures of a data set that an objective rates highest: what an optimised picture must stand beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.objective import Heard, Objective
from cellscope.vision.scoring import hearing

BATCH = 64


@dataclass(frozen=True, eq=False)
class Samples:
    """The best pictures of every target, best first: their numbers and values [target, k], among `seen`."""

    pictures: NDArray[np.int64]
    values: NDArray[np.float32]
    seen: int


def best_samples(
    classifier: Classifier, objective: Objective, images: ImageSet, *, k: int = 9, progress: Progress | None = None
) -> Samples:
    """One pass over the set; each picture is rated by every target of the very objective that is optimised.

    Fewer than k where the set has fewer. InputError for an objective that compares several pictures.
    """
    if objective.whole:
        raise InputError(f"{objective.names[0]} compares pictures with one another and rates none by itself")
    count, k = len(objective.names), min(k, len(images))
    numbers, values = np.zeros((count, 0), np.int64), np.zeros((count, 0), np.float32)
    with hearing(classifier, objective) as hear, torch.no_grad():
        for at in range(0, len(images), BATCH):
            inputs = classifier.prepare(images.pixels(slice(at, at + BATCH)))
            heard = hear(inputs)
            same = torch.zeros(len(inputs), dtype=torch.int64)
            rated = torch.stack([objective.score(Heard(*heard, same + target)) for target in range(count)])
            here = np.broadcast_to(at + np.arange(len(inputs)), (count, len(inputs)))
            numbers = np.concatenate([numbers, here], 1)
            values = np.concatenate([values, rated.cpu().numpy()], 1)
            best = np.argsort(-values, axis=1, kind="stable")[:, :k]
            numbers, values = np.take_along_axis(numbers, best, 1), np.take_along_axis(values, best, 1)
            if progress is not None:
                progress(at + len(inputs), len(images), "rating pictures")
    return Samples(numbers, values, len(images))
