"""From a run and a text to the probes of its features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.bases import held_in
from cellscope.evidence.curves import LARGEST, LASSO
from cellscope.evidence.needs import Need
from cellscope.evidence.probes import Probes, criterion
from cellscope.evidence.probing import DRAWS, judged, measure
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, Progress
from cellscope.pipeline.find import SEED, clean, open_text, settle
from cellscope.pipeline.lesion_directions import axes_of, planned_directions
from cellscope.pipeline.lesions import DRAWS as LESIONS
from cellscope.pipeline.lesions import Subject, present, split, subject_of
from cellscope.pipeline.networks import open_network
from cellscope.pipeline.saved import Fitted, beside, save_fitted
from cellscope.training.run import RUNS, RunFolder

LESIONED = 50_000
"""Characters that are read with a direction held; nothing was fitted to them."""
SHORTEST = 512
"""Fewer characters than this leave a probe no blocks to choose and to report on."""


@dataclass(frozen=True)
class Probed:
    """What one call of probe was about, and what it found."""

    network: Network
    run: RunFolder | None
    corpus: Corpus
    features: tuple[Any, ...]
    found: Probes
    lesions: tuple[Need, ...] = ()
    asked: tuple[str, ...] = ()
    """Features that were asked for by name; none where it was all of them."""

    def json(self) -> str:
        """Every curve with its verdict; keys are stable, numbers that do not exist are null."""
        found = self.found
        content = {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "corpus": self.corpus.name,
            "sites": {str(site): size for site, size in found.sites.items()},
            "criterion": criterion(),
            "forward_selection_up_to": LARGEST,
            "lasso_up_to": LASSO,
            **{name: getattr(found, name) for name in
               ("characters", "stride", "choosing", "reporting", "draws", "seed")},
            "features": [p.figures() for p in found.probes],
            "lesions": [need.figures() for need in self.lesions],
        }  # fmt: skip
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def probe_in(
    run: str | Path | None = None,
    *,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    streams: str | None = None,
    characters: int = 0,
    draws: int = DRAWS,
    lesion: bool = False,
    save: Path | None = None,
    runs: Path = RUNS,
    which: str = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Probed:
    """Probe all units of a run (the latest by default) or somebody's model, on its own text or on `text`.

    With `lesion`, each direction is also held at its mean while the network reads the last LESIONED characters, and the
    probes come from the text before them. With `save`, the direction of one feature in one stream is kept as a file.
    """
    if lesion and not (asked or files):
        raise InputError("--lesion holds the direction of a feature; name one, as in --feature url")
    features = select(asked, files)
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    corpus = open_text(network, folder, text, encoding=encoding, as_bytes=as_bytes)
    sites = choose_sites(network.module, None if streams is None else streams.split(","))
    stop = split(corpus, LESIONED) if lesion else len(corpus)
    start = max(0, stop - characters) if characters else 0
    if stop - start < SHORTEST:
        raise InputError(f"{corpus.name} has {stop - start:,} characters to probe; {SHORTEST} are needed: give more")
    if asked or files:
        settle(features, corpus, start)
    if lesion or save is not None:
        held_in(sites)
    if save is not None:
        _savable(save, asked, files)
    if lesion:
        present(corpus, features, stop, asked=True, fixed=True)
    read = corpus.part(0, stop)
    with NetworkSource(network, read, sites) as source:
        measured = measure(source, read, features, start=start, seed=seed, progress=progress)
    found = judged(measured, draws, progress)
    if save is not None:
        if not found.probes[0].rungs:
            raise InputError(f"no direction to keep: {found.probes[0].remark}")
        what = Fitted(features[0].name, str(sites[0]), corpus.name, corpus.digest, start, stop)
        save_fitted(save, found.weights[0], what)
    told: tuple[Need, ...] = ()
    if lesion:
        kept = [f for f in features if f.name in found.directions().names]
        subject = subject_of(network, folder, corpus, kept, sites, characters=LESIONED, asked=True, progress=progress)
        told = tuple(_without(subject, found, at, seed, progress) for at in range(len(kept)))
    names = tuple(f.name for f in features) if asked or files else ()
    return Probed(network, folder, corpus, measured.features, found, told, names)


def _without(subject: Subject, found: Probes, at: int, seed: int, progress: Progress | None) -> Need:
    """What the network loses on one feature of the subject without the direction that was probed for it."""
    feature = subject.features[at]
    own = replace(subject, features=(feature,), moments=subject.moments.take([at]))
    basis = found.directions()
    span = {basis.stream: axes_of([basis.held(basis.names.index(feature.name), 0.0)[0]])}
    plan = planned_directions(
        own, span, f"{basis.site}/{feature.name}", fill="mean", draws=LESIONS, deep=True, seed=seed
    )
    return plan.needs(own, progress=progress)[0]


def _savable(path: Path, asked: Sequence[str], files: Sequence[Path]) -> None:
    """InputError where no direction can be kept there: said before anything is heard."""
    if len(asked) != 1 or files:
        raise InputError("--save keeps the direction of one feature; name one, as in --feature url")
    if path.suffix.lower() != ".npy":
        raise InputError(f"{path} is no place for a direction; give a name that ends in .npy")
    for file in (path, beside(path)):
        if file.exists():
            raise InputError(f"{file} is there already; give another name, or move it away")
