"""What the demonstrations find, as it is read from the JSON beside their pages; and, slowly, that they find it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def demos() -> ModuleType:
    return importlib.import_module("demos")


def page(folder: Path, run: str, *rows: dict[str, object]) -> None:
    (folder / run).mkdir()
    (folder / run / "index.json").write_text(json.dumps({"rows": rows}), "utf-8")


def feature(name: str, finding: str, auc: float) -> dict[str, object]:
    return {"feature": name, "finding": finding, "unit": "lstm.0:cell/1", "auc": auc}


@pytest.mark.parametrize(("url", "ok"), [("yes", True), ("no", False)])
def test_each_feature_is_found_plain_or_not(demos: ModuleType, tmp_path: Path, url: str, ok: bool) -> None:
    """A quote is whichever kind is surer; plain counts, and one that is not there fails the row."""
    page(
        tmp_path, "demo", feature("indentation", "plain", 0.997), feature("comment", "yes", 0.86),
        feature("quote-single", "no", 0.95), feature("quote-double", "yes", 0.9), feature("parentheses", "yes", 0.99),
        feature("url", url, 0.98), {"feature": "column", "finding": "yes", "unit": "lstm.0:cell/3", "auc": None},
    )  # fmt: skip
    _, _, measured, good = demos.of_text(tmp_path)
    assert good is ok
    assert "indentation plain (lstm.0:cell/1, 0.997), comment found (lstm.0:cell/1, 0.86), quote-double" in measured
    assert f"url {'found' if ok else 'no'} (lstm.0:cell/1, 0.98)" in measured


def concept(name: str, auc: float | None) -> dict[str, object]:
    return {"concept": name, "answer": "no", "unit": None if auc is None else "features.3/1", "auc": auc}


@pytest.mark.parametrize(
    ("scores", "ok"), [((0.9, 0.91, 0.95, 0.95, 0.97, 0.99, 0.5), True), ((0.9,) * 5 + (0.89,), False),
                       ((0.9,) * 6 + (None,), False)],
)  # fmt: skip
def test_six_concepts_have_a_good_unit_and_all_have_one(demos: ModuleType, tmp_path: Path, scores, ok: bool) -> None:
    """Five are too few, and so is a concept without a unit."""
    page(tmp_path, "demo-images", *(concept(f"c{k}", auc) for k, auc in enumerate(scores)))
    _, _, measured, good = demos.of_pictures(tmp_path)
    assert good is ok
    many = sum(auc is not None and auc >= 0.9 for auc in scores)
    assert measured.startswith(f"{many} of {len(scores)} (")
    assert measured.endswith("no unit: c6" if None in scores else "all have a best unit")


def check_text(reports: Path) -> None:
    """A clear unit for four of the five at least (trainings that the clock ends differ), a named one for each."""
    answers = importlib.import_module("answers")
    found = answers.wanted(answers.answers(reports, "demo"))
    assert all(answer.unit and answer.auc >= 0.75 for answer in found.values()), [*map(str, found.values())]
    assert sum(answer.clear for answer in found.values()) >= len(found) - 1, [*map(str, found.values())]


def check_pictures(reports: Path) -> None:
    """A good unit for six concepts at least, a named one for each."""
    answers = importlib.import_module("answers")
    told = answers.answers(reports, "demo-images")
    assert len(answers.good(told)) >= answers.PICTURES, [*map(str, told.values())]
    assert all(answer.unit for answer in told.values()), [*map(str, told.values())]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("words", "check"), [(["demo"], check_text), (["demo", "images"], check_pictures)])
def test_a_demonstration_finds_what_it_is_for(tmp_path: Path, words: list[str], check) -> None:
    """From nothing, as the user starts it."""
    importlib.import_module("command").seconds(*words, folder=tmp_path)
    check(tmp_path / "reports")
