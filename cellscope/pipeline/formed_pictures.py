"""How a network for pictures formed: its snapshots on the same pictures, layer by layer and concept by concept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.count_pictures import count_pictures
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.evidence.formation import Formation as UnitFormation
from cellscope.features.concepts import Concept, concepts_of
from cellscope.findings import Findings
from cellscope.hooks.outlets import choose_outlets
from cellscope.judge import judge
from cellscope.models.classifier import Classifier
from cellscope.pipeline.classifiers import load_classifier
from cellscope.pipeline.find_pictures import untrained_bars
from cellscope.pipeline.followed_concepts import followed_concepts
from cellscope.pipeline.picture_pages.words import header_of
from cellscope.report.files import plain
from cellscope.report.picture_contents import PictureHeader
from cellscope.training.run import RunFolder
from cellscope.vision.formation import Formation, formation
from cellscope.vision.labelled import sample

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FormedPictures:
    """What the layers were like at every snapshot, and how well the units told the concepts.

    best      float64 [step, concept]: the score of the unit that is the best then, on pictures it was not chosen on
    followed  float64 [step, concept]: that of `units`, the best ones of the last snapshot, in their last direction
    Scores are AUC of masks and classes, rank correlation of columns; NaN where a concept could not be judged.
    formations  the same for each concept that could be judged, with what is found and whether it is one signal
    """

    run: str
    images: str
    layers: Formation
    concepts: tuple[str, ...]
    units: tuple[Unit | None, ...]
    best: Floats
    followed: Floats
    header: PictureHeader
    formations: tuple[UnitFormation, ...] = ()

    @property
    def sentence(self) -> str:
        """What became of the network, in words."""
        last = self.layers
        told = "" if np.isnan(last.accuracy[-1]) else (
            f"accuracy goes from {last.accuracy[0]:.3f} at step {last.steps[0]:,} to {last.accuracy[-1]:.3f} at step "
            f"{last.steps[-1]:,}; "
        )  # fmt: skip
        clear = int((self.followed[-1] >= 0.9).sum())
        return (
            f"{told}{int(last.dead_counts[-1].sum())} of {sum(o.units for o in last.outlets)} units are dead at the "
            f"end; {clear} of {len(self.concepts)} concepts have a unit with a score of .9 or more"
        )

    def layer_rows(self) -> list[tuple[str, ...]]:
        """Step, layer, dead units, zeros, density, locality: a line each, in words."""
        f = self.layers
        return [
            (f"{step:,}", str(o.site), str(int(f.dead[s][k].sum())), *(f"{v[k, s]:.3f}" for v in _columns(f)))
            for s, o in enumerate(f.outlets)
            for k, step in enumerate(f.steps.tolist())
        ]

    def concept_rows(self) -> list[tuple[str, ...]]:
        """Concept, the last snapshot's unit, and that unit's score at every step."""
        order = np.argsort(-np.nan_to_num(self.followed[-1], nan=-1.0), kind="stable").tolist()
        return [
            (self.concepts[c], str(self.units[c] or "-"), *(_said(v) for v in self.followed[:, c].tolist()))
            for c in order
        ]

    def json(self) -> str:
        """All of it; keys are stable, numbers that do not exist are null."""
        f = self.layers
        made: dict[str, Any] = {
            "run": self.run, "images": self.images, "pictures": f.pictures, "seed": f.seed,
            "sentence": self.sentence, "steps": f.steps, "accuracy": f.accuracy,
            "layers": [
                {"site": str(o.site), "units": o.units, "dead": f.dead_counts[:, s], "zeros": f.zeros[:, s],
                 "density": f.density[:, s], "locality": f.locality[:, s], "flat": f.flat[s]}
                for s, o in enumerate(f.outlets)
            ],
            "filters": None if f.settled is None else {"site": str(f.filter_site), "settled": f.settled},
            "concepts": [
                {"concept": name, "unit": str(self.units[c]) if self.units[c] else None, "best": self.best[:, c],
                 "followed": self.followed[:, c]}
                for c, name in enumerate(self.concepts)
            ],
            "formations": [one.figures() for one in self.formations],
        }  # fmt: skip
        return json.dumps(plain(made), ensure_ascii=False, allow_nan=False, indent=1)


def formed_pictures(
    run: RunFolder, images: ImageSet, *, sites: Sequence[str] = (), concepts: Sequence[Concept] = (),
    snapshots: int = 16, most: int = 400, evidence: bool = True, seed: int = 0, progress: Progress | None = None,
) -> FormedPictures:  # fmt: skip
    """Some of the snapshots of a run, evenly spread over those that were kept, on the same pictures.

    Every snapshot is shown the same pictures, at most `most`. Without `evidence` units are scored, and it is not asked
    whether they are findings. InputError for a run with one snapshot.
    """
    known = run.snapshots()
    if len(known) < 2:
        raise InputError(f"run {run.name} kept {len(known)} snapshots; two are needed to see it form")
    if snapshots < 2:
        raise InputError(f"{snapshots} snapshots; take 2 or more")
    chosen = sorted({known[round(k)] for k in np.linspace(0, len(known) - 1, min(snapshots, len(known)))})
    networks = [(step, load_classifier(run, which=step)) for step in chosen]
    layers = formation(networks, images, sites=sites, most=most, seed=seed, progress=progress)
    own = tuple(concepts) or concepts_of(images)
    some = images.take(sample(len(images), most, seed))
    found = _search(run, networks, some, sites, own, seed, evidence, progress) if own else []
    names = tuple(e.feature for e in found[-1].evidence) if found else ()
    units = tuple(None if e.remark else e.unit for e in found[-1].evidence) if found else ()
    best = np.array([[np.nan if e.remark else e.score for e in one.evidence] for one in found])
    followed = np.array([_followed(one, found[-1]) for one in found])
    shape = len(chosen), len(names)
    header = header_of(networks[-1][1], images.name, len(some), seed)
    formations = followed_concepts(networks, some, found) if found and evidence else ()
    return FormedPictures(
        run.name, images.name, layers, names, units, best.reshape(shape), followed.reshape(shape), header, formations
    )


def _search(
    run: RunFolder, networks: Sequence[tuple[int, Classifier]], images: ImageSet, sites: Sequence[str],
    concepts: Sequence[Concept], seed: int, evidence: bool, progress: Progress | None,
) -> list[Findings]:  # fmt: skip
    """Every unit of every snapshot against every concept; the untrained control is one for all of them."""
    last = networks[-1][1]
    chosen = choose_outlets(last.module, last.example, sites)
    control = run.path / "control"
    bars = untrained_bars(last, images, chosen, concepts, folder=control, seed=seed) if evidence else None
    made = []
    for number, (step, network) in enumerate(networks, 1):
        own = choose_outlets(network.module, network.example, sites)
        counts = count_pictures(network, images, own, concepts, seed=seed, evidence=evidence)
        made.append(judge(*counts, untrained=bars))
        if progress:
            progress(number, len(networks), f"concepts at step {step:,}")
    return made


def _followed(now: Findings, last: Findings) -> list[float]:
    """The score, at this snapshot, of each concept's best unit of the last one, in the direction that it has there."""
    made = []
    for c, e in enumerate(last.evidence):
        if e.unit is None or e.remark or now.evidence[c].remark:
            made.append(float("nan"))
            continue
        unit = now.units.index(e.unit)
        span = e.kind == "span"
        score, sign = float(now.scores["auc" if span else "rank_r"][c, unit]), now.scores["sign"][c, unit]
        same = sign == e.sign or np.isnan(sign)
        made.append(score if same else 1 - score if span else -score)
    return made


def _columns(f: Formation) -> tuple[Floats, Floats, Floats]:
    return f.zeros, f.density, f.locality


def _said(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"
