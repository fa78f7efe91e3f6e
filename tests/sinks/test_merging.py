"""Sinks that are dealt the rounds of a text, and merged in whatever order, hold what one sink holds of the whole."""

from __future__ import annotations

import functools
import itertools
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from planted_activations import chunks_of, grid_of, slow_noise, stretches

from cellscope.chunks import Round
from cellscope.evidence.baselines import Contexts
from cellscope.sinks.lags import Lags
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

BINARY = np.array([True, True, False])
LENGTH, ROUND = 12_000, 4_000


def lags(seed: int) -> Lags:
    return Lags(3, 4, stride=4, sparser=2)


def shifts(seed: int) -> Shifts:
    return Shifts(3, 4, groups=2, seed=seed, stride=4, draws=150)


def contexts(seed: int) -> Contexts:
    return Contexts(2, 1, 8)


@functools.cache
def told() -> list[tuple[Any, ...]]:
    """Of each round its place, codes, labels, chunks and the ranks of each chunk."""
    rng = np.random.default_rng(4)
    spans = np.stack([stretches(rng, LENGTH), stretches(rng, LENGTH, 40, 40)])
    number, values = slow_noise(rng, LENGTH, [50.0]).T, slow_noise(rng, LENGTH, [0, 3, 30, 300.0])
    values[:, 1] += 2 * spans[0]
    codes = rng.integers(97, 101, LENGTH + 2).astype(np.uint32)
    quantiser, rounds = Quantiser.from_sample(values), []
    for start in range(0, LENGTH, ROUND):
        part, here = Round(start, start + ROUND, 16, 8), slice(start, start + ROUND)
        grid = grid_of(spans[:, here], number[:, here], start)
        tally = Tally(quantiser, 2, 1, 8, stride=4)
        chunks = chunks_of(values[here], Round(0, ROUND, 16, 8))
        moved = [type(c)(c.positions + start, c.blocks, c.values, c.step, c.of) for c in chunks]
        ranks = [tally.add(chunk, grid) for chunk in moved]
        rounds.append((part, codes[start : start + ROUND + 2], grid, moved, ranks))
    return rounds


def fed(sink: Any, which: Sequence[int]) -> Any:
    """The sink after these rounds."""
    for part, codes, grid, chunks, ranks in (told()[k] for k in which):
        if isinstance(sink, Contexts):
            sink.add(part, codes, grid)
            continue
        for chunk, own in zip(chunks, ranks, strict=True):
            sink.add(chunk, grid, own)
        if isinstance(sink, Shifts):
            sink.close()
    return sink


def figures(sink: Any) -> list[np.ndarray]:
    """What is read off a sink, but for what was drawn."""
    if isinstance(sink, Contexts):
        return [part for one, three in (sink.aucs(), sink.correlations()) for part in (one, three.whole, three.left)]
    if isinstance(sink, Lags):
        return [sink.effects(half, BINARY) for half in (0, 1)]
    return [sink.effects(sink.observed, BINARY), sink.widening, np.log(sink.independent), np.log([sink.distinct])]


@pytest.mark.parametrize("empty", [lags, shifts, contexts])
def test_merged_in_any_order(empty: Callable[[int], Any]) -> None:
    """Three sinks of a round each, merged in any order and grouping, give the figures of one that had all three."""
    whole = figures(fed(empty(9), [0, 1, 2]))
    for order in itertools.permutations(range(3)):
        a, b, c = (fed(empty(k), [k]) for k in order)
        for x, y in zip(figures(a.merge(b).merge(c)), whole, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
    a, b, c = (fed(empty(k), [k]) for k in range(3))
    for x, y in zip(figures(a.merge(b.merge(c))), whole, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_draws_of_merged_nulls_add_up() -> None:
    """The draws of two nulls that are merged are the sums of theirs, draw by draw."""
    a, b = fed(shifts(1), [0]), fed(shifts(2), [1])
    expected = a.draws + b.draws
    np.testing.assert_array_equal(a.merge(b).draws, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Lags(3, 4, stride=4), Lags(3, 4, stride=8)), (Lags(3, 4), Lags(2, 4)),
        (Shifts(3, 4, groups=1, seed=0, draws=100), Shifts(3, 5, groups=1, seed=1, draws=100)),
        (Contexts(2, 1, 8), Contexts(2, 2, 8)), (Contexts(2, 1, 8), Contexts(1, 1, 8)),
        (Contexts(2, 1, 8), Contexts(2, 1, 6)),
    ],
)  # fmt: skip
def test_sinks_of_other_shapes_are_not_merged(one: Any, other: Any) -> None:
    """What counts other units, features or steps cannot be added up."""
    with pytest.raises(ValueError, match="merged"):
        one.merge(other)


def test_a_null_of_thousands_of_rounds_stays_small() -> None:
    """What is kept of the turns does not grow with the text, and the number of draws does not overflow."""
    sink = shifts(0)
    for _ in range(2):
        fed(sink, [0])
    sink.turns.update({turns: 10_000_000 // len(sink.turns) for turns in sink.turns})
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sink.widening.shape == sink.independent.shape == (3, 4)
        assert np.isfinite(sink.independent).all()
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    sink.turns = Counter(dict.fromkeys(sink.turns, 2_000))
    assert 1e50 < sink.distinct < float("inf")
