"""The tally equals counting by hand, whatever the chunks, lanes, threads and order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_activations import HERE, chunks_of, grid_of, stretches, tally_of

from cellscope.axes import Site
from cellscope.chunks import Chunk, Round
from cellscope.scores.association import point_biserial
from cellscope.sinks.kernels import FAR
from cellscope.sinks.quantise import BINS, Quantiser
from cellscope.sinks.tally import Tally

RNG = np.random.default_rng(1)
LENGTH, UNITS = 2500, 37
VALUES = RNG.standard_normal((LENGTH, UNITS)).astype(np.float32)
VALUES[:, 1] = 0.5
VALUES[:, 2] = -1800 + np.arange(LENGTH) % 900
SPANS = np.stack([
    stretches(RNG, LENGTH), ~stretches(RNG, LENGTH, 2, 60), np.zeros(LENGTH, bool), np.ones(LENGTH, bool),
    np.arange(LENGTH) == 1234, stretches(RNG, LENGTH, 200, 200),
])  # fmt: skip
NUMBERS = np.stack([np.arange(LENGTH) % 70.0, RNG.standard_normal(LENGTH), np.full(LENGTH, np.nan), np.ones(LENGTH)])
NUMBERS[1, RNG.random(LENGTH) < 0.6] = np.nan
NAMES = ("total", "positive", "inside", "powers", "products", "numbers")


def same(a: Tally, b: Tally) -> bool:
    return all(np.allclose(getattr(a, n), getattr(b, n), rtol=1e-5, atol=1e-3) for n in NAMES) and all(
        np.array_equal(getattr(a, n), getattr(b, n)) for n in ("total", "positive")
    )


@pytest.mark.parametrize(("lanes", "blocks"), [(1, 1), (2, 2), (7, 3), (16, 16), (19, 12)])
def test_equals_counting(lanes: int, blocks: int) -> None:
    """Counts by block, feature, unit and bin, sums and products equal a plain count over positions."""
    part, grid = Round(0, LENGTH, lanes, blocks), grid_of(SPANS, NUMBERS)
    tally = tally_of(VALUES, grid, part)
    q = tally.quantiser
    bins = np.stack([np.searchsorted(e, v, side="right") for e, v in zip(q.edges, VALUES.T, strict=True)], 1)
    block = np.repeat(part.block_of, np.diff(np.append(part.starts, LENGTH)))
    for b in range(blocks):
        here = block == b
        for u in (0, 1, 2, 36):
            assert np.array_equal(tally.total[b, u], np.bincount(bins[here, u], minlength=BINS))
            for f, span in enumerate(SPANS):
                assert np.array_equal(tally.positive[b, f, u], np.bincount(bins[here & span, u], minlength=BINS))
        v = VALUES[here].astype(float) - tally.middle
        assert np.allclose(tally.powers[b, :, 0], v.sum(0), rtol=1e-6, atol=1e-3)
        assert np.allclose(tally.powers[b, :, 1], (v * v).sum(0), rtol=1e-6)
    rank = np.take_along_axis(q.ranks.T.astype(float), bins, 0)
    for u in (0, 1, 2):
        inside = np.bincount(bins[:, u], VALUES[:, u] - tally.middle[u], minlength=BINS)
        assert np.allclose(tally.inside[u, :, 1], inside, rtol=1e-5, atol=1e-3)
        for f in range(len(NUMBERS)):
            a, r, m = VALUES[:, u].astype(float) - q.edges[u, BINS // 2], rank[:, u], grid.mask[f]
            y, p = grid.label[f], grid.rank[f]
            expected = [
                (m * a).sum(),
                (m * a * a).sum(),
                (y * a).sum(),
                (m * r).sum(),
                (m * r * r).sum(),
                (p * r).sum(),
            ]
            sizes = [np.abs(x).sum() for x in (m * a, m * a * a, y * a, m * r, m * r * r, p * r)]
            found = tally.products[:, f, u].sum(0)
            assert np.all(np.abs(found - expected) <= 1e-5 * np.array(sizes) + 1e-6), (u, f)
    y, p, m = (x.astype(float) for x in (grid.label, grid.rank, grid.mask))
    sums = [m.sum(1), y.sum(1), (y * y).sum(1), p.sum(1), (p * p).sum(1)]
    assert np.allclose(tally.numbers.sum(0)[:, :5], np.stack(sums, 1), rtol=1e-5)


def test_lanes_do_not_matter() -> None:
    """The sums over all blocks are the same for any number of lanes."""
    q, grid = Quantiser.from_sample(VALUES), grid_of(SPANS, NUMBERS)
    one = tally_of(VALUES, grid, Round(0, LENGTH, 1, 1), quantiser=q)
    for lanes in (2, 3, 19, 40):
        many = tally_of(VALUES, grid, Round(0, LENGTH, lanes, min(lanes, 8)), quantiser=q)
        for name in set(NAMES) - {"inside"}:
            ours, theirs = getattr(many, name).sum(0), getattr(one, name).sum(0)
            assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max(initial=1)), name
        assert np.allclose(many.inside, one.inside, rtol=1e-5, atol=1e-2)


def test_chunks_in_any_order_and_merged() -> None:
    """Chunks in any order, dealt to any number of tallies that are merged in any order, give one and the same tally."""
    part, grid, q = Round(0, LENGTH, 6, 4), grid_of(SPANS, NUMBERS), Quantiser.from_sample(VALUES)
    whole, chunks = tally_of(VALUES, grid, part, quantiser=q), chunks_of(VALUES, part)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        some = [Tally(q, len(SPANS), len(NUMBERS), 4) for _ in range(3)]
        for k in rng.permutation(len(chunks)):
            some[rng.integers(3)].add(chunks[k], grid)
        a, b, c = (some[k] for k in rng.permutation(3))
        assert same(a.merge(b).merge(c), whole)
        assert same(c.merge(a.merge(b)), whole)


def test_merging_strangers() -> None:
    """Tallies with other bins, blocks or units are not merged."""
    grid = grid_of(SPANS)
    one = tally_of(VALUES, grid, Round(0, LENGTH, 6, 4))
    for other in (
        tally_of(VALUES + 1, grid, Round(0, LENGTH, 6, 4)),
        tally_of(VALUES, grid, Round(0, LENGTH, 6, 3)),
        tally_of(VALUES[:, :5], grid, Round(0, LENGTH, 6, 4)),
    ):
        with pytest.raises(ValueError, match="merged"):
            one.merge(other)


def test_threads_do_not_matter() -> None:
    """One thread or two: the same tally."""
    part, grid, before = Round(0, LENGTH, 6, 4), grid_of(SPANS, NUMBERS), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = tally_of(VALUES, grid, part)
        torch.set_num_threads(2)
        assert same(one, tally_of(VALUES, grid, part))
    finally:
        torch.set_num_threads(before)


def test_sites_lie_side_by_side() -> None:
    """Units of several sites are numbered through, and are counted as if they were of one."""
    part, grid, q = Round(0, LENGTH, 6, 4), grid_of(SPANS, NUMBERS), Quantiser.from_sample(VALUES)
    tally = Tally(q, len(SPANS), len(NUMBERS), 4)
    for chunk in chunks_of(VALUES, part):
        values = chunk.values[HERE]
        parts = {HERE: values[..., :20], Site("b", "c"): values[..., 20:21], Site("c", "d"): values[..., 21:]}
        tally.add(Chunk(chunk.positions, chunk.blocks, parts, chunk.step, chunk.of), grid)
    assert same(tally, tally_of(VALUES, grid, part, quantiser=q))


def test_ranks_come_back() -> None:
    """The ranks of every `stride`-th step come back, as the quantiser gives them."""
    part, grid, q = Round(0, LENGTH, 6, 4), grid_of(SPANS), Quantiser.from_sample(VALUES)
    for stride in (1, 4):
        tally = Tally(q, len(SPANS), 0, 4, stride=stride)
        for chunk in chunks_of(VALUES, part):
            values = chunk.values[HERE][::stride]
            ranks = tally.add(chunk, grid)
            assert ranks.shape == values.shape
            for u in (0, 1, 2, 36):
                expected = q.ranks[u][np.searchsorted(q.edges[u], values[..., u], side="right")]
                assert np.array_equal(ranks[..., u], expected)


def test_rounds_add_up() -> None:
    """A text that is played in several rounds is counted like in one."""
    grid, q = grid_of(SPANS, NUMBERS), Quantiser.from_sample(VALUES)
    tally = Tally(q, len(SPANS), len(NUMBERS), 4)
    for part in (Round(0, 1000, 6, 4), Round(1000, 1777, 5, 4), Round(1777, LENGTH, 1, 1)):
        columns = slice(part.start, part.stop)
        here = grid_of(SPANS[:, columns], NUMBERS[:, columns], part.start)
        for chunk in chunks_of(VALUES[columns], part):
            tally.add(chunk, here)
    whole = tally_of(VALUES, grid, Round(0, LENGTH, 1, 1), quantiser=q)
    assert np.array_equal(tally.total.sum(0), whole.total.sum(0))
    assert np.array_equal(tally.positive.sum(0), whole.positive.sum(0))


def test_halves() -> None:
    """Even blocks choose, odd ones report; together they are everything."""
    tally = tally_of(VALUES, grid_of(SPANS), Round(0, LENGTH, 9, 5))
    (total_a, on_a), (total_b, on_b) = tally.half(0), tally.half(1)
    assert np.array_equal(total_a, tally.total[[0, 2, 4]].sum(0))
    assert np.array_equal(on_b, tally.positive[[1, 3]].sum(0))
    assert int((total_a + total_b)[0].sum()) == LENGTH
    assert np.array_equal((on_a + on_b)[:, 0].sum(1), SPANS.sum(1))


def test_rare_outliers_keep_their_distance() -> None:
    """A feature of some characters on which a unit goes far beyond all that the sample had: r is that of the
    activations, although most bins' means come from every 64th step.
    """
    rng = np.random.default_rng(8)
    length = 60_000
    values = rng.standard_normal((length, 20)).astype(np.float32)
    on = np.zeros((1, length), bool)
    on[0, rng.choice(length, 50, replace=False)] = True
    values[on[0], 3] = 400 + 100 * rng.standard_normal(50)
    values[on[0], 17] = -90 - 30 * rng.random(50)
    part, grid = Round(0, length, 16, 16), grid_of(on)
    quantiser = Quantiser.from_sample(values[~on[0]][:8000])
    tally = tally_of(values, grid, part, quantiser=quantiser, stride=8)
    (total, positive), means = tally.half(1), tally.means()
    powers = tally.powers[1::2].sum(0)
    r, _ = point_biserial(
        (positive[0] * means).sum(-1), powers[:, 0], total.sum(-1), positive[0].sum(-1), powers[:, 1]
    )  # fmt: skip
    odd = np.repeat(part.block_of % 2 == 1, np.diff(np.append(part.starts, length)))
    exact = [np.corrcoef(on[0, odd], values[odd, unit])[0, 1] for unit in range(20)]
    assert abs(exact[3]) > 0.9
    np.testing.assert_allclose(r, exact, atol=0.01)
    plain = tally_of(values, grid, part, quantiser=quantiser, stride=1)
    far = np.r_[0:FAR, BINS - FAR : BINS]
    np.testing.assert_allclose(tally.inside[:, far], plain.inside[:, far], rtol=1e-6)
