"""What writes a memory and what erases it: at which characters it moves most, and what its gates do there.

An LSTM's cell goes from c to f c + i g: what it loses is (f - 1) c, what it gains is i g (Hochreiter and Schmidhuber
1997; Gers et al. 2000). A GRU's unit goes from h to z h + (1 - z) n. Moments count by the square of the change, so that
the largest tell nearly all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import GATES, STREAMS, Site, Unit
from cellscope.evidence.clocks import AFTER, BEFORE, CLOCKS, INSIDE, NONE

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

PHASES = ("anywhere", "start", "end")
"""All of the text; the first characters of a span; its last character and those after it."""
NEAR = 3
"""Characters of a span's start, and of its end."""
SHOWN = 6
"""Symbols of a list."""
FEWEST = 3
"""A symbol that moves the unit less often than this is left out."""


@dataclass(frozen=True)
class Mover:
    """A character on which a unit moves: `share` of all squared change in this direction, `times` it happened, `moved`
    by so much on the average, the mean of each gate at these moments.
    """

    symbol: str
    share: float
    times: int
    moved: float
    gates: Mapping[str, float]


@dataclass(frozen=True)
class Moves:
    """What moves a unit towards its inside level (`writes`) and away from it (`erases`), by phase, most first.

    stream   what moves: the cell of an LSTM, otherwise the unit itself
    gates    the mean of each gate over the text
    keeps    the mean share that is kept from one character to the next, inside and outside; None without such a gate
    """

    stream: str
    gates: Mapping[str, float]
    keeps: tuple[float, float] | None
    writes: Mapping[str, tuple[Mover, ...]]
    erases: Mapping[str, tuple[Mover, ...]]

    @property
    def memory(self) -> tuple[float, float] | None:
        """1 / (1 - what is kept), inside and outside: the characters until nothing much would be left."""
        return None if self.keeps is None else (_span(self.keeps[0]), _span(self.keeps[1]))


def _span(kept: float) -> float:
    return float("inf") if kept >= 1 else 1 / (1 - kept)


def memory_of(unit: Unit, kind: str) -> tuple[Site, tuple[Site, ...]]:
    """Where a unit's memory lies and the gates that rule it; a gate by itself has none."""
    path = unit.site.path
    if unit.site.stream in GATES:
        return unit.site, ()
    stream = "cell" if kind == "lstm" else "hidden"
    gates = {"lstm": ("input", "forget", "candidate"), "gru": ("update", "new")}.get(kind, ())
    return Site(path, stream), tuple(Site(path, gate) for gate in gates if gate in STREAMS[kind])


class Movements:
    """Sums of squared change by phase, direction and symbol; of fixed size."""

    def __init__(self, gates: tuple[str, ...], symbols: int, sign: int) -> None:
        self.gates, self.sign = gates, sign
        shape = len(PHASES), 2, symbols
        self.times = np.zeros(shape, np.int64)
        self.squares, self.changes = np.zeros(shape), np.zeros(shape)
        self.weighed = np.zeros((*shape, len(gates)))
        self.sides = np.zeros((2, 1 + len(gates)))
        self._last: NDArray[np.float32] | None = None

    def add(self, state: NDArray[np.float32], gates: NDArray[np.float32], ids: NDArray[np.int64], codes: Codes) -> None:
        """Add a chunk: state [lane, step], gates [gate, lane, step], symbols [lane, step], codes [clock, lane, step].

        Chunks of one round come in order, each going on where the one before ended.
        """
        before = np.empty_like(state)
        before[:, 1:] = state[:, :-1]
        before[:, 0] = state[:, 0] if self._last is None else self._last
        self._last = state[:, -1].copy()
        change = (state - before).astype(np.float64) * self.sign
        counted = codes[0] != NONE
        for phase, where in enumerate((counted, counted & _starting(codes), counted & _ending(codes))):
            for direction, moved in enumerate((where & (change > 0), where & (change < 0))):
                self._add(phase, direction, change[moved], gates[:, moved], ids[moved])
        inside = codes[0] == INSIDE
        for side, where in enumerate((inside, counted & ~inside)):
            self.sides[side] += [where.sum(), *gates[:, where].sum(1, dtype=np.float64)]

    def _add(
        self, phase: int, direction: int, change: Floats, gates: NDArray[np.float32], ids: NDArray[np.int64]
    ) -> None:
        symbols = self.times.shape[2]
        square = change**2
        self.times[phase, direction] += np.bincount(ids, minlength=symbols)
        self.squares[phase, direction] += np.bincount(ids, square, symbols)
        self.changes[phase, direction] += np.bincount(ids, change, symbols)
        for k, gate in enumerate(gates):
            self.weighed[phase, direction, :, k] += np.bincount(ids, square * gate, symbols)

    def moves(self, stream: str, symbols: tuple[str, ...]) -> Moves:
        """What was found, with the names of the symbols."""
        both = self.sides.sum(0)
        means = {gate: float(both[1 + k] / max(both[0], 1)) for k, gate in enumerate(self.gates)}
        keep = next((k for k, gate in enumerate(self.gates) if gate in ("forget", "update")), None)
        kept = None if keep is None else tuple((self.sides[:, 1 + keep] / np.maximum(self.sides[:, 0], 1)).tolist())
        lists = [{phase: self._ranked(p, direction, symbols) for p, phase in enumerate(PHASES)} for direction in (0, 1)]
        return Moves(stream, means, None if kept is None else (kept[0], kept[1]), lists[0], lists[1])

    def _ranked(self, phase: int, direction: int, symbols: tuple[str, ...]) -> tuple[Mover, ...]:
        here = phase, direction
        squares = np.where(self.times[here] >= FEWEST, self.squares[here], 0.0)
        best = [k for k in np.argsort(-squares, kind="stable")[:SHOWN].tolist() if squares[k] > 0]
        total = max(float(self.squares[here].sum()), 1e-30)
        return tuple(
            Mover(
                symbols[k] or "\ufffd", float(squares[k] / total), int(self.times[here][k]),
                self.sign * float(self.changes[here][k] / self.times[here][k]),
                {gate: float(self.weighed[here][k, g] / squares[k]) for g, gate in enumerate(self.gates)},
            )
            for k in best
        )  # fmt: skip


_SINCE, _UNTIL = (list(CLOCKS).index(name) for name in ("since", "until"))


def _starting(codes: Codes) -> NDArray[np.bool_]:
    """Among the first characters of a span."""
    since: NDArray[np.bool_] = (codes[_SINCE] > BEFORE) & (codes[_SINCE] <= BEFORE + NEAR)
    return since


def _ending(codes: Codes) -> NDArray[np.bool_]:
    """On a span's last character, or just after it."""
    ending: NDArray[np.bool_] = (codes[_UNTIL] == AFTER + 1) | (codes[_UNTIL] < NEAR - 1)
    return ending
