"""Recurrent networks whose answer is known: weights are set by hand so that cells are exactly what they should be.

Gates are driven to 0 or 1 and candidates to -1, 0 or 1, so that a cell is a small program. What is planted: a switch
for quotes, a counter of parentheses, a ramp along the line, a detector of URLs that knows two characters late and lets
go two characters late, and a switch for square brackets that no unit has: it is spread over many by a random rotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cellscope.axes import Site, Unit
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network

LATE = 2
"""Characters by which the detector of URLs is late: its start is known from `htt` on."""
SPREAD = 24
"""Units over which the last concept is spread, unless asked otherwise."""
HELPERS = 5
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CELL, HIDDEN = Site("lstm.0", "cell"), Site("lstm.0", "hidden")
SYMBOLS = tuple('\n "()/:[]' + LETTERS)
"""What a planted network has to know."""
PAIRS = (("[", "]"), *zip(LETTERS[::2], LETTERS[1::2], strict=True))
"""What turns each of the signals that are spread up and down."""

_ON, _SHUT = 20.0, -20.0
_HELD = float(np.tanh(1.0))
"""What a cell of 1 hands on through an open gate."""

QUOTE = Feature(name="planted-quote", pattern=r'("[^"\n]*)"', group=1)
URL = Feature(name="planted-url", pattern=r"htt[^ \n]*")
SQUARE = Feature(name="planted-square", pattern=r"(\[[^\]\n]*)\]", group=1)
DEPTH, COLUMN = select(["parentheses-depth", "column"])


@dataclass(frozen=True)
class Plant:
    """What was planted: the feature, the cells that have it, and what is true of them.

    sign    +1 where the cell is high inside (or rises); of a spread concept, 0
    lag     so many characters late
    kind    switch, counter, position; none where it is spread
    spread  local, or distributed over all of `units`
    exact   the addresses that have it without an error, with the kind of each: the cell, and what it hands on where
            that tells all its values apart; none where it is spread
    """

    feature: Feature
    units: tuple[int, ...]
    sign: int
    lag: int
    kind: str
    spread: str
    exact: Mapping[Unit, str] = field(default_factory=dict)


def planted(
    vocabulary: Vocabulary, *, host: Network | None = None, size: int = 96, spread: int = SPREAD, seed: int = 0
) -> tuple[Network, tuple[Plant, ...]]:
    """A one-layer LSTM with planted cells among `size` units in all, the others drawn at random; or among those of
    `host`, a one-layer LSTM that goes on as it did and hears nothing of them.

    The planted cells' numbers, their signs and the rotation are drawn from `seed`.
    """
    missing = sorted(set(SYMBOLS) - set(vocabulary.symbols))
    if missing:
        raise InputError(f"the vocabulary lacks {''.join(missing)!r}, which is planted; there are {len(vocabulary)}")
    known = None if host is None else _one_hot(host)
    many = 4 + HELPERS + spread
    total = size if known is None else known.config.size + many
    if not 2 <= spread <= len(PAIRS) or total <= many:
        raise InputError(
            f"{spread} units to spread over and {size} units in all; give 2 to {len(PAIRS)}, and more than {many}"
        )
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = CharRNN(len(vocabulary), size=total, embedding=0)
    order = rng.permutation(total)
    if known is not None:
        _copy(known, module, torch.from_numpy(np.sort(order[many:])))
    weights = _Weights(module, vocabulary, order[:many].tolist())
    signs = [int(s) for s in rng.choice([-1, 1], 4)]
    q, d, c, u, *helpers = range(4 + HELPERS)
    weights.quote(q, signs[0])
    weights.depth(d, signs[1], helpers[0])
    weights.column(c, signs[2])
    weights.url(u, signs[3], helpers[1:])
    rotation = np.linalg.qr(rng.standard_normal((spread, spread)))[0]
    weights.rotated(range(4 + HELPERS, many), rotation)
    at = weights.at
    plants = (
        Plant(QUOTE, (at[q],), signs[0], 0, "switch", "local", _both(at[q], "switch")),
        # What is handed on is the cell's tanh: .76 at depth 1 and .96 at depth 2, which is to be inside or not, and 1
        # from the tenth character of a line on, which tells columns no more.
        Plant(DEPTH, (at[d],), signs[1], 0, "counter", "local", _both(at[d], "counter")),
        Plant(COLUMN, (at[c],), signs[2], 0, "position", "local", {Unit(CELL, at[c]): "position"}),
        Plant(URL, (at[u],), signs[3], LATE, "switch", "local", _both(at[u], "switch")),
        Plant(SQUARE, tuple(at[4 + HELPERS :]), 0, 0, "none", "distributed"),
    )
    name = "planted" if host is None else f"{host.name} with planted cells"
    return Network(module.eval(), vocabulary, name, module.config.describe()), plants


def _both(unit: int, kind: str) -> dict[Unit, str]:
    return {Unit(CELL, unit): kind, Unit(HIDDEN, unit): "switch"}


def planted_text(length: int, seed: int = 0) -> str:
    """So many characters of words of random letters, some in quotes, in nested parentheses or in square brackets, with
    URLs, in lines of random length; it begins with a line end.
    """
    rng = np.random.default_rng(seed)
    parts, left = ["\n"], length - 1
    while True:
        line = " ".join(_phrase(rng) for _ in range(rng.integers(2, 7))) + "\n"
        if len(line) > left:  # nothing is left open at the end
            return "".join(parts) + "\n" * left
        parts.append(line)
        left -= len(line)


def _phrase(rng: np.random.Generator) -> str:
    words = " ".join(_word(rng, 1, 9) for _ in range(rng.integers(1, 5)))
    kind = rng.integers(0, 8)
    if kind == 0:
        return f'"{words}"'
    if kind == 1:
        return f"[{words}]"
    if kind == 2:
        return f"http://{_word(rng, 4, 20)}/{_word(rng, 1, 15)}"
    if kind <= 4:
        inner = f"({_word(rng, 1, 9)} {_word(rng, 1, 9)})"
        return f"({words} {inner}{inner if rng.random() < 0.3 else ''})" if rng.random() < 0.6 else f"({words})"
    return words


def _word(rng: np.random.Generator, least: int, most: int) -> str:
    return "".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), rng.integers(least, most + 1)))


class _Weights:
    """The weights of an LSTM, row by gate and cell, column by symbol or cell; `at` are the planted cells' numbers."""

    def __init__(self, module: CharRNN, vocabulary: Vocabulary, at: Sequence[int]) -> None:
        lstm, size = module.recurrent, module.config.size
        self.at, self._symbol = at, {symbol: i for i, symbol in enumerate(vocabulary.symbols)}
        named = {name: parameter.detach() for name, parameter in lstm.named_parameters()}
        gates = zip("ifgo", (slice(g * size, (g + 1) * size) for g in range(4)), strict=True)
        self._rows = {
            gate: (named["weight_ih_l0"][rows], named["weight_hh_l0"][rows], named["bias_ih_l0"][rows])
            for gate, rows in gates
        }
        for symbols, cells, bias in self._rows.values():
            symbols[at], cells[at], bias[at] = 0.0, 0.0, 0.0
        rows = (torch.arange(4)[:, None] * size + torch.tensor(at)).flatten()
        named["bias_hh_l0"][rows] = 0.0
        for cell in at:
            self._rows["o"][2][cell] = _ON

    def gate(self, cell: int, gate: str, bias: float, symbols: str = "", weight: float = 0.0,
             cells: dict[int, float] | None = None) -> None:  # fmt: skip
        """Set a gate's bias, the weight of each of some symbols, and those of cells' outputs, as multiples of what a
        cell of 1 hands on; planted cells go by their place in `at`.
        """
        by_symbol, by_cell, biases = self._rows[gate]
        biases[self.at[cell]] = bias
        for symbol in symbols:
            by_symbol[self.at[cell], self._symbol[symbol]] = weight
        for other, value in (cells or {}).items():
            by_cell[self.at[cell], self.at[other]] = value / _HELD

    def quote(self, cell: int, sign: int) -> None:
        """1 inside quotes and -1 outside: a quote turns the sign round, a line end sets it to outside."""
        self.gate(cell, "i", _SHUT, '"\n', 2 * _ON)
        self.gate(cell, "f", _ON, '"\n', 2 * _SHUT)
        self.gate(cell, "g", 0.0, "\n", -4 * _ON * sign, {cell: _SHUT})

    def depth(self, cell: int, sign: int, closed: int) -> None:
        """One more at an opening parenthesis, one less after a closing one; a line end begins anew."""
        self._pulse(closed, ")")
        self.gate(cell, "i", _SHUT, "(", 2 * _ON, {closed: 2 * _ON})
        self.gate(cell, "i", _SHUT, "\n", 6 * _SHUT)
        self.gate(cell, "g", 0.0, "(", _ON * sign, {closed: _SHUT * sign})
        self.gate(cell, "f", _ON, "\n", 2 * _SHUT)

    def column(self, cell: int, sign: int) -> None:
        """One more at every character, 0 at a line end."""
        self.gate(cell, "i", _ON, "\n", 2 * _SHUT)
        self.gate(cell, "f", _ON, "\n", 2 * _SHUT)
        self.gate(cell, "g", _ON * sign)

    def url(self, cell: int, sign: int, helpers: Sequence[int]) -> None:
        """1 from the second t of htt on, 0 from two characters after the next blank on."""
        first, second, blank, after = helpers
        self._pulse(first, "h")
        self._pulse(second, "t", first)
        self._pulse(blank, " \n")
        self._pulse(after, "", blank)
        self.gate(cell, "i", 3 * _SHUT, "t", 2 * _ON, {second: 2 * _ON})
        self.gate(cell, "f", 3 * _ON, "t", 2 * _SHUT, {second: 2 * _SHUT, after: 6 * _SHUT})
        self.gate(cell, "g", _ON * sign)

    def rotated(self, cells: Sequence[int], rotation: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        """Sums of a signal, 1 inside square brackets, and of walks that pairs of letters drive, turned by `rotation`
        [cell, signal]; a line end sets all to 0.
        """
        step = 0.5
        for cell, row in zip(cells, np.arctanh(step * rotation), strict=True):
            self.gate(cell, "i", _ON)
            self.gate(cell, "f", _ON, "\n", 2 * _SHUT)
            for signal, weight in enumerate(row):
                up, down = PAIRS[signal]
                self.gate(cell, "g", 0.0, up, float(weight))
                self.gate(cell, "g", 0.0, down, -float(weight))

    def _pulse(self, cell: int, symbols: str, after: int | None = None) -> None:
        """1 at one of some symbols (at any, if there is none), where the cell `after` was 1 just before; else 0."""
        both = bool(symbols) and after is not None
        self.gate(cell, "i", 3 * _SHUT if both else _SHUT, symbols, 2 * _ON, {} if after is None else {after: 2 * _ON})
        self.gate(cell, "f", _SHUT)
        self.gate(cell, "g", _ON)


def _one_hot(host: Network) -> CharRNN:
    """The same one-layer LSTM without an embedding."""
    module = host.module
    if not isinstance(module, CharRNN) or module.config.kind != "lstm" or module.config.layers != 1:
        raise InputError(f"{host.name} is {host.description or 'another network'}; cells are planted in a 1-layer LSTM")
    plain = CharRNN(module.config.vocabulary_size, size=module.config.size, embedding=0)
    state = {name: value for name, value in module.state_dict().items() if not name.startswith("embedding")}
    if module.embedding is not None:
        state["lstm.weight_ih_l0"] = state["lstm.weight_ih_l0"] @ module.embedding.weight.detach().T
    plain.load_state_dict(state)
    return plain


@torch.no_grad()
def _copy(host: CharRNN, module: CharRNN, at: Tensor) -> None:
    """Put the cells of `host` at the places `at` of a larger network; neither they nor the logits hear the others."""
    size = module.config.size
    rows = (torch.arange(4)[:, None] * size + at).flatten()
    old, new = host.state_dict(), module.state_dict()
    new["lstm.weight_ih_l0"][rows] = old["lstm.weight_ih_l0"]
    new["lstm.weight_hh_l0"][rows] = torch.zeros(len(rows), size).index_copy(1, at, old["lstm.weight_hh_l0"])
    for bias in ("lstm.bias_ih_l0", "lstm.bias_hh_l0"):
        new[bias][rows] = old[bias]
    new["decoder.weight"].zero_()
    new["decoder.weight"][:, at] = old["decoder.weight"]
    new["decoder.bias"].copy_(old["decoder.bias"])
