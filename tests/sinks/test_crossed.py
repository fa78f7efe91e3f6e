"""Sums over lanes give numpy's correlations, group by group, both ways round, and turned."""

from __future__ import annotations

import numpy as np
import torch

from cellscope.sinks.crossed import Crossed, Turned

LANES, STEPS, A, B = 12, 40, 3, 4
BLOCKS = np.arange(LANES) // 2


def pair(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two networks' values [lane, step, unit] that share something; one unit of the second never moves."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(LANES, STEPS, A)).astype(np.float32)
    y = (x @ rng.normal(size=(A, B)) + rng.normal(size=(LANES, STEPS, B))).astype(np.float32)
    y[..., 3] = 0
    return torch.from_numpy(x), torch.from_numpy(y)


def expected(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """numpy's correlations of all units [first_unit, second_unit], 0 for the dead one."""
    whole = np.corrcoef(x.reshape(-1, A).T, y[..., :3].reshape(-1, 3).T)[:A, A:]
    return np.concatenate([whole, np.zeros((A, 1))], axis=1)


def test_correlations_of_any_groups_are_numpys() -> None:
    """Of the even blocks, the odd ones and all, whatever the chunks; a unit that never moves has 0."""
    x, y = pair()
    sums = Crossed(A, B, 6)
    for first in range(0, STEPS, 16):
        sums.add(x[:, first : first + 16], y[:, first : first + 16], BLOCKS)
    for groups in (slice(0, None, 2), slice(1, None, 2), slice(None)):
        lanes = np.isin(BLOCKS, np.arange(6)[groups])
        np.testing.assert_allclose(sums.correlations(groups), expected(x.numpy()[lanes], y.numpy()[lanes]), atol=1e-5)
    np.testing.assert_array_equal(sums.swapped().correlations(slice(None)), sums.correlations(slice(None)).T)


def test_lanes_need_not_lie_group_by_group() -> None:
    """Groups that come and go along the lanes (even and odd blocks) are the same sums."""
    x, y = pair()
    sums, halves = Crossed(A, B, 6), Crossed(A, B, 2)
    sums.add(x, y, BLOCKS)
    halves.add(x, y, BLOCKS % 2)
    np.testing.assert_allclose(halves.correlations(slice(1, 2)), sums.correlations(slice(1, None, 2)), atol=1e-6)


def test_what_pairs_need_is_what_the_matrix_was_made_of() -> None:
    """`of_pairs` has the sums of just these pairs, block by block."""
    x, y = pair()
    sums = Crossed(A, B, 6)
    sums.add(x, y, BLOCKS)
    one, other = np.array([0, 2, 1]), np.array([1, 1, 0])
    count, a, b, products = sums.of_pairs(one, other, slice(1, None, 2))
    assert count.shape == products.shape == (3, 3)
    assert (count == 2 * STEPS).all()
    np.testing.assert_array_equal(products, sums.products[1::2][:, one, other])
    np.testing.assert_array_equal(a[..., 0], sums.sums[0][1::2][:, one, 0])
    np.testing.assert_array_equal(b[..., 1], sums.sums[1][1::2][:, other, 1])


def test_a_turn_is_a_turn_of_the_second_networks_lanes() -> None:
    """Every draw is the plain correlation after rolling all its lanes by its turn, which is never none."""
    x, y = pair()
    turned = Turned(A, B, 5, seed=3)
    turned.begin(LANES)
    turned.add(x[:, :24].contiguous(), y[:, :24].contiguous(), BLOCKS)
    turned.add(x[:, 24:].contiguous(), y[:, 24:].contiguous(), BLOCKS)
    assert turned.turns.min() >= 1
    assert turned.turns.max() < LANES
    for draw, turn in enumerate(turned.turns):
        for parity in (0, 1):
            lanes = np.flatnonzero(parity == BLOCKS % 2)
            rolled = np.roll(y.numpy(), turn, axis=0)[lanes]
            np.testing.assert_allclose(turned.correlations(draw, parity), expected(x.numpy()[lanes], rolled), atol=1e-5)


def test_a_seed_gives_the_same_turns() -> None:
    """And another one others."""
    drawn = []
    for seed in (1, 1, 2):
        turned = Turned(A, B, 20, seed=seed)
        turned.begin(LANES)
        drawn.append(turned.turns)
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
