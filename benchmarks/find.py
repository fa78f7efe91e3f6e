"""The search against the bare fused forward pass over the same text, and against recording everything for scikit-learn.

The search counts everything: labels, halves, intervals, the null and the text baselines; the untrained control is made
once for a run and kept, so it is not in the time. Ratios are medians over pairs that are run in turn.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from texts import code, repeated
from trained import network

from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.features.library import library, select
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites
from cellscope.judge import judge
from cellscope.models.char_rnn import CharRNN
from cellscope.observe import NetworkSource

CHARACTERS = 2_000_000
PAIRS = 3
SHORT = 500_000


def fused(corpus: Corpus, lanes: int, steps: int) -> float:
    """Seconds of the bare nn.LSTM (with its embedding) over the text, in lanes, nothing kept."""
    net = network()
    module = net.module
    assert isinstance(module, CharRNN)
    length = len(corpus) // lanes
    ids = torch.from_numpy(net.vocabulary.encode(corpus.codes(0, length * lanes))).view(lanes, length)
    state = None
    start = time.perf_counter()
    with torch.inference_mode():
        for at in range(0, length, steps):
            _, state = module.lstm(module.embedding(ids[:, at : at + steps]), state)
    return time.perf_counter() - start


def search(corpus: Corpus, names: list[str], streams: list[str]) -> Findings:
    """What `find` does with a text, without pages."""
    net = network()
    with NetworkSource(net, corpus, choose_sites(net.module, streams)) as source:
        return judge(count(source, corpus, select(names)))


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(names: list[str], streams: list[str], shape: tuple[int, int]) -> tuple[float, str]:
    """The median ratio of search to fused pass, and the range of the ratios."""
    corpus = code(CHARACTERS)
    ratios = []
    for _ in range(PAIRS):
        base = fused(corpus, *shape)
        ratios.append(timed(lambda: search(corpus, names, streams)) / base)
    return statistics.median(ratios), f"{min(ratios):.2f}-{max(ratios):.2f}"


def against_sklearn() -> tuple[float, float]:
    """How many times faster than recording everything and one roc_auc_score a unit and feature; the largest
    difference in AUC.
    """
    from sklearn.metrics import roc_auc_score

    from cellscope.features.labeller import Labeller

    corpus, net = code(SHORT), network()
    search(corpus, [], ["h"])
    ours = timed(lambda: search(corpus, [], ["h"]))
    found = search(corpus, [], ["h"])
    start = time.perf_counter()
    with NetworkSource(net, corpus, choose_sites(net.module, ["h"])) as source:
        kept = np.empty((len(corpus), 256), np.float32)
        blocks = np.empty(len(corpus), np.int64)
        from cellscope.observe import rounds

        for part in rounds(len(corpus), blocks=len(found.counts.tally.total)):
            for chunk in source.play(part)[1]:
                rows = chunk.positions[None, :] + np.arange(chunk.steps)[:, None]
                kept[rows] = next(iter(chunk.values.values()))
                blocks[rows] = chunk.blocks
    labels = Labeller([f for f in library() if f.kind == "span"], corpus).read(0, len(corpus)).spans
    recording = time.perf_counter() - start
    half = blocks % 2 == 1
    units, worst = (3, 77, 200), 0.0
    judged = [f for f in range(len(labels)) if not np.isnan(found.scores["auc"][f]).all()]
    start = time.perf_counter()
    theirs = {(f, u): roc_auc_score(labels[f][half], kept[half, u]) for f in judged for u in units}
    scoring = (time.perf_counter() - start) * 256 / len(units)
    for (f, u), auc in theirs.items():
        mine = found.scores["auc"][f, u]
        worst = max(worst, abs((mine if found.scores["sign"][f, u] > 0 else 1 - mine) - auc))
    return (recording + scoring) / ours, worst


def peak(characters: int) -> float:
    """Peak memory in MB of a search for url, h, in a process of its own."""
    made = subprocess.run(
        [sys.executable, __file__, str(repeated(characters))], capture_output=True, text=True, check=True
    )
    return float(made.stdout)


def rows() -> list[dict[str, object]]:
    """The search's bars."""
    corpus = code(SHORT)
    shapes = [(lanes, steps) for lanes in (64, 128, 256) for steps in (128, 256)]
    shape = min(shapes, key=lambda s: min(fused(corpus, *s) for _ in range(2)))
    print(f"fused pass at its best: {shape[0]} lanes of {shape[1]} steps", file=sys.stderr)
    out: list[dict[str, object]] = []
    for what, names, streams, reach in (
        ("`find --feature url`, h", ["url"], ["h"], 1.25),
        ("`find`, all library features, h", [], ["h"], 1.6),
        ("`find`, all library features, h and c", [], ["h", "c"], 2.2),
    ):
        search(corpus, names, streams)
        value, spread = ratio(names, streams, shape)
        measured = f"{value:.2f}x ({spread})"
        out.append(
            {
                "what": f"{what}, against the bare fused pass",
                "reach": f"<= {reach}x",
                "measured": measured,
                "ok": value <= reach,
            }
        )
        print(what, measured, file=sys.stderr)
    faster, worst = against_sklearn()
    out.append({
        "what": "`find` against recording everything and `roc_auc_score` per unit and feature",
        "reach": ">= 50x, AUC to 1e-3",
        "measured": f"{faster:,.0f}x, AUC to {worst:.1e}", "ok": faster >= 50 and worst <= 1e-3,
    })  # fmt: skip
    print(out[-1]["measured"], file=sys.stderr)
    small, large = peak(1_000_000), peak(100_000_000)
    measured = f"{large / small:.2f}x ({small:,.0f} MB, {large:,.0f} MB)"
    out.append(
        {
            "what": "peak memory of `find`, 100 MB of text against 1 MB",
            "reach": "<= 1.1x",
            "measured": measured,
            "ok": large / small <= 1.1,
        }
    )
    return out


if __name__ == "__main__":
    search(Corpus.open(sys.argv[1]), ["url"], ["h"])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
