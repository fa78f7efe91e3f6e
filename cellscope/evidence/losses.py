"""What each character costs a network: the nats of predicting it from what came before, streamed in bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.chunks import Round
from cellscope.errors import InputError
from cellscope.observe import LANES, STEPS, WARM_UP, rounds

if TYPE_CHECKING:
    from cellscope.hooks.edits import Edit

    Edits = Mapping[Site, Edit]

_FLOATS = 2**23
"""Logits of one pass at most: 32 MiB."""


@dataclass(frozen=True)
class LossChunk:
    """What `steps` characters of every lane cost.

    positions  int64 [lane], the character that the first row is about; row s is about position + s
    blocks     int64 [lane]
    losses     float32 [step, lane], nats of predicting that very character from those before it; [copy, step, lane]
               where copies were asked for
    """

    positions: NDArray[np.int64]
    blocks: NDArray[np.int64]
    losses: NDArray[np.float32]

    @property
    def steps(self) -> int:
        return int(self.losses.shape[-2])


class Losses:
    """A network that predicts a corpus in lanes with warm-up, as a context: `with Losses(...) as source: source.play`.

    `edits` {site: edit} are in force from the first character of the warm-up on, and enter the recurrence. With
    `copies` every lane is played so many times side by side, each with edits of its own: to an edit, lane k of copy c
    is lane c x lanes + k.
    """

    def __init__(
        self,
        network: Any,
        corpus: Any,
        *,
        edits: Edits | None = None,
        copies: int | None = None,
        warm_up: int = WARM_UP,
    ) -> None:
        from cellscope.hooks.sites import choose_sites

        choose_sites(network.module)  # a network without a recurrent layer has no state that could be carried
        if warm_up < 1:
            raise InputError(f"a warm-up of {warm_up} characters; give at least 1")
        self.network, self.corpus, self.warm_up = network, corpus, warm_up
        self._edits, self._copies, self._lead = dict(edits or {}), copies or 1, () if copies is None else (copies,)

    def __enter__(self) -> Losses:
        from cellscope.hooks.listen import listen

        self._listening = listen(self.network.module, (), carry=True, edits=self._edits)
        self._ear = self._listening.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._listening.__exit__(*error)

    def play(self, part: Round) -> Iterator[LossChunk]:
        """What every character of a round costs; a round begins at position 1 or later: nothing precedes the first."""
        if part.start < 1:
            raise ValueError("nothing comes before the first character, so nothing predicts it: begin at 1")
        self._warm_up(part.starts - 1)
        many = int(np.clip(_FLOATS // (self._copies * part.lanes * len(self.network.vocabulary)), 1, STEPS))
        for step in range(0, part.steps, many):
            steps = min(many, part.steps - step)
            yield LossChunk(part.starts + step, part.block_of, self._score(part.starts + step, steps))
        if part.longer:
            # All lanes are played, so that the state keeps its shape; of the shorter ones the step is not told.
            last = self._score(np.minimum(part.starts + part.steps, len(self.corpus) - 1), 1)
            some = slice(0, part.longer)
            yield LossChunk(part.starts[some] + part.steps, part.block_of[some], last[..., some])

    def _ids(self, firsts: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
        """Symbols [lane, step] from each first position on, copy after copy; before the text stands its first
        character.
        """
        rows = [self.corpus.codes(max(first, 0), max(first + steps, 1)) for first in firsts.tolist()]
        rows = [np.concatenate([np.repeat(r[:1], steps - len(r)), r]) for r in rows]
        ids: NDArray[np.int64] = self.network.vocabulary.encode(np.stack(rows))
        return np.tile(ids, (self._copies, 1))

    def _answer(self, ids: NDArray[np.int64]) -> Any:
        """Logits [lane, step, symbol] after each of `ids` [lane, step]."""
        import torch

        answer = self.network.module(torch.from_numpy(ids).to(self.network.device))
        return answer[0] if isinstance(answer, tuple) else answer

    def _score(self, firsts: NDArray[np.int64], steps: int) -> NDArray[np.float32]:
        """Nats of the characters at `firsts` and after, [step, lane], or [copy, step, lane]."""
        import torch

        ids = self._ids(firsts - 1, steps + 1)
        logits = self._answer(np.ascontiguousarray(ids[:, :-1]))
        targets = torch.from_numpy(np.ascontiguousarray(ids[:, 1:])).to(logits.device)
        nats = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
        shape = *self._lead, len(firsts), steps
        losses: NDArray[np.float32] = nats.view(shape).swapaxes(-1, -2).cpu().numpy()
        if not np.isfinite(losses).all():
            raise InputError(f"{self.network.name} predicts with what is not a number; is the network damaged?")
        return losses

    def _warm_up(self, firsts: NDArray[np.int64]) -> None:
        """Read the characters before `firsts` [lane]; a lane with fewer starts from rest where the text does."""
        self._ear.rest()
        rests = sorted({self.warm_up - int(f) for f in firsts if f < self.warm_up} | {0, self.warm_up})
        for first, last in itertools.pairwise(rests):
            for at in range(first, last, 64):
                to = min(at + 64, last)
                self._answer(self._ids(firsts - self.warm_up + at, to - at))
            self._ear.rest(np.flatnonzero(np.tile(firsts == self.warm_up - last, self._copies)))


def losses_of(
    network: Any,
    corpus: Any,
    start: int,
    stop: int,
    *,
    edits: Edits | None = None,
    lanes: int = LANES,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Nats of predicting each character of corpus[start:stop), float32 [position]; four bytes a character are held."""
    losses = np.empty(stop - start, np.float32)
    lanes = max(1, min(lanes, (stop - start) // WARM_UP))  # of a short stretch the warm-ups would be most of the work
    done = 0
    with Losses(network, corpus, edits=edits) as source:
        for part in rounds(stop, start=start, lanes=lanes):
            for chunk in source.play(part):
                rows = (chunk.positions - start)[None, :] + np.arange(chunk.steps)[:, None]
                losses[rows] = chunk.losses
                done += chunk.losses.size
                if progress:
                    progress(done, stop - start, "")
    return losses
