"""The labels of a text, round by round, those of the next round read while this one is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cellscope.chunks import Round
from cellscope.sinks.labels import LabelGrid, Ranker

T = TypeVar("T")

LEAD = 2**20
"""Characters before those that are searched that are labelled too, so that what is open there (a string, a comment) is
known.
"""


class LabelReader:
    """The labels of rounds of a corpus from `start` on, in order: the span features first, then the numeric ones."""

    def __init__(self, corpus: Any, features: Sequence[Any], start: int = 0) -> None:
        from cellscope.features.labeller import Labeller

        self.features = tuple(sorted(features, key=lambda f: f.kind != "span"))
        self._corpus, self._lead = corpus, max(0, start - LEAD)
        text = corpus.part(self._lead, len(corpus)) if self._lead else corpus
        self._labeller, self._ranker = Labeller(self.features, text, concurrent=True), Ranker()

    @property
    def spans(self) -> int:
        """How many of the features are spans."""
        return sum(f.kind == "span" for f in self.features)

    def grid(self, part: Round) -> LabelGrid:
        """The labels of a round."""
        labels = self._labeller.read(part.start - self._lead, part.stop - self._lead)
        return self._ranker.grid(part.start, labels.spans, labels.numbers)

    def codes(self, part: Round) -> NDArray[np.uint32]:
        """Code points of a round with the two before it [position + 2]; before the text, zeros."""
        first = max(0, part.start - 2)
        codes: NDArray[np.uint32] = self._corpus.codes(first, part.stop)
        missing = 2 - (part.start - first)
        return np.concatenate([np.zeros(missing, np.uint32), codes]) if missing else codes


def ahead(
    read: Callable[[Round], T], parts: list[Round], learn: Callable[[Round, T], None] | None = None
) -> Iterator[tuple[Round, Callable[[], T]]]:
    """Each round with a call that waits for its reading; the next is read while this one is heard.

    `learn` is given every reading in the same thread, before the next is read; nobody waits for it but the end.
    """
    learnt: list[Future[None]] = []
    with ThreadPoolExecutor(1, "cellscope-labels") as reader:

        def start(part: Round) -> Future[T]:
            coming = reader.submit(read, part)
            if learn is not None:
                learnt.append(reader.submit(lambda: learn(part, coming.result())))
            return coming

        coming = start(parts[0])
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            now = coming
            if following is not None:
                coming = start(following)
            yield part, now.result
        for done in learnt:
            done.result()
