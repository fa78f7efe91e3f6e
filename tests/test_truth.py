"""The proof fails where a check fails, keeps what it measured, and its trials are what they say."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cellscope.data.text import Corpus
from cellscope.features.labeller import Labeller

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = importlib.import_module("truth")
    (tmp_path / "README.md").write_text("before\n<!-- truth -->\nstale\n<!-- /truth -->\nafter\n", "utf-8")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    return module


def part(ok: bool | None):
    rows = importlib.import_module("proof.rows")
    return rows.Part("A part", (rows.Row("a | check", "3", "4", ok),), {"four": 4}, "a page")


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1), (np.False_, 1)])
def test_a_check_that_fails_is_the_exit_code(truth: ModuleType, monkeypatch, ok, code: int, tmp_path: Path) -> None:
    """1 where a check does not hold, whatever kind of false it is; all is kept and the README's table replaced."""
    monkeypatch.setattr(truth, "measured", lambda name, pool, quick: part(ok))
    assert truth.main(["power", "--workers", "1"]) == code
    kept = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    assert kept["parts"]["power"]["figures"] == {"four": 4}
    assert "a page" in (tmp_path / "truth.md").read_text("utf-8")
    readme = (tmp_path / "README.md").read_text("utf-8")
    assert "a \\| check" in readme
    assert "stale" not in readme
    assert readme.endswith("<!-- /truth -->\nafter\n")


def test_parts_are_kept_and_unknown_ones_named(truth: ModuleType, monkeypatch, tmp_path: Path, capsys) -> None:
    """A part that was not asked for stays as it was; --quick keeps nothing; an unknown part is an error."""
    monkeypatch.setattr(truth, "measured", lambda name, pool, quick: part(True))
    assert truth.main(["power", "--quick", "--workers", "1"]) == 0
    assert not (tmp_path / "truth.json").exists()
    truth.main(["power", "--workers", "1"])
    truth.main(["nothing", "--workers", "1"])
    assert list(json.loads((tmp_path / "truth.json").read_text("utf-8"))["parts"]) == ["nothing", "power"]
    assert truth.main(["everything"]) == 2
    assert "no part 'everything'" in capsys.readouterr().err


def test_made_up_labels_are_in_the_text() -> None:
    """The features of a coded text give the labels back."""
    labels = importlib.import_module("proof.labels")
    wanted = np.random.default_rng(0).random((3, 500)) < 0.4
    corpus = Corpus.from_text(labels.coded(wanted))
    assert np.array_equal(Labeller(labels.features_of(3), corpus).read(0, 500).spans, wanted)


def test_noise_has_its_time_scale() -> None:
    """The autocorrelation of made-up noise falls to 1/e where it should; labels are on for as long as they should."""
    from cellscope.evidence.timescales import time_scales

    labels, rng = importlib.import_module("proof.labels"), np.random.default_rng(1)
    noise = labels.slow_noise(rng, 200_000, [0.0, 20.0, 200.0])
    assert time_scales(noise)[1:] == pytest.approx([20, 200], rel=0.15)
    on = labels.runs(rng, 200_000, 300.0, 30.0)
    assert on.mean() == pytest.approx(31 / 332, rel=0.15)


def test_the_interval_of_a_rate() -> None:
    """Clopper and Pearson's: none of 100 is at most 3.6 %."""
    rows = importlib.import_module("proof.rows")
    assert rows.interval(0, 100)[1] == pytest.approx(1 - 0.025**0.01)
    assert rows.rate(5, 100).startswith("5.0 % (1.6-11.3)")


def test_a_trial_of_power() -> None:
    """A strong unit in enough text is found, one that follows nothing is not."""
    power = importlib.import_module("proof.power")
    assert power.trial(0.9, 30_000, 0)
    assert not power.trial(0.5, 30_000, 0)
