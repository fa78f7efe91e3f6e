"""Pages with little on them: a numeric feature, units without text, no text, no units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_pages as planted
import pytest

from cellscope.errors import InputError
from cellscope.report.contents import FeatureInfo, Line, Passage, Passages, Ranking, RunHeader, UnitCurves, UnitRow
from cellscope.report.page import write_feature_page, write_index, write_run_page

Open = Callable[..., Any]
TEXT = "a = 'one'\n\nif b:\n    c = 'two'\n" * 30


def test_a_numeric_feature_has_lines_of_many_widths(tmp_path: Path, opened: Open) -> None:
    """The larger the number, the thicker the line; the figure is the mean by value."""
    made = planted.feature_page(TEXT, units=4)
    numbers = np.arange(made.passages.length, dtype=np.float32) % 40
    by_value = UnitCurves(by_value=Line(x=(0, 1, 2), y=(0.1, 0.3, None)))
    page = replace(
        made,
        feature=FeatureInfo(name="column", kind="numeric"),
        passages=replace(made.passages, spans=None, numbers=numbers),
        curves={row.address: by_value for row in made.ranking.rows},
    )
    seen = opened(write_feature_page(tmp_path, page))
    assert seen.locator(".cells .u5").count() > 3
    assert seen.locator(".cells .u2").count() > 3
    seen.locator("figure.value").scroll_into_view_if_needed()
    seen.wait_for_selector("figure.value[data-drawn]", timeout=20_000)


def test_a_unit_without_text_says_so(tmp_path: Path, opened: Open) -> None:
    """Its scores stand, its colours do not, and no other unit's colours stand in for them."""
    made = planted.feature_page(TEXT, units=4)
    absent = UnitRow(address="lstm.9:cell/999", site="lstm.9:cell", unit=999, scores={"auc": None})
    page = replace(made, ranking=Ranking(rows=(absent, *made.ranking.rows), columns=("auc",)), others=None)
    seen = opened(write_feature_page(tmp_path, page))
    assert "not kept" in seen.inner_text("#inspector")
    assert seen.evaluate("Scope.reader.view.levels.every(v => v === 0)")
    assert seen.locator("#ranking tbody tr").first.locator("td").last.inner_text() == "\u2013"


@pytest.mark.parametrize("text", ["", "\n", "x"])
def test_hardly_any_text(tmp_path: Path, opened: Open, text: str) -> None:
    """Nothing to show is shown without an error."""
    made = planted.feature_page(TEXT, units=2)
    items = (Passage(kind="reading", text=text, start=0),) if text else ()
    values = np.zeros((len(text), 2), np.float32)
    passages = Passages(items=items, activations={"lstm.0:cell": values}, spans=np.zeros(len(text), bool))
    seen = opened(write_feature_page(tmp_path, replace(made, passages=passages)))
    for key in ("ArrowRight", "ArrowDown", "]", "}", "n", "w", "2"):
        seen.keyboard.press(key)
    assert seen.locator(".cells i").count() == len(text)


def test_no_units_at_all(tmp_path: Path, opened: Open) -> None:
    """A ranking without rows is a page too; so is a run without figures."""
    made = planted.feature_page(TEXT, units=2)
    seen = opened(
        write_feature_page(tmp_path, replace(made, ranking=Ranking(rows=(), columns=("auc",)), curves={}, others=None))
    )
    seen.keyboard.press("ArrowRight")
    run = replace(planted.run_page(units=2), losses={}, heat=None, saturation=(), timescales={}, xz=None)
    opened(write_run_page(tmp_path, run))
    empty = opened(write_index(tmp_path / "nothing"))
    assert "Nothing has been looked at yet" in empty.inner_text("main")


def test_contents_are_checked_when_made() -> None:
    """What does not fit together is refused in one sentence that says what was there."""
    item = Passage(kind="reading", text="abc", start=0)
    with pytest.raises(InputError, match=r"lstm has \(2, 1\) for 3 characters"):
        Passages(items=(item,), activations={"lstm": np.zeros((2, 1))})
    with pytest.raises(InputError, match="spans is not"):
        Passages(items=(item,), activations={}, spans=np.zeros(4, bool))
    with pytest.raises(InputError, match="passage kind 'best'"):
        Passage(kind="best", text="abc", start=0)
    with pytest.raises(InputError, match="outside its passage"):
        Passage(kind="top", text="abc", start=0, peak=3)
    with pytest.raises(InputError, match="ragged"):
        Line(x=(1, 2), y=(1, 2), low=(1,), high=(1, 2))


def test_a_run_named_like_a_path_stays_inside(tmp_path: Path) -> None:
    """`../../x` becomes a folder of the reports, not a way out of them."""
    made = planted.feature_page(TEXT, units=2, header=RunHeader(name="../../x", corpus="c", model="m", characters=1))
    path = write_feature_page(tmp_path / "reports", made)
    assert path.parent.parent == tmp_path / "reports"
    assert [p.name for p in tmp_path.iterdir()] == ["reports"]
