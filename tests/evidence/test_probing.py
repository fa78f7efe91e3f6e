"""Probes of planted activations: one unit, some units, all units or none tell a feature."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.probes import FLOOR, SHARE, Probe, Rung
from cellscope.evidence.probing import BLOCKS, judged, measure, probe
from cellscope.features.feature import Feature
from cellscope.observe import ArraySource, rounds

sys.path.insert(0, str(Path(__file__).parent.parent / "sinks"))
from planted_activations import slow_noise

LENGTH, UNITS = 60_000, 64
HERE = Site("planted", "cell")
NAMES = ("one", "few", "many", "none")
EACH = 20
"""Letters of every combination of features: so many contexts that the control task has something to draw."""


def letters(bit: int) -> str:
    """The letters of all combinations that have a feature."""
    return "".join(chr(0x4E00 + combination * EACH + i) for combination in range(16) if combination >> bit & 1
                   for i in range(EACH))  # fmt: skip


FEATURES = tuple(Feature(name=name, pattern=f"[{letters(bit)}]") for bit, name in enumerate(NAMES))


@cache
def planted():
    """`one` lies in unit 5, `few` is turned into units 10 to 17 at random, `many` into 20 to 63, `none` nowhere."""
    rng = np.random.default_rng(11)
    labels = np.repeat(rng.random((4, LENGTH // 20)) < 0.15, 20, axis=1)
    values = slow_noise(rng, LENGTH, [15.0] * UNITS)
    values[:, 5] = labels[0] + 0.05 * values[:, 5]
    for units, row in ((slice(10, 18), 1), (slice(20, 64), 2)):
        size = units.stop - units.start
        block = values[:, units].copy()
        block[:, 0] = 3 * labels[row] + 0.05 * block[:, 0]
        values[:, units] = block @ np.linalg.qr(rng.standard_normal((size, size)))[0]
    codes = 0x4E00 + (labels.T @ [1, 2, 4, 8]) * EACH + rng.integers(0, EACH, LENGTH)
    return Corpus.from_text("".join(map(chr, codes))), labels, values


@cache
def found():
    corpus, _, values = planted()
    return probe(ArraySource(values, HERE), corpus, FEATURES, seed=4)


def of(name):
    return next(p for p in found().probes if p.feature == name)


def test_a_concept_in_one_unit_is_local():
    """One unit has what all have, and it is the right one."""
    one = of("one")
    assert one.spread == "local"
    assert str(one.chosen[0]) == "planted:cell/5"
    assert one.all.score > 0.95
    assert one.share[1] <= one.share[0] <= one.share[2]
    assert one.verdict.startswith("one is local: cell 5 of planted:cell alone has")


def test_what_a_probe_learns_by_heart_is_said():
    """Where the control task is read as well as the feature, the verdict says so."""
    one = of("one")
    assert "control" not in one.verdict
    *rungs, last = one.rungs
    learnt = replace(one, rungs=(*rungs, replace(last, control=last.score)))
    assert "but the probe reads as much of labels by chance" in learnt.verdict


def test_a_concept_turned_into_eight_units_takes_eight():
    """Fewer than the eight do not have it; the eight are those it was turned into; the lasso agrees."""
    few = of("few")
    assert (few.spread, few.needed) == ("sparse", 8)
    assert {unit.index for unit in few.chosen[:8]} == set(range(10, 18))
    by_eight = next(r for r in few.rungs if r.units == 8)
    assert by_eight.lasso == pytest.approx(by_eight.score, abs=0.05)


def test_a_concept_turned_into_most_units_is_distributed():
    """No few units have it."""
    many = of("many")
    assert many.spread == "distributed"
    assert many.needed is not None
    assert many.needed > 16
    assert many.rungs[0].score < 0.5 * many.all.score


def test_what_no_unit_knows_is_nothing():
    """Even all units tell nothing, and no number of units seems to."""
    none = of("none")
    assert none.spread == "nothing"
    assert none.needed is None
    assert max(r.score for r in none.rungs) < 0.02
    assert "nothing" in none.verdict


def test_the_luckiest_of_many_readings_is_no_telling() -> None:
    """The number of units that tell most is not chosen to be tested; where all tell more than nothing, it is named."""

    def made(score: float, low: float) -> Probe:
        rungs = [Rung(units=k, score=s, low=o, high=s + 0.1)
                 for k, s, o in ((1, 0.01, 0.0), (2, 0.05, 0.02), (4, score, low))]  # fmt: skip
        return Probe(feature="luck", kind="span", labelled=100, rows=1000, of=4, rungs=tuple(rungs),
                     chosen=(Unit(HERE, 2),), share=(0.2, 0.1, 0.3))  # fmt: skip

    lucky, sure = made(-0.1, -0.3), made(0.04, 0.015)
    assert (lucky.spread, lucky.needed) == ("nothing", None)
    assert (
        lucky.verdict
        == "luck: nothing for sure: the best unit tells R2 0.01, 0.00 to 0.11, all 4 together -0.10, -0.30 to 0.00"
    )
    assert sure.needed == 2
    alone = replace(lucky, rungs=(replace(lucky.rungs[0], score=0.9, low=0.8), *lucky.rungs[1:]))
    assert (alone.spread, alone.needed) == ("local", 1)  # the reading of all may be the worse for its size
    assert "the most that units tell (2 of 4: R2 0.05, 0.02 to 0.15)" in sure.verdict


def test_the_share_and_the_floor_are_what_the_verdict_rests_on():
    """`needed` is the first rung with the stated share of all; all of noise lie below the floor."""
    for p in found().probes:
        if p.needed is not None:
            scores = {r.units: r.score for r in p.rungs}
            assert scores[p.needed] >= SHARE * p.all.score
            assert all(s < SHARE * p.all.score for k, s in scores.items() if k < p.needed)
    assert of("none").all.low <= FLOOR


def test_random_sets_do_worse_than_chosen_ones_and_the_control_is_no_feature():
    """Sets drawn at random lie below chosen ones for what is planted; the control task is told by no unit here."""
    for name in ("one", "few", "many"):
        p = of(name)
        assert all(r.least <= r.random <= r.most for r in p.rungs[:-1])
        assert all(r.random < r.score for r in p.rungs[:-1])
        assert p.all.control < 0.05
        assert p.selective == pytest.approx(p.all.score - max(p.all.control, 0))


def test_scores_are_scikit_learns_on_stored_activations():
    """R2 of all units is that of Ridge on the rows of the even blocks, scored on those of the odd ones."""
    corpus, labels, values = planted()
    parts = rounds(LENGTH, blocks=BLOCKS)
    block = np.concatenate([np.repeat(p.block_of, np.diff(np.append(p.starts, p.stop))) for p in parts])
    measured = measure(ArraySource(values, HERE), corpus, FEATURES)
    x = np.clip(
        (values - measured.covariance.middle) * measured.covariance.scale,
        measured.covariance.low,
        measured.covariance.high,
    )
    choose, report = block % 2 == 0, block % 2 == 1
    for p, y in zip(found().probes, labels.astype(float), strict=True):
        for rung in (p.rungs[0], p.rungs[2], p.all):
            units = np.arange(UNITS) if rung.units == UNITS else np.array([u.index for u in p.chosen[: rung.units]])
            # The penalty of few units, which is not told, is far too weak to show here.
            strength = p.strength if rung.units == UNITS else 1e-5
            model = Ridge(alpha=strength * choose.sum()).fit(x[choose][:, units], y[choose])
            assert rung.score == pytest.approx(r2_score(y[report], model.predict(x[report][:, units])), abs=2e-3)


def test_directions_are_in_units_of_the_activations():
    """weights @ activation + intercept is the reading: it goes with the label on the rows."""
    _, (_, y, *_), values = planted()
    told = values @ found().weights[1] + found().intercept[1]
    assert r2_score(y, told) > 0.95


def test_the_same_seed_gives_the_same_answer_and_another_other_draws():
    """Random sets and control labels are matters of the seed alone."""
    corpus, _, values = planted()
    source = ArraySource(values, HERE)
    again, other = (probe(source, corpus, FEATURES[:1], seed=seed, draws=3) for seed in (4, 5))
    same = probe(source, corpus, FEATURES[:1], seed=4, draws=3)
    assert repr(again.probes) == repr(same.probes)
    assert again.probes[0].rungs[1].random != other.probes[0].rungs[1].random


def test_numbers_that_count_only_in_places_are_read_there_alone():
    """A unit that knows how far along a span is has all of it, whatever it does elsewhere."""
    rng = np.random.default_rng(0)
    text = "".join("x" * int(rng.integers(5, 60)) + "[" + "a" * int(rng.integers(2, 30)) + "]" for _ in range(900))
    feature = Feature(name="along", kind="numeric", counter="since", pattern=r"\[a+\]")
    values = slow_noise(rng, len(text), [10.0] * 8)
    since = 0
    for at, c in enumerate(text):
        since = since + 1 if c in "[a]" else 0
        if since:
            values[at, 2] = since + 0.01 * values[at, 2]
    p = probe(ArraySource(values, HERE), Corpus.from_text(text), [feature, FEATURES[0]]).probes[1]
    assert (p.feature, p.spread) == ("along", "local")
    assert p.chosen[0].index == 2
    assert p.rows < len(text) / 2
    assert p.labelled == p.rows


def late() -> ArraySource:
    """`one` lies in unit 5 three characters late, and in unit 9 where it begins and ends: both together tell it at
    once.
    """
    _, labels, values = planted()
    values, before = values.copy(), np.concatenate([np.zeros(3, bool), labels[0][:-3]])
    values[:, 5], values[:, 9] = before, labels[0].astype(int) - before
    return ArraySource(values, HERE)


def test_a_unit_that_is_late_is_local_at_its_lag() -> None:
    """A feature is read as late as its best unit is, and the verdict says so; the others are read at once."""
    one, *rest = probe(late(), planted()[0], FEATURES, seed=4).probes
    assert (one.lag, one.spread, str(one.chosen[0])) == (3, "local", "planted:cell/5")
    assert one.rungs[0].score > 0.999
    assert one.verdict.startswith("one, read 3 characters late, is local: cell 5 of planted:cell alone has 100%")
    assert one.figures()["lag"] == 3
    assert [p.lag for p in rest] == [0, 0, 0]


def test_without_lags_everything_is_read_at_once() -> None:
    """`late=0` asks for no lag: there the late unit needs the one that knows where the feature begins and ends."""
    p = judged(measure(late(), planted()[0], FEATURES[:1], late=0), draws=2).probes[0]
    assert (p.lag, p.spread, p.needed) == (0, "sparse", 2)
    assert {u.index for u in p.chosen[:2]} == {5, 9}


def test_one_bad_block_makes_no_nothing_of_a_unit_that_tells_all() -> None:
    """Where all that is not told lies in one block, the interval is wide, and still says that much is told."""
    corpus, labels, values = planted()
    values = values.copy()
    values[:, 5] = labels[0]
    parts = rounds(LENGTH, blocks=BLOCKS)
    block = np.concatenate([np.repeat(p.block_of, np.diff(np.append(p.starts, p.stop))) for p in parts])
    values[block == 5, 5] += np.random.default_rng(0).normal(0, 0.3, (block == 5).sum()).astype(np.float32)
    p = probe(ArraySource(values, HERE), corpus, FEATURES[:1], draws=2).probes[0]
    assert p.spread == "local"
    assert 0.5 < p.rungs[0].low < 0.9 < p.rungs[0].score < p.rungs[0].high < 1


def test_what_cannot_be_probed_says_why():
    """Too rare a feature, and one that is everywhere, have a remark and no curve."""
    corpus, _, values = planted()
    odd = (Feature(name="absent", pattern="Q"), Feature(name="always", pattern="."))
    rare, always = probe(ArraySource(values, HERE), corpus, odd).probes
    assert "too rare" in rare.verdict
    assert "too common" in always.verdict
    assert rare.spread == always.spread == "unknown"
    assert math.isnan(rare.selective)
    json.dumps(rare.figures())


def test_a_damaged_network_is_told():
    """A value that is not finite is an error that names the unit, not a NaN."""
    corpus, _, values = planted()

    class Damaged(ArraySource):
        def play(self, part):
            sample, chunks = super().play(part)
            return sample, (self.spoil(chunk) for chunk in chunks)

        def spoil(self, chunk):
            next(iter(chunk.values.values()))[0, 0, 7] = np.inf
            return chunk

    source = Damaged(values, HERE)
    with pytest.raises(InputError, match="planted:cell/7 gives values that are not finite"):
        probe(source, corpus, FEATURES[:1])
