"""Hear chosen stretches of a text again, with everything a page shows: all units, gates, predictions, loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import GATES, Site, Unit
from cellscope.data.text import Corpus
from cellscope.evidence.bases import Basis
from cellscope.hooks.listen import listen
from cellscope.hooks.sites import sites_of
from cellscope.models.network import Network
from cellscope.pipeline.lanes import steps_of, symbols
from cellscope.pipeline.marks import Marks

PIECE = 256
"""A stretch is cut into lanes of this length, each with its own warm-up: many short lanes are quicker than one."""
LIKELY = 5
"""So many predictions are kept of each character."""

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Heard:
    """What was heard on stretches of text, one after the other.

    values         float32 [position, unit] for each searched site
    gates          float32 [position] by unit and gate
    ids            int64 [position, rank], the likeliest next symbols, best first
    probabilities  float32 [position, rank]
    loss           float32 [position], nats for predicting the next character; NaN at the last one of the text
    """

    values: dict[Site, NDArray[np.float32]]
    gates: dict[Unit, dict[str, NDArray[np.float32]]]
    ids: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    loss: NDArray[np.float32]


def rehear(
    network: Network,
    corpus: Corpus,
    sites: tuple[Site, ...],
    stretches: Sequence[Stretch],
    *,
    gated: Sequence[Unit] = (),
    bases: Sequence[Basis] = (),
    marks: Marks | None = None,
) -> Heard:
    """Play stretches [start, stop) of the corpus as lanes after a warm-up; the gates of `gated` units are kept too.

    Sites that `bases` have are those of their components. Where `marks` cover all stretches, lanes go on from there.
    """
    known = sites_of(network.module)
    own = {basis.site: basis for basis in bases}
    sizes = known | {site: len(basis) for site, basis in own.items()}
    asked = {unit: [s for s in known if s.path == unit.site.path and s.stream in GATES] for unit in gated}
    total = sum(stop - start for start, stop in stretches)
    kept = min(LIKELY, len(network.vocabulary))
    heard = Heard(
        {site: np.zeros((total, sizes[site]), np.float32) for site in sites},
        {unit: {s.stream: np.zeros(total, np.float32) for s in gates} for unit, gates in asked.items()},
        np.zeros((total, kept), np.int64), np.zeros((total, kept), np.float32), np.zeros(total, np.float32),
    )  # fmt: skip
    under = [s for site in sites for s in (own[site].over if site in own else (site,))]
    every = tuple(dict.fromkeys([*under, *(s for gates in asked.values() for s in gates)]))
    if marks is not None and any(start < marks.start or stop > marks.stop for start, stop in stretches):
        marks = None
    firsts, skipped, lengths, places = _pieces(stretches, marks)
    with listen(network.module, every, carry=True) as ear:
        for first, last, rested in steps_of(firsts, int(lengths.max(initial=0))):
            if marks is not None and first < 0:
                continue
            if marks is None:
                ear.rest(rested)
            elif first == 0:
                ear.carry_on(marks.states(firsts))
            ids = symbols(network, corpus, firsts + first, last - first + 1)
            answer: Any = network.module(torch.from_numpy(ids[:, :-1]).to(network.device))
            if first < 0:
                continue
            steps = np.arange(first, last)[:, None]
            step, lane = np.nonzero((steps >= skipped) & (steps < lengths))
            rows = places[lane] + first + step
            for site in sites:
                if site in own:
                    heard.values[site][rows] = own[site].of({s: ear[s] for s in own[site].over})[step, lane]
                else:
                    heard.values[site][rows] = ear[site].float().cpu().numpy()[step, lane]
            for unit, gates in asked.items():
                for gate in gates:
                    heard.gates[unit][gate.stream][rows] = ear[gate][..., unit.index].float().cpu().numpy()[step, lane]
            logits = answer[0] if isinstance(answer, tuple) else answer
            _predict(heard, rows, logits[torch.from_numpy(lane), torch.from_numpy(step)], ids[lane, step + 1])
            heard.loss[rows[firsts[lane] + first + step + 1 >= len(corpus)]] = np.nan
    return heard


def _predict(heard: Heard, rows: NDArray[np.int64], logits: torch.Tensor, following: NDArray[np.int64]) -> None:
    """Keep the likeliest symbols of logits [position, symbol], and the loss of those that follow [position]."""
    logs = logits.float().log_softmax(-1).cpu()
    best = logs.topk(heard.ids.shape[1], dim=-1)
    heard.ids[rows] = best.indices.numpy()
    heard.probabilities[rows] = best.values.exp().numpy()
    heard.loss[rows] = -logs.gather(1, torch.from_numpy(following)[:, None])[:, 0].numpy()


def _pieces(stretches: Sequence[Stretch], marks: Marks | None) -> tuple[NDArray[np.int64], ...]:
    """Of every lane the first position, how many of its characters are not asked for, its length with those, and the
    row of its first position among all, each [lane].
    """
    piece = PIECE if marks is None else max(PIECE, marks.every)
    found, place = [], 0
    for start, stop in stretches:
        begin = start if marks is None else marks.before(start)
        found += [
            (at, max(0, start - at), min(piece, stop - at), place + at - start) for at in range(begin, stop, piece)
        ]
        place += stop - start
    return tuple(np.array(found, np.int64).reshape(-1, 4).T)
