"""What a unit does to the next character: held at its inside level and at its outside level, what is expected?

At a sample of positions the network reads on undisturbed up to the one before; on reading the last character the unit
is held at one level and at the other, and the two predictions are compared. So what is measured is what the unit does
at once, not what comes of it later: an intervention, not a correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis
from cellscope.evidence.intervals import jackknife
from cellscope.evidence.steering import Held, edits_of
from cellscope.observe import WARM_UP

if TYPE_CHECKING:
    from cellscope.hooks.edits import Edit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POSITIONS = 256
"""Positions of the sample, half of them inside the feature."""
BLOCKS = 16
LIKELY = 0.001
"""Symbols that are likelier than this, at one level at least, are told."""
SHOWN = 8
PIECE = 64
"""Characters that are read at a time."""


@dataclass(frozen=True)
class Promoted:
    """A symbol whose probability the unit changes: log odds in nats with the interval, and the mean probability with
    the unit at its outside level and at its inside level.
    """

    symbol: str
    change: float
    low: float
    high: float
    outside: float
    inside: float


@dataclass(frozen=True)
class Effect:
    """What holding a unit at `inside` instead of `outside` does to the next character.

    promoted, suppressed   symbols, the most changed first; chosen on even positions, reported on odd ones
    moved                  the probability that goes from some symbols to others (total variation distance)
    """

    inside: float
    outside: float
    positions: int
    moved: float
    promoted: tuple[Promoted, ...]
    suppressed: tuple[Promoted, ...]


def sampled(inside: NDArray[np.bool_], places: Ints, *, count: int = POSITIONS, seed: int = 0) -> Ints:
    """Up to `count` of the positions `places`, half of them inside where there are as many; ascending."""
    draw = np.random.default_rng(seed)
    sides = [places[inside], places[~inside]]
    some = [draw.permutation(side)[: count // 2] for side in sides]
    return np.sort(np.concatenate(some))


def effect(
    network: Any, corpus: Any, unit: Unit, places: Sequence[int] | Ints, levels: tuple[float, float], *,
    basis: Basis | None = None,
) -> Effect:  # fmt: skip
    """What `unit`, or that component of `basis`, does to the prediction after each of `places`, held at levels
    (outside, inside) on reading it.

    InputError where hardly any place has anything before it, and for a component of several streams.
    """
    where = np.asarray(places, np.int64)
    lead = min(WARM_UP, int(np.quantile(where, 0.25))) if len(where) else 0
    where = where[where >= lead]
    if lead < 1 or len(where) < 4:
        raise InputError("what a unit does to the next character needs four positions with some text before them")
    ids = network.vocabulary.encode(np.stack([corpus.codes(w - lead, w + 1) for w in where.tolist()]))
    held = [edits_of([Held(unit, level, basis)]) for level in levels]
    outside, inside = _predictions(network, ids, held)
    odds = [np.log(p) - np.log1p(-np.minimum(p, 1 - 1e-7)) for p in (np.maximum(x, 1e-30) for x in (outside, inside))]
    change = odds[1] - odds[0]
    promoted, suppressed = (_listed(change, outside, inside, sign, network.vocabulary.symbols) for sign in (1, -1))
    moved = float(np.abs(inside - outside).sum(1).mean() / 2)
    return Effect(levels[1], levels[0], len(where), moved, promoted, suppressed)


def _predictions(network: Any, ids: Ints, held: Sequence[dict[Site, Edit]]) -> tuple[Floats, Floats]:
    """Probabilities of the next symbol [position, symbol] under either edit on the last of ids [position, step]."""
    import torch

    from cellscope.hooks.listen import listen

    given = torch.from_numpy(np.ascontiguousarray(ids)).to(network.device)
    made = []
    with listen(network.module, (), carry=True, edits=held[0]) as ear:
        ear.edits = {}
        for at in range(0, ids.shape[1] - 1, PIECE):
            network.module(given[:, at : min(at + PIECE, ids.shape[1] - 1)])
        before = ear.carried()
        for edits in held:
            ear.carry_on(before)
            ear.edits = dict(edits)
            answer = network.module(given[:, -1:])
            logits = answer[0] if isinstance(answer, tuple) else answer
            made.append(logits[:, 0].double().softmax(-1).cpu().numpy())
    return made[0], made[1]


def _listed(
    change: Floats, outside: Floats, inside: Floats, sign: int, symbols: tuple[str, ...]
) -> tuple[Promoted, ...]:
    """The symbols that are changed most in one direction."""
    even, odd = (slice(k, None, 2) for k in (0, 1))
    likely = np.maximum(outside[even].mean(0), inside[even].mean(0)) >= LIKELY
    order = np.argsort(-sign * np.where(likely, change[even].mean(0), -sign * np.inf), kind="stable")
    best = [k for k in order[:SHOWN].tolist() if likely[k] and sign * change[even, k].mean() > 0]
    some = np.array_split(change[odd][:, best], min(BLOCKS, len(change[odd])))
    parts = [np.stack([b.sum(0) for b in some]), np.stack([np.full(len(best), float(len(b))) for b in some])]
    low, high = jackknife(lambda p: p[0] / p[1], parts)
    means = change[odd][:, best].mean(0)
    return tuple(
        Promoted(symbols[k] or "\ufffd", float(means[i]), float(low[i]), float(high[i]),
                 float(outside[odd, k].mean()), float(inside[odd, k].mean()))
        for i, k in enumerate(best)
    )  # fmt: skip
