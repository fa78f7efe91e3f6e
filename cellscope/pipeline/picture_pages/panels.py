"""The panels of a run's page that are measured by techniques of their own: each a function from material to a part."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.errors import CellscopeError
from cellscope.hooks.outlets import Outlet
from cellscope.pipeline.picture_pages.effort import Effort
from cellscope.pipeline.picture_pages.material import Material, as_shown, coloured
from cellscope.pipeline.picture_pages.units import Dear
from cellscope.report.contents import Line
from cellscope.report.picture_parts import (
    Attribution,
    AttributionRow,
    Backquery,
    ChangedAnswers,
    ClassLesions,
    DamageCurve,
    InvarianceCurve,
    Invariances,
    Probes,
    ReadableModel,
)
from cellscope.vision.backquery import backquery
from cellscope.vision.damage import damage
from cellscope.vision.invariance import invariance
from cellscope.vision.labelled import Halves, class_numbers, told
from cellscope.vision.lesions import FILLS
from cellscope.vision.occlusion import occlusion
from cellscope.vision.probes import probes
from cellscope.vision.randomisation import survival
from cellscope.vision.readable import readable
from cellscope.vision.saliency import attribute

METHODS = ("saliency", "gradient-x-input", "guided", "deconvnet", "grad-cam", "integrated-gradients")
WORST = 24
"""Units of the map of lesions: those whose loss hurts any class most."""


def attributions(material: Material, effort: Effort, progress: Progress | None = None) -> tuple[AttributionRow, ...]:
    """A few pictures, each with every method's map for the class that the network tells, and how much survives."""
    network, images = material.network, material.search.images
    if images.flat:
        return ()
    numbers = material.shown[: effort.explained]
    pixels = images.pixels(numbers)
    inputs, shown = network.prepare(pixels), as_shown(network, pixels)
    targets = told(network, images.take(numbers))
    rows = []
    for at, target in enumerate(targets.tolist()):
        one = inputs[at : at + 1]
        maps = []
        for name in METHODS:
            try:
                made = attribute(network, name, one, target)
                kept = survival(network, name, one, target, cascade=False, draws=effort.redrawn)
            except CellscopeError:  # a method that this network cannot be asked for is left out
                continue
            maps.append(Attribution(method=name, map=_flat(made.values[0]), survival=kept.top))
        window = max(2, min(inputs.shape[2:]) // 8)
        hidden = occlusion(network, one, target, window=window, stride=max(1, window // 2))
        kept = survival(
            network, "occlusion", one, target, cascade=False, draws=effort.redrawn, window=window,
            stride=max(1, window // 2),
        )  # fmt: skip
        note = f"f(x) - f(hidden), window {window}, {hidden.fill}"
        maps.append(Attribution(method="occlusion", map=_flat(hidden.values[0]), survival=kept.top, note=note))
        number = int(numbers[at])
        label = "" if images.labels is None else images.classes[int(images.labels[number])]
        told_as = network.classes[target]
        rows.append(AttributionRow(picture=shown[at], target=told_as, maps=tuple(maps), label=label, number=number))
        if progress:
            progress(at + 1, len(targets), "attributions")
    return tuple(rows)


def damages(
    material: Material, halves: Halves, dear: Dear, effort: Effort, progress: Progress | None = None
) -> tuple[DamageCurve, ...]:
    """Accuracy over the share of each main layer that is removed: both orders, both fills."""
    curves = []
    layers = material.main[:-1] or material.main
    for at, (outlet, ranked) in enumerate((o, one) for o in layers for one in dear.lesions[str(o.site)]):
        made = damage(material.network, halves, ranked, steps=effort.shares, draws=effort.draws, most=effort.damaged)
        low, high = made.range()
        x = tuple(float(s) for s in made.shares)
        site = str(outlet.site)
        best = Line(x=x, y=_column(made.best))
        random = Line(x=x, y=_column(made.random.mean(0)), low=_column(low), high=_column(high))
        curves += [
            DamageCurve(layer=site, order="best first", fill=made.fill, line=best),
            DamageCurve(layer=site, order="random", fill=made.fill, line=random),
        ]
        if progress:
            progress(at + 1, len(layers) * len(FILLS), "damage")
    return tuple(curves)


def lesions(dear: Dear) -> tuple[ClassLesions, ...]:
    """Which class hangs on which unit, once for each fill: the units whose loss costs any class most by either."""
    made = list(dear.lesions.items())[:-1] or list(dear.lesions.items())
    if not made:
        return ()
    names = [f"{site}/{k}" for site, own in made for k in range(len(own[0].change))]
    by_fill = [np.concatenate([own[k].change for _, own in made]) for k in range(len(FILLS))]
    harm = np.min([np.nan_to_num(values).min(1) for values in by_fill], axis=0)
    worst = np.argsort(harm, kind="stable")[:WORST]
    return tuple(
        ClassLesions(
            units=tuple(names[k] for k in worst), classes=one.whole.classes, values=values[worst], fill=one.fill
        )
        for one, values in zip(made[0][1], by_fill, strict=True)
    )


def invariances(material: Material, effort: Effort, progress: Progress | None = None) -> Invariances:
    """How like themselves the main layers stay under each change, what is answered, and what pooling buys."""
    sites = [str(o.site) for o in _with_pools(material)]
    made = invariance(material.network, material.search.images, sites=sites, most=effort.moved, progress=progress)
    drawn = {o.site for o in material.main} - set(made.constant)
    curves, answers = [], []
    for curve in made.curves:
        name, unit = curve.transform.name, curve.transform.unit
        x = tuple(float(a) for a in curve.transform.amounts)
        curves += [
            InvarianceCurve(change=name, layer=str(o.site), line=Line(x=x, y=_column(curve.cosine[at])), amount=unit)
            for at, o in enumerate(made.outlets)
            if o.site in drawn
        ]
        right = Line(x=x, y=_column(curve.accuracy)) if np.isfinite(curve.accuracy).all() else None
        answers.append(ChangedAnswers(change=name, same=Line(x=x, y=_column(curve.same)), right=right, amount=unit))
    return Invariances(
        curves=tuple(curves), answers=tuple(answers), pooling=tuple(gain.sentence for gain in made.gains)
    )


def _with_pools(material: Material) -> list[Outlet]:
    """The main layers, and each pooling layer beside the one that fires before it; in the order of firing."""
    every, main = material.search.outlets, {o.site for o in material.main}
    pooled = {o.site for pair in pairwise(every) if "Pool" in pair[1].kind for o in pair}
    return [o for o in every if o.site in main | pooled]


def readable_model(material: Material, effort: Effort) -> ReadableModel:
    """A logistic regression on pixels beside the network."""
    network = material.network
    made = readable(network, material.search.images, most=effort.lessons, iterations=effort.fits)
    note = f"on {made.scored:,} pictures that neither learned from; chance {made.chance:.3f}"
    return ReadableModel(
        classes=made.classes, weights=made.weights, accuracy=made.accuracy[0], network=made.network[0],
        columns=material.search.images.columns, note=note,
    )  # fmt: skip


def layer_probes(material: Material, effort: Effort, progress: Progress | None = None) -> Probes:
    """Linear probes of the main layers."""
    sites = [str(o.site) for o in material.main]
    made = probes(material.network, material.search.images, sites=sites, most=effort.lessons, progress=progress)
    accuracy, low, high = (tuple(float(v) for v in made.accuracy[:, k]) for k in range(3))
    return Probes(layers=tuple(sites), accuracy=accuracy, low=low, high=high, network=made.network[0])


def backqueries(material: Material) -> Backquery | None:
    """Labels run backwards through a sigmoid network; None for any other."""
    network = material.network
    try:
        made = backquery(network)
    except CellscopeError:
        return None
    if material.search.images.flat:
        return None
    pixels = made.pictures.astype(np.float32)
    answers = network.logits(network.prepare(pixels)).detach().sigmoid().cpu().double().numpy()
    maps = coloured(pixels).astype(np.float32) / 255
    return Backquery(labels=made.classes, maps=maps if maps.ndim == 3 else maps.mean(-1), answers=answers)


def confusion_counts(material: Material) -> NDArray[np.int64]:
    """Pictures by [true class, told class]."""
    network, images = material.network, material.search.images
    truth, said = class_numbers(network, images), told(network, images)
    counts = np.zeros((len(network.classes),) * 2, np.int64)
    np.add.at(counts, (truth, said), 1)
    return counts


def _flat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map [row, column] of one that may have channels: their sum, which keeps its sign."""
    return values if values.ndim == 2 else np.asarray(values.sum(0))


def _column(values: NDArray[np.floating]) -> tuple[float | None, ...]:
    return tuple(float(v) if np.isfinite(v) else None for v in values)
