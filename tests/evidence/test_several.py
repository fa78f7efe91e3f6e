"""One unit or many: how well the k best units together tell a concept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from cellscope.evidence.several import Sample, k_best, steps


def spread_over(units: int, *, noise: int = 4, places: int = 6000, seed: int = 0) -> Sample:
    """A concept that `units` units each see a little of, in noise that they share in part, among units of noise."""
    rng = np.random.default_rng(seed)
    on = rng.random(places) < 0.3
    values = rng.standard_normal((places, units + noise)) + 0.3 * rng.standard_normal((places, 1))
    values[:, :units] += 0.6 * on[:, None]
    return Sample(values.astype(np.float32), on[:, None], rng.random(places) < 0.5)


def test_more_units_tell_more() -> None:
    """For a concept spread evenly over eight units the AUC rises with each doubling, up to what all of them hold."""
    sample = spread_over(8)
    got = k_best(sample, 0, np.arange(12), [1, 2, 4, 8, 12])
    assert (np.diff(got[:4]) > 0.02).all()
    assert -0.005 < got[4] - got[3] < 0.03
    # Noise of variance 1 a unit and 0.09 for all: the four units without the concept help to take the latter off.
    spread = np.eye(12) + 0.09
    mean = np.r_[np.full(8, 0.6), np.zeros(4)]
    distance = np.sqrt(mean @ np.linalg.solve(spread, mean))
    assert got[4] == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=0.015)
    assert got[0] == pytest.approx(norm.cdf(0.6 / np.sqrt(1.09) / np.sqrt(2)), abs=0.025)


@pytest.mark.parametrize("units", [1, 3, 12])
def test_it_is_fishers_discriminant(units: int) -> None:
    """The AUC is that of scikit-learn's LDA, learned on the choosing half and read on the reporting one."""
    sample = spread_over(8)
    half, on = sample.reported, sample.labels[:, 0]
    x = sample.values[:, :units]
    lda = LinearDiscriminantAnalysis().fit(x[~half], on[~half])
    want = roc_auc_score(on[half], lda.decision_function(x[half]))
    assert k_best(sample, 0, np.arange(12), [units]) == [pytest.approx(want, abs=1e-3)]


def test_a_concept_of_one_unit_gains_nothing() -> None:
    """Where one unit holds all of it, in either sign, that unit alone tells as much as all."""
    rng = np.random.default_rng(0)
    on = rng.random(4000) < 0.2
    values = rng.standard_normal((4000, 6)).astype(np.float32)
    values[:, 2] -= 2 * on
    sample = Sample(values, on[:, None], rng.random(4000) < 0.5)
    one, all_ = k_best(sample, 0, np.array([2, 0, 1, 3, 4, 5]), [1, 6])
    assert one == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=0.02)
    assert all_ == pytest.approx(one, abs=0.01)


def test_what_is_learned_by_heart_is_not_reported() -> None:
    """Units of noise, as many as half the places, tell nothing on the half that they were not learned on."""
    rng = np.random.default_rng(0)
    sample = Sample(
        rng.standard_normal((400, 100)).astype(np.float32), rng.random((400, 1)) < 0.5, np.arange(400) % 2 == 1
    )
    assert k_best(sample, 0, np.arange(100), [100])[0] == pytest.approx(0.5, abs=0.1)


def test_dead_and_doubled_units_do_no_harm() -> None:
    """A unit that never moves, and one that is another's double, leave the AUC what it is."""
    sample = spread_over(4, noise=0)
    want = k_best(sample, 0, np.arange(4), [4])[0]
    more = np.concatenate([sample.values, sample.values[:, :1], np.full((6000, 1), 3, np.float32)], 1)
    got = k_best(Sample(more, sample.labels, sample.reported), 0, np.arange(6), [6])[0]
    assert got == pytest.approx(want, abs=2e-3)


def test_too_few_examples_have_no_score() -> None:
    """With fewer than five places of either kind in a half there is no number, and no failure."""
    sample = spread_over(2)
    rare = np.zeros((6000, 1), bool)
    rare[np.flatnonzero(sample.reported)[:50]] = True
    assert np.isnan(k_best(Sample(sample.values, rare, sample.reported), 0, np.arange(2), [1, 2])).all()
    assert np.isnan(k_best(Sample(sample.values, ~rare, sample.reported), 0, np.arange(2), [1])).all()


@pytest.mark.parametrize(("units", "want"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_steps_double(units: int, want: list[int]) -> None:
    """1, 2, 4 ... and all, each once."""
    assert steps(units) == want
