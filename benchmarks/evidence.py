"""What evidence takes: the time of `explain`, causes included, and the memory of probes, lesions and kinds.

The unit that is explained is one of a trained 1x256 LSTM, in a part of the demonstration's text as long as the
demonstration searches. Memory is that of a process of its own, over a long text and over a short one.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from command import seconds
from lesions import lesions
from probes import probes
from texts import KEPT, repeated
from trained import NAME, network

from cellscope.axes import Site, Unit
from cellscope.cli.demo import CHARACTERS
from cellscope.data.text import Corpus
from cellscope.evidence.lesions import lesion_changes
from cellscope.evidence.portraits import Stretch, kinds_of
from cellscope.features.library import select
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.demo import demo_text

SHORT, LONG = 2_000_000, 20_000_000
SHARE = 10
"""Lesions, which go step by step, read so much less: the last tenth of either text."""
UNIT = "lstm.0:cell/7"
SECONDS, FLAT = 60, 1.1
Row = tuple[str, str, str, bool | None]


def explained() -> list[Row]:
    """Two explanations of one unit: with the search and its untrained control, and after a search that is kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = Corpus.open(demo_text(KEPT))
        (folder / "text.txt").write_text(corpus.text(max(0, len(corpus) - CHARACTERS), len(corpus)), "utf-8")
        network()
        shutil.copytree(KEPT / NAME, folder / "runs" / NAME)
        whole, after = (seconds("explain", NAME, UNIT, "--text", "text.txt", folder=folder) for _ in range(2))
    what = f"`explain` of a unit, causes and page included, {CHARACTERS:,} characters, 1x256, all library features"
    return [
        (f"{what}; the search and its control included", f"<= {SECONDS} s", f"{whole:.0f} s", whole <= SECONDS),
        ("  the same after a search that is kept", f"<= {SECONDS} s", f"{after:.0f} s", after <= SECONDS),
    ]


def probed(corpus: Corpus) -> None:
    """The probes of url."""
    probes(corpus, ["url"], ["h"])


def lesioned(corpus: Corpus) -> None:
    """One lesion, and what it costs inside url."""
    lesion_changes(network(), corpus, select(["url"]), lesions()[:1], start=len(corpus) - len(corpus) // SHARE)


def told_kinds(corpus: Corpus) -> None:
    """The kind of every cell at url."""
    site, (url,) = Site("lstm.0", "cell"), select(["url"])
    plans = {Unit(site, k): (url, 0) for k in range(256)}
    with NetworkSource(network(), corpus, (site,)) as source:
        kinds_of(source, corpus, plans, stretch=Stretch.of(rounds(len(corpus))))


JOBS = {"probes": probed, "lesions (of the last tenth)": lesioned, "kinds": told_kinds}


def peak(job: str, characters: int) -> float:
    """Peak memory in MB of a job over so much text, in a process of its own: the middle of three, which differ by some
    percent.
    """
    command = [sys.executable, __file__, job, str(repeated(characters))]
    run = partial(subprocess.run, command, stdout=subprocess.PIPE, text=True, check=True)
    return statistics.median(float(run().stdout) for _ in range(3))


def rows() -> list[Row]:
    """The bars of evidence."""
    out = explained()
    for job in JOBS:
        small, large = peak(job, SHORT), peak(job, LONG)
        what = f"peak memory of {job}, {LONG // 10**6} MB of text against {SHORT // 10**6} MB"
        measured = f"{large / small:.2f}x ({small:,.0f} MB, {large:,.0f} MB)"
        out.append((what, f"<= {FLAT}x", measured, large / small <= FLAT))
    return out


if __name__ == "__main__":
    JOBS[sys.argv[1]](Corpus.open(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
