"""Numbers that travel come back: zero exactly, the rest to half a step, within the budget."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cellscope.report.quantise import FINE, Block, blocks, dequantise, pack_flags, pack_text, quantise


@given(
    arrays(
        np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.floats(-(2.0**90), 2.0**90, width=32)
    ),
    st.integers(1, FINE),
)
def test_error_is_half_a_step_and_zero_is_zero(values: np.ndarray, levels: int) -> None:
    """|value - number * scale| <= scale / 2 for every unit, and 0 stays 0."""
    numbers, scale = quantise(values, levels)
    assert np.abs(numbers.astype(int)).max() <= levels
    assert (np.abs(dequantise(numbers, scale) - values) <= scale * 0.51).all()
    assert (numbers.T[values == 0] == 0).all()


def test_a_counter_leaves_its_neighbours_alone() -> None:
    """A unit that reaches -1,800 does not flatten one that stays below 1."""
    values = np.stack([np.linspace(0, -1800, 500), np.sin(np.arange(500))], axis=1)
    numbers, scale = quantise(values, FINE)
    assert np.abs(dequantise(numbers, scale)[:, 1] - values[:, 1]).max() < 0.005


def test_what_is_not_finite_is_zero() -> None:
    """NaN and infinity do not reach the page, and do not change the caller's array."""
    values = np.array([[np.nan], [np.inf], [-0.5]], np.float32)
    numbers, scale = quantise(values, FINE)
    assert dequantise(numbers, scale).ravel().tolist() == pytest.approx([0, 0, -0.5])
    assert np.isnan(values[0, 0])


def unpacked(block: Block, length: int) -> np.ndarray:
    """A block's values [position, unit], as the page's script reads them."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(block.data)), np.int8).reshape(len(block.columns), length)
    if block.delta:
        raw = np.cumsum(raw.astype(np.int64), axis=1).astype(np.uint8).view(np.int8)
    return dequantise(raw, np.array(block.scales, np.float32))


@pytest.mark.parametrize("smoothness", [1, 40])
def test_blocks_hold_every_column_once(smoothness: int) -> None:
    """Fine columns come first and to a step of 1 / 127; the others are there too, plain or as differences."""
    draw = np.random.default_rng(0).standard_normal((2000, 50)).astype(np.float32)
    values = np.tanh(np.apply_along_axis(lambda c: np.convolve(c, np.ones(smoothness) / smoothness, "same"), 0, draw))
    made = blocks(values, fine=[7, 3], budget=10**9)
    assert sorted(c for b in made for c in b.columns) == list(range(50))
    assert made[0].columns == (7, 3)
    for block in made:
        assert np.abs(unpacked(block, 2000) - values[:, list(block.columns)]).max() < 0.005


def test_blocks_stay_within_their_budget() -> None:
    """Even noise fits: the many give up levels, the fine ones keep theirs."""
    values = np.random.default_rng(0).uniform(-1, 1, (5000, 128)).astype(np.float32)
    made = blocks(values, fine=range(8), budget=400_000)
    assert sum(len(b.data) for b in made) <= 400_000
    assert np.abs(unpacked(made[0], 5000) - values[:, :8]).max() < 0.005


@given(st.text(), st.lists(st.booleans()))
def test_text_and_flags_come_back(text: str, flags: list[bool]) -> None:
    """Packed text is the text (a lone surrogate is U+FFFD), packed flags are the flags."""
    back = zlib.decompress(base64.b64decode(pack_text(text + "\ud800"))).decode("utf-8")
    assert back == text + "\ufffd"
    bits = np.frombuffer(zlib.decompress(base64.b64decode(pack_flags(np.array(flags, bool)))), np.uint8)
    assert np.unpackbits(bits, count=len(flags)).astype(bool).tolist() == flags
