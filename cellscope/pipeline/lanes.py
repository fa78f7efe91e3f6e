"""Lanes that begin anywhere in a text: the steps in which they are played, and the symbols that they read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellscope.data.text import Corpus
from cellscope.models.network import Network
from cellscope.observe import STEPS, WARM_UP


def steps_of(
    firsts: NDArray[np.int64], longest: int, *, most: int = STEPS
) -> Iterator[tuple[int, int, NDArray[np.int64] | None]]:
    """Steps [first, last) to be played, counted from where the lanes begin, and the lanes that go to rest (None: all).

    A warm-up comes first, in negative steps; a lane that begins less than that into the text rests where the text
    begins. `most` is how many steps are played at once.
    """
    rests = sorted({-int(f) for f in firsts if f < WARM_UP} | {-WARM_UP, 0, longest})
    for first, last in pairwise(rests):
        for at in range(first, last, most):
            lanes = None if at == -WARM_UP else np.flatnonzero(firsts == -at) if at == first else np.empty(0, np.int64)
            yield at, min(at + most, last), lanes


def symbols(network: Network, corpus: Corpus, firsts: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Symbols [lane, step] from each first position on; outside of the text its nearest character."""
    rows = np.empty((len(firsts), count), np.uint32)
    for row, first in zip(rows, firsts.tolist(), strict=True):
        start, stop = min(max(first, 0), len(corpus) - 1), min(max(first + count, 1), len(corpus))
        codes = corpus.codes(start, max(stop, start + 1))
        row[...] = codes[np.clip(np.arange(first, first + count) - start, 0, len(codes) - 1)]
    return network.vocabulary.encode(rows)
