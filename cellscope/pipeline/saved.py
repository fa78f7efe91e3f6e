"""A saved direction, and beside it what it was fitted to: on that text alone its scores mean what they say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.data.text import Corpus
from cellscope.evidence.probing import BLOCKS
from cellscope.report.files import write_whole

NO_CONTROL = "There is no untrained control of a saved direction: it was made for the units of this network alone."


@dataclass(frozen=True)
class Fitted:
    """The even ones of `blocks` blocks of characters `start` to `stop` of a text, known by name and digest, to which
    the direction of a feature was fitted.
    """

    feature: str
    stream: str
    corpus: str
    digest: str
    start: int
    stop: int
    blocks: int = BLOCKS

    def same(self, corpus: Corpus, start: int) -> bool:
        """Whether a search of corpus[start:] chooses on the very blocks that the direction was fitted to."""
        here = corpus.digest, start, len(corpus), BLOCKS
        return here == (self.digest, self.start, self.stop, self.blocks)


def beside(path: Path) -> Path:
    """Where lies what a direction was fitted to."""
    return path.with_suffix(".json")


def save_fitted(path: Path, weights: NDArray[np.float32], fitted: Fitted) -> None:
    """Keep an array [unit] of weights, in units of the activations, and what they were fitted to."""
    content = BytesIO()
    np.save(content, weights)
    write_whole(beside(path), json.dumps(asdict(fitted), indent=1, ensure_ascii=False))
    write_whole(path, content.getvalue())


def caveats_of(path: Path, corpus: Corpus, start: int) -> tuple[str, ...]:
    """What weakens a search of corpus[start:] for the directions of a file."""
    fitted = _read(beside(path))
    if fitted is None:
        return NO_CONTROL, (
            f"Nothing beside {path.name} says which text it was fitted to: where that is part of this one, its scores "
            "are better than they should be."
        )
    if fitted.same(corpus, start):
        return (NO_CONTROL,)
    return NO_CONTROL, (
        f"{path.name} was fitted to every other block of characters {fitted.start:,} to {fitted.stop:,} of "
        f"{fitted.corpus!r:.80}, and this search cuts another text, or the same one otherwise: where blocks that "
        "report have characters to which it was fitted, its scores are better than they should be."
    )


def _read(path: Path) -> Fitted | None:
    """What a direction was fitted to; None where there is no file, or it says something else."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        fitted = Fitted(**content)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    kinds = {name: type(value) for name, value in asdict(Fitted("", "", "", "", 0, 0)).items()}
    return fitted if all(type(getattr(fitted, name)) is kind for name, kind in kinds.items()) else None
