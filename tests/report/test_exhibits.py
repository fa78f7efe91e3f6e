# ruff: noqa: E501 (scripts for the browser read better on one line)
"""Exhibits in Chromium, from file:// with the network off: figures, samples, frames, tables, hostile names."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_exhibits as planted
import planted_pages
import pytest

from cellscope.errors import InputError
from cellscope.report.contents import Headline
from cellscope.report.exhibits import Bars, Exhibit, Frame, Frames, Group, HeatMap, Lines, Sample, Samples, Series
from cellscope.report.files import study_name
from cellscope.report.page import write_feature_page, write_index, write_run_page, write_unit_page
from cellscope.report.panels.exhibits import figure_panel, table_panel
from cellscope.report.picture_contents import PictureHeader
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table

Open = Callable[..., Any]
TEXT = "".join(f"def join_{k}(self, sep=', '):\n    return ''\n" for k in range(12))
NASTY = (
    "</script><img src=x onerror=\"document.body.dataset.hurt='1'\"><b>x</b>\u202e\u0000<a href='javascript:alert(1)'>y"
)
HEADLINE = Headline(sentence="One cell, four questions.")


def study(exhibits: tuple[Exhibit, ...], name: str = "formation") -> StudyPage:
    """A study of the made-up run."""
    return StudyPage(header=planted_pages.HEADER, name=name, headline=HEADLINE, exhibits=exhibits)


def settled(page: Any, figures: int) -> None:
    """Scroll all of a page past, until every plot is drawn."""
    for figure in page.locator("figure.drawn").all():
        figure.scroll_into_view_if_needed()
    for _ in range(400):
        if page.locator("figure.drawn[data-drawn] .main-svg").count() and (
            page.locator("figure.drawn[data-drawn]").count() == figures
        ):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{page.locator('figure.drawn[data-drawn]').count()} of {figures} figures were drawn")


def said(page: Any, key: str) -> str:
    """The words of one exhibit."""
    return str(page.inner_text(f"#exhibit-{key} .says"))


def test_a_study_shows_its_exhibits_in_order(tmp_path: Path, opened: Open) -> None:
    """Sentences, every kind of figure, caveats; nothing on the console."""
    made = planted.exhibits(TEXT)
    page = opened(write_study_page(tmp_path, study(made)))
    assert page.locator(".exhibit .says").all_inner_texts() == [one.sentence for one in made]
    settled(page, 7)
    assert page.locator("figure.kind-samples .pane").count() == 2
    assert page.locator("#exhibit-probe .caveats li").count() == 1
    assert page.inner_text("h1") == HEADLINE.sentence


@pytest.mark.parametrize("kind", ["unit", "feature", "run"])
def test_every_page_of_a_text_shows_exhibits(tmp_path: Path, opened: Open, kind: str) -> None:
    """The same exhibits stand on the pages of a unit, a feature and a run, and in the JSON beside them."""
    made = planted.exhibits(TEXT)[:2]
    write, page = {
        "unit": (write_unit_page, planted_pages.unit_page(TEXT * 4)),
        "feature": (write_feature_page, planted_pages.feature_page(TEXT * 4, units=4)),
        "run": (write_run_page, planted_pages.run_page(units=4)),
    }[kind]
    path = write(tmp_path, replace(page, exhibits=made))  # type: ignore[operator, type-var]
    shown = opened(path)
    assert [said(shown, one.key) for one in made] == [one.sentence for one in made]
    shown.locator("#exhibit-lesion figure.drawn").first.scroll_into_view_if_needed()
    shown.wait_for_selector("#exhibit-lesion figure[data-drawn] .main-svg", timeout=20_000)
    about = json.loads(path.with_suffix(".json").read_text())
    assert [one["sentence"] for one in about["exhibits"]] == [one.sentence for one in made]


def test_tables_beside_the_page_hold_its_numbers(tmp_path: Path, opened: Open) -> None:
    """The CSV and JSON that an exhibit links to have its rows; the page shows them with intervals, and sorts them."""
    made = planted.exhibits(TEXT)
    path = write_study_page(tmp_path, study(made))
    page = opened(path)
    hrefs = [link.get_attribute("href") for link in page.locator("#exhibit-probe .beside a").all()]
    rows = list(csv.DictReader((path.parent / hrefs[0]).read_text().splitlines()))
    about = json.loads((path.parent / hrefs[1]).read_text())
    assert made[0].table is not None
    assert [float(row["auc"]) for row in rows] == pytest.approx([row["auc"] for row in made[0].table.rows], rel=1e-5)
    assert about["rows"][3]["count"] == 3000
    cells = page.locator("#exhibit-probe tbody tr").nth(3).locator("td").all_inner_texts()
    assert cells == ["quote 3", ".63 (.58\u2013.68)", "3,000", "no", "< .01"]
    page.click("#exhibit-probe th button >> text=AUC")
    assert page.locator("#exhibit-probe tbody tr").first.locator("td").first.inner_text() == "quote 21"
    page.fill("#exhibit-probe input[type=search]", "quote 21")
    assert page.locator("#exhibit-probe tbody tr").count() == 1


def test_samples_have_the_colours_of_their_values(tmp_path: Path, opened: Open) -> None:
    """Side by side, one range: levels are the values, marks the feature, and copying is the text."""
    figure = planted.samples(TEXT)
    page = opened(write_study_page(tmp_path, study((Exhibit(key="s", title="s", sentence="S.", figures=(figure,)),))))
    page.wait_for_selector(".sample .cells i")
    views = page.evaluate(
        "[...document.querySelectorAll('.sample')].map(s => [Array.from(s.view.levels), Array.from(s.view.marks)])"
    )
    for (levels, marks), sample in zip(views, figure.samples, strict=True):
        assert sample.values is not None
        assert sample.marks is not None
        assert np.abs(np.array(levels) - np.clip(sample.values * 20, -20, 20)).max() <= 0.6
        assert marks == sample.marks.astype(int).tolist()
    left = [box["x"] for box in (s.bounding_box() for s in page.locator(".sample").all())]
    assert left[0] < left[1]
    page.locator(".sample .cells i").nth(3).hover()
    assert "inside" in page.inner_text(".told")


def test_frames_step_by_slider_keys_and_button(tmp_path: Path, opened: Open) -> None:
    """The last frame first; arrows, Home and the button change it; axes stay."""
    page = opened(write_study_page(tmp_path, study(planted.exhibits(TEXT))))
    box, figure = page.locator("#exhibit-formation .stepper").first, page.locator("#exhibit-formation figure").first
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("#exhibit-formation figure[data-drawn]", timeout=20_000)
    shown = "document.querySelector('#exhibit-formation .plot')"
    height = f"{shown}.data.find(t => t.name === 'quote').y.at(-1)"
    last, ends = page.evaluate(height), page.evaluate(f"{shown}.layout.yaxis.range")
    assert box.locator("output").inner_text() == "after 4 million characters"
    box.locator("input").focus()
    page.keyboard.press("ArrowLeft")
    assert box.locator("output").inner_text() == "after 3 million characters"
    page.keyboard.press("Home")
    page.wait_for_timeout(150)
    assert page.evaluate(height) == pytest.approx(last + 0.08)
    assert page.evaluate(f"{shown}.layout.yaxis.range") == ends
    page.keyboard.press(" ")
    assert box.locator("button").inner_text() == "pause"
    page.wait_for_timeout(700)
    assert box.locator("output").inner_text() != "after 0 million characters"
    page.keyboard.press("ArrowRight")
    assert box.locator("button").inner_text() == "play"


def test_hostile_names_and_texts_stay_words(tmp_path: Path, opened: Open) -> None:
    """Nothing runs, no element or link comes out of a name, in any figure, frame, table or sentence."""
    made = planted.exhibits(NASTY * 6 + TEXT, NASTY)
    path = write_study_page(tmp_path, study(made, name=NASTY))
    page = opened(path)
    settled(page, 7)
    page.locator("figure.kind-bars").first.locator("g.points path").first.hover(force=True)
    assert page.evaluate("document.body.dataset.hurt") is None
    assert page.locator("img").count() == 0
    assert page.locator("figure a").count() == 0
    assert page.locator("figure svg a").count() == 0
    assert "<b>x" in page.inner_text("#exhibit-probe .says")
    assert "\u202e" not in page.evaluate("document.body.textContent")
    assert (path.parent / f"{path.stem}~probe.csv").is_file()
    index = opened(write_index(tmp_path))
    assert index.locator("img").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_narrow_exhibits_do_not_scroll_sideways(tmp_path: Path, opened: Open, dark: bool) -> None:
    """One column at 390 px, light and dark."""
    wide = replace(planted.heat(), columns=tuple(map(str, range(60))), values=np.ones((12, 60)))
    made = (*planted.exhibits(TEXT), Exhibit(key="wide", title="wide", sentence="Wide.", figures=(wide,)))
    page = opened(write_study_page(tmp_path, study(made)), width=390, height=844, dark=dark)
    settled(page, 8)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('#exhibit-wide figure').scrollWidth") > 800  # it scrolls within


def test_a_study_is_listed_in_the_index(tmp_path: Path, opened: Open) -> None:
    """Under its run, by its name, before the features, without the mark of a finding."""
    write_study_page(tmp_path, study(planted.exhibits(TEXT)[:1]))
    write_feature_page(tmp_path, planted_pages.feature_page(TEXT * 4, units=2))
    page = opened(write_index(tmp_path))
    assert page.locator(".pages a").all_inner_texts() == ["formation", "quote-single"]
    assert page.locator(".pages .mark").first.inner_text() == ""


def test_a_sentence_is_said_once(tmp_path: Path, opened: Open) -> None:
    """Where the page's answer is an exhibit's sentence, the exhibit does not repeat it; other sentences stay."""
    made = planted.exhibits(TEXT)[:2]
    same = replace(study(made), headline=Headline(sentence=made[0].sentence))
    page = opened(write_study_page(tmp_path, same))
    assert page.locator(".exhibit .says").all_inner_texts() == [made[1].sentence]
    assert page.inner_text("h1") == made[0].sentence


def test_a_study_of_pictures_names_them(tmp_path: Path, opened: Open) -> None:
    """The line at the top is that of a network that sees pictures."""
    header = PictureHeader(name="eyes", images="shapes", model="small_cnn", pictures=1234, seed=7)
    page = opened(write_study_page(tmp_path, replace(study(planted.exhibits(TEXT)[:1]), header=header)))
    assert "1,234 pictures" in page.inner_text(".crumbs")
    about = json.loads((tmp_path / "eyes" / "study-formation.json").read_text())
    assert about["run"]["corpus"] == "shapes"
    assert "shapes" in opened(write_index(tmp_path)).inner_text(".run")


def test_a_page_that_stands_alone_draws_too(tmp_path: Path, opened: Open) -> None:
    """In one file, nothing beside it but the numbers."""
    path = write_study_page(tmp_path, study(planted.exhibits(TEXT)[1:2]), single_file=True)
    assert not (tmp_path / "assets").exists()
    settled(opened(path), 2)


def test_odd_figures_are_drawn(tmp_path: Path, opened: Open) -> None:
    """No points, one point, all values missing, an empty text, equal labels: no error, and nothing invented."""
    none = HeatMap(title="none", rows=("a", "a"), columns=("b",), values=np.full((2, 1), np.nan), value="v")
    figures = (
        Lines(title="none", series=(), x="x", y="y"),
        Lines(title="one", series=(Series(name="", x=(1.0,), y=(None,)),), x="x", y="y", log_x=True, log_y=True),
        Bars(title="equal", labels=("a", "a"), groups=(Group(name="", values=(1.0, None)),), value="v"),
        Bars(title="no bars", labels=(), groups=(), value="v"),
        none,
        Samples(title="empty", samples=(Sample(title="", text=""), Sample(title="x", text="\n", values=np.zeros(1)))),
        Frames(title="one frame", frames=(Frame(label="only", figure=none),)),
    )
    odd = Exhibit(key="odd", title="Odd", sentence="Odd.", figures=figures, table=Table(columns=("a",), rows=()))
    page = opened(write_study_page(tmp_path, study((odd,))))
    settled(page, 6)
    drawn = "[...document.querySelector('figure.kind-bars').querySelectorAll('g.points path')].map(p => p.getBoundingClientRect().width > 1)"
    assert page.evaluate(drawn) == [True, False]


def test_a_short_logarithmic_axis_writes_its_numbers_out(tmp_path: Path, opened: Open) -> None:
    """Over less than two decades the ticks are 1, 2, 5, 10, 20: no 20 that looks like a 2."""
    curve = Series(name="units", x=(1.0, 4.0, 24.0), y=(0.1, 0.2, 0.3))
    short = Exhibit(
        key="short", title="Short", sentence="Short.",
        figures=(Lines(title="k", series=(curve,), x="units", y="R2", log_x=True),),
    )  # fmt: skip
    page = opened(write_study_page(tmp_path, study((short,))))
    settled(page, 1)
    assert page.locator(".xaxislayer-above .xtick text").all_text_contents() == ["1", "2", "5", "10", "20"]


def test_what_cannot_be_shown_is_refused() -> None:
    """Ragged curves, bars without labels, frames of two kinds, bad keys: an InputError that says which."""
    with pytest.raises(InputError, match="x and y of a"):
        Series(name="a", x=(1.0,), y=())
    with pytest.raises(InputError, match="has 1 bars"):
        Bars(title="t", labels=(), groups=(Group(name="g", values=(1.0,)),), value="v")
    with pytest.raises(InputError, match="of several kinds"):
        Frames(title="t", frames=(Frame(label="1", figure=planted.lines()), Frame(label="2", figure=planted.bars())))
    with pytest.raises(InputError, match="exhibit's key"):
        Exhibit(key="../x", title="t", sentence="s")
    with pytest.raises(InputError, match="two exhibits have one key"):
        study((Exhibit(key="a", title="t", sentence="s"), Exhibit(key="a", title="t", sentence="s")))


def test_samples_share_one_range() -> None:
    """The range fits 99.5 % of all values of all samples and frames, rounded up; what was asked for wins."""
    loud = Sample(title="", text="ab", values=np.array([0.1, -7.3]))
    figure = Samples(title="", samples=(loud, Sample(title="", text="c", values=np.array([0.5]))))
    assert figure_panel(figure)["reach"] == 8.0
    assert figure_panel(replace(figure, reach=2.5))["reach"] == 2.5
    soft = Samples(title="", samples=(Sample(title="", text="d", values=np.array([0.2])),))
    panel = figure_panel(Frames(title="", frames=(Frame(label="", figure=soft), Frame(label="", figure=figure))))
    assert [frame["figure"]["reach"] for frame in panel["frames"]] == [8.0, 8.0]  # type: ignore[attr-defined]


def test_every_question_has_a_page_of_its_own() -> None:
    """One thing that was asked is in the name as it is; several, long or hostile ones end in different safe files."""
    assert study_of("formation") == "formation"
    assert study_of("probe", ["url"]) == "probe-url"
    assert study_of("probe", ["url", "quote"], "", "in lstm.0:cell") == "probe url, quote, in lstm.0:cell"
    long = [f"feature-{k}" for k in range(60)]
    asked = [[], ["url"], ["url", "quote"], ["url, quote"], ["quote", "url"], long, [*long, "url"], ["../../etc/x"],
             ["<script>"], ["a\n"], ["CON"]]  # fmt: skip
    names = [study_name(study_of("probe", some)) for some in asked]
    assert len({name.lower() for name in names}) == len(asked)
    assert all(re.fullmatch(r"study-[A-Za-z0-9._-]{1,100}", name) for name in names)


def test_small_numbers_keep_their_digits() -> None:
    """A column whose numbers are all below a tenth is written with three digits; others, and none at all, with two."""
    rows = ({"nats": 0.031, "r": 0.5, "lag": 3, "none": None}, {"nats": -0.004, "r": 0.02, "lag": 1, "none": None})
    panel = table_panel(Table(columns=("nats", "r", "lag", "none"), rows=rows))
    assert panel is not None
    columns: Any = panel["columns"]
    assert [column["form"] for column in columns] == ["fine", "number", "whole", "number"]
