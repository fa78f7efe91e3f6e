"""Probes of all library features against the search for them, on the same text."""

from __future__ import annotations

import statistics

from find import CHARACTERS, PAIRS, search, timed
from texts import code
from trained import network

from cellscope.data.text import Corpus
from cellscope.evidence.probes import Probes
from cellscope.evidence.probing import probe
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites
from cellscope.observe import NetworkSource

REACH = 1.5


def probes(corpus: Corpus, names: list[str], streams: list[str]) -> Probes:
    """What `probe` does with a text."""
    net = network()
    with NetworkSource(net, corpus, choose_sites(net.module, streams)) as source:
        return probe(source, corpus, select(names))


def rows() -> list[tuple[str, str, str, bool]]:
    """The median ratio of probes to search."""
    corpus, streams = code(CHARACTERS), ["h", "c"]
    short = corpus.part(0, 100_000)
    search(short, [], streams)
    probes(short, [], streams)
    ratios = []
    for _ in range(PAIRS):
        base = timed(lambda: search(corpus, [], streams))
        ratios.append(timed(lambda: probes(corpus, [], streams)) / base)
    value = statistics.median(ratios)
    measured = f"{value:.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
    what = "`probe`, all library features, h and c, against `find` of the same"
    return [(what, f"<= {REACH}x", measured, value <= REACH)]
