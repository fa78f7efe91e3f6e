"""A search whose answer is known: a cell that latches at an opening bracket, among units that do nothing of the
kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.pipeline.find import Search, search

FEATURES = ("parentheses", "digit", "url", "column")


def bracketed(length: int, *, seed: int = 4) -> str:
    """Words and digits in lines, with bracketed stretches of up to forty characters."""
    draw = np.random.default_rng(seed)
    words = ["cell", "gate", "a", "state", "of", "memory", "12", "7", "forget", "noise", "line"]
    out: list[str] = []
    size = 0
    while size < length:
        some = [words[k] for k in draw.integers(0, len(words), draw.integers(1, 8))]
        text = " ".join(some)
        piece = f"({text}) " if draw.random() < 0.3 else text + (".\n" if draw.random() < 0.4 else " ")
        out.append(piece)
        size += len(piece)
    return "".join(out)[:length]


def latching(vocabulary: Vocabulary, *, size: int = 8, layers: int = 1, seed: int = 3) -> Network:
    """An LSTM whose cell 0 rises at "(" and is put back at ")"; the other units are random."""
    torch.manual_seed(seed)
    module = CharRNNConfig(len(vocabulary), kind="lstm", size=size, layers=layers, embedding=0).build().eval()
    symbol = {s: k for k, s in enumerate(vocabulary.symbols)}
    lstm: Any = module.recurrent
    with torch.no_grad():
        rows = torch.arange(4) * size  # of unit 0 in the input, forget, candidate and output gates
        for name in ("weight_ih_l0", "weight_hh_l0"):
            getattr(lstm, name)[rows] = 0
        lstm.weight_ih_l0[rows[0], symbol["("]] = 12
        lstm.weight_ih_l0[rows[1], symbol[")"]] = -12
        lstm.weight_ih_l0[rows[2], symbol["("]] = 5
        lstm.weight_ih_l0[rows[3]] = 6 * torch.randn(len(vocabulary))  # so that h follows less closely than c
        lstm.bias_ih_l0[rows] = torch.tensor([-6.0, 6.0, 0.0, 0.0])
        lstm.bias_hh_l0[rows] = 0
    return Network(module, vocabulary, "latch", "a latch")


@pytest.fixture(scope="session")
def bracket_corpus() -> Corpus:
    return Corpus.from_text(bracketed(30_000), name="brackets.txt")


@pytest.fixture(scope="session")
def latch(bracket_corpus: Corpus) -> Network:
    return latching(Vocabulary.count(bracket_corpus))


@pytest.fixture(scope="session")
def planted_search(bracket_corpus: Corpus, latch: Network) -> Search:
    """What a search of the latch finds: cell 0 is inside parentheses, and there is no url."""
    return Search(latch, None, bracket_corpus, search(latch, bracket_corpus, select(FEATURES)))
