"""States that a network passed through on a stretch of text, kept so that it can go on from any of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.hooks.firing import firing_layers
from cellscope.hooks.listen import listen
from cellscope.hooks.stepping import State
from cellscope.models.network import Network
from cellscope.pipeline.lanes import steps_of, symbols

EVERY = 64
"""Characters from one mark to the next, where memory has room for so many."""
LANES = 128
MOST_VALUES = 2**25
"""Numbers that are kept at most, in all states together: 128 MiB."""


@dataclass(frozen=True)
class Marks:
    """The recurrent states of a network just before every `every`-th character from `start` on, up to `stop`.

    Whoever hears a passage again goes on from the mark before it, and needs no warm-up, which is longer than most
    passages. The states of every layer have parts [step, lane, unit]; mark k is that of lane k // steps at step
    k % steps.
    """

    start: int
    stop: int
    every: int
    kept: dict[str, list[State]]
    steps: int

    @classmethod
    def of(cls, network: Network, corpus: Corpus, start: int, stop: int) -> Marks:
        """Play [start, stop) of the corpus once, in lanes after a warm-up."""
        layers = firing_layers(network.module, _tensor(network, symbols(network, corpus, np.array([start]), 1)))
        floats = sum(layer.size * (2 if layer.kind == "lstm" else 1) for layer in layers)
        every = EVERY
        while -(-(stop - start) // every) * floats > MOST_VALUES:
            every *= 2
        count = -(-(stop - start) // every)
        steps = -(-count // LANES)
        firsts = start + np.arange(-(-count // steps)) * steps * every
        # A large network is played in shorter pieces, so that what drives them takes no more room than the marks do.
        piece = every
        while piece > 1 and piece * len(firsts) * floats > MOST_VALUES:
            piece //= 2
        kept: list[dict[str, list[State]]] = []
        with listen(network.module, [Site(layer.path, "hidden") for layer in layers], carry=True, stop=True) as ear:
            for first, last, rested in steps_of(firsts, steps * every, most=piece):
                ear.rest(rested)
                if first >= 0 and first % every == 0:
                    kept.append(ear.carried())
                ear.play(_tensor(network, symbols(network, corpus, firsts + first, last - first)))
        stacked = {
            path: [tuple(map(torch.stack, zip(*(k[path][n] for k in kept), strict=True))) for n in range(len(states))]
            for path, states in kept[0].items()
        }
        return cls(start, stop, every, stacked, steps)

    def before(self, position: int) -> int:
        """The position of the last mark at or before a position."""
        return position - (position - self.start) % self.every

    def states(self, positions: NDArray[np.int64]) -> dict[str, list[State]]:
        """The states at marked positions, one a lane: what a listener carries on from."""
        lane, step = (torch.from_numpy(k) for k in np.divmod((positions - self.start) // self.every, self.steps))
        return {path: [tuple(p[step, lane] for p in state) for state in states] for path, states in self.kept.items()}


def _tensor(network: Network, ids: NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(ids).to(network.device)
