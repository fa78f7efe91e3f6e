"""From an array that was recorded elsewhere and its text to findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellscope.axes import Progress
from cellscope.count import count
from cellscope.data.corpora import resolve
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.features.library import select
from cellscope.judge import judge
from cellscope.pipeline.find import SEED, Search, settle
from cellscope.pipeline.recorded import open_recorded


def find_in_array(
    path: Path,
    *,
    text: str | Path | None,
    key: str | None = None,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    encoding: str = "utf-8",
    as_bytes: bool = False,
    characters: int = 0,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Search:
    """Search an array [position, unit] (.npy, HDF5, zarr), row t on reading character t of `text`.

    As `find_in`, but that there is no untrained control: no array says what training has added.
    """
    features = select(asked, files)
    if text is None:
        raise InputError(f"which text was {path} recorded on? give --text FILE, one row for every character")
    recorded = open_recorded(path, key=key)
    corpus = Corpus.open(resolve(str(text)), encoding=encoding, as_bytes=as_bytes)
    recorded.array.check_length(len(corpus), what=corpus.name)
    start = max(0, len(corpus) - characters) if characters else 0
    if asked or files:
        settle(features, corpus, start)
    counts = count(recorded.source(), corpus, features, start=start, seed=seed, progress=progress)
    return Search(recorded, None, corpus, judge(counts))
