"""Texts and what every unit did on each of their characters.

Positions count characters (code points) of all passages' texts, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError

PASSAGE_KINDS = ("reading", "top", "bottom", "random", "wrong")
"""The tabs of the text, in their order."""


def need(condition: bool, text: str) -> None:
    """InputError unless a condition holds."""
    if not condition:
        raise InputError(f"this page cannot be made: {text}")


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A stretch of the corpus: `unit` is the address it was chosen for ("" for all), `peak` a place in `text`."""

    kind: str
    text: str
    start: int
    unit: str = ""
    peak: int | None = None

    def __post_init__(self) -> None:
        need(self.kind in PASSAGE_KINDS, f"passage kind {self.kind!r} is none of {', '.join(PASSAGE_KINDS)}")
        need(self.peak is None or 0 <= self.peak < len(self.text), f"peak {self.peak} lies outside its passage")


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The likeliest next characters: `symbols[ids[position, k]]` with `probabilities[position, k]`, best first."""

    symbols: tuple[str, ...]
    ids: NDArray[np.integer]
    probabilities: NDArray[np.floating]

    def __post_init__(self) -> None:
        need(self.ids.ndim == 2 and self.ids.shape == self.probabilities.shape, "predictions differ in shape")
        if self.ids.size:
            low, high = int(self.ids.min()), int(self.ids.max())
            need(low >= 0 and high < len(self.symbols), f"predictions name symbol {high} of {len(self.symbols)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Passages:
    """Texts and what every unit did on each of their characters.

    `activations[site]` is [position, unit]; `units[site]` says which unit each column is (without it, column = unit).
    `spans` is bool [position]; `numbers` float [position] for a numeric feature; `gates[address][gate]` float
    [position]; `loss` float [position], nats for predicting the next character.
    """

    items: tuple[Passage, ...]
    activations: Mapping[str, NDArray[np.floating]]
    spans: NDArray[np.bool_] | None = None
    numbers: NDArray[np.floating] | None = None
    units: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    predictions: Predictions | None = None
    gates: Mapping[str, Mapping[str, NDArray[np.floating]]] = field(default_factory=dict)
    loss: NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        length = self.length
        for site, values in self.activations.items():
            need(values.ndim == 2 and len(values) == length, f"{site} has {values.shape} for {length} characters")
            columns = self.units.get(site)
            need(columns is None or len(columns) == values.shape[1], f"{site}: units and columns differ in number")
        arrays: dict[str, NDArray[Any] | None] = {"spans": self.spans, "numbers": self.numbers, "loss": self.loss}
        arrays |= {f"{unit} {gate}": a for unit, gates in self.gates.items() for gate, a in gates.items()}
        if self.predictions is not None:
            arrays["predictions"] = self.predictions.ids[:, 0] if self.predictions.ids.shape[1] else None
        for name, array in arrays.items():
            need(array is None or array.shape == (length,), f"{name} is not [position] over {length} characters")

    @property
    def length(self) -> int:
        """How many characters all passages have together."""
        return sum(len(item.text) for item in self.items)

    def columns(self, site: str) -> tuple[int, ...]:
        """The unit of every column of a site."""
        return self.units.get(site) or tuple(range(self.activations[site].shape[1]))
