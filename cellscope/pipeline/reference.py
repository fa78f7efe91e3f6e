"""The n-gram models beside a network: which text is asked about, which is learnt from, and what is kept of it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellscope.axes import Progress
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.errors import FEWEST, Reference
from cellscope.evidence.ngrams import ORDER, ngram_pieces
from cellscope.pipeline.training import is_own, run_corpus
from cellscope.report.files import write_whole
from cellscope.training.run import RunFolder

ASKED = 200_000
"""Characters that are asked about."""
LEARNT = 2**25
"""Characters that the n-grams are counted in at most: the last ones."""
_VERSION = 1
"""Goes up whenever the same texts give other numbers than before."""


@dataclass(frozen=True)
class Asked:
    """corpus[start:stop) is asked about, and `learnt` is what the n-grams are counted in; `remark` says what is odd."""

    corpus: Corpus
    start: int
    stop: int
    learnt: Corpus
    learnt_name: str
    remark: str = ""

    @property
    def length(self) -> int:
        """Characters that are asked about."""
        return self.stop - self.start


def asked_of(
    run: RunFolder | None, corpus: Corpus, *, characters: int = ASKED, trained_on: Corpus | None = None
) -> Asked:
    """What is asked in a text: its last `characters` (0: all) that the network was not trained on.

    The n-grams learn from what the network learnt from: the run's own text, or `trained_on`; where that is not known,
    from what comes before in the same text. InputError where either is too short.
    """
    known = (run.info().get("corpus") or {}) if run else {}
    own = is_own(run, corpus)
    held_back = own and known["validation"][0] < len(corpus) - 1
    start, learnt, remark = (int(known["validation"][0]) if held_back else 1), trained_on, ""
    if learnt is None and held_back:
        learnt = corpus.part(*known["train"])
    elif learnt is None and known and not own:
        learnt = _own_text(run)
    elif learnt is not None and learnt.digest == corpus.digest:
        learnt = None
    if characters:
        start = max(start, len(corpus) - characters)
    if learnt is not None:
        name = learnt.name
    else:
        start = max(start, len(corpus) // 2)
        learnt, name = corpus.part(0, start), f"what comes before in {corpus.name}"
        remark = "Nothing was held back in training" if own else "What the network was trained on is not known"
        remark += ": it may have read these very characters, which the n-grams have not."
    learnt = learnt.part(max(0, len(learnt) - LEARNT), len(learnt))
    start = max(start, 1)
    for what, count in ((corpus.name, len(corpus) - start), (name, len(learnt))):
        if count < FEWEST:
            raise InputError(f"{count:,} characters of {what} are too few to compare errors on; it takes {FEWEST:,}")
    return Asked(corpus, start, len(corpus), learnt, name, remark)


def _own_text(run: RunFolder | None) -> Corpus | None:
    """What the run was trained on; None where it is not there any more."""
    assert run is not None
    try:
        return run_corpus(run).part(*run.info()["corpus"]["train"])
    except InputError:
        return None


def reference_of(
    asked: Asked, vocabulary: Vocabulary, *, order: int = ORDER, folder: Path | None = None,
    progress: Progress | None = None,
) -> Reference:  # fmt: skip
    """What the n-gram models make of the asked text; kept in `folder` (a run's control/), so that it is made once."""
    symbols = hashlib.sha256(json.dumps(vocabulary.to_json()).encode()).hexdigest()
    texts = [asked.corpus.digest, asked.start, asked.stop, asked.learnt.digest]
    key = hashlib.sha256(json.dumps([_VERSION, *texts, symbols, order]).encode()).hexdigest()[:16]
    path = folder / f"ngrams-{key}.npz" if folder is not None else None
    kept = _read(path, asked.length, order)
    if kept is not None:
        return kept
    pieces = ngram_pieces(
        asked.corpus, vocabulary, asked.start, asked.stop, learnt=asked.learnt, order=order, progress=progress
    )
    made = Reference.gathered(asked.length, pieces)
    if path is not None:
        file = io.BytesIO()
        np.savez(file, nats=made.nats, sums=made.sums, wrong=made.wrong, short=np.packbits(made.short))
        write_whole(path, file.getvalue())
    return made


def _read(path: Path | None, length: int, order: int) -> Reference | None:
    """What was kept; None where there is no such file or a damaged one."""
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            short = np.unpackbits(file["short"])[:length].astype(bool)
            kept = Reference(file["nats"], file["sums"], file["wrong"], short)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = kept.nats.shape == short.shape == (length,) and kept.sums.shape == kept.wrong.shape
    return kept if fits and kept.sums.ndim == 2 and kept.order == order and np.isfinite(kept.nats).all() else None
