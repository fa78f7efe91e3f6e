"""The demonstration: a text from this machine, a small network trained on it, and what is found in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from cellscope.data.build import written_whole
from cellscope.data.corpora import FOLDER, resolve
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError
from cellscope.observe import Progress
from cellscope.pipeline.training import TextSession, begin, proceed
from cellscope.training.config import TrainingConfig
from cellscope.training.run import RUNS, RunFolder, all_runs, free_name

NAME = "demo"
TRAINED = 12_000_000
"""Characters that are read in training, what three quiet minutes on two cores come to: a busy machine takes longer for
the same network."""
MINUTES = 5.0
"""The training ends then at the latest."""
HELD_BACK = 0.1
"""The part of the text that is held back from training, and searched."""
LANES = 32
"""Fewer than is quickest: in so few minutes twice as many steps teach more than twice as many characters a step."""
STEPS = 64
"""Characters of a lane in one step: half as many as elsewhere, so twice as many updates in the same minutes."""
CODE = 4_000_000
"""Characters of sources at most: few enough to be read several times."""
COMMENTED = 0.2
"""Of the sources those pieces are taken that have at least this share of comments: enough that a cell of their own pays
in some minutes, beside docstrings and readmes, which are prose too."""
PROSE = 145_000
"""Characters of readmes at most, less than a tenth of the text: its URLs are many, and its prose does not prevail."""
PIECE = 1_000
"""Least characters of a piece."""
PARAGRAPH = r"\n\n+(?=\S)"
"""Before this, a text may be cut: a blank line before one that is not indented."""
DEFINITION = r"\n\n\n(?=(?:async def|def|class) |@)"
"""And before this, sources: no string of several lines is cut there, which would put a readme into the string."""


def demo_text(folder: Path = FOLDER, *, progress: Progress | None = None) -> Path:
    """Sources of the standard library with pieces of readmes between them, built once; its path.

    The sources are those with comments, and hold strings and indentation too; the readmes have the URLs that sources
    have few of. Pieces are short and evenly spread, so that every part of the text has both.
    """
    target = folder / "built" / "demo.txt"
    if target.exists():
        return target
    code = commented(resolve("python", folder=folder, progress=progress).read_text("utf-8"))
    code = code[: code.rfind("\n", 0, CODE) + 1] or code
    try:
        prose = resolve("readmes", folder=folder, progress=progress).read_text("utf-8")[:PROSE]
    except CellscopeError:  # no package here has a description: the sources alone will do
        prose = ""
    with written_whole(target) as out:
        for piece in interleaved(code, prose):
            out.write(piece.encode())
    return target


def commented(code: str, *, share: float = COMMENTED, least: int = PIECE) -> str:
    """The pieces of sources with at least `share` of their characters in comments; all, where there are none."""
    own = re.compile(r"^[ \t]*#.*|(?<=  )# .*", re.MULTILINE)
    some = [p for p in pieces(code, least, DEFINITION) if sum(map(len, own.findall(p))) >= share * len(p)]
    return "".join(some) or code


def interleaved(code: str, prose: str, *, least: int = PIECE, seed: int = 123) -> Iterator[str]:
    """All of both texts: `code` in its order, and at even distances in it pieces of `prose`, in any order.

    Readmes are cut between paragraphs, sources between functions and classes.
    """
    inserts = pieces(prose, least, PARAGRAPH)
    order = np.random.default_rng(seed).permutation(len(inserts)).tolist()
    written = used = 0
    for part in pieces(code, least, DEFINITION):
        yield part
        written += len(part)
        due = round(len(inserts) * written / len(code))
        yield from (inserts[k] for k in order[used:due])
        used = due
    yield from (inserts[k] for k in order[used:])


def pieces(text: str, least: int, border: str) -> list[str]:
    """The text in pieces of at least `least` characters that end with a match of `border`, where one comes."""
    borders, cuts = [match.end() for match in re.finditer(border, text)], [0]
    for place in borders:
        if place - cuts[-1] >= least:
            cuts.append(place)
    if cuts[-1] < len(text):
        cuts.append(len(text))
    return [text[a:b] for a, b in pairwise(cuts)]


def latest_demo(runs: Path = RUNS, name: str = NAME) -> RunFolder | None:
    """The last run that a demonstration of this name made."""
    own = [run for run in all_runs(runs) if re.fullmatch(rf"{name}(-\d+)?", run.name)]
    return own[-1] if own else None


def finished(run: RunFolder) -> bool:
    """Whether its training has come to its end."""
    return run.info().get("state") == "finished"


def session(text: Path, *, runs: Path = RUNS, minutes: float | None = None, again: bool = False) -> TextSession | None:
    """The training that is to be done: a new one, the rest of one that was stopped, or None where it is finished.

    It reads `TRAINED` characters, unless it is to take so many minutes.
    """
    run = None if again else latest_demo(runs)
    if run is None:
        name = free_name(runs, NAME) if (runs / NAME).exists() else NAME
        corpus = Corpus.open(text)
        epochs = None if minutes else TRAINED / (len(corpus) * (1 - HELD_BACK))
        config = TrainingConfig(epochs=epochs, minutes=minutes or MINUTES, batch_size=LANES, seq_length=STEPS)
        return begin(corpus, runs=runs, name=name, config=config, val_fraction=HELD_BACK)
    return None if finished(run) else proceed(run, minutes=minutes)
