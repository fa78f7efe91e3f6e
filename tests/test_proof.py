"""Each part of the proof on little text and planted answers: yes where all is right, and no where it is not."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.features.labeller import Labeller
from cellscope.features.library import select
from cellscope.models.planted import HIDDEN, SYMBOLS, planted, planted_text

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
LENGTH = 24_000
TEXT = "".join(path.read_text("utf-8") for path in sorted((FOLDER.parent / "cellscope" / "evidence").glob("*.py")))
VOCABULARY = Vocabulary(tuple(sorted(SYMBOLS)), "characters", None)


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def of(name: str) -> ModuleType:
    return importlib.import_module(f"proof.{name}")


@pytest.fixture(scope="module")
def small():
    """A network with planted cells among few others."""
    return planted(VOCABULARY, size=40, spread=8, seed=3)


def known(seed: int = 0, length: int = LENGTH) -> np.ndarray:
    """Noise for 12 units, of which one is on in strings [position, unit]."""
    rng = np.random.default_rng(seed)
    values = of("labels").slow_noise(rng, length, [5.0] * 12)
    values[:, 3] += 4 * Labeller(select(["string"]), Corpus.from_text(TEXT[:length])).read(0, length).spans[0]
    return values


def test_what_is_planted_is_told_right(small) -> None:
    """All that is said of a planted network is right, asked of all streams."""
    rows = of("planted")._one(*small, Corpus.from_text(planted_text(LENGTH, 1)), "random")
    assert [row["feature"] for row in rows] == [plant.feature.name for plant in small[1]]
    assert all(all(row["right"].values()) for row in rows)
    assert sum(len(row["right"]) for row in rows) == 4 * 5 + 1
    assert "read 2 characters late, is local" in rows[3]["probe"]


def test_another_address_sign_lag_kind_or_spread_is_wrong(small) -> None:
    """A number that is right in the wrong stream is a wrong unit; so is each other answer that is not the planted
    one.
    """
    part, network, plants = of("planted"), small[0], small[1]
    column = plants[2]
    moved = {Unit(HIDDEN, column.units[0]): "position"}
    wrong = (
        replace(column, exact=moved), replace(column, sign=-column.sign), replace(column, lag=1),
        replace(column, exact=dict.fromkeys(column.exact, "timer")), replace(column, spread="distributed"),
    )  # fmt: skip
    rows = part._one(network, wrong, Corpus.from_text(planted_text(LENGTH, 1)), "random")
    failed = [{name for name, right in row["right"].items() if not right} for row in rows]
    assert "unit" in failed[0]
    assert failed[1] == {"sign"}
    assert "lag" in failed[2]
    assert failed[3] == {"kind"}
    assert failed[4] == {"spread"}


@pytest.mark.parametrize("kind", ["white", "slow", "shifted", "shuffled"])
def test_a_trial_where_there_is_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No alarm where labels and units have nothing to do with one another, though the text and the units are those of
    a search that would find something.
    """
    nothing = of("nothing")
    monkeypatch.setattr(nothing, "LENGTH", 20_000)
    monkeypatch.setattr(nothing, "UNITS", 12)
    monkeypatch.setattr(nothing, "recorded", lambda: (TEXT[:LENGTH], known()))
    told = nothing.trial(kind, 1)
    assert told["alarm"] is False
    assert len(told["best"]) > 2


def test_a_trial_where_there_is_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same search, units and labels together, raises the alarm, by the p of shifts and by the naive one."""
    nothing = of("nothing")
    monkeypatch.setitem(
        nothing.TESTS, "white", lambda rng, seed: nothing._searched(known(), TEXT[:LENGTH], select(nothing.ASKED), seed)
    )
    told = nothing.trial("white", 0)
    assert (told["alarm"], told["naive"]) == (True, True)
    assert any(told["best"])


@pytest.fixture
def agreement(small, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Agreement on made-up units, a planted network, and without NeuroX."""
    module = of("agreement")
    long = module.LENGTH  # of a shorter text the ties within bins would be more than is promised
    monkeypatch.setattr(module, "recorded", lambda: (TEXT[:long], known(length=long)))
    monkeypatch.setattr(module, "trained", lambda: (small[0], Corpus.from_text(planted_text(20_000, 2))))
    monkeypatch.setattr(module.neurox, "fetched", lambda: contextlib.nullcontext("does not install here"))
    return module


def test_agreement_holds_and_says_what_is_missing(agreement: ModuleType) -> None:
    """Every figure is that of the other program; NeuroX, which is not there, is a line that promises nothing."""
    *rows, last = agreement.measure().rows
    assert len(rows) == 11
    assert [row.what for row in rows if row.ok is False] == []
    assert [row.what for row in rows if row.ok is None] == [agreement.ANEW]
    assert (last.ok, last.measured) == (None, "does not install here")


def test_a_score_that_is_off_does_not_agree(agreement: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AUC that is .01 too high fails its check, and no other."""
    judge = agreement.judge

    def off(counts):
        found = judge(counts)
        found.scores["auc"][:] += 0.01
        return found

    monkeypatch.setattr(agreement, "judge", off)
    assert [row.what for row in agreement.measure().rows if row.ok is False] == ["AUC against scikit-learn"]


def test_the_real_table_on_planted_cells(small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is planted stands in both tables: the unit, its curve, its lag and its controls; `quick` reads an eighth."""
    real = of("real")
    corpus = Corpus.from_text(planted_text(8 * LENGTH, 1))
    features = tuple(plant.feature for plant in small[1][:4])
    for name, value in (("KEPT", tmp_path), ("CHARACTERS", 8 * LENGTH), ("LESIONED", 8 * 4_000)):
        monkeypatch.setattr(real, name, value)
    monkeypatch.setattr(real, "trained", lambda: (small[0], corpus))
    monkeypatch.setattr(real, "select", lambda: features)
    part = real.measure(quick=True)
    told = {one["feature"]: one for one in part.figures["features"]}
    assert {name: one["probe"]["spread"] for name, one in told.items()} == dict.fromkeys(told, "local")
    assert told["planted-url"]["probe"]["lag"] == 2
    assert part.rows[2].measured.startswith("4: ")
    need = told["planted-quote"]["need"]
    assert len(need["controls"]) == 10
    assert need["ratios"][0] <= need["ratios"][1]
    assert told["column"]["need"] is None
    assert told["column"]["characters"] == LENGTH
    assert "| late | R2 of 1 | R2 of 4 | R2 of 16 | R2 of 64 |" in part.page
