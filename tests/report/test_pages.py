# ruff: noqa: E501 (scripts for the browser read better on one line)
"""The pages in Chromium, from file:// with the network off. `opened` fails a test on any error on the console."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_pages as planted
import pytest

from cellscope.report import colour
from cellscope.report.contents import FeaturePage, Headline, Passage, Passages, RunHeader, UnitScores
from cellscope.report.page import write_feature_page, write_index, write_run_page, write_unit_page
from cellscope.report.panels.text import GATES_SHARE, text_panel

Open = Callable[..., Any]
SOURCE = "".join(
    f"def join_{k}(self, sep=', ', last=' and {k} '):\n    if not self.parts:  # nothing\n        return ''\n"
    f"\treturn sep.join(self.parts[:-1]) + last['{k * 7} times'] + \"no\"\n\n"
    for k in range(150)
)
HOSTILE = (
    "</script><img src=x onerror=\"document.body.dataset.hurt='img'\"><script>document.body.dataset.hurt='script'</script>\n"
    "<!-- ${alert(1)} {{ 7*7 }} {% raw %} &lt;b&gt; \u2028\u2029 \u202egnp.exe\u202c \u0000\u0001\x1b[31m\x7f\x85\n"
    "zero\u200bwidth\u2060\ufeff e\u0301\u0302 \U0001f600\U0001f468\u200d\U0001f469 \u8a9e\u6587 \ufdfd 'in \U0001f600 quotes' \ud800 end\r\n"
) * 4


@pytest.fixture(scope="module")
def quotes() -> FeaturePage:
    """What the site's first page holds."""
    return planted.feature_page(SOURCE, units=48)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, quotes: FeaturePage) -> Path:
    """A small site: two features, a unit, a run, the index."""
    root = tmp_path_factory.mktemp("reports")
    write_feature_page(root, quotes)
    write_feature_page(root, planted.feature_page(SOURCE, units=8, name="quote-double", pattern=r'"[^"]*"', good=False))
    write_unit_page(root, planted.unit_page(SOURCE))
    write_run_page(root, planted.run_page(units=40))
    write_index(root)
    return root


def shown_unit(page: Any) -> str:
    """The address that the legend under the text names."""
    return str(page.inner_text("#legend b"))


def text_of(page: Any) -> str:
    """The characters of the cells that are drawn, as code points' glyphs."""
    return str(page.evaluate("[...document.querySelectorAll('.cells i')].map(e => e.textContent).join('')"))


def until(page: Any, predicate: str, argument: str = "") -> None:
    """Wait for a predicate; playwright's own waiting evaluates strings, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(predicate, argument):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {predicate}")


def state(page: Any) -> dict[str, Any]:
    """The reader's state."""
    return dict(page.evaluate("Scope.reader.state"))


def test_feature_page_opens_and_answers_first(site: Path, opened: Open) -> None:
    """The sentence is the only h1, and the text is coloured and underlined."""
    page = opened(site / "python" / "quote-single.html")
    assert page.inner_text("h1").endswith("is on inside quote-single.")
    assert page.locator("h1").count() == 1
    assert "self" in text_of(page)
    assert page.locator(".cells .u1").count() > 20
    assert (
        page.evaluate(
            "new Set([...document.querySelectorAll('.cells i')].map(e => getComputedStyle(e).backgroundColor)).size"
        )
        > 5
    )


def test_text_shows_exactly_its_activations(site: Path, opened: Open, quotes: FeaturePage) -> None:
    """The value of every position is the one that was put in, to a step; spans likewise."""
    page = opened(site / "python" / "quote-single.html")
    made = quotes
    for row in (made.ranking.rows[0], made.ranking.rows[40]):
        got = page.evaluate(
            "async a => { const u = await Scope.reader.activations.unit(a); return Array.from(u.q, q => q * u.scale) }",
            row.address,
        )
        want = made.passages.activations["lstm.0:cell"][:, row.unit]
        assert np.abs(np.array(got) - want).max() < 0.005
    spans = page.evaluate("Array.from(Scope.reader.spans[''])")
    assert made.passages.spans is not None
    assert spans == made.passages.spans.astype(int).tolist()


def test_arrows_flip_through_units_and_contexts(site: Path, opened: Open) -> None:
    """Right is the next unit of the ranking, up and down are contexts; the text stays in its place."""
    page = opened(site / "python" / "quote-single.html")
    first, before = shown_unit(page), text_of(page)
    page.keyboard.press("ArrowRight")
    until(page, "a => document.querySelector('#legend b').textContent !== a", first)
    assert text_of(page) == before
    page.keyboard.press("ArrowLeft")
    until(page, "a => document.querySelector('#legend b').textContent === a", first)
    page.keyboard.press("2")
    until(page, "Scope.reader.state.tab === 'top'")
    page.keyboard.press("ArrowDown")
    until(page, "Scope.reader.state.context === 1")
    assert page.locator(".head.here").count() == 1
    assert page.get_attribute("#tabs button:nth-child(2)", "aria-selected") == "true"


def test_toggles(site: Path, opened: Open) -> None:
    """p draws five rows of guesses, n digits, w spaces, d the other theme, ? the help."""
    page = opened(site / "python" / "quote-single.html")
    page.keyboard.press("p")
    page.wait_for_selector(".guesses")
    line = page.locator(".line").nth(2)
    assert line.locator(".guesses").count() == 5
    assert line.locator(".guesses").first.locator("span").count() == line.locator(".cells i").count()
    offsets = page.evaluate(
        "[...document.querySelectorAll('.line')].flatMap(l => [...l.querySelectorAll('.cells i')].map((c, k) =>"
        " Math.abs(c.getBoundingClientRect().left - l.querySelector('.guesses').children[k].getBoundingClientRect().left)))"
    )
    assert max(offsets) < 1.5
    page.keyboard.press("n")
    page.wait_for_selector(".digits")
    page.keyboard.press("w")
    until(page, "document.querySelector('.cells').textContent.includes('\u00b7')")
    theme = page.get_attribute("html", "data-theme")
    page.keyboard.press("d")
    assert page.get_attribute("html", "data-theme") != theme
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_address_restores_the_view(site: Path, opened: Open, quotes: FeaturePage) -> None:
    """`#unit=...&tab=...&context=3&t=80` is what one sees; back and forward work."""
    best = quotes.ranking.rows
    unit = next(row.address for row in best if row.unit == 2)
    page = opened(site / "python" / "quote-single.html", f"#unit={unit}&tab=top&context=3&t=80")
    assert shown_unit(page) == unit
    assert (state(page)["tab"], state(page)["context"]) == ("top", 3)
    assert page.locator(".cells .cursor").count() == 1
    until(page, "document.querySelector('#inspector').textContent.includes('nats')")
    page.locator(".address").nth(5).click()
    other = best[5].address
    until(page, "a => document.querySelector('#legend b').textContent === a", other)
    assert f"unit={other}" in page.url
    page.go_back()
    until(page, "a => document.querySelector('#legend b').textContent === a", unit)
    page.go_forward()
    until(page, "a => document.querySelector('#legend b').textContent === a", other)


@pytest.mark.parametrize("fragment", ["#unit=nobody&context=999&t=-4", "#unit=%00%zz&context=x&tab=<b>"])
def test_nonsense_in_the_address_is_passed_over(site: Path, opened: Open, quotes: FeaturePage, fragment: str) -> None:
    """A wrong address shows the best unit's reading text."""
    page = opened(site / "python" / "quote-single.html", fragment)
    assert shown_unit(page) == quotes.ranking.rows[0].address


def test_hover_tells_value_gates_and_guesses(site: Path, opened: Open, quotes: FeaturePage) -> None:
    """Pointing at a character says its value, its gates, its loss and the next characters."""
    page = opened(site / "python" / "quote-single.html")
    page.evaluate("Scope.reader.prepare")
    page.locator(".cells i").nth(60).hover()
    told = page.inner_text("#inspector")
    assert re.search(r"[+\u2212]?\d?\.\d\d", told)
    for word in ("nats", "next", "side"):
        assert word in told
    at = page.evaluate("document.querySelectorAll('.cells i')[60].at")
    gates = quotes.passages.gates[quotes.ranking.rows[0].address]
    assert set(gates) == {"input", "forget", "output", "candidate"}
    for name, values in gates.items():
        value = re.search(rf"{name} ([\u2212]?)([\d.]+)", told)
        assert value is not None
        assert (-1 if value[1] else 1) * float(value[2]) == pytest.approx(values[at], abs=0.011)


def test_hover_says_whose_gates_there_are(site: Path, opened: Open, quotes: FeaturePage) -> None:
    """A unit whose gates are not on the page says for which they are, and nothing stands in for them."""
    page = opened(site / "python" / "quote-single.html", f"#unit={quotes.ranking.rows[40].address}")
    page.evaluate("Scope.reader.prepare")
    page.locator(".cells i").nth(60).hover()
    told = page.inner_text("#inspector")
    assert f"gates: for the {len(quotes.passages.gates)} best units" in told
    assert "forget" not in told


def test_table_sorts_filters_and_opens(site: Path, opened: Open) -> None:
    """Sorting says so to everyone, the filter narrows, all units can be seen."""
    page = opened(site / "python" / "quote-single.html")
    page.click("#all")
    assert page.locator("#ranking tbody tr").count() == 48
    page.click("#ranking th button >> text=r")
    assert page.locator("#ranking th[aria-sort=descending]").count() == 1
    page.fill("#filter", "cell/47")
    assert page.locator("#ranking tbody tr").count() == 1
    page.keyboard.press("Escape")


def test_switching_units_is_quick(tmp_path: Path, opened: Open) -> None:
    """20,000 characters x 512 units, gates of 16: below 8 MB, also in one file; the median switch repaints within 50 ms."""
    text = (SOURCE * 3)[:20_000]
    made = planted.feature_page(text, units=512, contexts=4)
    whole = made.passages.activations["lstm.0:cell"]
    gates = {row.address: dict.fromkeys("ifog", whole[:, row.unit]) for row in made.ranking.rows[:16]}
    made = replace(made, passages=replace(made.passages, gates=gates))
    path = write_feature_page(tmp_path, made)
    assert path.stat().st_size < 8_000_000
    page = opened(path)
    page.evaluate("Scope.reader.prepare")
    times = page.evaluate(
        "async () => { const out = []; for (let k = 0; k < 15; k++) { const t = performance.now();"
        " await Scope.reader.key('ArrowRight'); document.getElementById('pane').getBoundingClientRect();"
        " out.push(performance.now() - t); await new Promise(r => setTimeout(r, 30)); } return out.sort((a, b) => a - b) }"
    )
    assert times[7] < 50
    assert page.locator(".cells i").count() < 8000
    single = write_feature_page(tmp_path / "one", made, single_file=True)
    assert single.stat().st_size < 8_000_000
    assert not (tmp_path / "one" / "assets").exists()
    page = opened(single)
    page.locator("#figures").scroll_into_view_if_needed()
    page.wait_for_selector("figure[data-drawn] .main-svg", timeout=20_000)


def test_gates_take_a_share_of_the_page(quotes: FeaturePage) -> None:
    """Where those of all units would weigh too much, those of the first stand whole."""
    passages = quotes.passages
    whole = text_panel(passages, [], budget=7_000_000)["gates"]
    assert list(whole) == list(passages.gates)
    size = len(json.dumps(whole[next(iter(whole))]))
    some = text_panel(passages, [], budget=int(2.5 * size / GATES_SHARE))["gates"]
    assert some == {unit: whole[unit] for unit in list(whole)[:2]}


def test_a_million_characters_scroll(tmp_path: Path, opened: Open) -> None:
    """Only lines in view exist, the end is reached, and lines lie where the scroll bar says."""
    text = (SOURCE * (1_000_000 // len(SOURCE) + 1))[:1_000_000]
    spans = planted.spans_of(text, r"'[^'\n]*'")
    values = np.tanh(
        planted.smooth(np.random.default_rng(0).standard_normal((len(text), 3)).astype(np.float32) * 3, 0.5)
    )
    made = planted.feature_page(SOURCE, units=3)
    passages = Passages(
        items=(Passage(kind="reading", text=text, start=0),), activations={"lstm.0:cell": values}, spans=spans
    )
    path = write_feature_page(tmp_path, replace(made, passages=passages))
    assert path.stat().st_size < 8_000_000
    page = opened(path)
    page.evaluate("document.getElementById('pane').scrollTop = 1e9")
    until(page, "Array.from(document.querySelectorAll('.cells i')).some(e => e.at === 999999)")
    assert page.locator(".line").count() < 120
    page.evaluate("document.getElementById('pane').scrollTop = 150000")
    page.wait_for_timeout(200)
    inside = page.evaluate(
        "(() => { const p = document.getElementById('pane').getBoundingClientRect(); return"
        " document.elementFromPoint(p.left + 90, p.top + p.height / 2).closest('.line') !== null })()"
    )
    assert inside


def test_hostile_text_is_text(tmp_path: Path, opened: Open) -> None:
    """Nothing runs, every code point has its own cell, and no direction mark reaches the screen."""
    nasty = "<img src=x onerror=document.body.dataset.hurt=1>\u202e'\"../</title>"
    header = RunHeader(name=nasty, corpus=nasty, model=nasty, characters=5, date=nasty, extra={nasty: nasty})
    made = planted.feature_page(HOSTILE, units=4, name=nasty, header=header, contexts=1)
    made = replace(
        made,
        headline=Headline(sentence=nasty, numbers=((nasty, nasty),), caveats=(nasty,), method=(nasty,)),
        previous=nasty,
        next=nasty,
        others=UnitScores(
            units=tuple(row.address for row in made.ranking.rows),
            features=(nasty, "{{1}}"),
            values=np.full((4, 2), 0.7),
        ),
    )
    path = write_feature_page(tmp_path, made)
    write_run_page(tmp_path, replace(planted.run_page(units=4), header=header))
    assert path.parent.parent == tmp_path
    page = opened(path)
    page.locator("#figures").scroll_into_view_if_needed()
    page.wait_for_selector("figure[data-drawn]", timeout=20_000)
    for key in "pwn234":
        page.keyboard.press(key)
    assert page.evaluate("document.body.dataset.hurt") is None
    assert page.locator("img").count() == 0
    codes = page.evaluate("Array.from(Scope.reader.codes)")
    assert codes == [
        ord(c) if not 0xD800 <= ord(c) < 0xE000 else 0xFFFD for c in "".join(i.text for i in made.passages.items)
    ]
    page.keyboard.press("1")
    until(page, "Scope.reader.state.tab === 'reading'")
    glyphs = text_of(page)
    assert "</script><img" in glyphs.replace("\u00b7", " ")
    assert not set(glyphs) & set("\u202e\u200b\ufeff\x00\x1b\u2028")
    assert made.passages.spans is not None
    assert page.evaluate("Array.from(Scope.reader.spans[''])") == made.passages.spans.astype(int).tolist()
    index = opened(write_index(tmp_path))
    assert index.evaluate("document.body.dataset.hurt") is None
    assert index.locator("img").count() == 0


def test_copying_gives_the_characters(site: Path, opened: Open) -> None:
    """What is copied is the corpus, tabs and line ends included, not what stands for them."""
    page = opened(site / "python" / "quote-single.html")
    copied = page.evaluate(
        "(async () => { const view = Scope.reader.view, all = [...document.querySelectorAll('.cells i')], at = all[0].at;"
        " getSelection().setBaseAndExtent(all[0].firstChild, 0, all[200].firstChild, 1); await new Promise(r => setTimeout(r, 60));"
        " const data = new DataTransfer(), event = new ClipboardEvent('copy', { clipboardData: data, cancelable: true });"
        " document.dispatchEvent(event); return [at, data.getData('text/plain')] })()"
    )
    assert copied[1] == SOURCE[copied[0] : copied[0] + 201]
    assert "\t" in copied[1]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "page_name", ["index.html", "python/index.html", "python/quote-single.html", "python/unit-lstm.0-cell-0.html"]
)
def test_narrow_pages_do_not_scroll_sideways(site: Path, opened: Open, page_name: str, dark: bool) -> None:
    """One column at 390 px, light and dark."""
    page = opened(site / page_name, width=390, height=844, dark=dark)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_attribute("html", "data-theme") == ("dark" if dark else "light")


def test_script_and_python_draw_the_same_colours(site: Path, opened: Open) -> None:
    """The page's scale is colour.py's, and its words have enough contrast in both themes."""
    page = opened(site / "python" / "quote-single.html")
    for theme in colour.THEMES:
        assert page.evaluate(f"Scope.colour.ramp('{theme}')") == [list(c) for c in colour.ramp(theme)]
        assert page.evaluate(f"Scope.colour.likely('{theme}')") == [[list(b), list(i)] for b, i in colour.likely(theme)]
    for _ in range(2):
        low = page.evaluate(
            "Math.min(...[...document.querySelectorAll('.cells i:not(.end)')].slice(0, 1500).map(e => { const s = getComputedStyle(e),"
            " rgb = t => t.match(/[\\d.]+/g).slice(0, 3).map(Number); return Scope.colour.contrast(rgb(s.color), rgb(s.backgroundColor)) }))"
        )
        assert low >= 4.5
        page.keyboard.press("d")


def test_run_page_draws_all_its_figures(site: Path, opened: Open) -> None:
    """Losses, heat map, gates (and over which text) and time scales; features link to their pages."""
    page = opened(site / "python" / "index.html")
    assert "Counted over 850,000 characters that were held back" in page.inner_text("figure.saturation figcaption")
    for name in ("losses", "timescales", "heat", "saturation"):
        page.locator(f"figure.{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"figure.{name}[data-drawn] .main-svg", timeout=20_000)
    assert page.get_attribute("#found a.address", "href") == "quote-single.html"
    with page.expect_download() as download:
        page.click("figure.losses .saves button >> text=CSV")
    assert Path(download.value.path()).read_text().startswith("characters,train,validation\n0,")
    with page.expect_download() as download:
        page.click("figure.losses .saves button >> text=SVG")
    assert "<svg" in Path(download.value.path()).read_text()[:200]


def test_unit_page_underlines_the_chosen_feature(site: Path, opened: Open) -> None:
    """The same colours, another underline."""
    page = opened(site / "python" / "unit-lstm.0-cell-0.html", "#feature=parentheses")
    marked = "[...document.querySelectorAll('.cells .u1')].map(e => e.textContent).join('')"
    assert "(" in page.evaluate(marked)
    page.evaluate("Scope.reader.go({ row: 'digits' }, 'push')")
    until(page, "document.querySelector('#legend').textContent.includes('underlined: digits')")
    assert re.fullmatch(r"\d*", page.evaluate(marked))


def test_numeric_features_stand_among_the_others(site: Path, opened: Open, quotes: FeaturePage) -> None:
    """The unit's scores on all features are those put in, spans as AUC and numeric ones as rank r, above one another."""
    page = opened(site / "python" / "quote-single.html", f"#unit={quotes.ranking.rows[40].address}")
    page.locator("figure.others").scroll_into_view_if_needed()
    page.wait_for_selector("figure.others[data-drawn] .main-svg", timeout=20_000)
    with page.expect_download() as download:
        page.click("figure.others .saves button >> text=CSV")
    rows = [line.split(",") for line in Path(download.value.path()).read_text().splitlines()]
    assert rows[0] == ["feature", "score", "value"]
    assert {(name, kind) for name, kind, _ in rows[1:]} == {
        (f, "rank r" if f == "column" else "AUC") for f in planted.FEATURES
    }
    assert quotes.others is not None
    want = dict(zip(quotes.others.features, quotes.others.values[40], strict=True))
    assert all(float(value) == pytest.approx(want[name], abs=5e-4) for name, _, value in rows[1:])
    axes = page.evaluate(
        "(l => [l.xaxis.range, l.xaxis2.range])(document.querySelector('figure.others .plot')._fullLayout)"
    )
    assert axes[1] == pytest.approx([2 * v - 1 for v in axes[0]])
    assert "rank r (squares)" in page.inner_text("figure.others .plot")


def test_the_heat_map_tells_numeric_features_apart(site: Path, opened: Open) -> None:
    """AUC .5 and r 0 have one colour: |2 AUC - 1| and |r| are drawn, the names are marked, and the legend says so."""
    page = opened(site / "python" / "index.html")
    page.locator("figure.heat").scroll_into_view_if_needed()
    page.wait_for_selector("figure.heat[data-drawn] .main-svg", timeout=20_000)
    drawn = page.evaluate(
        "(t => ({ x: t.x, z: Array.from(t.z[3]), said: t.text[3], ticks: t.colorbar.ticktext }))(document.querySelector('figure.heat .plot').data[0])"
    )
    assert drawn["x"] == [*planted.FEATURES[:-1], "column (r)"]
    heat = planted.run_page(units=40).heat
    assert heat is not None
    row = heat.values[3]
    assert drawn["z"] == pytest.approx([*(2 * row[:-1] - 1), row[-1]], abs=2e-3)
    assert drawn["said"][-1].startswith("rank r ")
    assert drawn["said"][0].startswith("AUC ")
    assert (drawn["ticks"][0], drawn["ticks"][-1]) == (".5 | .0", "1.0 | 1.0")
    assert "AUC .5 and r 0 say nothing and have the same colour" in page.inner_text("figure.heat figcaption")


def test_index_lists_every_page(site: Path, opened: Open) -> None:
    """Findings first, and every link leads somewhere; a broken JSON beside a page is passed over."""
    (site / "python" / "broken.html").write_text("x")
    (site / "python" / "broken.json").write_text("{")
    page = opened(write_index(site))
    names = [str(n) for n in page.locator(".pages a").all_inner_texts()]
    assert names == ["quote-single", "quote-double", "lstm.0:cell/0"]
    for link in page.locator("main a").all():
        assert (site / link.get_attribute("href")).is_file()


def test_a_score_is_never_rounded_to_one(tmp_path: Path, opened: Open) -> None:
    """Above .99 the run's table has three digits, as the terminal has."""
    page = planted.run_page()
    row = {**page.features.rows[0], "auc": 0.9996, "auc_low": 0.9912, "auc_high": 0.9999}
    near = replace(page, features=replace(page.features, rows=(row, *page.features.rows[1:])))
    words = opened(write_run_page(tmp_path, near)).inner_text("#found tbody tr")
    assert ".999 (.991–.999)" in words


def test_numbers_beside_the_page_are_those_on_it(site: Path, opened: Open) -> None:
    """The CSV's first row is the table's first row."""
    page = opened(site / "python" / "quote-single.html")
    table = json.loads((site / "python" / "quote-single.json").read_text())
    first = table["rows"][0]
    cells = page.locator("#ranking tbody tr").first.locator("td").all_inner_texts()
    assert first["unit"].endswith(cells[1])
    assert cells[3] == (f"{first['auc']:.2f}".removeprefix("0"))
    assert table["sentence"] == page.inner_text("h1")
    assert (site / "python" / "quote-single.csv").read_text().splitlines()[0].startswith("rank,unit,sign,auc")


def test_printing_shows_the_text_without_controls(site: Path, opened: Open) -> None:
    """On paper there are lines and numbers, no buttons."""
    page = opened(site / "python" / "quote-single.html")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator(".line").count() > 300
    assert not page.locator(".tools").is_visible()
