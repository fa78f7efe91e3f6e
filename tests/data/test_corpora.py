"""Corpora by name."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cellscope.data import build, corpora
from cellscope.data.corpora import known_corpora, known_corpus, make, manifest, resolve
from cellscope.errors import InputError, MissingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds that take no time."""
    said = iter(["first", "second"])

    def write(out, progress) -> str:
        out.write(next(said).encode())
        return "made"

    monkeypatch.setattr(build, "BUILDERS", {"python": write, "readmes": write})


def test_every_entry_of_the_manifest_is_complete() -> None:
    """A built corpus has a builder; a fetched one an address, and a SHA-256 or the word unknown."""
    for known in known_corpora():
        assert known.size > 0
        assert known.licence
        assert known.description
        assert known.file == Path(known.file).name
        if known.how == "built":
            assert known.name in build.BUILDERS
        else:
            assert known.address.startswith(("https://", "http://"))
            assert re.fullmatch("[0-9a-f]{64}|unknown", known.sha256)
            assert known.address.startswith("https://") or known.checksum
        assert bool(known.member) == bool(known.content_sha256)


def test_the_installed_manifest_is_the_one_of_the_repository() -> None:
    """The package carries corpora/corpora.toml itself, not a second copy that could differ."""
    assert manifest() == ROOT / "corpora" / "corpora.toml"
    assert not (ROOT / "cellscope" / "data" / "corpora.toml").exists()
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert built["force-include"] == {"corpora/corpora.toml": "cellscope/data/corpora.toml"}


def test_outside_a_checkout_the_packaged_manifest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In site-packages there is no corpora/ beside the package, or one that is not ours."""
    package = tmp_path / "site-packages" / "cellscope" / "data"
    (tmp_path / "site-packages" / "corpora").mkdir(parents=True)
    (tmp_path / "site-packages" / "corpora" / "corpora.toml").write_text("not ours")
    monkeypatch.setattr(corpora, "__file__", str(package / "corpora.py"))
    assert manifest() == package / "corpora.toml"


def test_tiny_shakespeare_is_pinned_to_the_published_checksum(real_text) -> None:
    """The manifest's SHA-256 and size are those of the file that char-rnn ships."""
    import hashlib

    data = real_text("tinyshakespeare.txt").read_bytes()
    known = known_corpus("tiny-shakespeare")
    assert (known.sha256, known.size) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.usefixtures("small")
def test_what_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    """A corpus is built once; `force` builds it again; `to` puts it elsewhere."""
    made = make("python", folder=tmp_path)
    assert (made.path, made.kept, made.path.read_text()) == (tmp_path / "built" / "python.txt", False, "first")
    assert make("python", folder=tmp_path).kept
    assert made.path.read_text() == "first"
    make("python", folder=tmp_path, force=True)
    assert made.path.read_text() == "second"
    with pytest.raises(InputError, match="is a directory"):
        make("python", to=tmp_path)


@pytest.mark.usefixtures("small")
def test_a_name_resolves_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is itself; a built corpus is made when it is not there; a file comes before a corpus of its name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("x")
    assert resolve("mine.txt") == Path("mine.txt")
    (tmp_path / "python").mkdir()
    assert resolve("python") == Path("corpora/built/python.txt")
    assert resolve("python").read_text() == "first"
    (tmp_path / "python").rmdir()
    (tmp_path / "python").write_text("x")
    assert resolve("python") == Path("python")


def test_what_is_neither_is_said_with_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name lists the corpora; one that is yet to be fetched names the command; odd paths are no crash."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingError, match="no file 'pyton', and no corpus of that name.*python, readmes, tiny"):
        resolve("pyton")
    with pytest.raises(MissingError, match="cellscope corpus get linux"):
        resolve("linux")
    with pytest.raises(MissingError, match="there is warpeace, .*python"):
        known_corpus("warpeas")
    with pytest.raises(MissingError, match=r"no file 'a\\x00b'"):
        resolve("a\0b")
    assert resolve("x" * 5000) == Path("x" * 5000)
    assert list(tmp_path.iterdir()) == []
