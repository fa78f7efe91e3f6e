"""`cellscope corpus`: results on stdout, remarks on stderr, nothing overwritten."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cellscope.cli import cellscope
from cellscope.data import corpora
from cellscope.errors import CellscopeError, InputError, MissingError

TEXT = b"some text\n" * 1000
SHA = hashlib.sha256(TEXT).hexdigest()
ENTRY = """
[{name}]
how = "fetched"
file = "{name}.txt"
address = "{url}/{name}"
size = 10_000
sha256 = "{sha}"
licence = "CC0"
description = "for tests"
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory, with a manifest whose corpora are on a loopback server."""
    served, work = tmp_path / "served", tmp_path / "work"
    served.mkdir()
    work.mkdir()
    for name in ("pinned", "unpinned", "wrong"):
        (served / name).write_bytes(TEXT)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        shas = {"pinned": SHA, "unpinned": "unknown", "wrong": "0" * 64, "absent": SHA}
        (tmp_path / "corpora.toml").write_text("".join(ENTRY.format(name=n, url=url, sha=s) for n, s in shas.items()))
        monkeypatch.setattr(corpora, "manifest", lambda: tmp_path / "corpora.toml")
        monkeypatch.chdir(work)
        yield work
        server.shutdown()
        thread.join()


def run(*args: str) -> Result:
    return CliRunner().invoke(cellscope, ["corpus", *args])


def test_get_puts_the_path_on_stdout_and_the_licence_on_stderr(here: Path) -> None:
    """stdout is the path alone, for scripts; licence and address are remarks."""
    result = run("get", "pinned")
    assert result.stdout == "corpora/fetched/pinned.txt\n"
    assert "licence: CC0" in result.stderr
    assert (here / "corpora/fetched/pinned.txt").read_bytes() == TEXT
    assert "checksum is not known" not in result.stderr


def test_get_says_when_the_checksum_is_not_known(here: Path) -> None:
    """Before: that nothing can be checked. After: what was received, so that it can be pinned."""
    result = run("get", "unpinned", "--to", "elsewhere.txt")
    assert (here / "elsewhere.txt").read_bytes() == TEXT
    assert "its checksum is not known" in result.stderr
    assert f'sha256 = "{SHA}"' in result.stderr


def test_get_keeps_what_is_there(here: Path) -> None:
    """A file is never overwritten silently; --force fetches again."""
    (here / "mine.txt").write_text("mine")
    result = run("get", "pinned", "--to", "mine.txt")
    assert (result.exit_code, (here / "mine.txt").read_text()) == (0, "mine")
    assert "mine.txt is there and is kept; --force" in result.stderr
    run("get", "pinned", "--to", "mine.txt", "--force")
    assert (here / "mine.txt").read_bytes() == TEXT


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("args", "error", "said"),
    [
        (("get", "wrong"), CellscopeError, "not the known 0000"),
        (("get", "absent"), CellscopeError, "404"),
        (("get", "nothing"), MissingError, "no corpus 'nothing'; there is wrong"),
        (("build", "pinned"), InputError, "use: cellscope corpus get pinned"),
        (("get", "pinned", "--to", "."), InputError, "is a directory"),
    ],
)
def test_what_cannot_be_done_is_an_error_of_one_line(args: tuple[str, ...], error: type, said: str) -> None:
    """Each mistake is a CellscopeError, which the command line prints as one line, and leaves no file."""
    result = run(*args)
    assert type(result.exception) is error
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_list_shows_every_corpus_and_whether_it_is_here(here: Path) -> None:
    """The table names all with licence and description; --format json has the same and more."""
    run("get", "pinned")
    table = run("list").stdout
    assert [name for name in ("pinned", "unpinned", "wrong", "absent") if name not in table] == []
    rows = {row["name"]: row for row in json.loads(run("list", "--format", "json").stdout)}
    assert (rows["pinned"]["here"], rows["pinned"]["bytes"]) == ("corpora/fetched/pinned.txt", len(TEXT))
    assert (rows["unpinned"]["here"], rows["unpinned"]["sha256"]) == (None, "unknown")
    assert here.is_dir()


def test_list_of_the_real_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corpora that cellscope promises are all there, two of them built."""
    monkeypatch.chdir(tmp_path)
    rows = json.loads(run("list", "--format", "json").stdout)
    assert [row["name"] for row in rows if row["how"] == "built"] == ["python", "readmes"]
    assert {row["name"] for row in rows} >= {"tiny-shakespeare", "warpeace", "linux", "enwik8"}
    assert "\x1b" not in run("list").stdout


def test_build_says_what_went_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`corpus build readmes` works without a network and says how much it found."""
    monkeypatch.chdir(tmp_path)
    result = run("build", "readmes")
    assert result.stdout == "corpora/built/readmes.txt\n"
    assert "descriptions of" in result.stderr
    assert (tmp_path / "corpora/built/readmes.txt").stat().st_size > 1000
