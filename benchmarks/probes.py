"""Probes of all library features against the search for them, on the same text; peak memory on a long text and a short
one.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from find import CHARACTERS, PAIRS, network, search, timed
from texts import code, repeated

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


def peak(characters: int) -> float:
    """Peak memory in MB of the probes of url, h, in a process of its own."""
    made = subprocess.run(
        [sys.executable, __file__, str(repeated(characters))], capture_output=True, text=True, check=True
    )
    return float(made.stdout)


def rows() -> list[dict[str, object]]:
    """The probes' bars."""
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
    print("probes against find:", measured, file=sys.stderr)
    small, large = peak(1_000_000), peak(20_000_000)
    return [
        {
            "what": "`probe`, all library features, h and c, against `find` of the same",
            "reach": f"<= {REACH}x", "measured": measured, "ok": value <= REACH,
        },
        {
            "what": "peak memory of `probe`, 20 MB of text against 1 MB", "reach": "<= 1.1x",
            "measured": f"{large / small:.2f}x ({small:,.0f} MB, {large:,.0f} MB)", "ok": large / small <= 1.1,
        },
    ]  # fmt: skip


if __name__ == "__main__":
    probes(Corpus.open(sys.argv[1]), ["url"], ["h"])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
