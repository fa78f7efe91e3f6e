"""Text that a network writes, one character at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.models.network import Network

WINDOW = 256
"""Characters that a network without a state of its own is shown again at every step."""


def prime_ids(network: Network, prime: str) -> list[int]:
    """The ids of the prime text; InputError at a character that the network does not know, nor has a symbol for."""
    vocabulary = network.vocabulary
    if vocabulary.kind == "bytes":
        prime = prime.encode("utf-8", "surrogateescape").decode("latin-1")
    codes = np.array([ord(character) for character in prime], np.uint32)
    return [int(index) for index in vocabulary.encode(codes)]


@torch.no_grad()
def sample_ids(
    network: Network, prime: list[int], *, length: int, temperature: float = 1.0, seed: int = 123
) -> Iterator[int]:
    """`length` ids that the network draws after reading `prime`; temperature 0 takes the likeliest each time.

    Every character goes through `network.forward`, so whatever listens to or changes the module (a unit that is held
    at a value, say) acts on what is written. The other symbol and ids without a character are never drawn.
    """
    barred = _barred(network, temperature)
    generator = torch.Generator().manual_seed(seed)
    device = network.device
    module, training = network.module, network.module.training
    module.eval()
    try:
        read, state = list(prime), None
        for _ in range(length):
            if read:
                shown = read if state is not None or network.stateful else read[-WINDOW:]
                logits, state = network.forward(torch.tensor([shown], device=device), state)
                scores = logits[0, -1].float().cpu()
            else:
                scores = torch.zeros(len(barred))  # nothing read yet: every character is as likely
            drawn = _draw(scores.masked_fill(barred, -torch.inf), temperature, generator)
            read = [drawn] if network.stateful else (read + [drawn])[-WINDOW:]
            yield drawn
    finally:
        module.train(training)


@torch.no_grad()
def sample_batch(
    network: Network,
    prime: list[int],
    *,
    count: int,
    length: int,
    temperature: float = 1.0,
    seed: int = 123,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Ids [sample, step] of `count` texts that are drawn side by side after `prime`.

    What sample k draws at step t turns on one number that is drawn from the seed before anything is read: two networks
    that differ little, or one network free and held, write texts that differ no more than they must.
    """
    barred = _barred(network, temperature)
    chances = torch.from_numpy(np.random.default_rng(seed).random((length, count)))
    ids = np.empty((count, length), np.int64)
    module, training = network.module, network.module.training
    module.eval()
    try:
        read, state = torch.tensor([prime] * count, dtype=torch.long), None
        for step in range(length):
            scores = torch.zeros(count, len(barred), dtype=torch.double)  # nothing read: every character is as likely
            if read.shape[1]:
                shown = read if network.stateful else read[:, -WINDOW:]
                logits, state = network.forward(shown.to(network.device), state)
                scores = logits[:, -1].double().cpu()
            if bool(scores.isnan().any()):
                raise InputError(f"{network.name} predicts with what is not a number; is the network damaged?")
            scores = scores.masked_fill(barred, -torch.inf)
            drawn = scores.argmax(1) if temperature == 0 else _pick(scores / temperature, chances[step])
            ids[:, step] = drawn.numpy()
            read = drawn[:, None] if network.stateful else torch.cat([read, drawn[:, None]], 1)
            if progress:
                progress((step + 1) * count, length * count, "")
    finally:
        module.train(training)
    return ids


def _pick(scores: Tensor, chance: Tensor) -> Tensor:
    """The symbol [sample] within whose share of the probability each chance falls; one of no share is never picked."""
    shares = scores.softmax(1).cumsum(1)
    picked = torch.searchsorted(shares, chance[:, None] * shares[:, -1:], right=True)[:, 0]
    return picked.clamp(max=shares.shape[1] - 1)


def _barred(network: Network, temperature: float) -> Tensor:
    """Which ids are never drawn, bool [symbol]; InputError where that is all of them, or for an unfit temperature."""
    if not 0 <= temperature <= 1000:
        raise InputError(f"temperature must be from 0 to 1000, not {temperature}")
    barred = torch.tensor([symbol == "" for symbol in network.vocabulary.symbols])
    if barred.all():
        raise InputError(f"{network.name} knows no character that it could write")
    return barred


def _draw(scores: Tensor, temperature: float, generator: torch.Generator) -> int:
    if temperature == 0 or not bool(torch.isfinite(scores).any()):
        return int(scores.argmax())
    scaled = ((scores - scores.max()) / temperature).double()
    return int(torch.multinomial(scaled.softmax(0), 1, generator=generator))


def opening(network: Network, prime: str) -> str:
    """What the network reads first: the prime text, or where there is none a line end, if it knows one."""
    return prime if prime or "\n" not in network.vocabulary.symbols else "\n"


def sample(
    network: Network, *, prime: str = "", length: int = 2000, temperature: float = 1.0, seed: int = 123
) -> Iterator[str]:
    """The text that the network writes after `prime` (not repeated here), in pieces of a character or so.

    Without a prime text the network starts after a line end, where it knows one. Bytes are decoded as UTF-8.
    """
    vocabulary = network.vocabulary
    start = prime_ids(network, opening(network, prime))
    ids = sample_ids(network, start, length=length, temperature=temperature, seed=seed)
    if vocabulary.kind == "characters":
        yield from (vocabulary.symbols[index] for index in ids)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for index in ids:
        yield decoder.decode(vocabulary.symbols[index].encode("latin-1"))
    yield decoder.decode(b"", final=True)
