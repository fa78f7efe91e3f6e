"""From a run and a text to the probes of its features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellscope.data.text import Corpus
from cellscope.evidence.probes import CRITERION, Probes
from cellscope.evidence.probing import DRAWS, probe
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, Progress
from cellscope.pipeline.find import SEED, clean, open_text, settle
from cellscope.pipeline.networks import open_network
from cellscope.training.run import RUNS, RunFolder


@dataclass(frozen=True)
class Probed:
    """What one call of probe was about, and what it found."""

    network: Network
    run: RunFolder | None
    corpus: Corpus
    features: tuple[Any, ...]
    found: Probes

    def json(self) -> str:
        """Every curve with its verdict; keys are stable, numbers that do not exist are null."""
        found = self.found
        content = {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "corpus": self.corpus.name,
            "sites": {str(site): size for site, size in found.sites.items()},
            "criterion": CRITERION,
            **{name: getattr(found, name) for name in
               ("characters", "stride", "choosing", "reporting", "draws", "seed")},
            "features": [p.figures() for p in found.probes],
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
    runs: Path = RUNS,
    which: str = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Probed:
    """Probe all units of a run (the latest by default) or somebody's model, on its own text or on `text`."""
    features = select(asked, files)
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    corpus = open_text(network, folder, text, encoding=encoding, as_bytes=as_bytes)
    sites = choose_sites(network.module, None if streams is None else streams.split(","))
    start = max(0, len(corpus) - characters) if characters else 0
    if asked or files:
        settle(features, corpus, start)
    with NetworkSource(network, corpus, sites) as source:
        found = probe(source, corpus, features, start=start, seed=seed, draws=draws, progress=progress)
    return Probed(network, folder, corpus, tuple(sorted(features, key=lambda f: f.kind != "span")), found)
