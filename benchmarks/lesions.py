"""Each of 512 units lesioned in turn over 100,000 characters: the time of it, and against the bare network's losses.

One batch of 31 lesions is played in full, with all span features of the library; the whole map is that many times as
long. The bare network reads as many characters in as many lanes with the fused nn.LSTM, its decoder and cross-entropy,
without lesions or labels; it takes turns with the lesions, piece by piece.
"""

from __future__ import annotations

import statistics
import time
from functools import cache

import numpy as np
import torch
from texts import code

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.evidence.controls import held_at
from cellscope.evidence.lesions import BLOCKS, LANES, Lesion, lesion_changes
from cellscope.features.library import library
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import WARM_UP

CHARACTERS = 100_000
UNITS = 512
BATCH = LANES // BLOCKS - 1
PIECES = 5
REACH = 10
"""Minutes for the whole map."""


@cache
def network() -> Network:
    """A 1x256 LSTM with weights drawn from a seed: its speed does not depend on what it has learnt."""
    vocabulary = Vocabulary.count(code(CHARACTERS * 2))
    torch.manual_seed(0)
    return Network(CharRNN(len(vocabulary), size=256).eval(), vocabulary, "bench")


def lesions() -> list[Lesion]:
    """One batch: a unit each, half of them hidden ones."""
    zeros = {Site("lstm.0", stream): np.zeros(256, np.float32) for stream in ("hidden", "cell")}
    sites = list(zeros)
    return [held_at(f"{k}", {sites[k % 2]: np.array([k])}, zeros) for k in range(BATCH)]


def bare(corpus: Corpus, characters: int) -> float:
    """Seconds in which the bare network pays for so many characters in LANES lanes."""
    net = network()
    steps = characters // LANES
    ids = torch.from_numpy(net.vocabulary.encode(corpus.codes(0, 64 * LANES))).view(LANES, 64)
    start, state = time.perf_counter(), None
    with torch.inference_mode():
        for _ in range(max(1, steps // 64)):
            logits, state = net.module(ids, state)
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction="none")
    return time.perf_counter() - start


def rows() -> list[tuple[str, str, str, bool | None]]:
    """The minutes of the whole map, and the median ratio over pieces."""
    corpus, features = code(2 * CHARACTERS), [f for f in library() if f.kind == "span"]
    piece = CHARACTERS // PIECES
    texts = [corpus.part(0, CHARACTERS + (k + 1) * piece) for k in range(PIECES)]
    played = (BATCH + 1) * (piece + BLOCKS * WARM_UP)
    lesion_changes(network(), corpus.part(0, 10_000), features, lesions(), start=8_000)
    ratios = []
    for text in texts:
        base = bare(corpus, played)
        begin = time.perf_counter()
        lesion_changes(network(), text, features, lesions(), start=len(text) - piece)
        ratios.append((time.perf_counter() - begin) / base)
    begin = time.perf_counter()
    lesion_changes(network(), corpus, features, lesions(), start=len(corpus) - CHARACTERS)
    batches = -(-UNITS // BATCH)
    minutes = (time.perf_counter() - begin) * batches / 60
    what = f"each of {UNITS} units lesioned in turn over {CHARACTERS:,} characters, 1x256 (one batch, times {batches})"
    ratio = statistics.median(ratios)
    spread = f"{ratio:.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
    return [
        (what, f"<= {REACH} minutes", f"{minutes:.1f} minutes", minutes <= REACH),
        ("  lesions with all labels, against the fused network's bare losses of as many characters", "-", spread, None),
    ]
