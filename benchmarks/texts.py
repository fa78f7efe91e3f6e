"""The texts that benchmarks read: real ones where they lie beside the repository, else the standard library's
sources.
"""

from __future__ import annotations

from pathlib import Path

from cellscope.data.corpora import resolve
from cellscope.data.text import Corpus

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "corpora"
KEPT = Path(__file__).resolve().parents[1] / ".cache" / "benchmarks"


def code(characters: int) -> Corpus:
    """So many characters of source code."""
    path = BESIDE / "linux_kernel.txt"
    corpus = Corpus.open(path if path.is_file() else resolve("python", folder=KEPT))
    return corpus.part(0, min(characters, len(corpus)))


def repeated(characters: int) -> Path:
    """A file of so many characters, the code text again and again; kept for the next time."""
    path = KEPT / f"code-{characters}.txt"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = code(4_000_000)
        with path.open("w", encoding="utf-8") as file:
            written = 0
            while written < characters:
                piece = text.text(0, min(len(text), characters - written))
                written += file.write(piece)
    return path
