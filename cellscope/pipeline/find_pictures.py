"""From a network for pictures and a set of them to findings, with the untrained control beside them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Progress
from cellscope.count_pictures import count_pictures
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, not_found
from cellscope.evidence.intervals import Estimate
from cellscope.features.concepts import Concept, concepts_of
from cellscope.findings import Findings
from cellscope.hooks.outlets import Outlet, choose_outlets
from cellscope.judge import CHOOSE, REPORT, judge
from cellscope.models.classifier import Classifier
from cellscope.pipeline.bars import FORM, bars_of, read_bars, write_bars
from cellscope.pipeline.bases import Choice
from cellscope.pipeline.find import SEED, clean, said, summarised
from cellscope.pipeline.kept import once, place
from cellscope.pipeline.picture_bases import Grown, grow
from cellscope.scores.overlap import dissection
from cellscope.training.run import RunFolder

CONTROL = 1_000
"""Pictures that the untrained control is shown at most: its scores are a bar to be cleared, not a claim."""


@dataclass(frozen=True)
class PictureSearch:
    """What one search over pictures was about and what it found: pages and tables are made from this alone."""

    network: Classifier
    run: RunFolder | None
    images: ImageSet
    outlets: tuple[Outlet, ...]
    findings: Findings
    grown: Grown | None = None

    def about(self) -> dict[str, Any]:
        """What was searched, as JSON says it before anything else."""
        return {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "preprocessing": self.network.preprocessing.to_json(),
            "images": self.images.name,
            "basis": self.grown.choice.name if self.grown else None,
            "pictures": len(self.images),
            "seed": self.findings.counts.seed,
            "shifts": self.findings.draws,
        }

    def json(self, *, at: float = 0.9) -> str:
        """The evidence for every concept as JSON; keys are stable, numbers that do not exist are null."""
        content = {
            **self.about(),
            "summary": summarised(self.findings, at, "concepts"),
            "concepts": [said(e) | clean(self.overlap(f)) for f, e in enumerate(self.findings.evidence)],
        }
        return json.dumps(content, indent=1, ensure_ascii=False)

    def overlap(self, concept: int) -> dict[str, float]:
        """Network Dissection's IoU of the concept's best unit, and the most that any unit could have."""
        e = self.findings.evidence[concept]
        if e.unit is None or e.kind != "span":
            return {"dissection_iou": math.nan, "attainable_iou": math.nan}
        unit = self.findings.units.index(e.unit)
        return {
            "dissection_iou": float(self.findings.scores["dissection"][concept, unit]),
            "attainable_iou": float(self.findings.scores["attainable"][concept, unit]),
        }


def search_pictures(
    network: Classifier,
    images: ImageSet,
    *,
    sites: Sequence[str] = (),
    concepts: Sequence[Concept] = (),
    grown: Grown | None = None,
    control: Path | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> tuple[tuple[Outlet, ...], Findings]:
    """Every unit of `sites` (default: all) against every concept of the set; where the network has `grown` components,
    those in place of units.

    `control` is a folder in which the scores of the untrained network are kept, and what was found.
    """
    if grown is not None:
        network, sites = grown.network, grown.sites
    network.prepare(images.pixels(slice(0, 1)))  # what does not fit is said of this network, not of its control
    chosen = choose_outlets(network.module, network.example, sites)
    known = tuple(concepts) or concepts_of(images)
    if not known:
        raise InputError(f"{images.name} has neither masks nor classes, so there is nothing to look for")
    path = None
    if control is not None:
        path = place(control, network, images, known, [outlet.site for outlet in chosen], seed=seed)

    def made() -> Findings:
        batch = grown.batch if grown is not None else None
        bars = untrained_bars(
            network, images, chosen, known, grown=grown, folder=control, seed=seed, progress=progress
        )  # fmt: skip
        counts = count_pictures(network, images, chosen, known, seed=seed, batch=batch, progress=progress)
        return with_overlaps(judge(*counts, untrained=bars))

    return chosen, once(path, known, made)


def with_overlaps(findings: Findings) -> Findings:
    """The findings with Network Dissection's IoU and the attainable one among the scores, [feature, unit]."""
    overlaps = np.full((2, len(findings.features), len(findings.units)), np.nan)
    base = 0
    for part in findings.parts:
        here = slice(base, base + len(part.units))
        choose, (total, positive) = part.tally.half(CHOOSE)[0], part.tally.half(REPORT)
        for f in range(part.spans):
            overlaps[0, f, here], overlaps[1, f, here] = dissection(choose, positive[f], total)
        base += len(part.units)
    overlaps[:, [f for f, e in enumerate(findings.evidence) if e.remark]] = np.nan
    return replace(findings, scores={**findings.scores, "dissection": overlaps[0], "attainable": overlaps[1]})


def untrained_bars(
    network: Classifier, images: ImageSet, sites: Sequence[Outlet], concepts: Sequence[Concept], *,
    grown: Grown | None = None, folder: Path | None = None, seed: int = SEED, progress: Progress | None = None,
) -> Mapping[str, Estimate]:  # fmt: skip
    """The same search on the same architecture with fresh weights, and components that are learnt of those: the best
    unit's score by concept, with its interval.
    """
    some = np.sort(np.random.default_rng(seed).permutation(len(images))[:CONTROL])
    shown = images.take(some)
    about: list[object] = [
        shown.digest,
        len(images),
        [str(o.site) for o in sites],
        [c.digest for c in concepts],
        seed,
        CONTROL,
        FORM,
        *([] if grown is None else [grown.choice.key, grown.over]),
    ]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    path = folder / f"{key}.json" if folder is not None else None
    known = read_bars(path)
    if all(c.name in known for c in concepts):
        return {c.name: known[c.name] or Estimate(math.nan) for c in concepts}
    told: Progress | None = (lambda done, total, _: progress(done, total, "untrained control")) if progress else None
    if grown is None:
        bare, batch = network.untrained(seed), None
    else:
        try:
            control = grown.untrained(shown, seed)
        except InputError:  # of concepts that are too rare among the fewer pictures there are no directions
            return {c.name: Estimate(math.nan) for c in concepts}
        bare, sites, batch = control.network, control.outlets, grown.batch
    counts = count_pictures(bare, shown, sites, concepts, seed=seed, evidence=False, batch=batch, progress=told)
    found = judge(*counts)
    known = {f.name: bar for f, bar in zip(found.features, bars_of(found), strict=True)}
    if path is not None:
        write_bars(path, known)
    return {name: bar or Estimate(math.nan) for name, bar in known.items()}


def select_concepts(images: ImageSet, asked: Sequence[str]) -> tuple[Concept, ...]:
    """The concepts of these names, all by default; MissingError lists what the set has."""
    known = {concept.name: concept for concept in concepts_of(images)}
    for name in asked:
        if name not in known:
            raise not_found(f"concept in {images.name}", name, list(known))
    return tuple(known[name] for name in dict.fromkeys(asked)) if asked else tuple(known.values())


def find_pictures(
    network: Classifier, folder: RunFolder | None, images: ImageSet, *, asked: Sequence[str] = (),
    sites: Sequence[str] = (), basis: Choice | None = None, seed: int = SEED, progress: Progress | None = None,
) -> PictureSearch:  # fmt: skip
    """Search an opened network over opened pictures for the concepts that were asked for; with `basis`, the components
    of the sites (by default of the ends of blocks) stand in place of their units.
    """
    concepts = select_concepts(images, asked)
    control = folder.path / "control" if folder is not None else None
    grown = None if basis is None else grow(network, images, basis, sites, seed=seed, progress=progress)
    chosen, findings = search_pictures(
        network, images, sites=sites, concepts=concepts, grown=grown, control=control, seed=seed, progress=progress
    )
    searched = network if grown is None else grown.network
    return PictureSearch(searched, folder, images, chosen, findings, grown)
