"""Every unit of a layer removed in turn: which class hangs on which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cellscope.axes import Progress, Site, Unit
from cellscope.evidence.intervals import paired_interval
from cellscope.models.classifier import Classifier
from cellscope.vision.labelled import Halves, Numbers
from cellscope.vision.lesions import BATCH, Answers, Floats, Scores, answers, fill_of, outlet_of, scored


@dataclass(frozen=True)
class Hang:
    """What a class loses with the unit that the choosing half took for it; the figures are of the reporting half.

    `change` is that of the share of the class's pictures that are told right, `low` and `high` its 95 % interval.
    """

    name: str
    unit: Unit
    before: float
    after: float
    change: float
    low: float
    high: float
    pictures: int

    @property
    def clear(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.high < 0

    @property
    def sentence(self) -> str:
        said = f"{self.before:.3f} to {self.after:.3f} ({self.low:+.3f} to {self.high:+.3f})"
        if not self.clear:
            return f"{self.name} hangs on no single unit: without {self.unit}, its most important, {said}"
        return f"{self.name} hangs on {self.unit}: without it, its accuracy goes from {said}"


@dataclass(frozen=True, eq=False)
class Importance:
    """Scores without each unit of a site, row u without unit u; `whole` has one row, nothing removed.

    choosing, reporting  the scores of the two halves; rank on the first, report the second
    hangs                for each class that has pictures in both halves, its most important unit
    dead                 units whose removal changes no score at all
    """

    site: Site
    fill: str
    seed: int
    whole: Scores
    choosing: Scores
    reporting: Scores
    hangs: tuple[Hang, ...]
    order: Numbers
    orders: Numbers
    dead: Numbers
    shortened: bool

    @property
    def change(self) -> Floats:
        """The change of a class's accuracy without a unit, [unit, class], on the reporting half."""
        return self.reporting.recall - self.whole.recall

    @property
    def effect(self) -> Floats:
        """The change of the accuracy over all pictures, [unit], on the reporting half."""
        return self.reporting.accuracy - self.whole.accuracy

    def named(self) -> str:
        """In one line, for people."""
        clear = sum(hang.clear for hang in self.hangs)
        filled = "set to 0" if self.fill == "zero" else "set to its mean"
        worst = int(self.order[0])
        return (
            f"{self.site}, each of {len(self.order)} units {filled}: {clear} of {len(self.hangs)} classes hang on a "
            f"single unit; without unit {worst} accuracy goes from {self.whole.accuracy[0]:.3f} to "
            f"{self.reporting.accuracy[worst]:.3f}"
        )


def each_unit(
    classifier: Classifier,
    halves: Halves,
    site: Site,
    *,
    fill: Literal["zero", "mean"] | str = "zero",
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Importance:
    """Remove every unit of a site in turn; what comes before the site is run once a batch.

    order   [unit], most important first: by the gain of surprise on the choosing half (accuracy itself, by which
            dissect ranks, moves in steps of whole pictures: most single units change it by none)
    orders  [class, unit], likewise by the surprise of the class's own pictures
    """
    units = outlet_of(classifier, site).units
    masks = np.concatenate([np.zeros((1, units), bool), np.eye(units, dtype=bool)])
    filled = {site: fill_of(classifier, halves.choosing, site, fill, batch=batch)}
    given, scores = [], []
    for images, labels in ((halves.choosing, halves.chosen), (halves.reporting, halves.reported)):
        given.append(answers(classifier, images, labels, {site: masks}, filled, batch=batch, progress=progress))
        scores.append(scored(given[-1], labels, classifier.classes))
    choosing, reporting = scores
    order, orders = _orders(choosing, halves.chosen)
    still = [(a.surprise[1:] == a.surprise[:1]).all(1) for a in given]
    return Importance(
        site, fill, halves.seed, _rows(reporting, slice(0, 1)), _rows(choosing, slice(1, None)),
        _rows(reporting, slice(1, None)), _hangs(site, orders, choosing, given[1], halves.reported),
        order, orders, np.flatnonzero(still[0] & still[1]), given[0].shortened,
    )  # fmt: skip


def _orders(scores: Scores, labels: Numbers) -> tuple[Numbers, Numbers]:
    """Units from the most important on: over all, and for each class. Row 0 of the scores has nothing removed."""
    surprise = np.nan_to_num(scores.surprise[1:])
    over_all = surprise @ (scores.pictures / len(labels))
    return np.argsort(-over_all, kind="stable"), np.argsort(-surprise, axis=0, kind="stable").T


def _hangs(site: Site, orders: Numbers, chosen: Scores, given: Answers, labels: Numbers) -> tuple[Hang, ...]:
    made = []
    right = given.predicted == labels
    for number, name in enumerate(chosen.classes):
        own = labels == number
        if not own.any() or not chosen.pictures[number]:
            continue
        unit = int(orders[number, 0])
        before, after = right[0, own], right[1 + unit, own]
        low, high = paired_interval(before, after)
        made.append(
            Hang(name, Unit(site, unit), float(before.mean()), float(after.mean()),
                 float(after.mean() - before.mean()), low, high, int(own.sum()))
        )  # fmt: skip
    return tuple(made)


def _rows(scores: Scores, which: slice) -> Scores:
    return Scores(
        scores.classes, scores.accuracy[which], scores.recall[which], scores.balanced[which],
        scores.surprise[which], scores.pictures,
    )  # fmt: skip
