"""How fast the library labels texts, all features together and each by itself; files may be named as arguments."""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from cellscope.data.text import Corpus
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller
from cellscope.features.library import library

SIZE = 1_000_000
READ = 200_000


def seconds(features: Sequence[Feature], corpus: Corpus) -> float:
    """Processor time, in one thread, to label the corpus in reads of READ positions; the best of two."""
    times = []
    for _ in range(2):
        start = time.process_time()
        labeller = Labeller(features, corpus)
        for begin in range(0, len(corpus), READ):
            labeller.read(begin, min(begin + READ, len(corpus)))
        times.append(time.process_time() - start)
    return min(times)


def sample(file: Path) -> Corpus:
    """SIZE characters from the middle of a file."""
    whole = Corpus.open(file)
    begin = max(0, (len(whole) - SIZE) // 2)
    return whole.part(begin, min(len(whole), begin + SIZE))


def python_sources() -> Corpus:
    """SIZE characters of the standard library's sources."""
    folder, parts, total = Path(sysconfig.get_paths()["stdlib"]), [], 0
    for file in sorted(folder.glob("*.py")):
        parts.append(file.read_text(encoding="utf-8", errors="replace"))
        total += len(parts[-1])
        if total >= SIZE:
            break
    return Corpus.from_text("".join(parts)[:SIZE], name="python")


def main() -> None:
    """Print a line for each text and its slowest features."""
    shared = Path(__file__).parents[2] / "shared" / "corpora"
    known = [shared / "awesome.md", shared / "linux_kernel.txt", shared / "warpeace.txt"]
    names = [Path(name) for name in sys.argv[1:]] or [file for file in known if file.exists()]
    for corpus in [python_sources(), *map(sample, names)]:
        together = seconds(library(), corpus)
        print(f"{corpus.name}: {len(corpus):,} characters, {len(library())} features: {together:.2f} s, ", end="")
        print(f"{len(corpus) / together / 1e6:.2f} M characters/s; the slowest by themselves:")
        alone = sorted(((seconds([feature], corpus), feature.name) for feature in library()), reverse=True)
        print("  " + ", ".join(f"{name} {1000 * time:.0f} ms" for time, name in alone[:12]))


if __name__ == "__main__":
    main()
