"""`cellscope explain`, `cellscope report` and `cellscope demo` at the command line."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.reports import pages_of, server
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `tiny` that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("explain")
    (folder / "text.txt").write_text("the (quick) brown fox 12\n\x1b[31m(lazy)\t\u202edogs\n" * 200)
    corpus = Corpus.open(folder / "text.txt")
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    options = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, ["explain", *options, "-f", "parentheses", "-f", "digit", *arguments])


def test_a_unit_is_explained_in_words(place: Path) -> None:
    """Features, gates, time scale, places; nothing of the text steers the terminal; the page is said on stderr."""
    done = call(place, "tiny", "lstm.0:cell/3")
    assert done.exit_code == 0, done.output
    for word in ("lstm.0:cell", "time scale", "forget gate", "parentheses", "highest", "lowest"):
        assert word in done.stdout
    assert not set("\x1b\u202e") & set(done.stdout)
    assert (place / "reports" / "tiny" / "unit-lstm.0-cell-3.html").is_file()
    assert "page: " in done.stderr


def test_the_run_may_be_left_out(place: Path) -> None:
    """One argument is the unit, of the latest run; without pages nothing is written."""
    done = call(place, "c/3", "--format", "json", "--no-pages", "--reports", str(place / "nothing"))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["unit"] == "lstm.0:cell/3"
    assert not (place / "nothing").exists()


def test_a_gate_is_heard_when_it_is_asked_for(place: Path) -> None:
    """A unit of a stream that find does not search by default."""
    done = call(place, "f/2", "--format", "json", "--no-pages")
    assert json.loads(done.stdout)["unit"] == "lstm.0:forget/2"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "explain needs a UNIT"),
        (("tiny", "lstm.0:cell/8"), "it has 0 to 7"),
        (("gone", "c/1"), "no run 'gone'; there is tiny"),
        (("../..", "c/1"), "no run"),
        (("c",), "is no unit"),
    ],
)
def test_mistakes_are_answered_in_one_line(place: Path, words: tuple[str, ...], said: str) -> None:
    """What was wrong and what there is."""
    done = call(place, *words)
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_report_prints_where_the_pages_are(place: Path) -> None:
    """The index over all, or one run's page; the index is written anew."""
    assert call(place, "tiny", "lstm.0:cell/3").exit_code == 0
    reports = place / "reports"
    (reports / "index.html").unlink()
    done = CliRunner().invoke(cellscope, ["report", "--reports", str(reports)])
    assert done.stdout == f"{reports / 'index.html'}\n"
    assert "tiny" in (reports / "index.html").read_text()
    # only a unit's page was written: the index is all there is for the run
    assert pages_of(reports, "tiny") == reports / "index.html"


def test_without_pages_report_says_how_to_write_them(tmp_path: Path) -> None:
    """No folder, an empty folder, another run's pages: an error that helps, and nothing is made."""
    for reports in (tmp_path / "none", tmp_path):
        with pytest.raises(MissingError, match="cellscope find"):
            pages_of(reports)
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_pages_is_told_from_those_that_have_some(place: Path) -> None:
    """The message names the runs that do."""
    assert call(place, "tiny", "lstm.0:cell/3").exit_code == 0
    for name in ("other", "../reports", ".."):
        with pytest.raises(MissingError, match="there is tiny"):
            pages_of(place / "reports", name)


def test_pages_are_served_to_this_machine_alone(tmp_path: Path) -> None:
    """Bound to 127.0.0.1; other hosts' names, listings and paths out of the folder are refused."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "reports"
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_text("hello")
    with server(folder, 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        host, port = serving.server_address[:2]
        assert host == "127.0.0.1"
        address = f"http://127.0.0.1:{port}"
        assert urllib.request.urlopen(f"{address}/index.html").read() == b"hello"
        assert urllib.request.urlopen(f"{address}/").read() == b"hello"
        for path, name in (("/sub/", ""), ("/../secret.txt", ""), ("/%2e%2e/secret.txt", ""), ("/", "evil.example")):
            request = urllib.request.Request(address + path, headers={"Host": name} if name else {})
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(request)
            assert error.value.code == (403 if name else 404)
        with pytest.raises(InputError, match="cannot be used"):
            server(folder, int(port))
        serving.shutdown()


def test_pictures_have_no_passage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration on images refuses --passage before it draws anything."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cellscope, ["demo", "images", "--passage", "500"])
    assert done.exit_code == 2
    assert "--passage is for a text" in done.output


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demonstration_runs_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, network, findings and pages from nothing; the second time nothing is trained."""
    monkeypatch.chdir(tmp_path)
    first = CliRunner().invoke(cellscope, ["demo", "--minutes", "0.05"])
    assert first.exit_code == 0, first.output
    assert "open in a browser: file://" in first.stdout
    assert (tmp_path / "reports" / "demo" / "url.html").is_file()
    again = CliRunner().invoke(cellscope, ["demo"])
    assert again.exit_code == 0, again.output
    assert "run demo is trained already" in again.stderr
