"""The page of a made-up run over drawn scenes, with every panel that a run can have."""

from __future__ import annotations

from typing import Any

import numpy as np
from planted_pictures import HEADER, SITES, Floats, kernels, maps_of, scenes

from cellscope.report.picture_contents import (
    Attribution,
    AttributionRow,
    Backquery,
    ChangedAnswers,
    ClassLesions,
    ConceptFinding,
    Confusion,
    DamageCurve,
    Headline,
    InvarianceCurve,
    Invariances,
    LayerCard,
    Line,
    PictureRunPage,
    Probes,
    ReadableModel,
    Snapshot,
)


def run_page(**changes: Any) -> PictureRunPage:
    """One run's page, with every panel."""
    draw = np.random.default_rng(8)
    pictures, _, concepts, labels = scenes()
    classes = tuple(dict.fromkeys(labels))
    x = tuple(float(v) for v in range(1, 13))
    fall = np.exp(-np.arange(12) / 4)
    counts = draw.integers(0, 12, (len(classes), len(classes))) + np.diag([150] * len(classes))
    share = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)

    def curve(points: Floats, width: float = 0.03) -> Line:
        return Line(x=share, y=tuple(points), low=tuple(points - width), high=tuple(points + width))

    def alike(fast: float) -> Line:
        return Line(x=(0, 1, 2, 4, 8), y=tuple(float(np.exp(-fast * v)) for v in (0, 1, 2, 4, 8)))

    def explained(i: int) -> AttributionRow:
        made = maps_of(pictures[i : i + 1], kernels(6, seed=4))[0]
        signed = made[0] - made[1]
        names = ("saliency", "gradient x input", "guided backprop", "Grad-CAM", "integrated gradients", "occlusion")
        drawn = (made[2], signed, made[3] - made[4], made[4], signed * made[2], made[5] - made[1])
        survive = (0.08, 0.71, 0.82, 0.11, 0.64, None)
        notes = ("", "", "", "", "", "f(x) - f(occluded), 8 x 8 windows, grey fill")
        maps = tuple(
            Attribution(method=n, map=m, survival=s, note=t)
            for n, m, s, t in zip(names, drawn, survive, notes, strict=True)
        )
        return AttributionRow(picture=pictures[i], target=labels[i], maps=maps, label=labels[i], number=i)

    first, second, third = kernels(16), kernels(32, seed=2), kernels(64, seed=3)
    one = pictures[:1]
    steep = {"features.0": (0.2, 0.3, 0.5, 0.6), "features.3": (0.05, 0.15, 0.3, 0.5)}
    changes_by = {
        "translation": "pixels",
        "rotation": "degrees",
        "scale": "per cent",
        "brightness": "per cent",
        "noise": "levels",
    }
    rates = {"features.0": 0.2, "features.3": 0.1, "features.6": 0.05, "output": 0.02}
    hit = np.where(draw.random((32, len(classes))) > 0.95, 0.4, 0)

    def damaged(layer: str, order: str) -> Line:
        fall_off = np.array([0, *(np.array(steep[layer]) * draw.uniform(0.9, 1.1, 4)), 0.77])
        return curve(0.94 - fall_off * (1 if order == "best first" else 0.6))

    layers = [
        LayerCard(site="features.0", kind="Conv2d", shape=(16, 16, 16), maps=maps_of(one, first)[0]),
        LayerCard(
            site="features.1", kind="BatchNorm2d", shape=(16, 16, 16), maps=maps_of(one, first)[0] - 0.5, page=False
        ),
        LayerCard(site="features.2", kind="ReLU", shape=(16, 16, 16), maps=maps_of(one, first)[0]),
        LayerCard(site="features.3", kind="Conv2d", shape=(32, 16, 16), maps=maps_of(one, second)[0]),
        LayerCard(site="features.5", kind="MaxPool2d", shape=(32, 8, 8), maps=maps_of(one, second)[0][:, ::2, ::2]),
        LayerCard(site="features.6", kind="Conv2d", shape=(64, 8, 8), maps=maps_of(one, third)[0][:, ::2, ::2]),
        LayerCard(site="classifier", kind="Linear", shape=(6,), maps=draw.normal(0, 2, (6, 1, 1)), note="the classes"),
    ]
    made: dict[str, Any] = {
        "header": HEADER,
        "headline": Headline(
            sentence=f"9 of {len(concepts)} concepts have a unit of their own; 5 of 54 units are dead.",
            good=True,
            numbers=(
                ("accuracy", ".94 (.93\u2013.95)"),
                ("pixels alone", ".41"),
                ("untrained", ".22"),
                ("parameters", "24,118"),
            ),
            caveats=("The scenes are drawn by a program: nothing here says how the network does on photographs.",),
            method=("All numbers are on 1,000 held-out pictures.",),
        ),
        "layers": tuple(layers),
        "picture": pictures[0],
        "concepts": tuple(
            ConceptFinding(
                concept=c,
                unit=f"features.{3 * (k % 3)}/{k}",
                layer=f"features.{3 * (k % 3)}",
                auc=0.97 - 0.03 * k,
                low=0.95 - 0.03 * k,
                high=0.98 - 0.03 * k,
                iou=0.3 - 0.02 * k,
                iou_most=0.6 - 0.03 * k,
                colour=0.55 + 0.02 * k,
                untrained=0.6,
                p=0.002 * (k + 1),
                q=0.004 * (k + 1),
                answer="yes" if k < 7 else "plain" if k < 9 else "no",
                reason="" if k < 7 else "colour alone tells it as well",
            )
            for k, c in enumerate(concepts)
        ),
        "over_units": {
            c: Line(x=(1, 2, 4, 8, 16), y=tuple(1 - (0.05 + 0.05 * k) / (1 + j) for j in range(5)))
            for k, c in enumerate(concepts[:6])
        },
        "losses": {
            "epoch": x,
            "train": tuple(2 * fall + 0.1),
            "validation": tuple(2 * fall + 0.2),
            "train accuracy": tuple(1 - 0.8 * fall),
            "validation accuracy": tuple(0.95 - 0.75 * fall),
        },
        "confusion": Confusion(classes=classes, counts=counts),
        "damage": tuple(
            DamageCurve(layer=layer, order=order, fill=fill, line=damaged(layer, order))
            for layer in steep
            for order in ("best first", "random")
            for fill in ("zero", "mean")
        ),
        "chance": 1 / len(classes),
        "lesions": (
            ClassLesions(
                units=tuple(f"features.3/{k}" for k in range(32)),
                classes=classes,
                values=np.minimum(draw.normal(-0.01, 0.03, (32, len(classes))), 0.06) - hit,
            ),
            ClassLesions(
                units=tuple(f"features.3/{k}" for k in range(32)),
                classes=classes,
                fill="mean",
                values=0.5 * (np.minimum(draw.normal(-0.01, 0.03, (32, len(classes))), 0.06) - hit),
            ),
        ),
        "invariance": Invariances(
            curves=tuple(
                InvarianceCurve(change=change, layer=layer, amount=amount, line=alike(rate * (1 + n / 2)))
                for n, (change, amount) in enumerate(changes_by.items())
                for layer, rate in rates.items()
            ),
            answers=tuple(
                ChangedAnswers(change=change, amount=amount, right=alike(0.05 * (n + 1)), same=alike(0.04 * (n + 1)))
                for n, (change, amount) in enumerate(changes_by.items())
            ),
            pooling=("features.2 (MaxPool2d) leaves of the change in features.1, on average: translation 0.81",),
        ),
        "attributions": tuple(explained(i) for i in (0, 3, 7)),
        "readable": ReadableModel(
            classes=classes, weights=draw.normal(0, 1, (len(classes), 3, 64, 64)), accuracy=0.41, network=0.94
        ),
        "probes": Probes(
            layers=("pixels", *SITES),
            accuracy=(0.41, 0.55, 0.78, 0.93, 0.94),
            low=(0.38, 0.52, 0.75, 0.91, 0.92),
            high=(0.44, 0.58, 0.81, 0.95, 0.96),
            network=0.94,
        ),
        "snapshots": tuple(
            Snapshot(
                step=step,
                accuracy=0.2 + 0.1 * n,
                loss=2 - 0.2 * n,
                filters=first * n / 7 + draw.normal(0, 0.4, (16, 3, 12, 12)) * (1 - n / 7),
                dead={"features.0": n // 3, "features.3": n // 2},
                sparsity={"features.0": 0.3 + 0.02 * n, "features.3": 0.4 + 0.05 * n},
                concepts={c: 0.5 + 0.06 * n - 0.01 * k for k, c in enumerate(concepts[:5])},
            )
            for n, step in enumerate((0, 10, 30, 100, 300, 1000, 3000, 6000))
        ),
        "backquery": Backquery(
            labels=tuple("0123456789"),
            maps=np.clip(draw.normal(0.5, 0.2, (10, 28, 28)), 0.01, 0.99),
            answers=np.eye(10) * 0.9 + 0.03,
        ),
    }
    return PictureRunPage(**(made | changes))
