"""From the snapshots of a run to how its units came to track features."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.data.text import Corpus
from cellscope.errors import InputError, not_found
from cellscope.evidence.formation import Formation
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.models.network import Network
from cellscope.pipeline.find import SEED, clean, open_text
from cellscope.pipeline.follow import Follower
from cellscope.pipeline.lesions import SHORTEST, present
from cellscope.training.run import RUNS, RunFolder, latest_run, load_network, open_run

CHARACTERS = 200_000
"""Characters on which units are chosen and judged, before those that are read under lesions."""
LESIONED = 20_000
"""Characters at the end of the text that are read under lesions, and on which activations are compared."""


@dataclass(frozen=True)
class Formed:
    """What a run's snapshots say: one formation a feature; and, for the pages, activations on the end of the text.

    asked  features that were asked for by name, and snapshots (`steps`); none where it was all of them
    heard  {(step, unit): float16 [position]} of the units that are shown, from position `start` of the corpus on
    """

    run: RunFolder
    network: Network
    corpus: Corpus
    formations: tuple[Formation, ...]
    features: tuple[Feature, ...]
    heard: Mapping[tuple[int, Unit], NDArray[np.float16]]
    start: int
    asked: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()

    def json(self) -> str:
        """Everything as JSON; numbers that do not exist are null."""
        content = {
            "cellscope": version("cellscope"),
            "run": self.run.name,
            "corpus": self.corpus.name,
            "features": [formation.figures() for formation in self.formations],
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def formation_in(
    run: str | Path | None = None,
    *,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    steps: Sequence[int] = (),
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    characters: int = CHARACTERS,
    runs: Path = RUNS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Formed:
    """Follow the features that were asked for, or those that the last snapshot tracks, through the snapshots of a run
    (the latest by default).
    """
    folder = open_run(run, runs) if run is not None else latest_run(runs)
    chosen = snapshots_of(folder, steps)
    last = load_network(folder, which=chosen[-1])
    corpus = open_text(last, folder, text, encoding=encoding, as_bytes=as_bytes)
    if len(corpus) < 2 * SHORTEST:
        raise InputError(f"{corpus.name} has {len(corpus):,} characters, and {2 * SHORTEST:,} are needed; give more")
    start = len(corpus) - min(LESIONED, len(corpus) // 4)
    features = select(asked, files)
    spans = [f for f in features if f.kind == "span"]
    if spans and (asked or files):
        present(corpus, spans, start, asked=True, fixed=True)
    follower = Follower(folder, corpus, start, min(characters, start), seed)
    stages, followed, heard = follower.follow(features, chosen, asked=bool(asked or files), progress=progress)
    made = tuple(
        Formation(f.name, f.kind, own, follower.characters, len(corpus) - start, seed)
        for f, own in zip(followed, stages, strict=True)
    )
    names = tuple(f.name for f in features) if asked or files else ()
    return Formed(folder, last, corpus, made, followed, heard, start, names, tuple(chosen) if steps else ())


def snapshots_of(run: RunFolder, steps: Sequence[int] = ()) -> list[int]:
    """The steps of the run's snapshots, or those that were asked for; errors say which there are."""
    there = run.snapshots()
    if len(there) < 2:
        raise InputError(
            f"run {run.name} has {len(there)} snapshot{'s' * (len(there) != 1)}, and formation needs two: "
            "runs that were trained here keep them, networks that were adopted have none"
        )
    for step in steps:
        if step not in there:
            raise not_found(f"snapshot in run {run.name}", str(step), [str(s) for s in there])
    chosen = sorted(set(steps)) or there
    if len(chosen) < 2:
        raise InputError("formation compares snapshots; give --at for two of them at least, or leave it out")
    return chosen
