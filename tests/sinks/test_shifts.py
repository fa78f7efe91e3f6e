"""The null: all circular shifts at once equal shifting by hand, and its p-values are honest for slow units too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from planted_activations import chunks_of, grid_of, slow_noise, stretches
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from cellscope.chunks import Round
from cellscope.count import groups_of
from cellscope.evidence.multiplicity import family_wise
from cellscope.observe import rounds
from cellscope.sinks.quantise import Quantiser
from cellscope.sinks.shifts import ALIKE, Shifts, _alike, _turned
from cellscope.sinks.tally import Tally


def shifts_of(
    values: np.ndarray, spans: np.ndarray, part: Round, *, groups: int, numbers=None, seed: int = 0, stride: int = 1
) -> Shifts:
    grid = grid_of(spans, numbers)
    tally = Tally(Quantiser.from_sample(values), len(spans), len(grid.label), part.blocks, stride=stride)
    shifts = Shifts(len(spans) + len(grid.label), values.shape[1], groups=groups, seed=seed, stride=stride)
    for chunk in chunks_of(values, part):
        shifts.add(chunk, grid, tally.add(chunk, grid))
    shifts.close()
    return shifts


def by_hand(values: np.ndarray, labels: np.ndarray, part: Round, groups: int, stride: int) -> list[np.ndarray]:
    """For each stretch the sums [turn, feature, unit] of label times rank, the labels' lanes turned."""
    q = Quantiser.from_sample(values)
    ranks = np.stack([q.ranks[u][np.searchsorted(q.edges[u], v, side="right")] for u, v in enumerate(values.T)], 1)
    lanes = [k for k in range(part.lanes) if part.block_of[k] % 2]
    steps = np.arange(part.steps).reshape(-1)
    steps = steps[(steps % 128) % stride == 0]
    rows = part.starts[lanes][:, None] + steps
    x, y = ranks[rows].astype(float) - 0.5, labels[:, rows].astype(float)
    found = []
    for group in np.array_split(np.arange(len(lanes)), groups):
        turned = [np.einsum("fls,lsu->fu", np.roll(y[:, group], m, axis=1), x[group]) for m in range(len(group))]
        found.append(np.stack(turned))
    return found


@pytest.mark.parametrize(
    ("lanes", "blocks", "groups", "stride"), [(8, 8, 1, 1), (12, 4, 2, 4), (19, 7, 1, 1), (23, 3, 2, 4)]
)
def test_equals_shifting_by_hand(lanes: int, blocks: int, groups: int, stride: int) -> None:
    """What is observed is the unturned sum, and every draw that of some turn of each stretch."""
    rng, length = np.random.default_rng(0), 5003
    spans, number = np.stack([stretches(rng, length), ~stretches(rng, length, 3, 90)]), rng.standard_normal((1, length))
    values = rng.standard_normal((length, 3)).astype(np.float32)
    part = Round(0, length, lanes, blocks)
    shifts = shifts_of(values, spans, part, groups=groups, numbers=number, stride=stride)
    expected = by_hand(values, np.concatenate([spans, grid_of(spans, number).rank]), part, groups, stride)
    assert np.allclose(shifts.observed, sum(e[0] for e in expected), rtol=1e-4, atol=0.05)
    combined = {
        turns: sum(e[m] for e, m in zip(expected, turns, strict=True))
        for turns in itertools.product(*(range(len(e)) for e in expected))
    }
    every = np.stack(list(combined.values()))
    distances = np.abs(shifts.draws[:, None] - every[None]).max((2, 3))
    assert distances.min(1).max() < 0.05
    assert len(np.unique(distances.argmin(1))) > 0.5 * min(len(every), 999)
    assert shifts.distinct == len(every)


def test_observed_is_the_effect() -> None:
    """The observed effect of a span is its AUC less a half on the reporting half, of a number its rank correlation."""
    rng, length = np.random.default_rng(1), 128 * 128
    label, number = stretches(rng, length), slow_noise(rng, length, [30])[:, 0]
    values = np.stack([label + rng.standard_normal(length), -number + rng.standard_normal(length)], 1)
    part = Round(0, length, 128, 32)
    shifts = shifts_of(values, label[None], part, groups=2, numbers=number[None])
    effects = shifts.effects(shifts.observed, np.array([True, False]))
    half = np.repeat(part.block_of % 2, 128) == 1
    assert effects[0, 0] == pytest.approx(roc_auc_score(label[half], values[half, 0]) - 0.5, abs=0.002)
    assert effects[1, 1] == pytest.approx(-np.sqrt(0.5), abs=0.05)


def test_seed() -> None:
    """One seed, one null; another seed, another."""
    rng, length = np.random.default_rng(2), 4096
    spans, values = stretches(rng, length)[None], rng.standard_normal((length, 3))
    part = Round(0, length, 32, 32)
    one, same, other = (shifts_of(values, spans, part, groups=1, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)


def test_short_and_odd_texts() -> None:
    """Too few lanes to turn give no draw to speak of and no error; steps left over at a lane's end are left out."""
    rng = np.random.default_rng(3)
    for length, lanes, blocks in ((1, 1, 1), (127, 1, 1), (300, 2, 2), (900, 7, 7), (131, 5, 5)):
        shifts = shifts_of(
            rng.standard_normal((length, 2)), rng.random((1, length)) < 0.3, Round(0, length, lanes, blocks), groups=1
        )
        assert shifts.distinct < 100
        assert np.isfinite(shifts.effects(shifts.observed, np.array([True]))).all()


@pytest.mark.parametrize("length", [1000, 5000, 20_000, 60_000, 262_144, 1_000_000, 3_000_000])
def test_stretches_of_a_round(length: int) -> None:
    """The stretches are as few as give two thousand different turns, each of four reporting lanes or more."""
    parts = rounds(length)
    groups, lanes = groups_of(parts), parts[0].lanes // 2
    assert groups == 1 or lanes // groups >= 4
    if length >= 20_000:
        assert float(lanes // groups) ** (groups * len(parts)) >= 2000
        assert groups <= 3


def test_independent_turns() -> None:
    """Of fast units and labels nearly every turn counts, of slow ones few do, and then the null is widened."""
    rng, length = np.random.default_rng(5), 128 * 312
    spans = np.stack([stretches(rng, length, 6, 20), stretches(rng, length, 4000, 4000)])
    values = slow_noise(rng, length, [0.0] * 20 + [4000.0] * 20)
    shifts = shifts_of(values, spans, Round(0, length, 128, 32), groups=3)
    many, wider = shifts.independent, shifts.widening
    assert shifts.distinct == 21 * 21 * 22
    assert (many <= shifts.distinct).all()
    assert np.median(many[0, :20]) > 0.5 * shifts.distinct
    assert np.median(many[1, 20:]) < 0.02 * shifts.distinct
    assert np.median(wider[0, :20]) < 1.02
    assert np.median(wider[1, 20:]) > 1.1


@pytest.mark.parametrize("lanes", [21, 22, 63])
def test_how_alike_turns_are(lanes: int) -> None:
    """What is read off the transform is the autocovariance of the sums over the circle of turns."""
    rng = np.random.default_rng(6)
    ranks, labels = (torch.from_numpy(rng.random((40, lanes, n), np.float32) - 0.5) for n in (3, 2))
    product = _turned(ranks, labels, None)
    sums = np.stack([np.einsum("slf,slu->fu", np.roll(labels.numpy(), m, axis=1), ranks.numpy()) for m in range(lanes)])
    away = sums - sums.mean(0)
    expected = np.stack([(away * np.roll(away, -k, axis=0)).sum(0) for k in range(ALIKE)])
    found = _alike(product, lanes)
    assert np.allclose(found / found[0], expected / expected[0], atol=1e-3)


def false_alarms(trials: int, length: int, scales: list[float], label) -> tuple[np.ndarray, np.ndarray]:
    """p of the best of all units, family-wise, and what it is when characters count as independent."""
    from scipy.stats import norm

    part = rounds(length)[0]
    honest, naive = [], []
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        spans = np.stack([label(rng, length) for _ in range(4)])
        values = slow_noise(rng, length, scales)
        shifts = shifts_of(values, spans, part, groups=groups_of([part]), seed=trial)
        effects = shifts.effects(shifts.observed, np.ones(4, bool))
        honest.append(family_wise(effects / shifts.widening, shifts.maxima(np.ones(4, bool))).min(1))
        on, n = shifts.labels[:, 0], shifts.positions
        z = np.abs(effects).max(1) * np.sqrt(12 * on * (n - on) / (n + 1))
        naive.append(np.minimum(1, 2 * norm.sf(z) * len(scales)))
    return np.concatenate(honest), np.concatenate(naive)


SCALES = {
    "white": [0.0] * 8,
    "mixed": [0, 3, 10, 30, 100, 300, 0, 1000.0],
    "slow": [300.0] * 8,
    "very slow": [3000.0] * 8,
}


@pytest.mark.parametrize("scales", list(SCALES))
def test_false_alarms(scales: str) -> None:
    """Units of noise, of any time scale, reach p <= .05 as often as that; independent characters would say far more."""
    honest, naive = false_alarms(20, 30_000, SCALES[scales], lambda rng, n: stretches(rng, n, 30, 200))
    # Four labels of one trial share their units, so the trials count for less than 4 x 20: a wide margin.
    assert (honest <= 0.05).mean() <= binom.ppf(0.999, 40, 0.05) / 40
    assert 0.3 < honest.mean() < 0.75
    if scales != "white":
        assert (naive <= 0.05).mean() > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("length", [25_000, 60_000, 300_000])
@pytest.mark.parametrize("scales", list(SCALES))
def test_false_alarms_at_length(scales: str, length: int, real_text) -> None:
    """200 trials, with stretches as long as the library's features have in real code: p is close to uniform."""
    from cellscope.data.text import Corpus
    from cellscope.features.labeller import Labeller
    from cellscope.features.library import library

    features = tuple(f for f in library() if f.kind == "span")
    spans = Labeller(features, Corpus.open(real_text("linux_kernel.txt"))).read(0, 1_000_000).spans

    def label(rng: np.random.Generator, n: int) -> np.ndarray:
        while True:
            first, row = rng.integers(0, spans.shape[1] - n), spans[rng.integers(len(spans))]
            here = row[first : first + n]
            if 40 <= here.sum() <= n - 40:
                edges = np.flatnonzero(np.diff(np.pad(here.astype(np.int8), 1)))
                on, off = edges[1::2] - edges[::2], np.diff(np.concatenate([[0], edges, [n]]))[::2]
                mixed = np.zeros(2 * len(on) + 1, int)
                mixed[::2], mixed[1::2] = rng.permutation(off), rng.permutation(on)
                return np.repeat(np.arange(len(mixed)) % 2 == 1, mixed)

    trials = 200 if length < 100_000 else 60
    honest, naive = false_alarms(trials, length, SCALES[scales], label)
    assert (honest <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)
    if "slow" not in scales:
        assert (honest <= 0.5).mean() == pytest.approx(0.5, abs=0.15)
    if "slow" in scales:
        assert (naive <= 0.05).mean() > 0.4
