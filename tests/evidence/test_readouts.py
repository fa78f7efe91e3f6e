"""Linear readings from sums, against scikit-learn on the activations themselves; which units are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score

from cellscope.evidence.readouts import STRENGTHS, Readout, chosen_strengths, fitted, ridge, taken, without
from cellscope.evidence.selection import greedy
from cellscope.sinks.covariance import Moments

ROWS, UNITS = 2_000, 12


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((ROWS, UNITS)) @ (np.eye(UNITS) + 0.4 * rng.standard_normal((UNITS, UNITS)))
    x = (x - x.mean(0)) / x.std(0)
    y = np.stack([x[:, 3] + 0.5 * x[:, 7] + rng.standard_normal(ROWS), (x[:, 1] > 1).astype(float)])
    return x, y


def moments(x, y) -> Moments:
    return Moments(len(x), x.sum(0), x.T @ x, y @ x, np.stack([y.sum(1), (y * y).sum(1)], 1))


def test_ridge_and_its_r2_are_scikit_learns(data):
    """Weights fitted to sums of one half and the R2 on sums of the other are those of Ridge on the rows."""
    x, y = data
    half = ROWS // 2
    one, two = moments(x[:half], y[:, :half]), moments(x[half:], y[:, half:])
    for strength in (1e-3, 1.0):
        reading = fitted(one, np.full(2, strength))
        model = Ridge(alpha=strength * half).fit(x[:half], y[:, :half].T)
        np.testing.assert_allclose(reading.weights, model.coef_, rtol=1e-8)
        np.testing.assert_allclose(reading.intercept, model.intercept_, rtol=1e-8)
        theirs = r2_score(y[:, half:].T, model.predict(x[half:]), multioutput="raw_values")
        np.testing.assert_allclose(1 - reading.residual(two) / (two.spread * half), theirs, rtol=1e-9)


def test_parts_and_selections_of_sums_are_sums(data):
    """`without` is the sums of the other rows, `taken` those of some units."""
    x, y = data
    rest = without(moments(x, y), moments(x[:700], y[:, :700]))
    units = np.array([7, 2])
    some = taken(rest, units)
    np.testing.assert_allclose(some.gram, x[700:][:, units].T @ x[700:][:, units])
    np.testing.assert_allclose(some.with_labels, taken(moments(x[700:], y[:, 700:]), units).with_labels, atol=1e-12)


def test_the_strength_is_that_which_does_best_on_left_out_folds(data):
    """With few rows and much noise a strong penalty is chosen, with many and little a weak one."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((120, 60))
    noisy = np.stack([x[:, 0] + 8 * rng.standard_normal(120), x.sum(1) + 0.01 * rng.standard_normal(120)])
    folds = [moments(x[at::3], noisy[:, at::3]) for at in range(3)]
    strong, weak = chosen_strengths(moments(x, noisy), folds)
    assert strong >= 1
    assert weak == STRENGTHS[0]
    assert ridge(moments(x, noisy), STRENGTHS).shape == (len(STRENGTHS), 2, 60)


def test_greedy_takes_the_unit_that_lowers_the_error_most(data):
    """Each step is that of a plain search over all units that refits the regression."""
    x, y = data
    m = moments(x, y)
    order = greedy(m.covariance, m.with_labels[0], 6)
    held: list[int] = []
    for _ in range(6):
        lost = [
            np.inf if u in held else -LinearRegression().fit(x[:, [*held, u]], y[0]).score(x[:, [*held, u]], y[0])
            for u in range(UNITS)
        ]
        held.append(int(np.argmin(lost)))
    assert order.tolist() == held


def test_greedy_ends_where_nothing_is_left_to_add(data):
    """Copies of a chosen unit and dead units are never chosen."""
    x, y = data
    x = np.column_stack([x[:, 3], x[:, 3], np.zeros(ROWS), x[:, 7]])
    m = moments(x, y)
    assert greedy(m.covariance, m.with_labels[0], 4).tolist() == [0, 3]


def test_a_reading_has_the_labels_mean(data):
    """The intercept makes the mean error on the fitted rows zero."""
    x, y = data
    reading = Readout.around(moments(x, y), np.ones((2, UNITS)))
    np.testing.assert_allclose((x @ np.ones(UNITS)).mean() + reading.intercept, y.mean(1), atol=1e-12)
