from __future__ import annotations

import numpy as np
import pytest
from planted_activations import slow_noise
from planted_kinds import HERE, Counted, kinds_of_columns, nested
from sklearn.metrics import r2_score

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.evidence import kinds as module
from cellscope.evidence.clocks import CLOCKS
from cellscope.evidence.fits import SHRINK
from cellscope.evidence.kinds import ClockFit, judged
from cellscope.evidence.portraits import Stretch, kinds_of
from cellscope.features.library import select
from cellscope.observe import ArraySource, rounds

TEXT = nested(60_000)
CLOCK = Counted(TEXT)
NOISE = 0.3


def noisy(values: np.ndarray, seed: int = 5) -> np.ndarray:
    """Values [position] with white noise."""
    return values + NOISE * np.random.default_rng(seed).standard_normal(len(values))


def decaying() -> np.ndarray:
    """High where a bracket opens, then falling to nothing."""
    return np.where(CLOCK.inside, np.exp(-CLOCK.since / 8), 0)


PLANTED = {
    "switch": (CLOCK.inside * 1.0, "switch", "inside"),
    "switched off": (1 - CLOCK.inside * 1.0, "switch", "inside"),
    "counter": (CLOCK.depth * 1.0, "counter", "depth"),
    "timer": (decaying(), "timer", "since"),
    "to the end": (np.where(CLOCK.inside, np.exp(-CLOCK.until / 8), 0), "timer", "until"),
    "ramp": (CLOCK.column / 40, "position", "column"),
    "saturating ramp": (np.tanh(CLOCK.column / 20), "position", "column"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_kinds_are_told(name: str) -> None:
    """A unit that is a clock and noise has that clock's kind, and the share that is no noise is its R^2."""
    values, kind, clock = PLANTED[name]
    found = kinds_of_columns(noisy(values)[:, None], TEXT)[0]
    assert (found.name, found.clock) == (kind, clock), found.sentence
    fit = found.of(clock)
    assert fit is not None
    weights = np.where(CLOCK.inside, 1 / CLOCK.inside.mean(), 1 / (1 - CLOCK.inside.mean()))
    spread = np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)
    assert fit.r2 == pytest.approx(spread / (spread + NOISE**2), abs=0.05)
    assert fit.low <= fit.r2 <= fit.high
    assert found.sign == (-1 if name == "switched off" else 1)


def test_noise_has_no_kind() -> None:
    """White noise and slow noise are of no kind, whatever the time scale: nothing of theirs is explained."""
    noise = slow_noise(np.random.default_rng(3), len(TEXT), [0, 0, 3, 10, 30, 100] * 6)
    assert {k.name for k in kinds_of_columns(noise, TEXT)} == {"none"}
    assert {k.name for k in kinds_of_columns(noise, TEXT, "column")} == {"none"}


def test_a_constant_has_no_kind() -> None:
    """A unit that never moves explains nothing and fails nothing."""
    found = kinds_of_columns(np.full((len(TEXT), 1), 3.0), TEXT)[0]
    assert found.name == "none"
    assert all(f.r2 == 0 for f in found.fits)


def test_a_higher_second_level_is_no_counter() -> None:
    """1 inside one bracket and 1.35 inside two is a switch (GwenTsang's detector); 1 and 2 is a counter."""
    levels = np.stack([np.choose(np.minimum(CLOCK.depth, 2), [0, 1, top]) for top in (1.35, 2.0)], 1)
    noise = 0.1 * np.random.default_rng(0).standard_normal(levels.shape)
    assert [k.name for k in kinds_of_columns(levels + noise, TEXT)] == ["switch", "counter"]


def test_a_late_switch_is_a_switch_at_its_lag() -> None:
    """A detector two characters late is a switch at lag 2, explains less at lag 0, and knows two characters later."""
    late = noisy(np.concatenate([[0, 0], CLOCK.inside[:-2]]))
    at_lag, at_once = kinds_of_columns(np.stack([late, late], 1), TEXT, lags={0: 2})
    assert at_lag.name == "switch"
    assert at_lag.lag == 2
    assert "2 characters late" in at_lag.sentence
    assert at_lag.of("inside").r2 > at_once.of("inside").r2 + 0.1
    assert at_lag.onset.knows == at_once.onset.knows == 2
    assert at_lag.onset.lets_go == at_once.onset.lets_go == 3


def test_a_slow_start_is_no_timer() -> None:
    """A switch that takes some characters to come on is a switch: it is there for most of the brackets."""
    text = nested(60_000).replace("(", "(" + 60 * "x")
    clock = Counted(text)
    slow = np.where(clock.inside, 1 - np.exp(-clock.since / 3), 0)
    assert kinds_of_columns(noisy(slow)[:, None], text)[0].name == "switch"


def test_r2_is_that_of_scikit_learn() -> None:
    """R^2 of every clock is r2_score on the odd blocks of the means of the even ones, inside and outside alike."""
    values = noisy(decaying() + CLOCK.column / 50).astype(np.float32)
    found = kinds_of_columns(values[:, None], TEXT)[0]
    part = rounds(len(TEXT))[0]
    block = np.repeat(part.block_of, np.diff(np.append(part.starts, part.stop)))
    counted = np.ones(len(TEXT), bool)
    counted[(part.starts + part.steps)[: part.longer]] = False  # lanes are cut to one length
    rows = {"inside": CLOCK.inside * 1, "depth": CLOCK.depth, "since": CLOCK.since + 1, "until": CLOCK.until + 1}
    even, odd = counted & (block % 2 == 0), counted & (block % 2 == 1)
    low, high = limits(values, even)
    clipped = np.clip(values, low, high).astype(np.float64)
    weights = np.where(CLOCK.inside, 1, 0) / CLOCK.inside[counted].mean() + np.where(CLOCK.inside, 0, 1) / (
        1 - CLOCK.inside[counted].mean()
    )
    for name, row in rows.items():
        levels = binned(row) if name in ("since", "until") else row
        within = clipped[even & CLOCK.inside].mean()
        guess = np.empty(len(values))
        for level in np.unique(levels):
            of = even & (levels == level)
            pull = SHRINK if level else 0
            guess[levels == level] = (clipped[of].sum() + pull * within) / (of.sum() + pull)
        expected = r2_score(clipped[odd], guess[odd], sample_weight=weights[odd])
        assert found.of(name).r2 == pytest.approx(expected, abs=2e-4), name


def binned(row: np.ndarray) -> np.ndarray:
    """A count + 1 (0 outside) by the bins of its clock."""
    from cellscope.evidence.clocks import EDGES

    return np.where(row > 0, np.searchsorted(EDGES, row - 1, side="right"), 0)


def limits(values: np.ndarray, even: np.ndarray) -> np.ndarray:
    """The least and most of the middle 95 % of the even blocks, inside and outside counted alike."""
    grid = np.linspace(0, 1, 401)
    sides = [np.quantile(values[even & (CLOCK.inside == side)], grid) for side in (True, False)]
    return np.quantile(np.concatenate(sides), [0.025, 0.975])


def test_a_unit_that_runs_away_somewhere_keeps_its_kind() -> None:
    """Two stretches in which a switch is a hundred times as high do not hide that it is one."""
    values = noisy(CLOCK.inside * 1.0)
    values[7_000:7_400] = values[33_000:33_400] = 100
    assert kinds_of_columns(values[:, None], TEXT)[0].name == "switch"


def test_a_feature_that_is_not_there_is_told() -> None:
    """Without the feature there is no kind, and the sentence says why."""
    found = kinds_of_columns(noisy(CLOCK.inside * 1.0)[:, None], TEXT, "url")[0]
    assert (found.name, found.fits, found.onset) == ("none", (), None)
    assert "url is nowhere" in found.sentence


def test_numeric_features_have_the_kind_of_their_counter() -> None:
    """At `column` a ramp is a position; at `parentheses-depth` a counter is one; at `word-length` a timer."""
    length = np.zeros(len(TEXT))
    for place, character in enumerate(TEXT):
        length[place] = length[place - 1] + 1 if character.isalnum() else 0
    for feature, values, kind in (
        ("column", CLOCK.column / 40, "position"),
        ("parentheses-depth", CLOCK.depth * 1.0, "counter"),
        ("word-length", length / 3, "timer"),
    ):
        found = kinds_of_columns(noisy(values)[:, None], TEXT, feature)[0]
        assert (found.name, found.clock) == (kind, "value"), found.sentence


def test_many_units_at_many_features_are_what_each_is_alone() -> None:
    """One pass over units with features and lags of their own gives what a pass for each gives."""
    values = np.stack([noisy(v, seed) for seed, (v, _, _) in enumerate(PLANTED.values())], 1).astype(np.float32)
    features = select(["parentheses", "column", "word-length"])
    plans = {Unit(HERE, u): (features[u % 3], u % 2) for u in range(values.shape[1])}
    corpus = Corpus.from_text(TEXT)
    together = kinds_of(ArraySource(values, HERE), corpus, plans)
    for unit, plan in plans.items():
        alone = kinds_of(ArraySource(values, HERE), corpus, {unit: plan})[unit]
        assert [f.clock for f in alone.fits] == [f.clock for f in together[unit].fits]
        assert [f.r2 for f in alone.fits] == pytest.approx([f.r2 for f in together[unit].fits], abs=1e-9)
        assert alone.sentence == together[unit].sentence


def test_a_stretch_takes_from_all_blocks() -> None:
    """A shorter stretch is the first steps of every lane; what it tells is told of as many characters."""
    stretch = Stretch.of(rounds(len(TEXT)), most=20_000)
    assert stretch.characters <= 20_000 < stretch.characters + stretch.part.lanes
    plans = {Unit(HERE, 0): (select(["parentheses"])[0], 0)}
    source = ArraySource(noisy(CLOCK.inside * 1.0)[:, None].astype(np.float32), HERE)
    found = kinds_of(source, Corpus.from_text(TEXT), plans, stretch=stretch)[Unit(HERE, 0)]
    assert found.characters == stretch.characters
    assert found.name == "switch"


def fit_of(clock: str, r2: float, *, chosen: float | None = None, gain: float = 0.0, swing: float = 0.0) -> ClockFit:
    """A fit with narrow intervals."""
    return ClockFit(clock, r2, r2 - 0.01, r2 + 0.01, gain, gain - 0.005, gain + 0.005, 0.0, chosen or r2, swing, 1)


def test_the_criterion_is_kept() -> None:
    """A clock has to fit, surely beat the switch, and be much more than it; ties go to the simpler clock."""
    plain = fit_of("inside", 0.5)
    assert judged({"inside": plain, "since": fit_of("since", 0.6, gain=0.1, swing=0.1)}) == ("inside", "switch")
    assert judged({"inside": plain, "since": fit_of("since", 0.6, gain=0.1, swing=0.3)}) == ("since", "timer")
    assert judged({"inside": plain, "since": fit_of("since", 0.8, gain=0.3, swing=0.1)}) == ("since", "timer")
    assert judged({"inside": plain, "since": fit_of("since", 0.6, gain=0.004, swing=0.5)}) == ("inside", "switch")
    tied = {"depth": fit_of("depth", 0.795, gain=0.3), "since": fit_of("since", 0.8, gain=0.3)}
    assert judged({"inside": plain, **tied}) == ("depth", "counter")
    weak = fit_of("inside", 0.05)
    assert judged({"inside": weak, "since": fit_of("since", 0.1, gain=0.05, swing=1)}) == ("since", "")
    assert judged({"inside": weak}) == ("inside", "")


def test_every_clock_has_a_kind() -> None:
    """Whatever clock is best there is a word for it."""
    assert set(CLOCKS) - {"value"} == set(module.BY_CLOCK)
