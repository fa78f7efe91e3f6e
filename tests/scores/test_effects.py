"""Effects from sums with ranks: the AUC less a half for a binary label, a correlation for a numeric one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from cellscope.scores.effects import effect

RNG = np.random.default_rng(0)
N = 3000
ACTIVATION = np.stack([RNG.standard_normal(N), RNG.integers(0, 4, N) * 1.0, np.ones(N)], 1)
RANK = np.stack([(rankdata(a) - 0.5) / N - 0.5 for a in ACTIVATION.T], 1)


def effects(labels: np.ndarray, binary: list[bool]) -> np.ndarray:
    pair = labels.sum(1, keepdims=True), (labels**2).sum(1, keepdims=True)
    return effect(labels @ RANK, pair, (RANK.sum(0), (RANK**2).sum(0)), N, np.array(binary)[:, None])


def test_equals_auc_and_spearman() -> None:
    """With mid-ranks of all values the effect is exactly the AUC less a half, or Spearman's correlation."""
    on, number = ACTIVATION[:, 0] + RNG.standard_normal(N) > 1, ACTIVATION[:, 1] + RNG.standard_normal(N)
    found = effects(np.stack([on, (rankdata(number) - 0.5) / N - 0.5]), [True, False])
    for u in (0, 1):
        assert found[0, u] == pytest.approx(roc_auc_score(on, ACTIVATION[:, u]) - 0.5, abs=1e-9)
        assert found[1, u] == pytest.approx(spearmanr(number, ACTIVATION[:, u])[0], abs=1e-9)
    assert np.abs(found[:, 2]).max() < 1e-9


def test_nothing_to_compare() -> None:
    """Labels that are always or never on, constant ones, and no position at all have the effect 0, unwarned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = effects(np.stack([np.zeros(N), np.ones(N), np.ones(N), np.zeros(N)]), [True, True, False, False])
        assert np.abs(found).max() < 1e-6
        none = np.zeros((1, 1))
        assert effect(np.zeros((1, 2)), (none, none), (np.zeros(2), np.zeros(2)), 0, np.array([[True]])).tolist() == [
            [0, 0]
        ]
