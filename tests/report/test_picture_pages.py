# ruff: noqa: E501 (scripts for the browser read better on one line)
"""Pages of pictures in Chromium, from file:// with the network off. `opened` fails a test on any error on the console."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_pictures as planted
import planted_runs
import pytest

from cellscope.report.contents import Headline, Ranking
from cellscope.report.page import write_index
from cellscope.report.picture_contents import (
    ConceptPage,
    ConceptScore,
    LayerPage,
    Lesion,
    PictureHeader,
    PictureRunPage,
    PictureUnit,
)
from cellscope.report.picture_page import write_concept_page, write_layer_page, write_picture_run_page
from cellscope.report.words import short

Open = Callable[..., Any]
PAGES = (
    "index.html",
    "scenes/index.html",
    "scenes/layer-features.0.html",
    "scenes/layer-hidden.html",
    "scenes/red.html",
)
NASTY = "<img src=x onerror=document.body.dataset.hurt=1>\u202e'\"../{{7*7}}</script></title>"


@pytest.fixture(scope="module")
def first() -> LayerPage:
    """What the first layer's page holds."""
    return planted.layer_page(units=12, at=0, count=24)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, first: LayerPage) -> Path:
    """A small site: a run, two layers, a layer that reads rows, a concept, the index."""
    root = tmp_path_factory.mktemp("reports")
    write_picture_run_page(root, planted_runs.run_page())
    write_layer_page(root, first)
    write_layer_page(root, planted.layer_page(units=9, at=1, count=24))
    write_layer_page(root, planted.rows_page())
    write_concept_page(root, planted.concept_page())
    write_index(root)
    return root


def until(page: Any, predicate: str) -> None:
    """Wait for a predicate; playwright's own waiting evaluates strings, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(predicate):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {predicate}")


def shown(page: Any) -> str:
    """The unit that is shown."""
    return str(page.inner_text("#unit h2"))


SIDEWAYS = "part => document.querySelectorAll('.wall, .maps').forEach(e => { e.scrollLeft = part * e.scrollWidth })"


def see_all(page: Any) -> None:
    """Scroll through all of a page, and through what scrolls sideways in it, so that everything is drawn."""
    for part in (0, 0.4, 1) if page.evaluate("innerWidth < 800") else (0,):
        page.evaluate(SIDEWAYS, part)
        for y in range(0, page.evaluate("document.documentElement.scrollHeight"), 800):
            page.evaluate(f"scrollTo(0, {y})")
            page.wait_for_timeout(30)
    until(page, "[...document.querySelectorAll('canvas')].every(c => c.hidden || c.dataset.drawn)")


def test_a_unit_shows_all_that_is_known_of_it(site: Path, opened: Open, first: LayerPage) -> None:
    """Pictures, made pictures, weights, concepts and lesion stand together; an optimum is said to be no sample."""
    page = opened(site / "scenes" / "layer-features.0.html", "#features.0/5")
    assert page.locator("h1").count() == 1
    assert shown(page) == "features.0/5"
    for name in ("top", "bottom", "random", "optimised", "filters", "scores", "lesion"):
        assert page.locator(f"#unit .panel-{name}").count() == 1
    assert page.locator(".panel-top .rowhead").all_inner_texts() == [
        "picture",
        "activation",
        "deconvnet",
        "guided backprop",
    ]
    assert page.locator(".panel-top canvas").count() == 36
    assert "no typical sample" in page.inner_text(".panel-optimised")
    unit = first.units[5]
    assert unit.top is not None
    assert unit.filter is not None
    assert page.locator(".panel-top small").first.inner_text().startswith(short(unit.top.values[0]))
    assert "\u00b1" + short(float(np.abs(unit.filter.weights).max())) in page.inner_text(".panel-filters")
    assert page.locator(".panel-scores tbody tr").count() == len(unit.concepts)
    see_all(page)
    assert page.locator(".lost").count() == 0


def test_the_tiles_are_a_map_to_walk_on(site: Path, opened: Open) -> None:
    """Left and right go to the neighbour, brackets a row up or down, a click anywhere; back and forward return."""
    page = opened(site / "scenes" / "layer-features.0.html", "#features.0/0")
    page.keyboard.press("ArrowRight")
    assert shown(page) == "features.0/1"
    page.keyboard.press("]")
    assert shown(page) == "features.0/5"
    page.locator(".tile").nth(7).click()
    assert shown(page) == "features.0/7"
    assert page.url.endswith("#features.0/7")
    assert page.get_attribute(".tile[aria-current]", "href") == "#features.0/7"
    page.go_back()
    until(page, "document.querySelector('#unit h2').textContent === 'features.0/5'")
    page.go_forward()
    until(page, "document.querySelector('#unit h2').textContent === 'features.0/7'")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert shown(page) == "features.0/11"


def test_up_and_down_lead_to_the_layers_beside(site: Path, opened: Open) -> None:
    """The first layer has one after it, and none before."""
    page = opened(site / "scenes" / "layer-features.0.html", "#features.0/0")
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(100)
    assert page.url.endswith("layer-features.0.html#features.0/0")
    with page.expect_navigation():
        page.keyboard.press("ArrowDown")
    assert page.url.endswith("layer-features.3.html")
    page.wait_for_selector("body[data-ready]")
    with page.expect_navigation():
        page.keyboard.press("ArrowUp")
    assert page.url.endswith("layer-features.0.html")


def test_the_address_restores_the_view(site: Path, opened: Open) -> None:
    """Unit, picture, scale, overlay and crop are all in the address; what is left out is as usual."""
    page = opened(site / "scenes" / "layer-features.0.html", "#features.0/3&picture=2&scale=own&overlay=off&view=whole")
    assert shown(page) == "features.0/3"
    assert page.get_attribute(".thumb:nth-child(3)", "aria-pressed") == "true"
    assert [page.get_attribute(f"[data-key={k}]", "aria-pressed") for k in "soc"] == ["true", "false", "true"]
    assert page.locator(".panel-top .rowhead").all_inner_texts()[:2] == ["picture", "deconvnet"]
    for key in "1soc":
        page.keyboard.press(key)
    assert page.url.endswith("#features.0/3")
    assert page.locator(".panel-top .rowhead").nth(1).inner_text() == "activation"


@pytest.mark.parametrize("fragment", ["#nowhere/5", "#features.0/999", "#features.0/-1", "#%00%zz&picture=x", "#<b>"])
def test_nonsense_in_the_address_is_passed_over(site: Path, opened: Open, fragment: str) -> None:
    """A wrong address shows the first unit that tracks something, or lives."""
    page = opened(site / "scenes" / "layer-features.0.html", fragment)
    assert shown(page) == opened(site / "scenes" / "layer-features.0.html").inner_text("#unit h2")


def test_a_dead_unit_is_said_to_be_dead(site: Path, opened: Open) -> None:
    """In words, and by a sign on its tile, not by an empty picture alone."""
    page = opened(site / "scenes" / "layer-features.0.html", "#features.0/11")
    assert "dead: it is 0 everywhere" in page.inner_text("#unit header")
    assert "\u00d7" in page.locator(".tile").nth(11).inner_text()
    assert "dead" in page.locator(".tile").nth(11).get_attribute("aria-label")
    assert "unit 11 on this picture: .00" in page.inner_text("#legend")
    see_all(page)


def test_256_units_open_within_a_second(tmp_path: Path, opened: Open) -> None:
    """From the start of the navigation until the tiles are drawn, whole panels for every unit; so does the next unit."""
    path = write_layer_page(tmp_path, planted.layer_page(units=256, at=2, count=24))
    times = []
    for _ in range(3):
        page = opened(path)
        times.append(page.evaluate("performance.getEntriesByName('ready')[0].startTime"))
        assert page.locator(".tile").count() == 256
        assert page.get_attribute("#map canvas", "data-drawn") == "yes"
    assert min(times) < 1000
    loaded = page.evaluate("performance.getEntriesByType('resource').filter(r => r.name.endsWith('.png')).length")
    assert loaded < len(list(path.with_name("layer-features.6.sheets").glob("*.png")))
    moves = page.evaluate(
        "(() => { const out = []; for (let k = 0; k < 9; k++) { const t = performance.now(); Scope.walker.key('ArrowRight'); document.body.getBoundingClientRect(); out.push(performance.now() - t); } return out.sort((a, b) => a - b) })()"
    )
    assert moves[4] < 100


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page_name", PAGES)
def test_narrow_pages_do_not_scroll_sideways(site: Path, opened: Open, page_name: str, dark: bool) -> None:
    """One column at 390 px, light and dark, every picture drawn."""
    page = opened(site / page_name, width=390, height=844, dark=dark)
    see_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_attribute("html", "data-theme") == ("dark" if dark else "light")


CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number), faults = [];
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  for (const e of document.querySelectorAll('main *')) {
    if (e.closest('svg, noscript, canvas, button:disabled') || !e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const got = Scope.colour.contrast(rgb(getComputedStyle(e).color).slice(0, 3), ground(e));
    if (got < 4.5) faults.push([e.className, e.textContent.slice(0, 30), got]);
  }
  return faults;
}"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page_name", PAGES)
def test_words_can_be_read(site: Path, opened: Open, page_name: str, dark: bool) -> None:
    """All words have a contrast of 4.5 on what they stand on."""
    page = opened(site / page_name, dark=dark)
    assert page.evaluate(CONTRAST) == []


def test_rows_of_numbers_are_shown_as_tables(site: Path, opened: Open) -> None:
    """A unit that reads rows has its top rows with their values, weights as bars, and no pictures."""
    page = opened(site / "scenes" / "layer-hidden.html", "#hidden/3")
    made = planted.rows_page()
    unit = made.units[3]
    assert unit.weights is not None
    heads = page.locator(".panel-top th").all_inner_texts()
    order = np.argsort(-np.abs(unit.weights))
    assert heads == ["row", "unit", "label", *(made.bank.columns[c] for c in order)]  # type: ignore[union-attr]
    assert page.locator(".panel-top tbody tr").count() == 9
    assert page.locator(".panel-columns tbody tr").count() == 8
    assert page.locator("#unit canvas").count() == 0
    assert "its mean" in page.inner_text(".panel-lesion")
    assert "6,000 rows" in page.inner_text("header.top")


def test_units_without_places_have_values_and_no_maps(tmp_path: Path, opened: Open) -> None:
    """A class's unit has its value on its tile, whole pictures instead of crops, and no activation laid over them."""
    made = planted.classes_page()
    page = opened(write_layer_page(tmp_path, made), "#classifier/2")
    assert made.grid is not None
    assert page.locator(".tile small").all_inner_texts() == [short(float(v)) for v in made.grid.maps[0, :, 0, 0]]
    page.keyboard.press("2")
    assert page.locator(".tile small").nth(2).inner_text() == short(float(made.grid.maps[1, 2, 0, 0]))
    assert page.locator(".panel-top .rowhead").all_inner_texts() == ["picture"]
    assert "sees the whole picture" in page.inner_text(".panel-top")
    assert page.locator("#large canvas").count() == 1
    assert page.locator(".panel-lesion .number").all_inner_texts() == ["\u2013"]


def test_a_concept_shows_units_pictures_and_evidence(site: Path, opened: Open) -> None:
    """Hits, misses and false alarms with the concept outlined; the ranked units lead to their own panels."""
    page = opened(site / "scenes" / "red.html")
    made = planted.concept_page()
    heads = page.locator("#examples h3").all_inner_texts()
    assert [head.split(":")[0] for head in heads] == ["Hits", "Misses", "False alarms"]
    outlined = sum(example.kind != "false alarm" for example in made.examples)
    assert (
        page.evaluate("[...document.querySelectorAll('.outline .above')].filter(p => p.getAttribute('d')).length")
        == outlined
    )
    best = made.ranking.rows
    assert page.get_attribute("#ranking tbody a", "href") == f"layer-{best[0].site}.html#{best[0].address}"
    see_all(page)
    page.locator("#figures").scroll_into_view_if_needed()
    for name in ("histogram", "roc", "over"):
        page.wait_for_selector(f"figure.{name}[data-drawn]", timeout=20_000)
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#ranking tr.chosen", "data-key") == best[1].address
    assert page.url.endswith("#" + best[1].address)
    page.keyboard.press("o")
    assert page.get_attribute("[data-key=o]", "aria-pressed") == "false"


PARTS = (
    "net", "concepts", "over", "lesions", "attributions", "readable", "backquery", "probes", "confusion", "damage",
    "invariance", "snapshots", "training",
)  # fmt: skip


def test_a_run_shows_every_measurement(site: Path, opened: Open) -> None:
    """Each part has its heading and is drawn; layers, concepts and units lead to their pages."""
    page = opened(site / "scenes" / "index.html")
    for name in PARTS:
        assert page.locator(f"#{name} > h2").is_visible()
    see_all(page)
    drawn = "[...document.querySelectorAll('figure')].filter(f => f.querySelector('.plot')).every(f => f.dataset.drawn)"
    until(page, drawn)
    assert page.get_attribute("#net a.name", "href") == "layer-features.0.html"
    first = page.locator("#concepts tbody tr").first
    assert first.locator("a").first.get_attribute("href") == "circle.html"
    assert first.locator("a").nth(1).get_attribute("href") == "layer-features.0.html#features.0/0"
    assert ".30 of .60" in first.inner_text()
    assert "survives .82 !" in page.inner_text("#attributions")
    assert "leaves of the change in features.1, on average: translation 0.81" in page.inner_text("#invariance")
    assert page.locator("#invariance figure.answers").count() == 5
    with page.expect_download() as download:
        page.locator("#invariance figure.answers").first.locator(".saves button >> text=CSV").click()
    answers = Path(download.value.path()).read_text().splitlines()
    assert answers[0].startswith("series,amount,share")
    assert {line.split(",")[0] for line in answers[1:]} == {"told right", "told as before"}
    with page.expect_download() as download:
        page.click("#damage .saves button >> text=CSV")
    assert Path(download.value.path()).read_text().startswith("series,share_removed,accuracy,low,high\n")


def test_the_concepts_can_be_sorted(site: Path, opened: Open) -> None:
    """By any column; the header says how."""
    page = opened(site / "scenes" / "index.html")
    page.click("#concepts th button >> text=colour alone")
    assert page.locator("#concepts th[aria-sort=descending]").count() == 1
    shares = [row.split("\t") for row in page.locator("#concepts tbody tr").all_inner_texts()]
    column = page.locator("#concepts th").all_inner_texts().index("colour alone")
    assert [row[column] for row in shares] == sorted((row[column] for row in shares), reverse=True)


def test_the_slider_goes_through_the_training(site: Path, opened: Open) -> None:
    """Each snapshot has its filters and figures."""
    page = opened(site / "scenes" / "index.html")
    page.locator("#snapshots input").scroll_into_view_if_needed()
    assert page.inner_text("#snapshots output") == "6,000"
    page.focus("#snapshots input")
    page.keyboard.press("Home")
    assert page.inner_text("#snapshots output") == "0"
    until(page, "document.querySelector('#snapshots figcaption').textContent.includes('step 0,')")
    assert page.inner_text("#snapshots dd") == ".20"


def test_what_was_not_measured_has_no_panel(tmp_path: Path, opened: Open) -> None:
    """A bare run, layer and concept are pages without empty boxes."""
    bare = Headline(sentence="nothing was measured")
    page = opened(write_picture_run_page(tmp_path, PictureRunPage(header=planted.HEADER, headline=bare)))
    assert page.locator(".part:visible").count() == 0
    full = planted.layer_page(units=2, count=9, full=False)
    units = (PictureUnit(index=4), PictureUnit(index=9))
    page = opened(write_layer_page(tmp_path, replace(full, headline=bare, grid=None, units=units)), "#features.3/9")
    assert shown(page) == "features.3/9"
    assert page.locator(".panel").count() == 0
    assert page.locator("canvas:visible").count() == 0
    empty = ConceptPage(header=planted.HEADER, headline=bare, concept="c", ranking=Ranking(rows=(), columns=("auc",)))
    page = opened(write_concept_page(tmp_path, empty))
    assert page.locator("figure").count() == 0
    page.keyboard.press("ArrowRight")


def test_hostile_names_are_text(tmp_path: Path, opened: Open) -> None:
    """Classes, files, concepts, layers and columns may be called anything; nothing runs, and files stay in their folder."""
    header = PictureHeader(
        name=NASTY, images=NASTY, model=NASTY, pictures=1, preprocessing=NASTY, date=NASTY, extra={NASTY: NASTY}
    )
    headline = Headline(sentence=NASTY, numbers=((NASTY, NASTY),), caveats=(NASTY,), method=(NASTY,))
    layer = planted.layer_page(units=4, at=0, count=9)
    names = (NASTY,) * 9
    unit = replace(
        layer.units[0], remark=NASTY, tracks=NASTY, numbers=((NASTY, NASTY),), agreement=NASTY,
        concepts=(ConceptScore(concept=NASTY, auc=0.9, answer="yes"),), lesions=(Lesion(overall=0, by_class={NASTY: 0.1}, fill=NASTY),),
        optimised=(replace(layer.units[0].optimised[0], label=NASTY),), backward=(replace(layer.units[0].backward[0], method=NASTY, seed=NASTY),),
    )  # fmt: skip
    bank = replace(layer.bank, labels=names, names=names)
    paths = [
        write_layer_page(
            tmp_path,
            replace(
                layer,
                header=header,
                headline=headline,
                site=NASTY,
                kind=NASTY,
                bank=bank,
                units=(unit, *layer.units[1:]),
                previous=NASTY,
                next=NASTY,
            ),
        )
    ]
    concept = planted.concept_page()
    rows = tuple(replace(row, address=f"{NASTY}/{row.unit}", site=NASTY) for row in concept.ranking.rows)
    paths.append(
        write_concept_page(
            tmp_path,
            replace(
                concept,
                header=header,
                headline=headline,
                concept=NASTY,
                description=NASTY,
                previous=NASTY,
                next=NASTY,
                curves={},
                ranking=replace(concept.ranking, rows=rows),
            ),
        )
    )
    run = planted_runs.run_page()
    assert run.readable is not None
    assert run.confusion is not None
    count = len(run.readable.classes)
    paths.append(
        write_picture_run_page(
            tmp_path,
            replace(
                run, header=header, headline=headline, layers=tuple(replace(c, site=f"{NASTY}{k}", kind=NASTY, note=NASTY) for k, c in enumerate(run.layers)),
                concepts=tuple(replace(c, concept=NASTY + c.concept, unit=f"{NASTY}0/{k}", layer=f"{NASTY}0", reason=NASTY) for k, c in enumerate(run.concepts)),
                over_units={NASTY: next(iter(run.over_units.values()))}, readable=replace(run.readable, classes=(NASTY,) * count, note=NASTY),
                confusion=replace(run.confusion, classes=tuple(f"{NASTY}{k}" for k in range(count))),
                damage=tuple(replace(d, layer=NASTY, order=NASTY) for d in run.damage),
                invariance=replace(
                    run.invariance, pooling=(NASTY,), curves=tuple(replace(i, change=NASTY, layer=NASTY) for i in run.invariance.curves),
                    answers=tuple(replace(a, change=NASTY, amount=NASTY) for a in run.invariance.answers),
                ),
                attributions=tuple(replace(a, target=NASTY, label=NASTY, maps=tuple(replace(m, method=NASTY, note=NASTY) for m in a.maps)) for a in run.attributions),
            ),
        )
    )  # fmt: skip
    paths.append(write_index(tmp_path))
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in tmp_path.rglob("*"))
    for path in paths:
        page = opened(path)
        see_all(page)
        for key in ("ArrowRight", "o", "c", "s"):
            page.keyboard.press(key)
        page.wait_for_timeout(150)
        assert page.evaluate("document.body.dataset.hurt") is None
        assert page.locator("img").count() == 0
        assert "\u202e" not in page.inner_text("body")
    page = opened(paths[0])
    page.keyboard.press("ArrowRight")
    address = page.url.partition("#")[2]
    assert opened(paths[0], "#" + address).inner_text("#unit h2") == shown(page)


def test_a_page_can_stand_alone(tmp_path: Path, opened: Open, first: LayerPage) -> None:
    """In one file: scripts, styles and pictures within, and nothing beside it but its numbers."""
    for write, made in ((write_layer_page, first), (write_concept_page, planted.concept_page())):
        path = write(tmp_path, made, single_file=True)  # type: ignore[operator]
        page = opened(path)
        see_all(page)
    assert not (tmp_path / "assets").exists()
    assert sorted({p.suffix for p in tmp_path.rglob("*") if p.is_file()}) == [".csv", ".html", ".json"]
    page.wait_for_selector("figure[data-drawn]", timeout=20_000)


def test_a_lost_sheet_is_said_to_be_lost(tmp_path: Path, chromium: Any, first: LayerPage) -> None:
    """Pages whose pictures were not copied along say so in the place of each picture."""
    path = write_layer_page(tmp_path, first)
    for sheet in path.with_name("layer-features.0.sheets").glob("*.png"):
        sheet.unlink()
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    assert "not beside the page" in page.inner_text("#map")
    context.close()


def test_numbers_beside_the_page_are_those_on_it(site: Path, first: LayerPage) -> None:
    """CSV and JSON hold a row for every unit, every concept, every ranked unit."""
    folder = site / "scenes"
    with (folder / "layer-features.0.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["unit"] for row in rows] == [first.address(unit) for unit in first.units]
    score = first.units[2].concepts[0]
    assert float(rows[2][f"auc {score.concept}"]) == pytest.approx(score.auc, rel=1e-4)
    about = json.loads((folder / "index.json").read_text())
    assert about["cellscope"] == "run"
    assert about["run"]["preprocessing"] == planted.HEADER.preprocessing
    assert len(about["rows"]) == len(planted_runs.run_page().concepts)
    assert len(json.loads((folder / "red.json").read_text())["rows"]) == 24


def test_the_index_lists_concepts_then_layers(site: Path, opened: Open) -> None:
    """Layers in the order of the network, without a mark: they claim nothing."""
    page = opened(write_index(site))
    names = page.locator(".pages a").all_inner_texts()
    assert names == ["red", "features.0", "hidden", "features.3"]
    assert [text.strip()[:1] for text in page.locator(".pages .mark").all_inner_texts()] == ["\u25cf", "", "", ""]


def test_help_opens_and_the_theme_changes(site: Path, opened: Open) -> None:
    """On every page."""
    for name in PAGES[1:]:
        page = opened(site / name)
        page.keyboard.press("?")
        assert page.locator("#help").is_visible()
        page.keyboard.press("Escape")
        before = page.get_attribute("html", "data-theme")
        page.keyboard.press("d")
        assert page.get_attribute("html", "data-theme") != before
