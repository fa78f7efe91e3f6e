"""What a network makes of text it did not learn from, and what xz makes of the same text."""

from __future__ import annotations

import lzma
import math

import torch
from torch import nn

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.models.char_rnn import negative_log_likelihood
from cellscope.training.lanes import Lanes
from cellscope.training.precision import autocast

STEPS = 256
XZ_LIMIT = 8_000_000
"""Characters of held-back text that xz and the final evaluation read at most."""


def bits(nats: float) -> float:
    """Nats per character as bits per character."""
    return nats / math.log(2)


def evaluate(
    model: nn.Module,
    corpus: Corpus,
    vocabulary: Vocabulary,
    *,
    start: int,
    stop: int,
    limit: int | None = None,
    lanes: int = 64,
    precision: str = "fp32",
) -> float:
    """Mean nats per character, see `evaluated`."""
    return evaluated(
        model, corpus, vocabulary, start=start, stop=stop, limit=limit, lanes=lanes, precision=precision
    )[0]  # fmt: skip


@torch.no_grad()
def evaluated(
    model: nn.Module,
    corpus: Corpus,
    vocabulary: Vocabulary,
    *,
    start: int,
    stop: int,
    limit: int | None = None,
    lanes: int = 64,
    precision: str = "fp32",
) -> tuple[float, int]:
    """Mean nats per character over corpus[start:stop), in lanes that start cold and carry their state; and over how
    many characters that is: all but the first and what does not divide into lanes, at most one in 128.

    With `limit`, about so many characters: the start of every lane, and so spread over the whole stretch.
    """
    pairs = stop - start - 1
    stride = pairs // max(1, min(lanes, pairs // STEPS))
    steps = max(1, stride // max(1, -(-stride // STEPS)))  # so that a lane divides into them
    batches = Lanes(corpus, vocabulary, start=start, stop=stop, lanes=max(1, pairs // max(stride, 1)), steps=steps)
    device = next(model.parameters()).device
    count = batches.per_epoch
    if limit is not None:
        count = max(1, min(count, limit // (batches.lanes * batches.steps)))
    training = model.training
    model.eval()
    total, state = 0.0, None
    try:
        for index in range(count):
            ids, targets = (part.to(device) for part in batches.batch(0, index))
            with autocast(device, precision):
                answer = model(ids, state) if state is not None else model(ids)
                logits, state = answer if isinstance(answer, tuple) else (answer, None)
                total += float(negative_log_likelihood(logits, targets))
    finally:
        model.train(training)
    return total / count, count * batches.lanes * batches.steps


def xz_bits(corpus: Corpus, start: int, stop: int) -> float:
    """Bits per character that xz (preset 9) needs for corpus[start:stop), at most 8 M of it; in bounded memory."""
    packer = lzma.LZMACompressor(preset=9)
    stop = min(stop, start + XZ_LIMIT)
    packed = 0
    for at in range(start, stop, 1 << 20):
        text = corpus.text(at, min(at + (1 << 20), stop))
        packed += len(packer.compress(text.encode("latin-1" if corpus.as_bytes else "utf-8")))
    packed += len(packer.flush())
    return 8 * packed / max(stop - start, 1)
