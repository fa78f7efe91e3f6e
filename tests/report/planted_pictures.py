"""Pages of a made-up network over drawn scenes: each unit is one filter, and what it does is what its filter does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from planted_pages import auc_of, curves_of

from cellscope.data.shapes import shapes
from cellscope.report.contents import Ranking, UnitRow
from cellscope.report.picture_contents import (
    Backward,
    ConceptExample,
    ConceptPage,
    ConceptScore,
    Examples,
    Filter,
    Headline,
    LayerGrid,
    LayerPage,
    Lesion,
    Line,
    Optimised,
    PictureBank,
    PictureHeader,
    PictureUnit,
    RowBank,
)

Floats = NDArray[np.float64]
HEADER = PictureHeader(
    name="scenes",
    images="shapes",
    model="small_cnn 3x64x64",
    pictures=6000,
    preprocessing="as they are, 64 x 64, rgb, 0 to 1, minus .5, over .25",
    seed=3,
    date="2026-11-20",
)
SITES = ("features.0", "features.3", "features.6", "classifier")
KERNEL, STRIDE, PAD = 12, 4, 4


@cache
def scenes(count: int = 48) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[str, ...], tuple[str, ...]]:
    """Pictures [picture, row, column, 3], masks [picture, concept, row, column], concepts, labels."""
    made = shapes(count, seed=5)
    everything = slice(0, count)
    pictures = np.rint(made.pixels(everything) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    assert made.labels is not None
    labels = tuple(made.classes[k] for k in made.labels)
    return np.ascontiguousarray(pictures), made.masks_of(everything), made.concepts, labels


def kernels(units: int, *, seed: int = 1, size: int = KERNEL) -> Floats:
    """Gabor filters in colour, [unit, 3, row, column]."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    angle, wave = draw.uniform(0, np.pi, units), draw.uniform(size / 3, size, units)
    along = x * np.cos(angle)[:, None, None] + y * np.sin(angle)[:, None, None]
    wavy = np.cos(2 * np.pi * along / wave[:, None, None] + draw.uniform(0, 6, units)[:, None, None])
    gabor = wavy * np.exp(-(x**2 + y**2) / (size / 3) ** 2)
    colour = draw.normal(0, 1, (units, 3)) * 0.6 + draw.choice([-1, 1], units)[:, None]
    return gabor[:, None] * colour[:, :, None, None] + draw.normal(0, 0.03, (units, 3, size, size))


def maps_of(pictures: NDArray[np.uint8], filters: Floats) -> Floats:
    """What rectified filters do, [picture, unit, row, column]."""
    inside = np.pad(pictures / 255 - 0.5, ((0, 0), (PAD, PAD), (PAD, PAD), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(inside, (KERNEL, KERNEL), axis=(1, 2))[:, ::STRIDE, ::STRIDE]
    return np.maximum(np.einsum("prcdij,udij->purc", windows, filters, optimize=True), 0)


def examples(maps: Floats, order: NDArray[np.int64]) -> Examples:
    """Some pictures of a unit whose maps are [picture, row, column]."""
    side = maps.shape[2]
    places = maps.reshape(len(maps), -1).argmax(axis=1)[order]
    top, left = places // side * STRIDE - PAD, places % side * STRIDE - PAD
    boxes = np.stack([top, left, top + KERNEL, left + KERNEL], axis=1)
    boxes = boxes + np.array([-6, -6, 6, 6])
    values = maps[order].reshape(len(order), -1).max(axis=1)
    return Examples(inputs=tuple(map(int, order)), values=tuple(map(float, values)), boxes=boxes, maps=maps[order])


def optimised(kernel: Floats, label: str, seed: int) -> Optimised:
    """A pattern of a filter's own making."""
    draw = np.random.default_rng(seed)
    tile = np.tile(kernel.transpose(1, 2, 0), (6, 6, 1))[:64, :64]
    picture = 128 + 90 * tile / np.abs(tile).max() + draw.normal(0, 9, tile.shape)
    steps = np.arange(0, 129, 8)
    rise = 6 * (1 - np.exp(-steps / 40)) + draw.normal(0, 0.05, len(steps))
    line = Line(x=tuple(map(float, steps)), y=tuple(map(float, rise)))
    drawn = np.clip(picture, 0, 255).astype(np.uint8)
    return Optimised(picture=drawn, label=label, value=float(rise[-1]), objective=line)


def scores_of(maps: Floats, masks: NDArray[np.bool_], concepts: tuple[str, ...]) -> tuple[ConceptScore, ...]:
    """How a unit whose maps are [picture, row, column] tells each concept's pictures."""
    most = maps.reshape(len(maps), -1).max(axis=1)
    made = []
    for k, name in enumerate(concepts):
        auc = auc_of(most.astype(np.float32), masks[:, k].any(axis=(1, 2)))
        two, share = max(auc, 1 - auc), float(masks[:, k].mean())
        made.append(
            ConceptScore(
                concept=name,
                auc=two,
                low=two - 0.05,
                high=min(1, two + 0.04),
                iou=share * two / 2,
                iou_most=min(1.0, 0.01 / max(share, 1e-3)),
                sign=1 if auc >= 0.5 else -1,
                answer="yes" if two > 0.85 else "plain" if two > 0.8 else "no",
            )
        )
    return tuple(sorted(made, key=lambda score: -(score.auc or 0)))


def unit_of(k: int, maps: Floats, kernel: Floats, *, first: bool, full: bool = True) -> PictureUnit:
    """Everything of one unit."""
    pictures, masks, concepts, labels = scenes(len(maps))
    draw = np.random.default_rng(k)
    order = np.argsort(-maps.reshape(len(maps), -1).max(axis=1), kind="stable")
    top = examples(maps, order[:9])
    dead = not maps.any()
    scores = scores_of(maps, masks, concepts)
    flow = np.stack([kernel * draw.uniform(0.2, 1, kernel.shape) for _ in range(9)])
    classes = tuple(dict.fromkeys(labels))
    weights = kernel if first else draw.normal(0, 0.3, (16, 3, 3)) * draw.uniform(0, 1, (16, 1, 1))
    patch = KERNEL + 6
    cut = (
        np.stack(
            [
                np.pad(pictures[i], ((12, 12), (12, 12), (0, 0)))[r : r + patch, c : c + patch]
                for i, (r, c, *_) in zip(top.inputs, top.boxes + 12, strict=True)
            ]
        )
        if top.boxes is not None
        else None
    )
    return PictureUnit(
        index=k,
        dead=dead,
        remark="dead: it is 0 everywhere on all 6,000 pictures" if dead else "",
        tracks=scores[0].concept if scores[0].answer == "yes" and not dead else "",
        numbers=(("greatest value", f"{maps.max():.2f}"), ("active places", f"{100 * (maps > 0).mean():.0f} %")),
        top=top,
        bottom=examples(maps, order[-9:]),
        random=examples(maps, draw.permutation(len(maps))[:9]),
        backward=(
            Backward(method="deconvnet", maps=flow, seed="1 at the place of the maximum", survival=0.63),
            Backward(method="guided backprop", maps=flow * np.sign(flow + 0.1), survival=0.82),
        )
        if full
        else (),
        optimised=tuple(optimised(kernel, f"small pictures, seed {s}", s) for s in range(3)) if full else (),
        agreement="three random starts agree: correlation .84 of their activations (.80 to .88)" if full else "",
        filter=Filter(
            weights=weights,
            of_picture=first,
            inputs=() if first else tuple(f"features.0/{c}" for c in range(16)),
            response=maps[0] if first else None,
            response_input=0 if first else None,
            patches=cut if first else None,
            patch_values=top.values if first else (),
            gabor=0.91 if first else None,
            rotations=tuple(r for r in (2, 5, 7) if r != k) if first and k in (2, 5, 7) else (),
        )
        if full
        else None,
        concepts=scores,
        lesions=(
            Lesion(
                overall=-0.012,
                by_class={c: float(v) for c, v in zip(classes, draw.normal(-0.02, 0.05, len(classes)), strict=True)},
            ),
        ),
    )


def layer_page(*, units: int = 16, at: int = 1, count: int = 48, full: bool = True, dead: int = 1) -> LayerPage:
    """One layer's page."""
    pictures, _, _, labels = scenes(count)
    filters = kernels(units, seed=at)
    maps = maps_of(pictures, filters)
    maps[:, units - dead :] = 0
    site, shown = SITES[at], (0, 1, 2, 3, 5, 7)
    return LayerPage(
        header=HEADER,
        headline=Headline(
            sentence=f"{dead} of {units} units is dead; the other {units - dead} look for edges and colours.",
            numbers=(
                ("units", str(units)),
                ("maps", "16 x 16"),
                ("active places", "38 %"),
                ("receptive field", "12 x 12"),
            ),
            caveats=("Two units may look alike because their filters are turned copies of one another.",),
            method=("Pictures are ranked by the greatest value of a unit's map, one place a picture.",),
        ),
        site=site,
        kind="Conv2d",
        shape=(units, 16, 16),
        bank=PictureBank(
            pictures=pictures,
            numbers=tuple(range(100, 100 + count)),
            labels=labels,
            names=tuple(f"scene-{k}.png" for k in range(count)),
        ),
        units=tuple(unit_of(k, maps[:, k], filters[k], first=at == 0, full=full) for k in range(units)),
        grid=LayerGrid(inputs=shown, maps=maps[list(shown)]),
        previous=SITES[at - 1] if at else "",
        next=SITES[at + 1] if at + 1 < len(SITES) else "",
        position=at,
    )


def classes_page(*, count: int = 24) -> LayerPage:
    """The last layer, whose units have no places and see the whole picture."""
    pictures, _, _, labels = scenes(count)
    draw = np.random.default_rng(9)
    classes = tuple(dict.fromkeys(labels))
    values = draw.normal(0, 3, (count, len(classes), 1, 1))
    whole = np.tile([-13, -13, 77, 77], (9, 1))
    made = []
    for k in range(len(classes)):
        order = np.argsort(-values[:, k, 0, 0])[:9]
        top = tuple(map(float, values[order, k, 0, 0]))
        examples_of = Examples(inputs=tuple(map(int, order)), values=top, boxes=whole, maps=values[order, k])
        lesion = Lesion(overall=0.0, by_class={"circle": float("nan")})
        made.append(PictureUnit(index=k, top=examples_of, lesions=(lesion,)))
    return LayerPage(
        header=HEADER,
        headline=Headline(sentence="Each unit is a class."),
        site="classifier",
        kind="Linear",
        shape=(len(classes),),
        bank=PictureBank(pictures=pictures, numbers=tuple(range(count)), labels=labels),
        units=tuple(made),
        grid=LayerGrid(inputs=(0, 4), maps=values[[0, 4]]),
    )


def rows_page(*, units: int = 12) -> LayerPage:
    """A layer of a network that reads rows of numbers."""
    draw = np.random.default_rng(4)
    columns = ("age", "income", "height", "weight", "rooms", "distance", "=sum(1)", "<b>odd</b>")
    rows = draw.normal(0, 1, (40, len(columns)))
    weights = draw.normal(0, 1, (units, len(columns)))
    values = np.tanh(rows @ weights.T)
    made = []
    for k in range(units):
        order = np.argsort(-values[:, k])
        made.append(
            PictureUnit(
                index=k,
                weights=weights[k],
                top=Examples(inputs=tuple(map(int, order[:9])), values=tuple(map(float, values[order[:9], k]))),
                bottom=Examples(inputs=tuple(map(int, order[-9:])), values=tuple(map(float, values[order[-9:], k]))),
                concepts=(
                    ConceptScore(concept="rich", auc=0.9, low=0.85, high=0.94, answer="yes"),
                    ConceptScore(concept="poor", auc=0.6, low=0.5, high=0.7),
                ),
                lesions=(Lesion(overall=-0.1, by_class={"rich": -0.2, "poor": 0.01}, fill="mean"),),
            )
        )
    return LayerPage(
        header=replace(HEADER, inputs="rows"),
        headline=Headline(sentence="12 units read 8 columns."),
        site="hidden",
        kind="Linear",
        shape=(units,),
        bank=RowBank(values=rows, columns=columns, numbers=tuple(range(40)), labels=("rich", "poor") * 20),
        units=tuple(made),
        grid=LayerGrid(inputs=(0, 1, 2), maps=values[:3, :, None, None]),
    )


def concept_page(*, concept: int = 8, units: int = 24) -> ConceptPage:
    """One concept's page."""
    pictures, masks, concepts, labels = scenes()
    maps = maps_of(pictures, kernels(units))
    there = masks[:, concept].any(axis=(1, 2))
    most = maps.reshape(len(maps), units, -1).max(axis=2)
    rows, curves = [], {}
    for k in range(units):
        auc = auc_of(most[:, k].astype(np.float32), there)
        two, address = max(auc, 1 - auc), f"{SITES[k % 3]}/{k}"
        scaled = (most[:, k] / (most[:, k].max() or 1) * 2 - 1).astype(np.float32)
        edges = np.linspace(-1, 1, 17)
        inside, outside = (np.histogram(scaled[m], edges)[0] for m in (there, ~there))
        rows.append(
            UnitRow(
                address=address,
                site=SITES[k % 3],
                unit=k,
                sign=1 if auc >= 0.5 else -1,
                scores={
                    "auc": two,
                    "auc_low": two - 0.06,
                    "auc_high": min(1, two + 0.05),
                    "ap": two * 0.9,
                    "iou": two / 9,
                    "iou_most": 0.31,
                    "p": 0.004 if two > 0.7 else 0.3,
                },
                inside=tuple(map(int, inside)),
                outside=tuple(map(int, outside)),
            )
        )
        curves[address] = curves_of(scaled, there)
    rows.sort(key=lambda row: -(row.scores["auc"] or 0))
    best = rows[0].unit
    order = np.argsort(-most[:, best])
    shown = [("hit", i) for i in order if there[i]][:6] + [("miss", i) for i in order[::-1] if there[i]][:6]
    shown += [("false alarm", i) for i in order if not there[i]][:6]
    over = tuple(1 - 0.4 / (1 + k / 3) for k in range(8))
    return ConceptPage(
        header=HEADER,
        headline=Headline(
            sentence=f"Unit {best} of {rows[0].site} tends to be on inside {concepts[concept]}.",
            good=True,
            numbers=(
                ("AUC", ".83 (.78\u2013.87)"),
                ("IoU", ".09 of at most .31"),
                ("colour alone", ".61"),
                ("untrained", ".64"),
                ("p", "< .01"),
            ),
            caveats=("The concept covers 4 % of the pixels: a unit on at 1 % of the places reaches an IoU of .31.",),
            method=(
                "A unit is chosen on one half of the pictures and reported on the other.",
                "p: the masks of 500 shifted pairings of pictures, each time the best of all units.",
            ),
        ),
        concept=concepts[concept],
        description="every pixel of such an object that is seen",
        ranking=Ranking(rows=tuple(rows), columns=("auc", "ap", "iou", "iou_most", "p")),
        bank=PictureBank(pictures=pictures, numbers=tuple(range(48)), labels=labels),
        examples=tuple(
            ConceptExample(
                kind=kind, input=int(i), mask=masks[i, concept], map=maps[i, best], value=float(most[i, best])
            )
            for kind, i in shown
        ),
        curves=curves,
        over_units=Line(
            x=(1, 2, 3, 5, 8, 13, 21, 34), y=over, low=tuple(v - 0.03 for v in over), high=tuple(v + 0.02 for v in over)
        ),
        previous="square",
        next="ring",
    )
