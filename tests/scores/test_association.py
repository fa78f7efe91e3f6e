"""Scores of span features equal scikit-learn's and scipy's: exactly on bins, to a thousandth on what was binned."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import pointbiserialr
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, mutual_info_score, roc_auc_score

from cellscope.scores import association as scores
from cellscope.sinks.quantise import BINS, Quantiser

RNG = np.random.default_rng(0)
N = 4000
NOISE = RNG.standard_normal(N)


def label(rate: float, pull: float = 1.0) -> np.ndarray:
    """A label that is on at this rate and goes with the noise."""
    return pull * NOISE + RNG.standard_normal(N) > np.quantile(pull * NOISE + RNG.standard_normal(N), 1 - rate)


BINNED = {
    "half": (np.digitize(NOISE, np.linspace(-2, 2, BINS - 1)), label(0.5)),
    "rare": (np.digitize(NOISE, np.linspace(-2, 2, BINS - 1)), label(0.01)),
    "against": (np.digitize(-NOISE, np.linspace(-2, 2, BINS - 1)), label(0.2)),
    "one positive": (RNG.integers(0, BINS, N), np.arange(N) == 17),
    "one negative": (RNG.integers(0, BINS, N), np.arange(N) != 17),
    "all ties": (np.full(N, 5), label(0.3)),
    "two bins": (RNG.integers(0, 2, N) * 127, label(0.3)),
    "perfect": (label(0.3) * 1, None),
    "first and last bin": (np.where(NOISE > 0, BINS - 1, 0), label(0.4, 3.0)),
}
BINNED["perfect"] = (BINNED["perfect"][0] * 90, BINNED["perfect"][0] == 1)


def counted(bins: np.ndarray, on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.bincount(bins[on], minlength=BINS), np.bincount(bins, minlength=BINS)


@pytest.mark.parametrize("name", list(BINNED))
def test_equals_scikit_learn_on_bins(name: str) -> None:
    """AUROC, average precision, F1, IoU at every threshold, mutual information: exact where there are only bins."""
    bins, on = BINNED[name]
    positive, total = counted(bins, on)
    assert scores.auroc(positive, total) == pytest.approx(roc_auc_score(on, bins), abs=1e-12)
    assert scores.average_precision(positive, total) == pytest.approx(average_precision_score(on, bins), abs=1e-12)
    f1, iou = scores.f1_curve(positive, total), scores.iou_curve(positive, total)
    assert f1.shape == iou.shape == (BINS,)
    for threshold in (0, 1, 5, 64, 90, 127):
        called = bins >= threshold
        assert f1[threshold] == pytest.approx(f1_score(on, called, zero_division=0), abs=1e-12)
        assert iou[threshold] == pytest.approx(jaccard_score(on, called, zero_division=0), abs=1e-12)
    plain = mutual_info_score(on, bins) / np.log(2)
    cells = sum(len(np.unique(bins[on == value])) for value in (False, True))
    bias = (cells - len(np.unique(bins)) - 2 + 1) / (2 * N * np.log(2))
    assert scores.mutual_information(positive, total) == pytest.approx(max(0.0, plain - max(bias, 0)), abs=1e-12)


def test_information_of_nothing_is_nothing() -> None:
    """The bias is taken off: a unit that knows nothing has an information near 0, where the plain estimate has not."""
    told, plain = [], []
    for _ in range(50):
        bins, on = RNG.integers(0, BINS, N), RNG.random(N) < 0.2
        told.append(scores.mutual_information(*counted(bins, on)))
        plain.append(mutual_info_score(on, bins) / np.log(2))
    assert np.mean(plain) > 0.02
    assert np.mean(told) < 0.003


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("shape", ["normal", "saturated", "tails", "counter"])
def test_close_to_raw_values(shape: str, rate: float) -> None:
    """What is lost by binning is below a thousandth of the AUC; of average precision and F1, below two hundredths."""
    rng, n = np.random.default_rng(1), 40_000
    x = rng.standard_normal(n)
    on = x + rng.standard_normal(n) > np.quantile(x + rng.standard_normal(n), 1 - rate)
    shaped = {"normal": x, "saturated": np.tanh(4 * x), "tails": x**5, "counter": -900 + 300 * x}
    values = shaped[shape].astype(np.float32)
    q = Quantiser.from_sample(values[::4, None])
    positive, total = counted(np.searchsorted(q.edges[0], values, side="right"), on)
    assert scores.auroc(positive, total) == pytest.approx(roc_auc_score(on, values), abs=1e-3)
    assert scores.average_precision(positive, total) == pytest.approx(average_precision_score(on, values), abs=2e-2)
    order = np.argsort(-values)
    hits = np.cumsum(on[order])
    best = (2 * hits / (np.arange(1, n + 1) + on.sum())).max()
    assert scores.f1_curve(positive, total).max() == pytest.approx(best, abs=2e-2)


def test_always_and_never() -> None:
    """Where the label is always or never on, or nothing was counted, no score is NaN and the AUC is a half."""
    total = np.bincount(RNG.integers(0, BINS, N), minlength=BINS)
    nothing = np.zeros(BINS, int)
    for positive, whole in ((nothing, total), (total, total), (nothing, nothing)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert scores.auroc(positive, whole) == 0.5
            for score in (scores.average_precision, scores.mutual_information, scores.f1_curve, scores.iou_curve):
                assert np.isfinite(score(positive, whole)).all()
    assert scores.average_precision(total, total) == pytest.approx(1.0)
    assert scores.mutual_information(total, total) == 0


def test_many_at_once() -> None:
    """Any leading axes: every row of an array is scored as it would be alone."""
    positive, total = (np.stack(p) for p in zip(*(counted(*BINNED[n]) for n in BINNED), strict=True))
    for score in (scores.auroc, scores.average_precision, scores.mutual_information, scores.f1_curve, scores.iou_curve):
        together = score(positive.reshape(3, 3, BINS), total.reshape(3, 3, BINS))
        alone = np.stack([score(p, t) for p, t in zip(positive, total, strict=True)])
        assert np.allclose(together.reshape(alone.shape), alone, atol=1e-12)


def test_along_the_sign() -> None:
    """A unit of negative sign is scored as if its activation were negated."""
    bins, on = BINNED["against"]
    positive, total = scores.along(np.array([-1, 1]), *(np.stack([c, c]) for c in counted(bins, on)))
    auc = scores.auroc(positive, total)
    assert auc.sum() == pytest.approx(1.0)
    assert auc[0] == pytest.approx(roc_auc_score(on, -bins))
    assert scores.average_precision(positive, total)[0] == pytest.approx(average_precision_score(on, -bins))


def cohens_d(inside: np.ndarray, outside: np.ndarray) -> float:
    """The difference of means over the pooled standard deviation (Cohen 1988, section 2.2)."""
    n, m = len(inside), len(outside)
    pooled = ((n - 1) * inside.var(ddof=1) + (m - 1) * outside.var(ddof=1)) / (n + m - 2)
    return float((inside.mean() - outside.mean()) / np.sqrt(pooled))


def moments(values: np.ndarray, on: np.ndarray):
    v = values.astype(float)
    return np.array(v[on].sum()), np.array(v.sum()), np.array(len(v)), np.array(on.sum()), np.array((v * v).sum())


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1800.0])
@pytest.mark.parametrize("offset", [0.0, 0.1, -1.8])
def test_point_biserial_and_d(scale: float, offset: float) -> None:
    """r equals scipy's point-biserial correlation and d Cohen's formula, from sums alone, wherever the values lie."""
    on = label(0.1)
    values = 1000 * offset * scale + scale * (NOISE + on)
    r, d = scores.point_biserial(*moments(values, on))
    assert r == pytest.approx(pointbiserialr(on, values)[0], abs=1e-4)
    assert d == pytest.approx(cohens_d(values[on], values[~on]), rel=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, -1800.1, 1e-30])
def test_point_biserial_of_a_constant(value: float) -> None:
    """A constant unit goes with nothing: r and d are 0, not the noise of rounding."""
    on = label(0.1)
    for here in (on, np.zeros(N, bool), np.ones(N, bool), np.arange(N) == 3):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            r, d = scores.point_biserial(*moments(np.full(N, value), here))
        assert abs(r) < 1e-6
        assert abs(d) < 1e-6
