"""What tests of whole command lines share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cellscope.cli import main


@pytest.fixture
def say(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a whole command line as the program would: (exit code, stdout, stderr)."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cellscope", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run
