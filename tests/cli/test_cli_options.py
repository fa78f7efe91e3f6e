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
