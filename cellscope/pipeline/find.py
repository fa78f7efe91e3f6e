"""From a network and a text to findings, with the untrained control beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from cellscope.axes import Site
from cellscope.count import LEAD, count
from cellscope.data.corpora import resolve
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, hear
from cellscope.evidence.probing import BLOCKS
from cellscope.evidence.verdicts import Evidence
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.observe import Progress, Source
from cellscope.pipeline.bases import Choice, choice_of
from cellscope.pipeline.kept import once, place
from cellscope.pipeline.networks import open_network
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.training import run_corpus
from cellscope.pipeline.untrained import SEED as SEED
from cellscope.pipeline.untrained import untrained_scores
from cellscope.training.run import RUNS, RunFolder

STRETCH = 2**20
"""Characters that are labelled at a time."""


def search(
    network: Network,
    corpus: Corpus,
    features: Sequence[Feature],
    *,
    sites: tuple[Site, ...] = (),
    characters: int | None = None,
    exact: bool = False,
    control: Path | None = None,
    bases: Sequence[Basis] = (),
    basis: Choice | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Findings:
    """Every unit of `sites` (default: hidden and cell of every layer) against every feature, with the evidence.

    `characters` limits the search to the end of the text, where what was held back from training lies. `control` is a
    folder in which the scores of the untrained network are kept, so that they are made once, and what was found. With
    `bases`, learnt as `basis` says, their components are searched in place of the units; that is not kept.
    """
    sites = sites or choose_sites(network.module)
    start = max(0, len(corpus) - characters) if characters else 0
    path = None
    if control is not None and basis is None:
        path = place(control, network, corpus, features, sites, start=start, exact=exact, seed=seed)

    def made() -> Findings:
        untrained = untrained_scores(
            network, corpus, features, sites, folder=control, basis=basis, seed=seed, progress=progress
        )
        searched = tuple(b.site for b in bases) or sites
        with hear(network, corpus, searched, bases, exact=exact) as source:
            # Directions were fitted to the even ones of so many blocks, and are judged on the odd ones of the same.
            blocks = BLOCKS if basis is not None else None
            counts = count(source, corpus, features, start=start, seed=seed, blocks=blocks, progress=progress)
        return judge(counts, untrained=untrained)

    return once(path, features, made)


@dataclass(frozen=True)
class Search:
    """What one call of find was about and what it found: the pages and tables are made from this alone.

    In the place of a network there may be an array that was recorded elsewhere.
    """

    network: Network | Recorded
    run: RunFolder | None
    corpus: Corpus
    findings: Findings
    bases: tuple[Basis, ...] = ()

    @property
    def caveats(self) -> list[str]:
        """What weakens findings on directions that were made elsewhere."""
        return [caveat for basis in self.bases for caveat in basis.caveats]

    @contextmanager
    def source(self) -> Iterator[Source]:
        """What the searched units do, to be heard again."""
        if isinstance(self.network, Recorded):
            yield self.network.source()
            return
        sites = tuple(dict.fromkeys(unit.site for unit in self.findings.units))
        with hear(self.network, self.corpus, sites, self.bases) as source:
            yield source

    def about(self) -> dict[str, Any]:
        """What was searched, as JSON says it before anything else."""
        return {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "corpus": self.corpus.name,
            "basis": self.bases[0].site.stream if self.bases else None,
            "characters": self.findings.characters,
            "seed": self.findings.counts.seed,
            "shifts": self.findings.draws,
        }

    def json(self, *, at: float = 0.9) -> str:
        """The evidence for every feature as JSON; keys are stable, numbers that do not exist are null."""
        content = {
            **self.about(),
            "summary": summarised(self.findings, at, "features"),
            "features": [said(e) for e in self.findings.evidence],
        }
        return json.dumps(content, indent=1, ensure_ascii=False)


def said(e: Evidence) -> dict[str, Any]:
    """The evidence for one feature, with what it amounts to, as JSON has it."""
    told: dict[str, Any] = clean({**e.figures(), "found": e.found, "plain": e.plain, "verdict": e.verdict})
    return told


def summarised(findings: Findings, at: float, features: str) -> dict[str, Any]:
    """The summary line as figures; `features` is what the subject calls them."""
    units, tracked = findings.tracking(at)
    return {
        "at": at, "units_tracking": units, "units": len(findings.units), f"{features}_tracked": tracked,
        features: len(findings.features), "text": findings.summary(at),
    }  # fmt: skip


def clean(value: Any) -> Any:
    """The same content with NaN and infinities as None, so that it is JSON."""
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def find_in(
    run: str | Path | None = None,
    *,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    streams: str | None = None,
    sites: tuple[Site, ...] = (),
    characters: int = 0,
    exact: bool = False,
    basis: str | Choice | None = None,
    components: int | None = None,
    runs: Path = RUNS,
    which: str = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Search:
    """Search a run (the latest by default) or somebody's model, in its own text or in `text`.

    `sites` or `streams` say what is heard. With `basis`, the components of the sites stand in place of their units.
    """
    choice = choice_of(basis, components)
    features = select(asked, files)
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    corpus = open_text(network, folder, text, encoding=encoding, as_bytes=as_bytes)
    sites = sites or choose_sites(network.module, None if streams is None else streams.split(","))
    start = max(0, len(corpus) - characters) if characters else 0
    if asked or files:
        settle(features, corpus, start)
    bases: tuple[Basis, ...] = ()
    if choice is not None:
        bases = choice.learn(network, corpus, sites, features, start=start, seed=seed, exact=exact, progress=progress)
    control = folder.path / "control" if folder is not None else None
    findings = search(
        network,
        corpus,
        features,
        sites=sites,
        characters=characters or None,
        exact=exact,
        control=control,
        bases=bases,
        basis=choice,
        seed=seed,
        progress=progress,
    )
    return Search(network, folder, corpus, findings, bases)


def settle(features: Sequence[Feature], corpus: Corpus, start: int) -> None:
    """InputError where a feature that was asked for matches nothing or everything from `start` on: said before anything
    is heard.
    """
    from cellscope.features.coverage import Coverage
    from cellscope.features.labeller import Labeller

    spans = [f for f in features if f.kind == "span"]
    lead = max(0, start - LEAD)  # as the search reads it, so that both know what is open at `start`
    text = corpus.part(lead, len(corpus)) if lead else corpus
    labeller, coverage = Labeller(spans, text), Coverage(spans)
    borders = [*range(0, start - lead, STRETCH), *range(start - lead, len(text), STRETCH), len(text)]
    for at, to in pairwise(borders if spans else []):
        labels = labeller.read(at, to)
        if at >= start - lead:
            coverage.add(labels)
    try:
        coverage.settle([f.name for f in spans], empty=labeller.empty())
    except InputError as error:
        raise InputError(f"{error}; this was {corpus.name}") from None


def open_text(
    network: Network | None,
    folder: RunFolder | None,
    text: str | Path | None,
    *,
    encoding: str = "utf-8",
    as_bytes: bool = False,
) -> Corpus:
    """The text that was named, or the one that the run was trained on; as bytes to a network that knows bytes."""
    if text is not None:
        as_bytes = as_bytes or (network is not None and network.vocabulary.kind == "bytes")
        return Corpus.open(resolve(str(text)), encoding=encoding, as_bytes=as_bytes)
    if folder is None:
        raise InputError("which text? give --text FILE: a model that is not a run has none of its own")
    return run_corpus(folder)
