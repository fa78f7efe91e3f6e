"""An array from elsewhere is searched as its network would be: tables and pages from the array itself."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr

import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.models.network import Network
from cellscope.pipeline.explain import explain
from cellscope.pipeline.find import Search
from cellscope.pipeline.find_array import find_in_array
from cellscope.pipeline.pages import Material, compose_feature, write_pages
from cellscope.pipeline.record import record
from cellscope.pipeline.recorded import open_recorded

ASKED = ("parentheses", "digit", "column")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, latch: Network, bracket_corpus: Corpus) -> Path:
    """The text of the latch, and what it did on reading it as .npy, .h5 and our own .zarr."""
    folder = tmp_path_factory.mktemp("arrays")
    (folder / "text.txt").write_text(bracket_corpus.text(0, len(bracket_corpus)))
    record(latch, bracket_corpus, folder / "states.zarr")
    store = zarr.open(folder / "states.zarr", mode="r")
    values = np.asarray(store["lstm.0.cell"])
    np.save(folder / "states.npy", values)
    with h5py.File(folder / "states.h5", "w") as file:
        file["layer1/c"], file["layer1/h"] = values, values[:, :2]
    return folder


@pytest.mark.parametrize(
    ("name", "key", "unit"),
    [
        ("states.npy", None, "array/0"),
        ("states.h5", "layer1/c", "array/0"),
        ("states.zarr", "lstm.0:cell", "lstm.0:cell/0"),
    ],
)
def test_every_kind_of_file_finds_the_planted_cell(place: Path, name: str, key: str | None, unit: str) -> None:
    """The figures are those of the search from Python; a recording of ours knows the address of its units."""
    search = find_in_array(place / name, key=key, text=place / "text.txt", asked=ASKED)
    found = search.findings.evidence[0]
    assert found.found
    assert str(found.unit) == unit
    known = cellscope.search(np.load(place / "states.npy"), place / "text.txt", features=ASKED, seed=123)
    assert (found.score, found.p) == (known.evidence[0].score, known.evidence[0].p)
    content = json.loads(search.json())
    assert content["run"] is None
    assert content["network"].startswith(f"recorded in {name}")
    assert content["features"][0]["untrained"] is None


@pytest.fixture(scope="module")
def search(place: Path) -> Search:
    return find_in_array(place / "states.npy", text=place / "text.txt", asked=ASKED, characters=20_000)


def test_arrays_of_one_name_are_two(place: Path) -> None:
    """The pages of states.npy do not replace those of states.h5, nor those of one array in a file another's."""
    asked = [("states.npy", None), ("states.h5", "layer1/c"), ("states.h5", "layer1/h"), ("states.zarr", "lstm.0:cell")]
    assert len({open_recorded(place / name, key=key).name for name, key in asked}) == 4


def test_pages_are_coloured_by_the_array_itself(search: Search, place: Path, tmp_path: Path) -> None:
    """What a page shows of a unit are the rows of the array; predictions, loss and gates are left out."""
    values = np.load(place / "states.npy")
    passages = compose_feature(Material.of(search), 0).passages
    rows = np.concatenate([np.arange(item.start, item.start + len(item.text)) for item in passages.items])
    np.testing.assert_array_equal(passages.activations["array"], values[rows][:, list(passages.columns("array"))])
    assert passages.predictions is None
    assert passages.loss is None
    assert passages.gates == {}
    index = write_pages(search, tmp_path)
    assert {p.name for p in index.parent.glob("*.html")} == {
        "index.html",
        "parentheses.html",
        "digit.html",
        "column.html",
    }
    told = (index.parent / "parentheses.html").read_text("utf-8")
    assert "no untrained network beside it" in told
    assert "warm-up" not in told


def test_a_page_opens_without_predictions(search: Search, tmp_path: Path, offline_page) -> None:
    """Chromium draws the text and follows the keys with no error."""
    index = write_pages(search, tmp_path)
    offline_page.goto((index.parent / "parentheses.html").as_uri())
    offline_page.wait_for_selector("text=array/0")
    for key in ("p", "ArrowRight", "ArrowDown"):
        offline_page.keyboard.press(key)
    assert "array/" in offline_page.locator("body").inner_text()


def test_a_unit_of_an_array_is_explained(search: Search) -> None:
    """From Python: the evidence and the places, and no gates."""
    told = explain(search, search.findings.units[0])
    assert told.evidence[0].feature == "parentheses"
    assert told.gates == ()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"text": None}, InputError, "give --text FILE"),
        ({"path": "none.npy"}, InputError, "no file"),
        ({"path": "text.txt"}, InputError, "is none of .npy"),
        ({"path": "states.h5"}, InputError, "several arrays; name one"),
        ({"path": "states.h5", "key": "layer2"}, MissingError, "layer1/c"),
        ({"text": "short.txt"}, InputError, "has 30,000 rows and short.txt 5 positions"),
        ({"asked": ("bad=zzzz",)}, InputError, "matches nothing"),
    ],
)
def test_mistakes(place: Path, change: dict, error: type[Exception], said: str) -> None:
    """One line that names what was wrong and what there is."""
    (place / "short.txt").write_text("short")
    given = {"path": "states.npy", "text": "text.txt", "asked": ASKED} | change
    text = None if given.pop("text") is None else place / str(change.get("text", "text.txt"))
    with pytest.raises(error, match=said) as caught:
        find_in_array(place / given.pop("path"), text=text, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("some-run",), "RUN is about a network"),
        (("--which", "last"), "--which is about a network"),
        (("--streams", "h"), "--streams is about a network"),
        (("--images", "shapes"), "--images is about a network"),
    ],
)
def test_options_of_networks_are_refused(place: Path, words: tuple[str, ...], said: str) -> None:
    """At the command line an option that would change nothing is named."""
    from click.testing import CliRunner

    from cellscope.cli import cellscope as program

    array = [
        "find",
        "--array",
        str(place / "states.npy"),
        "--text",
        str(place / "text.txt"),
        "-f",
        "digit",
        "--no-pages",
    ]
    assert said in str(CliRunner().invoke(program, [*array, *words]).exception)
    done = CliRunner().invoke(program, [*array, "--format", "json"])
    assert json.loads(done.stdout)["characters"] == 30_000
