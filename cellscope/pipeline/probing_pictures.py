"""From a network for pictures and a set of them to the probes of its concepts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.evidence.curves import LARGEST, LASSO
from cellscope.evidence.picture_probing import PictureProbes, probe_pictures
from cellscope.evidence.probes import criterion
from cellscope.evidence.probing import DRAWS
from cellscope.hooks.outlets import choose_outlets
from cellscope.models.classifier import Classifier
from cellscope.pipeline.find import SEED, clean
from cellscope.pipeline.find_pictures import select_concepts
from cellscope.training.run import RunFolder
from cellscope.vision.labelled import sample

ALL = "all"
"""What asks for all concepts of a set, unless one of them is called so."""
FEWEST = 8
"""Fewer pictures than this leave a probe no blocks to choose and to report on."""


@dataclass(frozen=True)
class PictureProbed:
    """What one call of probe was about, and what it found; `asked` are the concepts that were named, none where it was
    all, and `sites` the layers.
    """

    network: Classifier
    run: RunFolder | None
    images: ImageSet
    found: PictureProbes
    asked: tuple[str, ...]
    sites: tuple[str, ...]
    draws: int
    seed: int

    def json(self) -> str:
        """Every curve with its verdict, and for each concept what the best unit of each layer tells; keys are stable,
        numbers that do not exist are null.
        """
        first = self.found.found[0]
        content = {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "images": self.images.name,
            "pictures": len(self.images),
            "criterion": criterion(self.found.probes[0].terms),
            "forward_selection_up_to": LARGEST,
            "lasso_up_to": LASSO,
            "choosing": first.choosing,
            "reporting": first.reporting,
            "draws": self.draws,
            "seed": self.seed,
            "layers": {c.name: self.found.told(c.name) for c in self.found.concepts},
            "concepts": [p.figures() for p in self.found.probes],
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def probe_concepts(
    network: Classifier, run: RunFolder | None, images: ImageSet, *, asked: Sequence[str] = (),
    sites: Sequence[str] = (), most: int | None = None, draws: int = DRAWS, seed: int = SEED,
    progress: Progress | None = None,
) -> PictureProbed:  # fmt: skip
    """Probe the concepts that were asked for (`all` of them by default) in each of `sites`, or where nothing is named
    each in the layer of its best unit, on at most `most` pictures.
    """
    layers = choose_outlets(network.module, network.example, dict.fromkeys(sites))
    every = not asked or (ALL in asked and ALL not in images.mask_names + images.columns)
    concepts = select_concepts(images, () if every else asked)
    if not concepts:
        raise InputError(f"{images.name} has neither masks nor classes, so there is nothing to probe")
    shown = images if most is None else images.take(sample(len(images), most, seed))
    if len(shown) < FEWEST:
        raise InputError(f"{images.name} gives {len(shown)} pictures to probe; {FEWEST} are needed: give more")
    network.prepare(shown.pixels(slice(0, 1)))  # what does not fit is said of this network
    found = probe_pictures(
        network, shown, layers, concepts, each=bool(sites), seed=seed, draws=draws, progress=progress
    )
    names = () if every else tuple(c.name for c in concepts)
    return PictureProbed(network, run, shown, found, names, tuple(map(str, sites)), draws, seed)
