"""From a network for pictures and the addresses of units to what it loses without them, concept by concept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np

from cellscope.axes import Progress, Unit
from cellscope.count_pictures import count_pictures
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.evidence.controls import Held
from cellscope.evidence.moments import Moments
from cellscope.evidence.picture_needs import PictureNeed
from cellscope.evidence.zones import FEWEST
from cellscope.features.concepts import Concept
from cellscope.models.classifier import Classifier
from cellscope.pipeline.find import clean
from cellscope.pipeline.find_pictures import select_concepts
from cellscope.pipeline.lesion_plan import planned
from cellscope.training.run import RunFolder
from cellscope.vision.concept_lesions import concept_changes, having_of
from cellscope.vision.labelled import Halves, halves
from cellscope.vision.lesions import masks_of, outlet_of

NAMED = 4
"""Units that a sentence names."""


@dataclass(frozen=True)
class PictureSubject:
    """A network, its concepts that were asked for, and pictures in halves: `moments` are those of the choosing one."""

    network: Classifier
    run: RunFolder | None
    two: Halves
    features: tuple[Concept, ...]
    moments: Moments

    @property
    def characters(self) -> int:
        """How many pictures are shown under each lesion."""
        return len(self.two.reporting)


@dataclass(frozen=True)
class PictureLesioned:
    """What a network loses without some units, concept by concept; `held` are all of them by their addresses."""

    subject: PictureSubject
    needs: tuple[PictureNeed, ...]
    held: str

    def json(self) -> str:
        """Everything as JSON; keys are stable, numbers that do not exist are null."""
        subject = self.subject
        content = {
            "cellscope": version("cellscope"),
            "run": subject.run.name if subject.run else None,
            "network": subject.network.description,
            "images": subject.two.reporting.name,
            "pictures": subject.characters,
            "chosen": subject.moments.characters,
            "needs": [need.figures() for need in self.needs],
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def lesion_concepts(
    network: Classifier, run: RunFolder | None, images: ImageSet, units: Sequence[Unit], asked: Sequence[str], *,
    fill: str = "zero", draws: int = 20, most: int | None = None, seed: int = 0, progress: Progress | None = None,
) -> PictureLesioned:  # fmt: skip
    """Hold units together, and say what that costs in pictures that have each concept and in the others, beside random
    units of like variance, the best units for the concept, and these units alone.

    Means, variances and best units come from one half of the pictures, the figures from the other.
    """
    concepts = select_concepts(images, asked)
    if column := next((c.name for c in concepts if c.kind != "span"), None):
        raise InputError(f"{column} is a number in every row: none is without it; give a class")
    held: Held = {site: np.flatnonzero(mask[0]) for site, mask in masks_of(network, units).items()}
    two = halves(network, images, most=most, seed=seed)
    having = having_of(two.reporting, [c.name for c in concepts])
    for concept, count in zip(concepts, having.sum(0).tolist(), strict=True):
        if not FEWEST <= count <= len(having) - FEWEST:
            raise InputError(
                f"{concept.name} is in {count:,} of the {len(having):,} pictures that report; at least {FEWEST} must "
                "have it and lack it: try more pictures (--most, --count)"
            )
    subject = PictureSubject(network, run, two, concepts, _moments(network, two.choosing, held, concepts, seed))
    plan = planned(subject, held, _named(held), fill=fill, draws=draws, deep=True, seed=seed)
    nats, right = concept_changes(
        network, two.reporting, two.reported, having, plan.lesions, seed=seed, progress=progress
    )
    needs = tuple(
        PictureNeed.of(plan.need(subject, nats, at), right, having[:, at], numbered.own, numbered.random)
        for at, numbered in enumerate(plan.numbered)
    )
    return PictureLesioned(subject, needs, _named(held, None))


def _moments(network: Classifier, images: ImageSet, held: Held, concepts: Sequence[Concept], seed: int) -> Moments:
    """Means and variances of all units of the held sites, and how well each tells the concepts, over the places of
    maps.
    """
    sites = [outlet_of(network, site) for site in held]
    heard = count_pictures(network, images, sites, concepts, seed=seed, evidence=False)
    moments = replace(Moments.joined([Moments.of(counts) for counts in heard]), characters=len(images))
    for at, concept in enumerate(concepts):
        if not all(np.isfinite(auc[at]).all() for auc in moments.auc.values()):
            raise InputError(
                f"{concept.name} is too rare in the {len(images):,} pictures that choose to choose units on: try more "
                "pictures (--most, --count)"
            )
    return moments


def _named(held: Held, most: int | None = NAMED) -> str:
    """What the held units are called in a sentence, `most` of them by name."""
    units = [str(Unit(site, unit)) for site, some in held.items() for unit in some.tolist()]
    more = len(units) - (most or len(units))
    return ", ".join(units[:most]) + (f" and {more} more" if more > 0 else "")
