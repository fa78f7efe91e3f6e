"""Small texts' worth of activations and labels, and the sinks run over them: what tests of the sinks share."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from cellscope.axes import Site
from cellscope.chunks import Chunk, Round
from cellscope.observe import deal
from cellscope.sinks.labels import LabelGrid, Ranker
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.tally import Tally

HERE = Site("planted.0", "hidden")


def stretches(rng: np.random.Generator, length: int, on: float = 6.0, off: float = 20.0) -> np.ndarray:
    """A label that is on and off for stretches of these mean lengths [position]."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < length:
        parts += [np.zeros(rng.geometric(1 / off), bool), np.ones(rng.geometric(1 / on), bool)]
    return np.concatenate(parts)[:length]


def slow_noise(rng: np.random.Generator, length: int, scales: list[float]) -> np.ndarray:
    """AR(1) noise whose autocorrelation falls to 1/e after each of `scales` [position, unit]."""
    noise = np.empty((length, len(scales)), np.float32)
    for unit, scale in enumerate(scales):
        a = np.exp(-1 / scale) if scale else 0.0
        draws = rng.standard_normal(length + int(5 * scale))
        noise[:, unit] = lfilter([np.sqrt(1 - a * a)], [1, -a], draws)[int(5 * scale) :]
    return noise


def grid_of(spans: np.ndarray, numbers: np.ndarray | None = None, start: int = 0) -> LabelGrid:
    """The grid of labels [feature, position]."""
    none = np.zeros((0, spans.shape[1]), np.float32)
    return Ranker().grid(start, spans.astype(bool), none if numbers is None else numbers.astype(np.float32))


def chunks_of(values: np.ndarray, part: Round) -> list[Chunk]:
    """The chunks of a round whose values [position, unit] are all there."""
    return list(deal({HERE: np.asarray(values, np.float32)}, part))


def tally_of(
    values: np.ndarray, grid: LabelGrid, part: Round, *, quantiser: Quantiser | None = None, **options
) -> Tally:
    """The tally of one round whose values [position, unit] are all there."""
    quantiser = quantiser or Quantiser.from_sample(values)
    tally = Tally(quantiser, len(grid.spans), len(grid.label), part.blocks, **options)
    for chunk in chunks_of(values, part):
        tally.add(chunk, grid)
    return tally
