"""The page of a run: the network, what was found, and every measurement of it as a whole."""

from __future__ import annotations

import csv
import math

import numpy as np

from cellscope.axes import Progress
from cellscope.evidence.terms import WHOLE
from cellscope.pipeline.formed_pictures import formed_pictures
from cellscope.pipeline.pages import number
from cellscope.pipeline.picture_pages import panels
from cellscope.pipeline.picture_pages.concepts import Concepts
from cellscope.pipeline.picture_pages.effort import Effort
from cellscope.pipeline.picture_pages.left import Left
from cellscope.pipeline.picture_pages.material import Material, as_shown
from cellscope.pipeline.picture_pages.units import Dear
from cellscope.pipeline.picture_pages.words import header, run_headline
from cellscope.report.picture_contents import PictureRunPage
from cellscope.report.picture_parts import ConceptFinding, Confusion, LayerCard, Snapshot
from cellscope.training.run import RunFolder
from cellscope.vision.labelled import Halves


def run_page(
    material: Material, concepts: Concepts, dear: Dear, halves: Halves | None, effort: Effort,
    progress: Progress | None = None,
) -> PictureRunPage:  # fmt: skip
    """Everything that the page of a run shows; what cannot be measured (no labels, rows of numbers) is left out."""
    search = material.search
    counts = panels.confusion_counts(material) if halves is not None else None
    accuracy = float(np.trace(counts) / counts.sum()) if counts is not None else math.nan
    flat, left = search.images.flat, Left()
    page = PictureRunPage(
        header=header(search),
        headline=run_headline(search, accuracy),
        layers=cards(material),
        picture=None if flat else as_shown(material.network, search.images.pixels(material.shown[:1]))[0],
        concepts=tuple(finding(material, f) for f in range(len(search.findings.features))),
        over_units={
            search.findings.features[f].name: line
            for f in range(len(search.findings.features))
            if (line := concepts.over_units(f)) is not None
        },
        losses=losses(search.run),
        confusion=None if counts is None else Confusion(classes=material.network.classes, counts=counts),
        damage=() if halves is None else panels.damages(material, halves, dear, effort, progress),
        lesions=panels.lesions(dear),
        invariance=left.out("invariance", lambda: panels.invariances(material, effort, progress), None),
        attributions=left.out("attributions", lambda: panels.attributions(material, effort, progress), ()),
        readable=None
        if halves is None
        else left.out("the readable model", lambda: panels.readable_model(material, effort), None),
        probes=None
        if halves is None
        else left.out("probes", lambda: panels.layer_probes(material, effort, progress), None),
        snapshots=left.out("formation", lambda: snapshots(material, effort, progress), ()),
        backquery=panels.backqueries(material),
        chance=None if counts is None else float(counts.sum(1).max() / counts.sum()),
    )
    return left.said(page)


def cards(material: Material) -> tuple[LayerCard, ...]:
    """The layers in their order, each with its maps on the first of the shown pictures."""
    made = []
    for outlet in material.search.outlets:
        dead = material.examples[outlet.site].dead
        note = f"{len(dead)} dead" if dead else ""
        maps = material.maps[outlet.site][0]
        made.append(LayerCard(site=str(outlet.site), kind=outlet.kind, shape=outlet.shape, maps=maps, note=note))
    return tuple(made)


def finding(material: Material, concept: int) -> ConceptFinding:
    """The row of a concept."""
    search = material.search
    e, overlap = search.findings.evidence[concept], search.overlap(concept)
    unit = e.unit
    return ConceptFinding(
        concept=e.feature, unit=str(unit) if unit else "", layer=str(unit.site) if unit else "",
        auc=number(e.score), low=number(e.low), high=number(e.high),
        iou=number(overlap["dissection_iou"]), iou_most=number(overlap["attainable_iou"]),
        colour=number(e.three), untrained=number(e.untrained), p=number(e.p), q=number(e.q),
        answer=e.answer, reason=e.reason if e.terms is not WHOLE or e.reason else "on whole pictures",
    )  # fmt: skip


def losses(run: RunFolder | None) -> dict[str, tuple[float | None, ...]]:
    """The columns of losses.csv that are drawn."""
    names = {"epoch": "epoch", "train": "train_nats", "validation": "validation_nats"}
    try:
        if run is None:
            return {}
        with run.losses.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: tuple(float(row[own]) if row[own] else None for row in rows) for name, own in names.items()}
    except (OSError, KeyError, ValueError, TypeError):
        return {}


def snapshots(material: Material, effort: Effort, progress: Progress | None = None) -> tuple[Snapshot, ...]:
    """The network at the steps that were kept of its training."""
    search = material.search
    if search.run is None or len(search.run.snapshots()) < 2:
        return ()
    # A unit without places is scored on another question: it is followed where there is no other.
    placed = [o for o in material.main if o.grid != (1, 1)] or list(material.main)
    made = formed_pictures(
        search.run, search.images, sites=[str(o.site) for o in placed], concepts=search.findings.features,
        snapshots=effort.snapshots, most=effort.formed, evidence=False, seed=search.findings.counts.seed,
        progress=progress,
    )  # fmt: skip
    layers = made.layers
    sites = [str(o.site) for o in layers.outlets]
    return tuple(
        Snapshot(
            step=int(step), accuracy=number(layers.accuracy[k]),
            filters=None if layers.filters is None else layers.filters[k],
            dead={site: int(layers.dead_counts[k, s]) for s, site in enumerate(sites)},
            sparsity={site: float(layers.zeros[k, s]) for s, site in enumerate(sites)},
            locality={site: float(layers.locality[k, s]) for s, site in enumerate(sites)},
            concepts={name: float(v) for name, v in zip(made.concepts, made.best[k], strict=True) if math.isfinite(v)},
        )
        for k, step in enumerate(layers.steps.tolist())
    )  # fmt: skip
