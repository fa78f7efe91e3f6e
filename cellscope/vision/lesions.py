"""Lesions: what a network still knows after units are removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import Outlet, choose_outlets, require_units
from cellscope.hooks.replay import replay
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Halves, Numbers, batches

FILLS = ("zero", "mean")
"""What a removed unit gives instead: nothing, or its own mean. These are different experiments: say which."""

BATCH = 256
Floats = NDArray[np.float64]
Removed = Mapping[Site, NDArray[np.bool_]]
"""For each site, bool [lesion, unit]: what every lesion takes away there."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network answers under every lesion.

    predicted  int16 [lesion, picture], the class with the highest score
    surprise   float32 [lesion, picture], -log of the softmax probability of the true class
    shortened  whether what lies before the sites was run only once
    """

    predicted: NDArray[np.int16]
    surprise: NDArray[np.float32]
    shortened: bool


@torch.no_grad()
def answers(
    classifier: Classifier,
    images: ImageSet,
    labels: Numbers,
    removed: Removed,
    fills: Mapping[Site, NDArray[np.float32]],
    *,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Answers:
    """Run every lesion over the pictures; a removed unit gives its number of `fills` [unit] (or [lesion, unit]) in
    all places.

    Each batch is heard up to the first site once, and only what lies behind it is run for every lesion.
    """
    count = {len(masks) for masks in removed.values()}
    if len(count) != 1:
        raise InputError("a lesion needs one row of units for every site")
    lesions = count.pop()
    predicted = np.zeros((lesions, len(images)), np.int16)
    surprise = np.zeros((lesions, len(images)), np.float32)
    cut = _Cut(removed, fills, classifier.device)
    edits = {site: cut.edit(site) for site in removed}
    with watch(classifier.module, (), edits=edits), replay(classifier.module, removed) as rest:
        for part in batches(len(images), batch):
            cut.lesion = None
            rest.hear(classifier.prepare(images.pixels(part)))
            truth = torch.from_numpy(labels[part]).to(classifier.device)
            for lesion in range(lesions):
                cut.lesion = lesion
                scores = classifier.read(rest())
                predicted[lesion, part] = scores.argmax(1).cpu().numpy()
                loss = torch.nn.functional.cross_entropy(scores, truth, reduction="none")
                surprise[lesion, part] = loss.cpu().numpy()
            if progress:
                progress(part.stop, len(images), f"{lesions:,} lesions")
        shortened = rest.shortened
    if not np.isfinite(surprise).all():
        raise InputError(f"{classifier.name} gives scores that are no numbers (NaN or infinite)")
    return Answers(predicted, surprise, shortened)


class _Cut:
    """The edits of a lesion: its units are filled, the others handed on as they are."""

    def __init__(self, removed: Removed, fills: Mapping[Site, NDArray[np.float32]], device: torch.device) -> None:
        self.lesion: int | None = None
        self._removed = {site: torch.from_numpy(np.ascontiguousarray(m)).to(device) for site, m in removed.items()}
        shapes = {site: mask.shape for site, mask in removed.items()}
        self._fills = {
            site: torch.from_numpy(np.array(np.broadcast_to(fill, shapes[site]))).to(device)
            for site, fill in fills.items()
        }

    def edit(self, site: Site) -> _Edit:
        return _Edit(self, site)


@dataclass(frozen=True, eq=False)
class _Edit:
    cut: _Cut
    site: Site

    def __call__(self, output: Tensor) -> Tensor:
        if self.cut.lesion is None:
            return output
        mask = self.cut._removed[self.site][self.cut.lesion]
        shape = (1, -1) + (1,) * (output.dim() - 2)
        fill = self.cut._fills[self.site][self.cut.lesion].to(output.dtype)
        return torch.where(mask.reshape(shape), fill.reshape(shape), output)


@dataclass(frozen=True, eq=False)
class Scores:
    """What is right under each lesion, by class.

    accuracy  float64 [lesion]
    recall    float64 [lesion, class]: the share of a class's pictures that are told as it (its accuracy)
    balanced  float64 [lesion, class]: (true positive rate + true negative rate) / 2 (Bau et al. 2020, dissect)
    surprise  float64 [lesion, class]: mean -log probability of the true class over a class's pictures
    pictures  int64 [class]; a class without pictures has NaN, and is named in `absent`
    """

    classes: tuple[str, ...]
    accuracy: Floats
    recall: Floats
    balanced: Floats
    surprise: Floats
    pictures: Numbers

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes of which there is no picture, or nothing but pictures."""
        whole = self.pictures.sum()
        return tuple(c for c, n in zip(self.classes, self.pictures, strict=True) if n in (0, whole))


def scored(given: Answers, labels: Numbers, classes: tuple[str, ...]) -> Scores:
    """Accuracy overall and by class of every lesion."""
    right = given.predicted == labels
    own = labels[:, None] == np.arange(len(classes))
    pictures = own.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = (right.astype(np.float64) @ own) / pictures
        surprise = (given.surprise.astype(np.float64) @ own) / pictures
        told = np.stack([(given.predicted == c).sum(1) for c in range(len(classes))], 1)
        false = told - right.astype(np.float64) @ own
        balanced = (recall + 1 - false / (len(labels) - pictures)) / 2
    return Scores(classes, right.mean(1), recall, balanced, surprise, pictures)


def fill_of(
    classifier: Classifier, images: ImageSet, site: Site, fill: str, *, batch: int = BATCH
) -> NDArray[np.float32]:
    """What the units of a site give once removed, float32 [unit]: 0, or their mean over `images` and places."""
    if fill not in FILLS:
        raise InputError(f"no fill {fill!r}; there is {', '.join(FILLS)}")
    units = outlet_of(classifier, site).units
    if fill == "zero":
        return np.zeros(units, np.float32)
    total = np.zeros(units, np.float64)
    with watch(classifier.module, (site,), stop=True) as seen, torch.no_grad():
        for part in batches(len(images), batch):
            x = seen.play(classifier.prepare(images.pixels(part)))[site].double()
            total += x.flatten(2).mean(2).sum(0).cpu().numpy() if x.dim() > 2 else x.sum(0).cpu().numpy()
    return (total / len(images)).astype(np.float32)


def outlet_of(classifier: Classifier, site: Site) -> Outlet:
    """The outlet of a site; MissingError lists what there is."""
    return choose_outlets(classifier.module, classifier.example, (str(site),))[0]


def masks_of(classifier: Classifier, units: Iterable[Unit]) -> dict[Site, NDArray[np.bool_]]:
    """One lesion that removes all these units, bool [1, unit] for each site; the order does not count."""
    asked = tuple(units)
    known = require_units(classifier.module, classifier.example, asked)
    masks = {site: np.zeros((1, outlet.units), bool) for site, outlet in known.items()}
    for unit in asked:
        masks[unit.site][0, unit.index] = True
    return masks


def remove(
    classifier: Classifier, halves: Halves, units: Sequence[Unit], *, fill: str = "zero", batch: int = BATCH
) -> Scores:
    """Scores on the reporting half of the whole network (row 0) and without all these units together (row 1)."""
    masks = masks_of(classifier, units)
    if not masks:
        raise InputError("no units to remove; name some, as in features.3/17")
    fills = {site: fill_of(classifier, halves.choosing, site, fill, batch=batch) for site in masks}
    both = {site: np.concatenate([np.zeros_like(mask), mask]) for site, mask in masks.items()}
    given = answers(classifier, halves.reporting, halves.reported, both, fills, batch=batch)
    return scored(given, halves.reported, classifier.classes)
