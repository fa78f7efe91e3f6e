"""Damage: a growing share of a layer removed, the most important units first and at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.vision.importance import Importance
from cellscope.vision.labelled import Halves, Numbers, sample
from cellscope.vision.lesions import BATCH, Answers, Floats, answers, fill_of, scored

DISSECT = (1, 2, 3, 4, 5, 20, 64, 128, 256)
"""The numbers of units that Bau et al. (2020) remove for a class."""

MOST_CLASSES = 20
"""Classes that get a curve of their own: those with the most pictures."""


@dataclass(frozen=True, eq=False)
class Damage:
    """Accuracy on the reporting half while units of a site are taken away, in the order of the choosing half.

    counts        int64 [step], units removed, from 0 to all; the steps are symmetric about the half
    best          float64 [step], the most important removed first
    kept          float64 [step], only the `counts` most important kept
    random        float64 [draw, step], random units removed, each draw in an order of its own
    shown         int64 [shown], the classes that have curves of their own
    class_counts  int64 [few]; class_best, class_kept: balanced accuracy of a class [shown, few] without its own most
                  important units, and with nothing but them; class_whole [shown], with nothing removed
    chance        the accuracy with all units removed: one answer for all pictures
    """

    site: Site
    fill: str
    seed: int
    classes: tuple[str, ...]
    counts: Numbers
    best: Floats
    kept: Floats
    random: Floats
    shown: Numbers
    class_counts: Numbers
    class_best: Floats
    class_kept: Floats
    class_whole: Floats
    pictures: int

    @property
    def shares(self) -> Floats:
        """The share of the layer that is removed, [step]."""
        shares: Floats = self.counts / self.counts[-1]
        return shares

    @property
    def chance(self) -> float:
        return float(self.best[-1])

    @property
    def random_kept(self) -> Floats:
        """Accuracy with nothing but `counts` random units, [draw, step]: the draws read from the other end."""
        return self.random[:, ::-1]

    def range(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Where the middle `level` of the random draws lies, each [step]."""
        low, high = np.quantile(self.random, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high

    def half(self, curve: NDArray[np.float64]) -> float:
        """The share removed at which a curve [step] first comes half-way down to chance; straight between the steps."""
        middle = (self.best[0] + self.chance) / 2
        below = int(np.argmax(curve <= middle))
        if below == 0 or self.best[0] <= self.chance:
            return float("nan") if self.best[0] <= self.chance else 0.0
        fall = curve[below - 1] - curve[below]
        part = (curve[below - 1] - middle) / fall
        return float(self.shares[below - 1] + part * (self.shares[below] - self.shares[below - 1]))

    @property
    def sentence(self) -> str:
        if self.best[0] <= self.chance:
            return f"{self.site}: accuracy is {self.best[0]:.3f} with it and {self.chance:.3f} without it"
        return (
            f"{self.site}, fill {self.fill}: accuracy {self.best[0]:.3f} comes half-way to chance ({self.chance:.3f}) "
            f"once {self.half(self.random.mean(0)):.0%} of its units are removed at random, or the "
            f"{self.half(self.best):.0%} most important"
        )


def damage(
    classifier: Classifier,
    halves: Halves,
    importance: Importance,
    *,
    steps: int = 11,
    draws: int = 10,
    most: int = 500,
    seed: int = 0,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Damage:
    """Remove a growing share of a site, with the fill and the order of `importance` (made on the choosing half).

    The curves need some hundred lesions, so at most `most` pictures of the reporting half are shown to each.
    """
    if steps < 2 or draws < 2:
        raise InputError(f"damage needs 2 steps and 2 random draws at least, not {steps} and {draws}")
    site, fill, order = importance.site, importance.fill, importance.order
    units, classes, counts = len(order), classifier.classes, _counts(len(order), steps)
    few = np.array([k for k in DISSECT if k < units] or [1])
    rng = np.random.default_rng(seed)
    at_random = [rng.permutation(units) for _ in range(draws)]
    masks = [_first(order, counts), ~_first(order, counts)]
    masks += [_first(drawn, counts) for drawn in at_random]
    index = sample(len(halves.reporting), most, seed)
    images, labels = halves.reporting.take(index), halves.reported[index]
    pictures = np.bincount(labels, minlength=len(classes))
    shown = np.sort(np.argsort(-pictures, kind="stable")[: min(MOST_CLASSES, int((pictures > 0).sum()))])
    for own in importance.orders[shown]:
        masks += [_first(own, few), ~_first(own, few)]
    different, place = np.unique(np.concatenate(masks), axis=0, return_inverse=True)
    filled = {site: fill_of(classifier, halves.choosing, site, fill, batch=batch)}
    given = answers(classifier, images, labels, {site: different}, filled, batch=batch, progress=progress)
    every = Answers(given.predicted[place], given.surprise[place], given.shortened)
    scores = scored(every, labels, classes)
    cut = len(counts) * (2 + draws)
    by_order = scores.accuracy[:cut].reshape(2 + draws, len(counts))
    by_class = scores.balanced[cut:].reshape(len(shown), 2, len(few), len(classes))
    own_class = by_class[np.arange(len(shown)), :, :, shown]
    return Damage(
        site, fill, seed, classes, counts, by_order[0], by_order[1], by_order[2:],
        shown, few, own_class[:, 0], own_class[:, 1], scores.balanced[0, shown], len(images),
    )  # fmt: skip


def _counts(units: int, steps: int) -> Numbers:
    """About `steps` numbers from 0 to all units, symmetric about the half."""
    lower = np.floor(np.linspace(0, 0.5, (steps + 1) // 2) * units).astype(np.int64)
    return np.unique(np.concatenate([lower, units - lower]))


def _first(order: Numbers, counts: Numbers) -> NDArray[np.bool_]:
    """The first so many of an order, bool [count, unit]."""
    place = np.argsort(order)
    first: NDArray[np.bool_] = place[None, :] < counts[:, None]
    return first
