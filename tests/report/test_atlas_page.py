# ruff: noqa: E501 (scripts for the browser read better on one line)
"""The atlas in Chromium, from file:// with the network off: thousands of rows, filters, thumbnails, links."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_atlas as planted
import planted_pages
import pytest

from cellscope.errors import InputError
from cellscope.report.atlas import AtlasPage, AtlasRow, write_atlas_page
from cellscope.report.files import layer_name
from cellscope.report.page import write_feature_page, write_index, write_run_page, write_unit_page

Open = Callable[..., Any]
NASTY = "</script><img src=x onerror=\"document.body.dataset.hurt='1'\">\u202e<b>"
MANY = 2048


@pytest.fixture(scope="module")
def many() -> AtlasPage:
    return planted.atlas_page(MANY)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, many: AtlasPage) -> Path:
    return write_atlas_page(tmp_path_factory.mktemp("atlas"), many)


def shown(page: Any) -> list[str]:
    """The addresses of all rows that the filters leave, in their order."""
    return list(page.evaluate("Scope.walker.shown.map(u => u.address)"))


def test_thousands_of_units_stay_small_and_quick(path: Path, opened: Open) -> None:
    """2,048 units: below 8 MB also in one file, few rows exist, and sorting, filtering and stepping react at once."""
    assert path.stat().st_size < 1_000_000
    page = opened(path)
    assert page.locator("#rows tr[data-unit]").count() < 80
    times = page.evaluate(
        "async () => { const w = Scope.walker, out = []; const time = async f => { const t = performance.now(); f(); document.body.getBoundingClientRect();"
        " out.push(performance.now() - t); await new Promise(r => setTimeout(r, 20)); };"
        " for (const sort of ['score', 'kind', 'unit', 'best', '-time scale', '']) await time(() => w.go({ sort }));"
        " for (const q of ['a', 'feature 3', '']) await time(() => w.go({ q }));"
        " for (let k = 0; k < 8; k++) await time(() => w.key('ArrowDown')); return out.sort((a, b) => a - b) }"
    )
    assert times[len(times) // 2] < 100
    single = write_atlas_page(path.parent.parent / "one", planted.atlas_page(MANY), single_file=True)
    assert single.stat().st_size < 8_000_000
    opened(single)


def test_every_unit_can_be_reached_by_scrolling(path: Path, opened: Open, many: AtlasPage) -> None:
    """The last row is there at the end of the scroll bar, and rows lie where it says."""
    page = opened(path)
    page.evaluate("document.getElementById('rows').scrollTop = 1e9")
    last = many.rows[-1].address
    page.wait_for_selector(f"tr[data-unit='{last}']")
    page.evaluate("document.getElementById('rows').scrollTop = 30 * 1000")
    page.wait_for_selector(f"tr[data-unit='{many.rows[1000].address}']")
    assert page.locator("#rows tr[data-unit]").count() < 80


def test_thumbnails_and_text_show_the_values(path: Path, opened: Open, many: AtlasPage) -> None:
    """Values are the ones that were put in, to half a level; the text has the chosen unit's colours and its feature."""
    page = opened(path, f"#unit={many.rows[3].address}")
    got = page.evaluate("Array.from(Scope.walker.codes, (_, i) => Scope.walker.value(Scope.walker.units[3], i))")
    want = many.sample.values[:, 3]
    assert np.abs(np.array(got) - want).max() <= np.abs(want).max() / 63 / 2 + 1e-6
    levels = page.evaluate("Array.from(Scope.walker.view.levels)")
    assert np.abs(np.array(levels) - want / np.abs(want).max() * 20).max() <= 0.7
    marks = page.evaluate("Array.from(Scope.walker.view.marks)")
    assert marks == many.sample.marks["feature 3"].astype(int).tolist()
    pixels = page.evaluate(
        "(() => { const c = document.querySelector('canvas.strip'); const d = c.getContext('2d').getImageData(0, 0, c.width, 1).data; return new Set(Array.from({ length: c.width }, (_, i) => d.slice(4 * i, 4 * i + 3).join())).size })()"
    )
    assert pixels > 8


def test_filters_leave_what_they_say(path: Path, opened: Open, many: AtlasPage) -> None:
    """By text, site, evidence, kind and feature, alone and together; the count says how many."""
    page = opened(path)
    page.select_option("#site", "lstm.1:cell")
    assert shown(page) == [r.address for r in many.rows if r.site == "lstm.1:cell"]
    page.select_option("#kind", "timer")
    page.click("#answers button >> text=plain")
    want = [
        r.address for r in many.rows if r.site == "lstm.1:cell" and r.more["kind"] == "timer" and r.answer == "plain"
    ]
    assert shown(page) == want
    assert page.inner_text("#count") == f"{len(want)} of 2,048 units"
    page = opened(path)
    page.select_option("#feature", "feature 7")
    tracked = [
        r.address for r in many.rows if r.answer != "no" and (r.feature == "feature 7" or "feature 7" in dict(r.also))
    ]
    assert shown(page) == tracked
    page.select_option("#feature", "")
    page.fill("#filter", "cell/11 feature")
    page.wait_for_timeout(150)
    assert shown(page) == [r.address for r in many.rows if "cell/11" in r.address]
    page.fill("#filter", "no such unit")
    page.wait_for_timeout(150)
    assert page.inner_text("#count") == "0 of 2,048 units"
    assert "No unit fits" in page.inner_text("#chosen")


def test_heads_sort_both_ways(path: Path, opened: Open, many: AtlasPage) -> None:
    """Best first by score, missing last either way; units in their own order; the head says which."""
    page = opened(path)
    page.click("th.score button")
    scores = {r.address: r.score for r in many.rows}
    order = [scores[a] for a in shown(page)]
    assert order[:-1] == sorted(order[:-1], reverse=True)
    assert order[-1] is None
    assert page.get_attribute("th.score", "aria-sort") == "descending"
    page.click("th.score button")
    assert next(scores[a] for a in shown(page)) == min(s for s in scores.values() if s is not None)
    assert scores[shown(page)[-1]] is None
    page.click("th.unit button")
    assert shown(page)[:3] == ["lstm.0:cell/0", "lstm.0:cell/1", "lstm.0:cell/2"]


def test_keys_walk_and_the_address_restores(path: Path, opened: Open, many: AtlasPage) -> None:
    """Down is the next unit, ] the next found one, s one range for all; the address brings it all back."""
    page = opened(path)
    page.keyboard.press("ArrowDown")
    assert page.locator("tr.chosen").get_attribute("data-unit") == many.rows[1].address
    page.keyboard.press("4")
    page.keyboard.press("ArrowDown")
    first = [r for r in many.rows if r.answer == "no"]
    assert page.locator("tr.chosen").count() == 1
    assert page.inner_text("#chosen .name").endswith(first[1].address)
    assert "Nothing found. The nearest is" in page.inner_text("#chosen")
    again = opened(path, page.url[page.url.index("#") :])
    assert again.inner_text("#chosen .name").endswith(first[1].address)
    assert len(shown(again)) == len(first)
    again.keyboard.press("1")
    again.evaluate("Scope.walker.go({ unit: Scope.walker.shown[0].address })")
    again.keyboard.press("]")
    assert again.inner_text("#chosen .name").endswith(many.rows[1].address)
    again.keyboard.press("s")
    assert "one range for all" in again.inner_text("#legend")


def test_tiles_stand_for_units(path: Path, opened: Open, many: AtlasPage) -> None:
    """A map a site, in the sites' order; a click on a tile chooses its unit, letting all in where it was filtered out."""
    page = opened(path, "#evidence=found")
    assert page.locator("#map canvas").count() == 4
    found = sum(r.answer == "found" for r in many.rows if r.site == "lstm.0:cell")
    assert page.inner_text("#map .tiles p >> nth=0") == f"lstm.0:cell {found} of 512"
    step = page.evaluate("Scope.walker.maps[0].step")
    page.locator("#map canvas").first.click(position={"x": 3.5 * step, "y": 0.5 * step})
    assert page.inner_text("#chosen .name").endswith("lstm.0:cell/3")
    assert len(shown(page)) == found_in(many)
    page.locator("#map canvas").first.click(position={"x": 3.5 * step, "y": 7.5 * step})
    assert page.inner_text("#chosen .name").endswith(
        f"lstm.0:cell/{3 + 7 * page.evaluate('Scope.walker.maps[0].columns')}"
    )
    assert len(shown(page)) == MANY


def found_in(page: AtlasPage) -> int:
    """How many units are found."""
    return sum(row.answer == "found" for row in page.rows)


@pytest.mark.parametrize("fragment", ["#unit=nobody&site=<b>&evidence=x&sort=-nothing&kind=7", "#%zz&q=%00"])
def test_nonsense_in_the_address_of_the_atlas(path: Path, opened: Open, fragment: str) -> None:
    """What names nothing is passed over."""
    page = opened(path, fragment)
    assert page.locator("h1").count() == 1


def test_links_lead_to_pages_that_are_there(tmp_path: Path, opened: Open) -> None:
    """A unit's and a feature's page are linked where they lie beside the atlas, and only there; else the command."""
    made = planted.atlas_page(40)
    write_unit_page(tmp_path, planted_pages.unit_page("a = 'b'\n" * 60))  # lstm.0:cell/0
    write_feature_page(tmp_path, planted_pages.feature_page("a = 'b'\n" * 60, units=2, name="feature 1"))
    page = opened(write_atlas_page(tmp_path, made), "#unit=lstm.0:cell/0")
    assert page.get_attribute("#chosen a >> text=the unit", "href") == "unit-lstm.0-cell-0.html"
    hrefs = {link.get_attribute("href") for link in page.locator("#rows a").all()}
    assert hrefs == {"unit-lstm.0-cell-0.html", "feature-1-" + _mark("feature 1") + ".html#unit=lstm.0:cell/0"}
    page.keyboard.press("ArrowDown")
    assert "cellscope explain python lstm.1:hidden/0" in page.inner_text("#chosen")
    write_run_page(tmp_path, planted_pages.run_page(units=4))
    index = opened(write_index(tmp_path))
    assert index.locator(".pages a").first.inner_text() == "atlas"
    run = opened(tmp_path / "python" / "index.html")
    assert run.get_attribute(".places a >> text=atlas", "href") == "atlas.html"


def _mark(name: str) -> str:
    """What `safe_name` appends to a name that it had to change."""
    import hashlib

    return hashlib.sha256(name.encode()).hexdigest()[:8]


def test_a_feature_called_atlas_does_not_overwrite_it(tmp_path: Path) -> None:
    """The atlas has its file for itself."""
    path = write_atlas_page(tmp_path, planted.atlas_page(4))
    other = write_feature_page(tmp_path, planted_pages.feature_page("a = 'b'\n" * 60, units=2, name="atlas"))
    assert other != path


def test_hostile_names_in_the_atlas(tmp_path: Path, opened: Open) -> None:
    """Text, features and reasons stay words."""
    page = opened(write_atlas_page(tmp_path, planted.atlas_page(30, name=NASTY, text=(NASTY * 4)[:240])))
    assert page.evaluate("document.body.dataset.hurt") is None
    assert page.locator("img").count() == 0
    assert "<b>" in page.inner_text("#chosen .says")
    assert "\u202e" not in page.evaluate("document.body.textContent")


def test_numbers_beside_the_atlas(path: Path, many: AtlasPage) -> None:
    """CSV and JSON hold every unit."""
    rows = list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines()))
    about = json.loads(path.with_suffix(".json").read_text())
    assert [row["unit"] for row in rows] == [r.address for r in many.rows]
    assert about["rows"][0]["also"] == "feature 1"
    assert rows[-1]["evidence"] == "no"
    assert rows[-1]["score"] == ""


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_atlas_does_not_scroll_sideways(path: Path, opened: Open, dark: bool) -> None:
    """One column at 390 px, light and dark; thumbnails take the theme's paper."""
    page = opened(path, width=390, height=844, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.getElementById('rows').scrollWidth <= document.getElementById('rows').clientWidth")
    assert page.evaluate("Scope.walker.paint[20] & 255") == (19 if dark else 255)


@pytest.mark.parametrize("units", [0, 1])
def test_hardly_any_units(tmp_path: Path, opened: Open, units: int) -> None:
    """None and one are shown without an error, over no text as well."""
    made = planted.atlas_page(1)
    empty = replace(made.sample, text="", values=np.zeros((0, units), np.float32), marks={})
    page = opened(write_atlas_page(tmp_path, replace(made, rows=made.rows[:units], sample=empty)))
    for key in ("ArrowDown", "]", "s", "2", "u"):
        page.keyboard.press(key)


def test_an_atlas_that_does_not_fit_is_refused() -> None:
    """Thumbnails of other units, answers of another kind."""
    made = planted.atlas_page(4)
    with pytest.raises(InputError, match="thumbnails"):
        replace(made, rows=made.rows[:3])
    scenes = planted.picture_atlas(4)
    with pytest.raises(InputError, match="thumbnails"):
        replace(scenes, rows=scenes.rows[:3])
    with pytest.raises(InputError, match="marks of a have"):
        replace(scenes, sample=replace(scenes.sample, marks={"a": np.zeros((4, 3), bool)}))
    with pytest.raises(InputError, match="4 names for 3 pictures"):
        replace(scenes, sample=replace(scenes.sample, pictures=scenes.sample.pictures[:3]))
    with pytest.raises(InputError, match="'maybe' is none of"):
        AtlasRow(address="a/0", site="a", index=0, answer="maybe", feature="", sign=1, score=None)


def test_thumbnails_of_pictures_show_the_maps(tmp_path: Path, opened: Open) -> None:
    """A unit's map stands beside each picture, its one bright place where it was put; its concept is framed on both."""
    made = planted.picture_atlas()
    page = opened(write_atlas_page(tmp_path, made), f"#unit={made.rows[7].address}")
    assert page.locator(".scene img").count() == page.locator(".scene canvas").count() == 4
    got = page.evaluate("Array.from({ length: 48 }, (_, i) => Scope.walker.value(Scope.walker.units[7], i))")
    want = made.sample.values.reshape(48, -1)[:, 7]
    assert np.abs(np.array(got) - want).max() <= np.abs(want).max() / 63 / 2 + 1e-6
    blues = page.evaluate(
        "Array.from(document.querySelector('.scene canvas').getContext('2d').getImageData(0, 0, 4, 3).data).filter((_, i) => i % 4 === 0)"
    )
    assert int(np.argmin(blues)) == 7  # red is least where blue is most
    frames = page.locator(".scene >> nth=0 >> svg path.over").all()
    flags = np.pad(made.sample.marks["concept 7"][0], 1)
    borders = np.abs(np.diff(flags.astype(int), axis=0)).sum() + np.abs(np.diff(flags.astype(int), axis=1)).sum()
    assert [len(frame.get_attribute("d").split("M")) - 1 for frame in frames] == [borders, borders]
    strip = page.evaluate("(c => [c.width, c.height])(document.querySelector('canvas.strip'))")
    assert strip == [4 * 5 - 1, 3]


def test_words_of_an_atlas_of_pictures(tmp_path: Path, opened: Open) -> None:
    """Concepts and colours are named, layers in their order; a unit's page is its layer's, at the unit."""
    made = planted.picture_atlas()
    (tmp_path / "cnn").mkdir()
    layer = f"{layer_name('lstm.1:cell')}.html"
    (tmp_path / "cnn" / layer).write_text("")
    page = opened(write_atlas_page(tmp_path, made), "#unit=lstm.1:cell/1")
    assert page.get_attribute("#chosen a >> text=the unit", "href") == f"{layer}#lstm.1:cell/1"
    assert page.locator("#site option").all_inner_texts() == ["all", *planted.SITES[::-1]]
    words = page.inner_text("main")
    assert "Frame: the colours alone give it away" in words
    assert "characters" not in words.split("nearest")[0]
    page.evaluate("Scope.walker.go({ unit: 'lstm.0:cell/1' })")
    assert "cellscope find cnn" in page.inner_text("#chosen")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_an_atlas_of_pictures_at_any_width(tmp_path: Path, opened: Open, width: int, dark: bool) -> None:
    """Nothing scrolls sideways, every picture has a size, and hostile names stay words."""
    path = write_atlas_page(tmp_path, planted.picture_atlas(40, name=NASTY), single_file=True)
    page = opened(path, width=width, height=844, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('.scene canvas')].every(c => c.clientWidth > 20 && c.clientHeight > 10)"
    )
    assert page.evaluate("document.getElementById('pane').clientHeight > 80")
    assert page.evaluate("document.body.dataset.hurt") is None
    assert page.locator("img").count() == 4


def test_rows_of_numbers_have_an_atlas_without_pictures(tmp_path: Path, opened: Open) -> None:
    """One place a row, and no picture; pointing says the row and its value."""
    made = planted.picture_atlas(6)
    scenes = replace(made.sample, values=made.sample.values[:, :1, :1], pictures=None, marks={})
    page = opened(write_atlas_page(tmp_path, replace(made, sample=scenes)))
    assert page.locator(".scene img").count() == 0
    page.locator(".scene canvas").first.hover()
    assert page.inner_text("#legend .told").startswith("picture 0, concept")
