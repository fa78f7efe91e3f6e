"""From counts to findings: a unit is chosen on one half and judged on the other, and nothing leaks between them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import false_discovery_control

from cellscope.axes import Site, Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.evidence.intervals import Estimate
from cellscope.evidence.verdicts import Evidence
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labels
from cellscope.features.labeller import spans as text_spans
from cellscope.findings import COLUMNS, Findings
from cellscope.judge import _score_lags, judge
from cellscope.observe import ArraySource, rounds
from cellscope.sinks.lags import REACH

LENGTH = 40_000
FEATURES = (
    Feature(name="a-run", pattern="a+"),
    Feature(name="b-run", pattern="b+"),
    Feature(name="since", pattern="a.{1,60}", flags=("DOTALL",), kind="numeric", counter="since"),
)
RNG = np.random.default_rng(0)
TEXT = "".join(letter * int(RNG.geometric(0.1)) for letter in RNG.choice(list("abcd\n"), LENGTH))[:LENGTH]
CORPUS = Corpus.from_text(TEXT)
PART = rounds(LENGTH)[0]
HALF = np.repeat(PART.block_of % 2, np.diff(np.append(PART.starts, LENGTH)))
IN_A = np.array(list(TEXT)) == "a"


def search(values: np.ndarray, features: tuple[Feature, ...] = FEATURES, **options) -> Findings:
    return judge(count(ArraySource(values, Site("x")), CORPUS, features), **options)


def slow_noise(rng: np.random.Generator, length: int, scales: list[float]) -> np.ndarray:
    """AR(1) noise whose autocorrelation falls to 1/e after each of `scales` [position, unit]."""
    columns = [lfilter([1], [1, -np.exp(-1 / s)], rng.standard_normal(length + int(5 * s)))[-length:] for s in scales]
    return np.stack([c / c.std() for c in columns], 1).astype(np.float32)


def test_a_number_that_never_changes_is_not_judged() -> None:
    """Neither where it has one value throughout, which is told, nor where one half of the text has but one."""
    values = np.random.default_rng(5).standard_normal((6_000, 3)).astype(np.float32)
    column = Feature(name="column", kind="numeric", counter="column")
    flat = Corpus.from_text("\n" * 6_000)
    (only,) = judge(count(ArraySource(values, Site("x")), flat, (column,))).evidence
    assert only.verdict == "column has one value throughout this text (0), and cannot be judged"
    assert (only.unit, only.found) == (None, False)
    assert math.isnan(only.score)
    assert math.isnan(only.p)
    part = rounds(6_000)[0]
    odd = np.repeat(part.block_of % 2, np.diff(np.append(part.starts, 6_000))) == 1
    half = Corpus.from_text("".join("a" if one and k % 3 else "\n" for k, one in enumerate(odd)))
    (some,) = judge(count(ArraySource(values, Site("x")), half, (column,))).evidence
    assert some.verdict == "column has one value throughout half of this text, and cannot be judged"
    (varied,) = judge(count(ArraySource(values, Site("x")), CORPUS.part(0, 6_000), (column,))).evidence
    assert varied.remark == ""


def test_the_halves_do_not_leak() -> None:
    """A unit that follows a feature on the choosing half alone is chosen and scores nothing; and vice versa."""
    noise = RNG.standard_normal((LENGTH, 4)).astype(np.float32)
    values = noise.copy()
    values[:, 1] += 3 * (IN_A & (HALF == 0))
    values[:, 2] += 3 * (IN_A & (HALF == 1))
    findings = search(values)
    e = findings.evidence[0]
    assert e.unit is not None
    assert e.unit.index == 1
    assert e.chosen > 0.95
    assert abs(e.score - 0.5) < 0.05
    assert not e.found
    assert abs(findings.scores["auc"][0, 2] - 0.5) > 0.45
    assert findings.scores["chosen"][0, 2] < 0.55


def test_a_sign_that_turns_is_no_finding() -> None:
    """A unit that is on inside on one half and off inside on the other scores below a half."""
    values = RNG.standard_normal((LENGTH, 4)).astype(np.float32)
    values[:, 1] += 3 * IN_A * np.where(HALF == 0, 1, -1)
    e = search(values).evidence[0]
    assert e.score < 0.1
    assert not e.found


@pytest.fixture(scope="module")
def findings() -> Findings:
    values = RNG.standard_normal((LENGTH, 20)).astype(np.float32)
    values[:, 7] -= 1.2 * IN_A
    values[:, 4] += 0.2 * IN_A
    return search(values, untrained={"a-run": Estimate(0.6, 0.55, 0.65)})


def test_evidence_is_that_of_the_best_unit(findings: Findings) -> None:
    """The evidence repeats the table's row of the unit that the choosing half likes best."""
    for f, e in enumerate(findings.evidence):
        best = int(np.argmax(findings.scores["chosen"][f]))
        assert e.unit == findings.units[best] == findings.units[findings.ranking(f)[0]]
        name = "auc" if e.kind == "span" else "rank_r"
        assert e.score == findings.scores[name][f, best]
        assert e.p == findings.scores["p"][f, best]
        assert e.sign == findings.scores["sign"][f, best]
    assert findings.evidence[0].unit.index == 7
    assert findings.evidence[0].sign == -1
    first = findings.evidence[0]
    assert (first.untrained, first.untrained_low, first.untrained_high) == (0.6, 0.55, 0.65)
    assert math.isnan(findings.evidence[1].untrained)
    assert not math.isnan(findings.evidence[1].three)


def test_scores_have_one_shape(findings: Findings) -> None:
    """Every score is [feature, unit]; those of the other kind of feature are NaN, the rest are within their bounds."""
    spans = 2
    for name in (*COLUMNS, "chosen", "sign"):
        assert findings.scores[name].shape == (3, 20)
    for name in ("auc", "ap", "f1", "iou"):
        assert ((findings.scores[name][:spans] >= 0) & (findings.scores[name][:spans] <= 1)).all()
        assert np.isnan(findings.scores[name][spans:]).all()
    for name in ("chosen", "p"):
        assert ((findings.scores[name] > 0) & (findings.scores[name] <= 1) | (name == "chosen")).all()
    assert np.isnan(findings.scores["rank_r"][:spans]).all()
    assert (np.abs(findings.scores["rank_r"][spans:]) <= 1).all()
    assert (findings.scores["chosen"][:spans] >= 0.5).all()
    assert set(np.unique(findings.scores["sign"])) <= {-1.0, 1.0}
    low, high = findings.scores["auc_low"][:spans], findings.scores["auc_high"][:spans]
    known = ~np.isnan(low)
    assert (known.sum(1) == 16).all()
    auc = findings.scores["auc"][:spans]
    assert ((low <= auc) & (auc <= high))[known].all()


@pytest.mark.parametrize("offset", [0, 1000])
def test_r_and_d_wherever_a_unit_runs(offset: float) -> None:
    """Pearson's r and Cohen's d are those of the activations, also of a unit that runs far from zero."""
    values = (offset + 0.05 * RNG.standard_normal((LENGTH, 1)) + 0.1 * IN_A[:, None]).astype(np.float32)
    found = search(values, FEATURES[:1]).scores
    x, on = values[HALF == 1, 0].astype(float), IN_A[HALF == 1]
    assert found["r"][0, 0] == pytest.approx(np.corrcoef(x, on)[0, 1], abs=0.005)
    spread = np.sqrt((x[on].var() * on.sum() + x[~on].var() * (~on).sum()) / len(x))
    assert found["d"][0, 0] == pytest.approx((x[on].mean() - x[~on].mean()) / spread, rel=0.01)


def test_lags_and_r_of_a_rare_feature_in_a_long_text() -> None:
    """Of a long text few steps are summed by bin and by lag: r keeps what a rare feature does in bins that none of them
    met, and a lag of 0 has the score of the unit.
    """
    rng, length = np.random.default_rng(0), 300_000
    on = np.zeros(length, bool)
    on[rng.choice(length, 60, replace=False)] = True
    corpus = Corpus.from_text("".join(np.where(on, "a", "b")))
    values = rng.standard_normal((length, 2)).astype(np.float32)
    values[on] += 5, 20
    source = ArraySource(values, Site("x"))
    scores = judge(count(source, corpus, FEATURES[:1])).scores
    parts = rounds(length, size=source.round_length)
    odd = np.concatenate([np.repeat(p.block_of % 2, np.diff(np.append(p.starts, p.stop))) for p in parts]) == 1
    for unit in (0, 1):
        assert scores["r"][0, unit] == pytest.approx(np.corrcoef(values[odd, unit], on[odd])[0, 1], rel=0.1)
    at_zero = scores["lag"][0] == 0
    assert at_zero.any()
    assert np.allclose(scores["lag_score"][0, at_zero], scores["auc"][0, at_zero])


def test_no_lag_makes_a_unit_perfect() -> None:
    """A gain measured on part of the steps leads towards 1 and never to it; where both agree, it is taken as it is."""
    gains = np.zeros((2, 17, 3))  # [feature, lag, unit], less a half where it is an AUC
    gains[0, REACH], gains[0, REACH + 2] = (0.40, 0.47, 0.48), (0.49, 0.49, 0.48)
    gains[1, REACH], gains[1, REACH + 2] = (0.50, 0.90, 0.95), (0.80, 0.99, 0.95)
    lags = SimpleNamespace(effects=lambda half, binary: gains)
    table = {key: np.zeros((2, 3)) for key in ("lag", "lag_gain", "lag_score")}
    table |= {"sign": np.ones((2, 3)), "auc": np.array([[0.90, 0.99, 0.98], [np.nan] * 3])}
    table["rank_r"] = np.array([[np.nan] * 3, [0.50, 0.99, 0.95]])
    _score_lags(table, lags, np.array([True, False]))
    assert table["lag"].tolist() == [[2, 2, 0], [2, 2, 0]]
    assert table["lag_score"][0] == pytest.approx([0.99, 0.99672, 0.98], abs=1e-4)
    assert table["lag_score"][1] == pytest.approx([0.80, 0.99904, 0.95], abs=1e-4)


def test_whatever_beats_the_text_has_an_interval() -> None:
    """A unit that beats the last three characters has an interval, though many units are better than it."""
    feature = Feature(name="late", pattern="(?<=d[^d]{30})[^d]{1,60}", flags=("DOTALL",))
    late = np.zeros(LENGTH, bool)
    for start, stop in text_spans(feature, TEXT):
        late[start:stop] = True
    values = RNG.standard_normal((LENGTH, 40)).astype(np.float32)
    values[:, :30] += 4 * late[:, None]
    values[:, 35] += 2 * late
    scores = search(values, (feature,)).scores
    beats = scores["auc"][0] > search(values, (feature,)).evidence[0].three
    assert beats.sum() >= 31
    assert not np.isnan(scores["auc_low"][0, beats]).any()


def test_q_counts_features(findings: Findings) -> None:
    """q is Benjamini and Hochberg's over the best units' p of all features that could be judged."""
    p = np.array([e.p for e in findings.evidence])
    assert np.allclose([e.q for e in findings.evidence], false_discovery_control(p))
    assert findings.draws == 999


def test_p_counts_units() -> None:
    """p is family-wise: a weak unit among 200 of noise has a larger p than alone, and is not better than chance."""
    weak = RNG.standard_normal((LENGTH, 1)).astype(np.float32)
    weak[:, 0] += 0.055 * IN_A
    many = np.concatenate([weak, RNG.standard_normal((LENGTH, 200)).astype(np.float32)], axis=1)
    alone, among = search(weak, FEATURES[:1]), search(many, FEATURES[:1])
    assert among.scores["auc"][0, 0] == pytest.approx(alone.scores["auc"][0, 0], abs=1e-9)
    assert among.scores["p"][0, 0] > alone.scores["p"][0, 0]


def test_no_p_is_smaller_than_the_shifts_allow(findings: Findings) -> None:
    """However strong the effect, p is not below one over the number of different shifts."""
    assert findings.scores["p"].min() >= 1 / findings.counts.shifts.distinct
    assert findings.evidence[0].p < 1 / 1000


def test_slow_units_in_a_short_text() -> None:
    """Units and labels that change a few times in the whole text are not judged, however well they agree; a unit that
    follows a label of ordinary length is found beside them.
    """
    rng, alarms = np.random.default_rng(8), []
    features = (Feature(name="slow", pattern="[cd]"), Feature(name="short", pattern="[bd]"))
    for seed in range(12):
        slow = np.repeat(rng.integers(0, 2, 10), LENGTH // 10) == 1
        slow[: LENGTH // 10], slow[-LENGTH // 10 :] = seed % 2, 1 - seed % 2
        short = np.repeat(rng.random(LENGTH // 20) < 0.2, 20)
        text = Corpus.from_text("".join(np.array(list("abcd"))[slow * 2 + short]))
        values = slow_noise(rng, LENGTH, [4000.0] * 15 + [20.0])
        values[:, 15] += 3 * short
        found = judge(count(ArraySource(values, Site("x")), text, features, seed=seed))
        assert found.evidence[1].unit.index == 15
        assert found.evidence[1].q < 0.05
        assert found.evidence[0].turns < 200 < found.evidence[1].turns
        alarms.append(found.evidence[0].q <= 0.05)
    assert sum(alarms) <= 2
    values = np.stack([slow + rng.standard_normal(LENGTH) * 0.1, *rng.standard_normal((3, LENGTH))], 1)
    one = judge(count(ArraySource(values.astype(np.float32), Site("x")), text, features[:1])).evidence[0]
    assert one.score > 0.99
    assert one.turns < 40
    assert not one.found


def test_too_few_independent_stretches_are_said() -> None:
    """Where no p below the bar could be had, the reason is the text, not the unit."""
    known = {"feature": "f", "kind": "span", "labelled": 9, "characters": 99, "unit": Unit(Site("x"), 0), "score": 0.9}
    few = Evidence(**known, p=0.4, q=0.4, turns=1.5)
    assert few.reason == "the text has too few independent stretches to judge f"
    assert "more than the best" in Evidence(**known, p=0.4, q=0.4, turns=1000.0).reason


def test_one_finding_among_many_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single strong unit is found among seventy features, sixty-nine of which nothing follows."""
    spans = np.stack([IN_A, *(np.roll(IN_A, int(k)) for k in RNG.integers(2000, LENGTH - 2000, 69))])

    class Given:
        def __init__(self, features, corpus, **options) -> None:
            pass

        def read(self, start: int, stop: int) -> Labels:
            return Labels(start, spans[:, start:stop], np.zeros((0, stop - start), np.float32))

    monkeypatch.setattr("cellscope.features.labeller.Labeller", Given)
    values = RNG.standard_normal((LENGTH, 20)).astype(np.float32)
    values[:, 3] += 4 * IN_A
    findings = search(values, tuple(Feature(name=f"moved-{k}", pattern="a") for k in range(70)))
    assert findings.evidence[0].q < 0.05
    assert findings.evidence[0].unit.index == 3
    assert sum(e.q <= 0.05 for e in findings.evidence) <= 2


def test_summary_of_nothing() -> None:
    """Noise tracks nothing: 0 of N units, 0 of k features."""
    findings = search(RNG.standard_normal((LENGTH, 5)).astype(np.float32))
    assert findings.tracking() == (0, 0)
    assert findings.summary().startswith("0 of 5 units track a feature, 0 of 3 features are tracked: AUC >= 0.9")


def test_without_evidence() -> None:
    """Counted without null and baselines, as for the untrained control, there are scores and no p."""
    values = RNG.standard_normal((LENGTH, 5)).astype(np.float32)
    findings = judge(count(ArraySource(values, Site("x")), CORPUS, FEATURES, evidence=False))
    assert findings.draws == 0
    assert all(math.isnan(e.p) and math.isnan(e.three) and not math.isnan(e.score) for e in findings.evidence)
    assert findings.tracking() == (0, 0)


def test_what_tracks_plainly_has_an_interval_too() -> None:
    """Every unit that reaches .9 has an interval, though the last characters do as well and sixteen others are liked
    better.
    """
    rng = np.random.default_rng(2)
    values = (IN_A[:, None] + rng.normal(0, np.linspace(0.05, 0.5, 40), (LENGTH, 40))).astype(np.float32)
    found = search(values, FEATURES[:1])
    score, low = found.scores["auc"][0], found.scores["auc_low"][0]
    assert found.evidence[0].three > 0.999
    assert (score > 0.9).sum() == 40
    assert np.isfinite(low).all()
    assert np.array_equal(found.standing().bound[0], low)
