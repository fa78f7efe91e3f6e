"""Pages of one run link to one another, also to those that were written later, and only to those that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planted_pages as planted

from cellscope.report.page import write_feature_page, write_index, write_run_page, write_unit_page
from cellscope.report.siblings import LIST

TEXT = "def join(self, sep=', '):\n    return 'one' + sep + 'two'  # (2)\n" * 20


def opened(page: Any, path: Path) -> Any:
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    return page


def test_a_ranking_row_leads_to_the_units_page_once_there_is_one(tmp_path: Path, offline_page: Any) -> None:
    """A page that was written before the unit's has no link, then has one; the unit's page opens at the feature."""
    feature = write_feature_page(tmp_path, planted.feature_page(TEXT, units=6))
    assert opened(offline_page, feature).locator("#ranking a.own").count() == 0
    write_unit_page(tmp_path, planted.unit_page(TEXT))
    links = opened(offline_page, feature).locator("#ranking a.own")
    assert links.count() == 1
    assert links.get_attribute("aria-label") == "page of lstm.0:cell/0"
    links.click()
    offline_page.wait_for_selector("body[data-page=unit][data-ready=yes]")
    assert offline_page.evaluate("Scope.reader.state.row") == "quote-single"


def test_a_units_rows_lead_to_the_features_pages_that_are_there(tmp_path: Path, offline_page: Any) -> None:
    """And these open at the unit; choosing a row by its name still stays on the page."""
    unit = write_unit_page(tmp_path, planted.unit_page(TEXT))
    write_feature_page(tmp_path, planted.feature_page(TEXT, units=6))
    page = opened(offline_page, unit)
    assert page.locator("#ranking a.own").count() == 1
    page.locator("#ranking a.address").nth(1).click()
    assert page.locator("body[data-page=unit]").count() == 1
    page.locator("#ranking a.own").click()
    page.wait_for_selector("body[data-page=feature][data-ready=yes]")
    assert page.evaluate("Scope.reader.state.row") == "lstm.0:cell/0"


def test_a_page_that_is_gone_is_no_longer_linked(tmp_path: Path, offline_page: Any) -> None:
    """The index writes the lists anew."""
    feature = write_feature_page(tmp_path, planted.feature_page(TEXT, units=6))
    write_unit_page(tmp_path, planted.unit_page(TEXT)).unlink()
    write_index(tmp_path)
    assert opened(offline_page, feature).locator("#ranking a.own").count() == 0


def test_the_runs_table_says_plain_and_links_units(tmp_path: Path, offline_page: Any) -> None:
    """Three kinds of mark, each in words too; the unit of a row leads to its page where there is one."""
    write_unit_page(tmp_path, planted.unit_page(TEXT))
    run = write_run_page(tmp_path, planted.run_page(units=40))
    page = opened(offline_page, run)
    titles = page.locator("#found .mark").evaluate_all("marks => marks.map(m => m.title)")
    assert titles == ["finding"] * 6 + ["true, but no feat"] * 2 + ["no finding"] * (len(planted.FEATURES) - 8)
    links = page.locator("#found td:not(.lead) a")
    assert links.evaluate_all("all => all.map(a => a.getAttribute('href'))") == [
        f"unit-lstm.0-cell-0.html#feature={planted.FEATURES[0]}"
    ]


def test_a_page_that_stands_alone_asks_for_no_list(tmp_path: Path) -> None:
    """Nothing lies beside it."""
    path = write_feature_page(tmp_path, planted.feature_page(TEXT, units=2), single_file=True)
    assert f'src="{LIST}"' not in path.read_text("utf-8")
    assert not (path.parent / LIST).exists()
