"""The lasso's path on a covariance is that of scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import Lasso, lars_path_gram

from cellscope.evidence.lasso import lasso

COUNTS = (1, 2, 4, 8, 16, 32)


def drawn(units: int, rank: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Saturating units that few causes drive, one of which the label is: rows, labels, covariance and cross."""
    rng = np.random.default_rng(seed)
    causes = rng.standard_normal((1_500, rank))
    x = np.tanh(causes @ rng.standard_normal((rank, units)) + noise * rng.standard_normal((1_500, units)))
    x = (x - x.mean(0)) / x.std(0)
    y = (causes[:, 0] > 1) - (causes[:, 0] > 1).mean()
    return x, y, x.T @ x / len(x), x.T @ y / len(x)


def of_scikit_learn(covariance: np.ndarray, label: np.ndarray) -> list[list[int]]:
    """The units of the path where it first holds so many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, _, path = lars_path_gram(label.copy(), covariance.copy(), n_samples=1, method="lasso", max_iter=60)
    held = (path != 0).sum(0)
    return [np.flatnonzero(path[:, int(np.flatnonzero(held >= k)[0])]).tolist() for k in COUNTS]


@pytest.mark.parametrize(("units", "rank", "noise"), [(80, 5, 0.1), (80, 20, 0.5), (40, 60, 0.1)])
@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_scikit_learns(units, rank, noise, seed) -> None:
    """The same units at every number, where units leave the path again (few causes), and where they hardly do."""
    _, _, covariance, label = drawn(units, rank, noise, seed)
    ours = [held.tolist() for held in lasso(covariance, label, COUNTS)]
    assert ours == of_scikit_learn(covariance, label)


def test_units_are_those_of_some_penalty() -> None:
    """What the path holds is what the lasso on the rows holds at a penalty where it holds so many."""
    x, y, covariance, label = drawn(12, 6, 0.3, 0)
    held = [np.flatnonzero(Lasso(alpha=a).fit(x, y).coef_).tolist() for a in np.geomspace(1.0, 0.002, 400)]
    for k, units in zip((1, 2, 4), lasso(covariance, label, (1, 2, 4)), strict=True):
        assert next(h for h in held if len(h) == k) == units.tolist()


def test_copies_do_not_end_the_path() -> None:
    """However many units are copies of the best one, the path goes on through the others."""
    _, _, covariance, label = drawn(60, 20, 0.5, 2)
    first = int(lasso(covariance, label, (1,))[0][0])
    index = np.concatenate([np.arange(60), np.full(200, first)])
    for k, held in zip(COUNTS, lasso(covariance[np.ix_(index, index)], label[index], COUNTS), strict=True):
        assert len(held) == k
        assert np.unique(index[held]).tolist() == lasso(covariance, label, (k,))[0].tolist()


def test_units_that_are_alike_are_taken_once() -> None:
    """A copy of a unit adds nothing, a constant one says nothing, and no label asks for none."""
    _, _, covariance, label = drawn(6, 6, 0.3, 1)
    index = np.array([0, 1, 2, 3, 4, 5, 0, 2])
    twice, told = covariance[np.ix_(index, index)], label[index]
    twice[4], twice[:, 4], told[4] = 0.0, 0.0, 0.0
    units = lasso(twice, told, (1, 8))[1].tolist()
    assert len(units) == len({int(index[u]) for u in units}) == 5
    assert 4 not in units
    assert [len(held) for held in lasso(np.zeros((3, 3)), np.zeros(3), (1, 2))] == [0, 0]
    assert [len(held) for held in lasso(covariance, np.zeros(6), (1, 2))] == [0, 0]
