"""Planted correspondences are found, with their signs; what only looks alike is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.evidence.correspondence import Correspondence, correspond, correspond_pictures
from cellscope.hooks.outlets import outlets
from cellscope.look import PictureSource
from cellscope.models.classifier import wrap
from cellscope.observe import ArraySource, rounds

LENGTH = 12_000
A, B = Site("one"), Site("two")


def slow(units: int, seed: int, *, length: int = LENGTH, keep: float = 0.9) -> np.ndarray:
    """Autocorrelated noise [position, unit]."""
    from scipy.signal import lfilter

    noise = np.random.default_rng(seed).normal(size=(length, units))
    return lfilter([1], [1, -keep], noise, axis=0).astype(np.float32)


def compared(first: np.ndarray, second: np.ndarray, *, bare: tuple[np.ndarray, ...] = (), seed: int = 0):
    """The correspondence of two arrays; their twins before training are noise, unless given."""
    bare = bare or (slow(first.shape[1], 900), slow(second.shape[1], 901))
    sources = [ArraySource(x, site) for x, site in zip((first, second, *bare), (A, B, A, B), strict=True)]
    return correspond(sources[0], sources[1], [(sources[2], sources[3])], seed=seed)


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray, Correspondence]:
    """Units 0..5 of the first are units 5..0 of the second, every other one upside down; the others are alone."""
    shared = slow(6, 1)
    first = np.concatenate([shared, slow(2, 2)], axis=1)
    signs = np.array([1, -1, 1, -1, 1, -1])
    second = np.concatenate([(shared * signs + 0.8 * slow(6, 3))[:, ::-1], slow(3, 4)], axis=1)
    return first, second, compared(first, second)


def test_planted_pairs_are_found_both_ways(planted) -> None:
    """Each with the right partner and sign, mutual, closer than chance; what has no partner corresponds to nothing."""
    _, _, found = planted
    for match in found.first[:6]:
        assert match.found
        assert match.other == Unit(B, 5 - match.unit.index)
        assert (match.r > 0) == (match.unit.index % 2 == 0)
        assert match.low < match.r < match.high
    assert [m.other for m in found.second[:6]] == [Unit(A, 5 - k) for k in range(6)]
    assert not any(m.found for m in (*found.first[6:], *found.second[6:]))


def test_r_is_numpys_on_the_odd_blocks(planted) -> None:
    """The choosing half takes no part in what is reported."""
    first, second, found = planted
    (part,) = rounds(LENGTH, blocks=found.blocks)
    block = np.repeat(part.block_of, np.diff(np.append(part.starts, LENGTH)))
    for half, name in ((1, "r"), (0, "chosen")):
        rows = block % 2 == half
        r = np.corrcoef(first[rows].T, second[rows].T)[:8, 8:]
        for u, match in enumerate(found.first):
            assert getattr(match, name) == pytest.approx(r[u, match.other.index], abs=1e-4)
    np.testing.assert_allclose(
        found.r, np.corrcoef(first[block % 2 == 1].T, second[block % 2 == 1].T)[:8, 8:], atol=1e-4
    )
    assert found.between(Unit(A, 2), Unit(B, 7)) == pytest.approx(float(found.r[2, 7]))


def test_the_assignment_is_scipys(planted) -> None:
    """One partner each by the sum of |r| on the choosing half; the bigger network leaves units without one."""
    first, second, found = planted
    (part,) = rounds(LENGTH, blocks=found.blocks)
    block = np.repeat(part.block_of, np.diff(np.append(part.starts, LENGTH)))
    choose = np.corrcoef(first[block % 2 == 0].T, second[block % 2 == 0].T)[:8, 8:]
    one, other = linear_sum_assignment(-np.abs(choose))
    assert [m.assigned.index for m in found.first] == other.tolist()
    assert sum(m.assigned is None for m in found.second) == 1
    mean, low, high = found.assigned
    assert mean == pytest.approx((found.r[one, other] * np.sign(choose[one, other])).mean(), abs=1e-4)
    assert low < mean < high


def test_a_network_is_its_own_counterpart() -> None:
    """Every unit's best match is itself, at r = 1."""
    values = slow(6, 5)
    found = compared(values, values)
    assert [m.other.index for m in found.first] == list(range(6))
    assert all(m.found and m.r > 0.9999 for m in found.first)


def test_what_an_untrained_network_does_as_well_is_no_counterpart() -> None:
    """Where the twin before training follows the same character as closely, mutual best matches say nothing."""
    driven = slow(4, 6)
    first, second = driven + 0.5 * slow(4, 7), driven + 0.5 * slow(4, 8)
    assert all(m.found for m in compared(first, second).first)
    bare = driven + 0.3 * slow(4, 9), driven + 0.3 * slow(4, 10)
    found = compared(first, second, bare=bare)
    assert all(m.mutual and not m.found for m in found.first)
    assert all(m.untrained > 0.8 for m in found.first)


def test_slow_noise_rarely_corresponds() -> None:
    """Of 60 pairs of unrelated slow networks about 5 % have a match at p <= .05; 8 is the upper 99 % of that."""
    alarms = 0
    for trial in range(60):
        first, second = (slow(5, 1000 + 2 * trial + k, keep=0.99) for k in (0, 1))
        found = compared(first, second, seed=trial)
        alarms += any(m.p <= 0.05 for m in (*found.first, *found.second))
    assert alarms <= 8  # P(Binomial(60, .05) > 8) < .01


def test_a_unit_that_never_moves_has_no_correlation() -> None:
    """No NaN anywhere, and it corresponds to nothing."""
    first, second = slow(4, 11), slow(4, 11)
    first[:, 2] = 3
    found = compared(first, second)
    dead = found.first[2]
    assert (dead.r, dead.low, dead.high, dead.chosen) == (0, 0, 0, 0)
    assert not dead.found
    assert found.first[1].found
    assert np.isfinite(found.r).all()


def test_units_that_run_far_from_zero_keep_their_digits() -> None:
    """A shift and a scale change nothing."""
    first, second = slow(4, 12), slow(4, 12) + slow(4, 13)
    far = compared(first * 1e-3 - 2000, second * 50 + 1e4)
    near = compared(first, second)
    np.testing.assert_allclose(far.r, near.r, atol=2e-3)


def test_what_cannot_be_compared_is_refused() -> None:
    """Texts of two lengths, a short text, values that are no numbers: one line each."""
    with pytest.raises(InputError, match="12,000 and 11,000 positions"):
        compared(slow(3, 1), slow(3, 2, length=11_000))
    short = [slow(3, seed, length=900) for seed in range(4)]
    with pytest.raises(InputError, match="900 characters are too few"):
        compared(short[0], short[1], bare=(short[2], short[3]))
    broken = slow(3, 1)
    broken[500] = np.nan
    with pytest.raises(InputError, match="not finite"):
        compared(broken, slow(3, 2))


def seen(pixels: np.ndarray, mixing: np.ndarray, name: str) -> PictureSource:
    """A network whose units are mixtures [unit, channel] of the channels of these pictures, on a map of their size."""
    layer = nn.Conv2d(*mixing.shape[::-1], 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(mixing)[:, :, None, None])
    module = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(len(mixing), 2))
    network = wrap(module, pixels.shape[1:], name=name)
    return PictureSource(network, ImageSet(name, pixels), outlets(module, network.example)[:1], grid=(4, 4))


def shown(first: PictureSource, second: PictureSource, seed: int = 0) -> Correspondence:
    """Their correspondence; the twins before training see noise."""
    noise = np.random.default_rng(7).normal(size=(len(first), *first.images.shape)).astype(np.float32)
    bare = [seen(noise, np.eye(*layer, noise.shape[1], dtype=np.float32), "bare") for layer in
            (tuple(source.sizes.values()) for source in (first, second))]  # fmt: skip
    with first, second, bare[0], bare[1]:
        return correspond_pictures(first, second, [(bare[0], bare[1])], seed=seed)


def test_pictures_give_numpys_correlations_of_places() -> None:
    """r is that over all places of the pictures of the odd blocks, four pictures a block; signs and partners are as
    planted.
    """
    pixels = np.random.default_rng(0).random((300, 5, 8, 8)).astype(np.float32)
    order, signs = np.array([2, 0, 3, 1]), np.array([1, -1, 1, -1])
    mixing = np.eye(5, dtype=np.float32)
    found = shown(seen(pixels, mixing, "one"), seen(pixels, (mixing[order] * signs[:, None]), "other"))
    assert [m.other.index for m in found.second] == order.tolist()
    assert all(m.found and m.r * sign > 0.9999 for m, sign in zip(found.second, signs, strict=True))
    assert not found.first[4].found  # the other network has nothing of the fifth channel
    assert (found.positions, found.blocks) == (300 * 16, 32)
    odd = pixels[np.arange(300) // 4 % 2 == 1]
    places = odd.reshape(-1, 5, 4, 2, 4, 2).mean((3, 5)).transpose(0, 2, 3, 1).reshape(-1, 5)
    want = np.corrcoef(places.T, (places[:, order] * signs).T)[:5, 5:]
    np.testing.assert_allclose(found.r, want, atol=1e-4)


def test_other_pictures_are_no_correspondence() -> None:
    """Networks that saw pictures of their own go together in one place of every picture, and by that alone."""
    rng = np.random.default_rng(3)
    one, other = (rng.random((256, 3, 8, 8)).astype(np.float32) for _ in range(2))
    for pixels in (one, other):
        pixels[:, :, 0, 0] += 4
    mixing = np.eye(3, dtype=np.float32)
    found = shown(seen(one, mixing, "one"), seen(other, mixing, "other"))
    assert found.r.min() > 0.5
    assert not any(m.p <= 0.05 for m in (*found.first, *found.second))


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    """Sets of two lengths, and too few pictures: one line each."""
    pixels = np.zeros((200, 3, 8, 8), np.float32)
    mixing = np.eye(3, dtype=np.float32)
    with pytest.raises(InputError, match="shown 200 and 190 pictures"):
        shown(seen(pixels, mixing, "one"), seen(pixels[:190], mixing, "other"))
    with pytest.raises(InputError, match="90 pictures are too few"):
        shown(seen(pixels[:90], mixing, "one"), seen(pixels[:90], mixing, "other"))


def test_more_pairs_of_units_than_fit_are_refused() -> None:
    """Before anything is heard, and the way out is said."""
    wide = np.zeros((LENGTH, 3000), np.float32)
    with pytest.raises(InputError, match="3,000 units and 3,000 are too many to be compared at once; choose some"):
        compared(wide, wide, bare=(wide, wide))
