"""Correlations from sums of products equal scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from cellscope.chunks import Round
from cellscope.scores.correlation import pearson

RNG = np.random.default_rng(0)
N = 6000


def sums(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.array(s) for s in (len(x), x.sum(), (x * x).sum(), y.sum(), (y * y).sum(), (x * y).sum()))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-3, 7.0), (500.0, -1800.0)])
def test_equals_scipy(scale: float, offset: float) -> None:
    """Pearson's r from six sums equals scipy's to 1e-6."""
    x = RNG.standard_normal(N)
    for y in (x + RNG.standard_normal(N), -x, RNG.standard_normal(N), RNG.integers(0, 80, N) * 1.0):
        found = pearson(*sums(offset + scale * x, y))
        assert found == pytest.approx(pearsonr(x, y)[0], abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -1800.1])
def test_constants(value: float) -> None:
    """Where either side is constant, or nothing counts, r is 0, not the noise of rounding."""
    x = RNG.standard_normal(N)
    assert abs(pearson(*sums(np.full(N, value), x))) < 1e-3
    assert abs(pearson(*sums(x, np.full(N, value)))) < 1e-3
    assert pearson(*(np.zeros(3),) * 6).tolist() == [0, 0, 0]


def test_from_a_tally(planted) -> None:
    """Through the tally, Pearson's r equals scipy's to 1e-3 and the rank correlation Spearman's to 1e-2."""
    from cellscope.sinks.quantise import Quantiser

    column, depth = (np.arange(N) % 80).astype(float), RNG.integers(0, 4, N).astype(float)
    depth[RNG.random(N) < 0.3] = np.nan
    noise = RNG.standard_normal((N, 4))
    units = [
        column + 20 * noise[:, 0],
        -np.exp(column / 20) + noise[:, 1],
        -1800 + 0.05 * column + noise[:, 2],
        noise[:, 3],
    ]
    values, numbers = np.stack(units, 1).astype(np.float32), np.stack([column, depth])
    grid = planted.grid_of(np.zeros((0, N)), numbers)
    tally = planted.tally_of(values, grid, Round(0, N, 5, 3), quantiser=Quantiser.from_sample(values))
    a, aa, ya, r, rr, qr = np.moveaxis(tally.products.sum(0), -1, 0)
    n, y, yy, q, qq = (tally.numbers.sum(0)[:, [k]] for k in range(5))
    plain, ranked = pearson(n, a, aa, y, yy, ya), pearson(n, r, rr, q, qq, qr)
    for f, number in enumerate(numbers):
        counts = ~np.isnan(number)
        for u, unit in enumerate(values.T.astype(float)):
            assert plain[f, u] == pytest.approx(pearsonr(unit[counts], number[counts])[0], abs=1e-3), (f, u)
            assert ranked[f, u] == pytest.approx(spearmanr(unit[counts], number[counts])[0], abs=1e-2), (f, u)
