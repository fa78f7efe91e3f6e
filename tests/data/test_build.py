"""Corpora made from this machine."""

from __future__ import annotations

import io
from importlib.metadata import Distribution
from pathlib import Path
from types import SimpleNamespace

import pytest

from cellscope.data import build
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError, InputError


@pytest.fixture(scope="module")
def python_text(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("built") / "python.txt"
    with build.written_whole(path) as out:
        build.build_python(out)
    return path


def test_the_standard_library_is_several_megabytes_of_real_code(python_text: Path) -> None:
    """The corpus opens as UTF-8, is 4 to 9 MB, and its beginning has comments, strings, indentation."""
    corpus = Corpus.open(python_text)
    assert 4_000_000 < len(corpus) < 9_500_000
    beginning = corpus.text(0, 200_000)
    assert min(beginning.count(sign) for sign in ("#", '"""', "\n    ", "def ", "'", "import ")) > 50


def test_building_twice_gives_the_same_bytes(python_text: Path) -> None:
    """The order depends on names alone."""
    again = io.BytesIO()
    build.build_python(again)
    assert again.getvalue() == python_text.read_bytes()


def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setattr(build.sysconfig, "get_path", lambda name: str(tmp_path))
    out = io.BytesIO()
    build.build_python(out)
    return out.getvalue().decode()


def test_tests_generated_tables_and_what_is_no_text_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Declared encodings are honoured, line ends become \\n, and files are parted by an empty line."""
    files = {
        "good.py": b"x = 1\r\n",
        "sub/latin.py": b"# coding: latin-1\n# \xe9\n",
        "test/skip.py": b"SKIP",
        "sub/tests/skip.py": b"SKIP",
        "site-packages/skip.py": b"SKIP",
        "encodings/skip.py": b"SKIP",
        "_sysconfigdata__linux.py": b"SKIP",
        "binary.py": b"SKIP\0",
        "broken.py": b"SKIP \xff",
        "unknown.py": b"# coding: nonsense\nSKIP",
        "data.txt": b"SKIP",
    }
    text = planted(tmp_path, monkeypatch, files)
    assert sorted(text.split("\n\n")) == ["", "# coding: latin-1\n# é", "x = 1"]


def test_the_cap_ends_the_corpus_at_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is cut: the first that reaches the cap is the last."""
    monkeypatch.setattr(build, "PYTHON_CAP", 25)
    text = planted(tmp_path, monkeypatch, {f"{name}.py": b"123456789\n" for name in "abcdef"})
    assert text == "123456789\n\n" * 3


def test_a_python_without_sources_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the standard library has no .py files there is an error, not an empty corpus."""
    with pytest.raises(CellscopeError, match="no Python sources"):
        planted(tmp_path, monkeypatch, {"os.pyc": b""})


class Package(Distribution):
    def __init__(self, text: str) -> None:
        self.text = text

    def read_text(self, filename: str) -> str | None:
        return self.text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def test_readmes_are_the_long_descriptions_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies and headers count, duplicates, short and broken ones do not; little text is said to be little."""
    long = "# Title\r\n\r\n[link](https://example.org) " + "word " * 50
    header = "Metadata-Version: 2.1\nName: one\n\n"
    packages = [
        Package(header + long),
        Package(header + long),
        Package(header.replace("one", "two") + "UNKNOWN"),
        Package(f"Metadata-Version: 2.1\nName: three\nDescription: {'in the header ' * 20}\n\n"),
        SimpleNamespace(),
    ]
    monkeypatch.setattr(build.importlib.metadata, "distributions", lambda: packages)
    out = io.BytesIO()
    remark = build.build_readmes(out)
    text = out.getvalue().decode()
    assert (text.count("# Title\n\n[link]"), text.count("in the header"), "UNKNOWN" in text) == (1, 20, False)
    assert remark.startswith("descriptions of 2 packages")
    assert "little to train on" in remark


def test_no_readme_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no empty corpus."""
    monkeypatch.setattr(build.importlib.metadata, "distributions", list)
    with pytest.raises(CellscopeError, match="no installed package"):
        build.build_readmes(io.BytesIO())


def test_readmes_of_this_machine_are_text() -> None:
    """What is installed here gives a corpus without NUL or CR, with URLs."""
    out = io.BytesIO()
    build.build_readmes(out)
    text = out.getvalue().decode()
    assert "\0" not in text
    assert "\r" not in text
    assert text.count("https://") > 20


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error on the way leaves the old file and no draft; a directory and a forbidden place are said."""
    target = tmp_path / "new" / "f"
    with pytest.raises(TypeError), build.written_whole(target) as out:
        out.writelines([b"half", "no bytes"])
    assert list(target.parent.iterdir()) == []
    with pytest.raises(InputError, match="is a directory"), build.written_whole(tmp_path):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(CellscopeError, match="cannot write"), build.written_whole(tmp_path / "file" / "f"):
        pass
