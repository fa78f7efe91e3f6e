"""Training against a bare torch loop: the same network, text, order, optimiser and number of steps, taking turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cellscope.data.corpora import resolve
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.models.char_rnn import CharRNN
from cellscope.training.config import TrainingConfig
from cellscope.training.evaluate import evaluate
from cellscope.training.lanes import Lanes
from cellscope.training.loop import Trainer, fit
from cellscope.training.precision import choose_precision

ROUNDS, STEPS = 12, 10
CONFIG = TrainingConfig(epochs=100, warm_up=0, decay="none", learning_rate=2e-3)


class Bare(nn.Module):
    """What anybody would write down first."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, 64)
        self.lstm = nn.LSTM(64, 256, batch_first=True)
        self.decoder = nn.Linear(256, symbols)

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, state = self.lstm(self.embedding(ids), state)
        return self.decoder(hidden), state


def bare_loop(model: Bare, ids: Tensor) -> Callable[[], None]:
    """A function that takes one step over ids [lane, position], which lie in memory."""
    optimiser = torch.optim.Adam(model.parameters(), lr=CONFIG.learning_rate, betas=(0.9, 0.99))
    at, state = 0, None

    def step() -> None:
        nonlocal at, state
        part = ids[:, at : at + 129]
        logits, state = model(part[:, :-1], state)
        loss = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), part[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CONFIG.grad_clip)
        optimiser.step()
        state = (state[0].detach(), state[1].detach())
        loss.item()
        at += 128

    return step


def rows() -> list[dict[str, object]]:
    """Speed as the median ratio of turns of twenty steps, and the loss on held-back text after all of them."""
    corpus = Corpus.open(resolve("python"))
    vocabulary = Vocabulary.count(corpus)
    split = int(0.95 * len(corpus))
    torch.manual_seed(0)
    start = CharRNN(len(vocabulary)).state_dict()
    lanes = [Lanes(corpus, vocabulary, start=0, stop=split, lanes=64, steps=128) for _ in range(2)]
    count = min(ROUNDS * STEPS, lanes[0].per_epoch)
    ids = torch.cat([lanes[0].batch(0, index)[0].clone() for index in range(count + 1)], dim=1)
    bare = Bare(len(vocabulary))
    ours = {name: CharRNN(len(vocabulary)) for name in ("fp32", "default")}
    for model in (bare, *ours.values()):
        model.load_state_dict(start)
    chosen, reason = choose_precision(ours["default"], ids[:, :128])
    turns: dict[str, Callable[[], None]] = {"bare": bare_loop(bare, ids)}
    for (name, model), part, precision in zip(ours.items(), lanes, ("fp32", chosen), strict=True):
        steps = fit(Trainer(model, part, CONFIG, precision=precision))
        turns[name] = lambda steps=steps: next(steps)  # type: ignore[misc]
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(count // STEPS):
        for name, step in turns.items():
            begin = time.perf_counter()
            for _ in range(STEPS):
                step()
            times[name].append(time.perf_counter() - begin)
    measured = {
        name: evaluate(model, corpus, vocabulary, start=split, stop=len(corpus), limit=262_144)
        for name, model in {"bare": bare, **ours}.items()
    }
    speed = STEPS * 64 * 128 / statistics.median(times["bare"])
    result: list[dict[str, object]] = []
    for name, reach in (("default", 1.6), ("fp32", 0.95)):
        ratio = statistics.median(a / b for a, b in zip(times["bare"], times[name], strict=True))
        gap = abs(measured[name] - measured["bare"])
        what = f"train 1x256, {'fp32' if name == 'fp32' else f'default precision ({chosen})'}, against a bare fp32 loop"
        said = f"{ratio:.2f}x (bare {speed:,.0f} chars/s)"
        result.append({"what": what, "reach": f">= {reach}x", "measured": said, "ok": ratio >= reach, "note": reason})
        result.append(
            {
                "what": f"  validation loss after {count} steps, {name} against bare",
                "reach": "within 0.01 nats",
                "measured": f"{gap:.4f} ({measured[name]:.4f}, {measured['bare']:.4f})",
                "ok": gap <= 0.01,
                "note": "",
            }
        )
    return result
