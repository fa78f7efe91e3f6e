from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def test_where_no_page_can_go_is_said_first(say, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, or a folder that must not be written to, in the place of the reports is refused before any work."""
    (place / "taken").write_text("a file")
    for folder in ("taken", "taken/below"):
        code, out, err = say("find", "nobody", "--reports", folder)
        assert (code, out) == (2, "")
        assert f"pages cannot go to {folder}" in err
        assert "give another --reports FOLDER" in err
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "is not writable" in say("find", "nobody", "--reports", "new/folder")[2]
    assert "no run 'nobody'" in say("find", "nobody", "--no-pages", "--reports", "new/folder")[2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("find --at 7", "Invalid value for '--at': 7.0 is not in the range 0.5<=x<=1.0; see cellscope find --help"),
        ("find --atlas 7", "No such option '--atlas'"),
        ("sort", "No such command 'sort'; see cellscope --help"),
        ("adopt", "Missing argument 'CHECKPOINT'; see cellscope adopt --help"),
        ("corpus nosuch", "see cellscope corpus --help"),
    ],
)
def test_what_cannot_be_parsed_is_said_in_one_line_too(say, line: str, said: str) -> None:
    """With exit code 2 and the way to the help, as any other mistake is said."""
    code, out, err = say(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("cellscope: ")
    assert said in err
    assert err.count("\n") == 1
