"""The lag: at which delay a unit goes best with a feature."""

from __future__ import annotations

import numpy as np
import pytest
from planted_activations import chunks_of, grid_of, stretches
from sklearn.metrics import roc_auc_score

from cellscope.chunks import Round
from cellscope.sinks.lags import LAGS, Lags
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.tally import Tally

LENGTH = 20_000


def lags_of(values: np.ndarray, spans: np.ndarray, numbers: np.ndarray | None = None, *, stride: int = 1) -> Lags:
    part, grid = Round(0, LENGTH, 16, 8), grid_of(spans, numbers)
    tally = Tally(Quantiser.from_sample(values), len(spans), len(grid.label), 8, stride=stride)
    lags = Lags(len(grid.spans) + len(grid.label), values.shape[1], stride=stride, sparser=2)
    for chunk in chunks_of(values, part):
        lags.add(chunk, grid, tally.add(chunk, grid))
    return lags


@pytest.mark.parametrize("stride", [1, 4])
def test_planted_lags(stride: int) -> None:
    """A unit that repeats a label k characters later (k < 0: earlier), up or down, has the lag k, for k in -8..8."""
    rng = np.random.default_rng(2)
    label, number = stretches(rng, LENGTH), rng.standard_normal(LENGTH)
    noise = 0.1 * rng.standard_normal((LENGTH, 4 * len(LAGS)))
    planted = [s * np.roll(x, k) for x in (label, number) for s in (1.0, -1.0) for k in LAGS.tolist()]
    lags = lags_of(np.stack(planted, 1) + noise, label[None], number[None], stride=stride)
    binary, k = np.array([True, False]), len(LAGS)
    for half in (0, 1):
        effects = lags.effects(half, binary)
        assert np.array_equal(LAGS[effects[0, :, :k].argmax(0)], LAGS)
        assert np.array_equal(LAGS[effects[0, :, k : 2 * k].argmin(0)], LAGS)
        assert np.array_equal(LAGS[effects[1, :, 2 * k : 3 * k].argmax(0)], LAGS)
        assert np.array_equal(LAGS[effects[1, :, 3 * k :].argmin(0)], LAGS)
        assert np.allclose(effects[0, :, :k].max(0), 0.5, atol=0.03)
        assert (effects[1, :, 2 * k : 3 * k].max(0) > 0.98).all()


def test_equals_moved_labels() -> None:
    """The effect at a lag is the AUC, less a half, with the label moved by it, to a hundredth."""
    rng = np.random.default_rng(3)
    label = stretches(rng, LENGTH)
    values = (label + np.convolve(label, np.ones(5) / 5, "same") + rng.standard_normal(LENGTH))[:, None]
    part = Round(0, LENGTH, 16, 8)
    half = np.repeat(part.block_of % 2, np.diff(np.append(part.starts, LENGTH)))
    effects = lags_of(values, label[None]).effects(1, np.array([True]))[0, :, 0]
    for lag, effect in zip(LAGS.tolist(), effects, strict=True):
        moved = np.roll(label, lag)
        assert effect == pytest.approx(roc_auc_score(moved[half == 1], values[half == 1, 0]) - 0.5, abs=0.02)


def test_nothing_to_go_with() -> None:
    """A label that is always or never on, and a constant unit, have the effect 0 at every lag."""
    rng = np.random.default_rng(4)
    spans = np.stack([np.zeros(LENGTH, bool), np.ones(LENGTH, bool), stretches(rng, LENGTH)])
    values = np.stack([rng.standard_normal(LENGTH), np.ones(LENGTH)], 1)
    effects = lags_of(values, spans).effects(0, np.ones(3, bool))
    assert np.abs(effects[:2]).max() == 0
    assert np.abs(effects[2, :, 1]).max() < 1e-6
