"""Sums of products of units with one another and with labels."""

from __future__ import annotations

import numpy as np
import pytest
from planted_activations import chunks_of

from cellscope.chunks import Round
from cellscope.errors import InputError
from cellscope.sinks.covariance import Covariance, groups

LENGTH, UNITS, TASKS = 6_007, 5, 3


@pytest.fixture
def planted():
    rng = np.random.default_rng(3)
    values = (rng.standard_normal((LENGTH, UNITS)) @ rng.standard_normal((UNITS, UNITS)) + 7).astype(np.float32)
    labels = np.stack([values[:, 0] > 7, rng.random(LENGTH) < 0.3, values[:, 1] * 0.1]).astype(np.float32)
    mask = rng.random(LENGTH) < 0.4
    labels[2] *= mask
    return values, labels, mask.astype(np.float32)[None]


def summed(values, labels, masks, *, parts, stride=1, sample=None, **options):
    """The covariance of all rounds, and for every position whether it was counted and the group it fell into."""
    blocks = max(part.blocks for part in parts)
    found = Covariance(values if sample is None else sample, np.array([0, 0, 1]), blocks, stride=stride, **options)
    group = np.full(len(values), -1)
    for part in parts:
        for chunk in chunks_of(values[part.start : part.stop], part):
            rows = chunk.positions[None, :] + np.arange(0, chunk.steps, stride)[:, None]
            found.add(chunk, labels[:, rows], masks[:, rows])
            group[rows] = found.group_of[chunk.blocks]
    return found, group


def standardised(values, found):
    return np.clip((values - found.middle) * found.scale, found.low, found.high).astype(np.float64)


@pytest.mark.parametrize("stride", [1, 3])
def test_sums_are_those_of_all_counted_rows(planted, stride):
    """Covariances with units and labels are numpy's of the rows that were counted, for each half and each mask."""
    values, labels, masks = planted
    parts = [Round(0, 3_000, 8, 8), Round(3_000, LENGTH, 8, 8)]
    found, group = summed(values, labels, masks, parts=parts, stride=stride)
    x = standardised(values, found)
    for half in (np.arange(found.choosing), np.arange(found.choosing, len(found.gram))):
        for mask, tasks in ((0, [0, 1]), (1, [2])):
            here = np.isin(group, half) & ((masks[0] > 0) | (mask == 0))
            moments = found.moments(half, mask)
            both = np.cov(np.concatenate([x[here].T, labels[tasks][:, here]]), bias=True)
            assert moments.count == here.sum()
            np.testing.assert_allclose(moments.covariance, both[:UNITS, :UNITS], atol=2e-5)
            np.testing.assert_allclose(moments.with_labels, both[UNITS:, :UNITS], atol=2e-5)
            np.testing.assert_allclose(moments.spread, np.diag(both)[UNITS:], atol=2e-5)


def test_two_merge_into_one(planted):
    """The covariance of a text is that of its halves merged; others with other scales are refused."""
    values, labels, masks = planted
    parts = [Round(0, 3_000, 8, 8), Round(3_000, LENGTH, 8, 8)]
    whole, _ = summed(values, labels, masks, parts=parts)
    one, two = (summed(values, labels, masks, parts=[part])[0] for part in parts)
    merged = one.merge(two)
    np.testing.assert_allclose(merged.gram, whole.gram, rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(merged.labels, whole.labels, rtol=1e-6)
    with pytest.raises(ValueError, match="merged"):
        merged.merge(summed(values, labels, masks, parts=parts, sample=values * 2)[0])


def test_some_tasks_are_those_of_all(planted):
    """Taking tasks gives their sums in the order that was asked for, and leaves the others' alone."""
    values, labels, masks = planted
    whole, _ = summed(values, labels, masks, parts=[Round(0, LENGTH, 8, 8)])
    some = whole.take(np.array([2, 0]))
    halves = np.arange(len(whole.gram))
    assert some.counted.tolist() == [1, 0]
    assert np.array_equal(some.moments(halves, 0).cross[0], whole.moments(halves, 0).cross[0])
    assert np.array_equal(some.moments(halves, 1).labels, whole.moments(halves, 1).labels)
    assert whole.cross.shape[1] == TASKS


def test_blocks_keep_their_half_when_they_share_a_group(planted):
    """Even blocks choose and odd ones report, however few groups there is room for."""
    values, labels, masks = planted
    found, group = summed(values, labels, masks, parts=[Round(0, LENGTH, 32, 32)], budget=5 * 4 * 2 * UNITS**2)
    assert (found.choosing, len(found.gram)) == (2, 5)
    assert [(found.group_of[block] < 2) == (block % 2 == 0) for block in range(32)] == [True] * 32
    assert np.all(np.diff(found.group_of[::2]) >= 0)
    assert np.all(np.diff(found.group_of[1::2]) >= 0)
    assert set(group) == set(range(5))


def test_memory_is_bounded_by_the_budget():
    """3 x 512 units of h and c with four masks stay within a gigabyte; what cannot is refused by its size."""
    choosing, reporting = groups(3072, 4, 32)
    assert 4 * 4 * 3072**2 * (choosing + reporting) <= 2**30
    assert choosing >= 2
    assert reporting >= 3
    with pytest.raises(InputError, match="GiB"):
        groups(30_000, 4, 32)


def test_a_dead_unit_and_a_far_value_change_nothing(planted):
    """A unit that never moves has no covariance; a value beyond all of the sample counts as its extreme."""
    values, labels, masks = planted
    sample = values.copy()
    values[:, 4] = 7.0
    sample[:, 4] = 7.0
    values[17, 2] = 1e6
    found, _ = summed(values, labels, masks, parts=[Round(0, LENGTH, 8, 8)], sample=sample)
    moments = found.moments(np.arange(len(found.gram)))
    assert np.abs(moments.covariance[4]).max() == 0
    assert moments.covariance[2, 2] < 1.1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_names_its_unit(planted, bad):
    """The first such unit is told, be it NaN or beyond all numbers."""
    values, labels, masks = planted
    sample = values.copy()
    values[100, 3] = bad
    found, _ = summed(values, labels, masks, parts=[Round(0, LENGTH, 8, 8)], sample=sample)
    assert found.lost == 3
