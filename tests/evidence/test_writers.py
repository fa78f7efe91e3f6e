from __future__ import annotations

import math

import numpy as np
import pytest

from cellscope.axes import Site, Unit
from cellscope.evidence.clocks import CLOCKS, codes_of
from cellscope.evidence.writers import Movements, memory_of

SYMBOLS = ("a", "(", ")", " ")
TEXT = "aa (aa aa) a" * 40


def moved(sign: int = 1, *, cut: int = 37):
    """A cell that goes to `sign` at "(" and back to 0 at ")", added in chunks of `cut` steps, in one lane."""
    ids = np.array([SYMBOLS.index(c) for c in TEXT])[None]
    inside = np.cumsum(ids[0] == 1) - np.cumsum(ids[0] == 2) > 0
    cell = (inside * float(sign)).astype(np.float32)[None]
    gates = np.stack([(ids == 1) * 1.0, (ids != 2) * 1.0, np.full(ids.shape, 0.5)]).astype(np.float32)
    labelled = inside | (ids[0] == 2)
    codes = codes_of(labelled, np.zeros(len(TEXT), bool), None, np.zeros(len(TEXT)), None)[:, None]
    found = Movements(("input", "forget", "candidate"), len(SYMBOLS), sign)
    for at in range(0, len(TEXT), cut):
        here = slice(at, at + cut)
        found.add(cell[:, here], gates[..., here], ids[:, here], codes[..., here])
    return found.moves("cell", SYMBOLS), labelled


@pytest.mark.parametrize("sign", [1, -1])
def test_what_writes_and_what_erases(sign: int) -> None:
    """All writing happens at "(" with the input gate open, all erasing at ")" with the forget gate closed."""
    moves, _ = moved(sign)
    for lists, symbol, size, gates in ((moves.writes, "(", sign, (1, 1)), (moves.erases, ")", -sign, (0, 0))):
        first = lists["anywhere"][0]
        assert len(lists["anywhere"]) == 1
        assert (first.symbol, first.share, first.times, first.moved) == (symbol, 1.0, 40, size)
        assert (first.gates["input"], first.gates["forget"], first.gates["candidate"]) == (*gates, 0.5)
    assert [m.symbol for m in moves.writes["start"]] == ["("]
    assert [m.symbol for m in moves.erases["end"]] == [")"]
    assert moves.writes["end"] == moves.erases["start"] == ()


def test_cutting_changes_nothing() -> None:
    """However the text is cut into chunks, the same moved."""
    assert moved(cut=1)[0] == moved(cut=len(TEXT))[0]


def test_what_a_gate_keeps_inside_and_outside() -> None:
    """1 / (1 - f) of the mean forget gate, inside and outside; endless where it never closes."""
    moves, labelled = moved()
    kept = np.array([c != ")" for c in TEXT])
    assert moves.keeps == pytest.approx((kept[labelled].mean(), kept[~labelled].mean()))
    inside, outside = moves.memory
    assert inside == pytest.approx(1 / (1 - kept[labelled].mean()))
    assert outside == math.inf


def test_where_a_memory_lies() -> None:
    """An LSTM's is its cell, a GRU's its hidden state; a gate by itself has none, a plain RNN no gates."""
    hidden = Unit(Site("x.0", "hidden"), 3)
    assert memory_of(hidden, "lstm") == (
        Site("x.0", "cell"), tuple(Site("x.0", g) for g in ("input", "forget", "candidate"))
    )  # fmt: skip
    assert memory_of(hidden, "gru") == (Site("x.0", "hidden"), (Site("x.0", "update"), Site("x.0", "new")))
    assert memory_of(hidden, "rnn") == (Site("x.0", "hidden"), ())
    gate = Unit(Site("x.0", "forget"), 3)
    assert memory_of(gate, "lstm") == (gate.site, ())


def test_the_clocks_are_where_they_are_read() -> None:
    """The rows of codes stand in the order of the clocks."""
    assert list(CLOCKS)[:4] == ["inside", "since", "until", "depth"]
