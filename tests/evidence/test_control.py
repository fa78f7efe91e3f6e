"""The control task: labels that only memory tells."""

from __future__ import annotations

import numpy as np
from planted_activations import grid_of

from cellscope.evidence.control import ControlTask, contexts

RATES = (0.5, 0.1, 0.01)


def task(seed=1, keys=None):
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random(50_000) < 0.5, np.nan, rng.integers(0, 9, 50_000)).astype(np.float32)[None]
    grid = grid_of(np.stack([rng.random(50_000) < rate for rate in RATES]), numbers)
    control = ControlTask(len(RATES), 1, seed=seed)
    control.learn(grid, keys if keys is not None else rng.integers(0, 2**63, 50_000).astype(np.uint64))
    return control, grid


def test_the_same_characters_always_get_the_same_label():
    """A label is a function of the last three characters and of the seed, and of nothing else."""
    codes = np.array([ord(c) for c in "xxabcabcabd"], np.uint32)
    keys = contexts(codes)
    assert keys[4] == keys[7]
    assert len(set(keys.tolist())) == len(codes) - 2 - 3  # abc twice, with bca and cab between and after
    made = task()[0].labels(keys)
    np.testing.assert_array_equal(made, task()[0].labels(keys))
    np.testing.assert_array_equal(made[:, 4], made[:, 7])
    many = np.random.default_rng(2).integers(0, 2**63, 2_000).astype(np.uint64)
    assert (task(1)[0].labels(many) != task(2)[0].labels(many)).any(1).all()


def test_labels_are_as_frequent_as_the_features():
    """Over many contexts the rate of a span's control is the span's, and a number's is spread as its ranks are."""
    control, grid = task()
    made = control.labels(np.random.default_rng(3).integers(0, 2**63, 400_000).astype(np.uint64))
    np.testing.assert_allclose(made[:3].mean(1), grid.spans.mean(1), rtol=0.05)
    counted = grid.rank[0, grid.mask[0] > 0]
    np.testing.assert_allclose(made[3].std(), counted.std(), rtol=0.02)
    np.testing.assert_allclose(np.abs(np.corrcoef(made)[np.triu_indices(4, 1)]).max(), 0, atol=0.01)


def test_a_context_that_is_very_frequent_does_not_set_the_rate():
    """Where half of the text is one context, the control of a rare feature is still rare."""
    keys = np.random.default_rng(4).integers(0, 2**63, 50_000).astype(np.uint64)
    keys[::2] = 12345
    for seed in range(20):
        control, _ = task(seed, keys)
        assert control.labels(keys)[1:3].mean(1).max() < 0.3
