"""What the parts of the proof work on: the demonstration's text, a network trained on it, and what its units did."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.data.corpora import FOLDER
from cellscope.data.text import Corpus
from cellscope.hooks.sites import choose_sites
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.demo import demo_text, finished, latest_demo, session
from cellscope.pipeline.find import open_text
from cellscope.pipeline.networks import open_network
from cellscope.training.run import RUNS, RunFolder

HOME = Path(__file__).resolve().parents[2]
KEPT = HOME / ".cache" / "benchmarks" / "truth"
MINUTES = 2.0
"""How long a network is trained where the demonstration has left none."""
RECORDED = 300_000
SEED = 123


def run_folder() -> RunFolder:
    """The run of the demonstration, or one that is trained here and kept."""
    for runs in (HOME / RUNS, KEPT):
        run = latest_demo(runs)
        if run is not None and finished(run):
            return run
    print(f"no finished run of the demonstration: training one for {MINUTES:g} minutes", file=sys.stderr)
    work = session(demo_text(HOME / FOLDER), runs=KEPT, minutes=MINUTES)
    assert work is not None
    work.train()
    return work.run


@cache
def trained() -> tuple[Network, Corpus]:
    """The trained network and its text."""
    run = run_folder()
    network, folder = open_network(run.path)
    return network, open_text(network, folder, None)


def record(network: Network, corpus: Corpus, sites: tuple[Site, ...]) -> NDArray[np.float32]:
    """What every unit did on every character, float32 [position, unit]; by the lanes of a search."""
    kept = np.empty((len(corpus), 0), np.float32)
    with NetworkSource(network, corpus, sites) as source:
        kept = np.empty((len(corpus), sum(source.sizes.values())), np.float32)
        for part in rounds(len(corpus)):
            for chunk in source.play(part)[1]:
                rows = chunk.positions[None, :] + np.arange(chunk.steps)[:, None]
                kept[rows] = np.concatenate([chunk.values[site] for site in sites], axis=2)
    return kept


@cache
def recorded() -> tuple[str, NDArray[np.float32]]:
    """The end of the text and what 48 units of the trained network, drawn by chance, did on it; kept on disk."""
    network, corpus = trained()
    start = max(0, len(corpus) - RECORDED)
    path = KEPT / f"recorded-{corpus.digest[:12]}-{run_folder().name}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        values = record(network, corpus.part(start, len(corpus)), choose_sites(network.module))
        units = np.sort(np.random.default_rng(SEED).permutation(values.shape[1])[:48])
        part = path.with_suffix(".part.npy")
        np.save(part, values[:, units])
        part.replace(path)
    return corpus.text(start, len(corpus)), np.load(path, mmap_mode="r", allow_pickle=False)
