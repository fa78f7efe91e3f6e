"""`make browser`: where neither a browser nor root is there, Playwright's own is asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("browser.sh")


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("gets", "ci", "code"), [(True, "true", 0), (False, "", 0), (False, "true", 1)])
def test_playwright_is_asked_where_nothing_else_is(tmp_path: Path, gets: bool, ci: str, code: int) -> None:
    """It is asked through the Python given; where that fails, too, a line says that the tests are skipped."""
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "id", "echo 1000")
    python = program(tmp_path / "python", f'echo "$@" > {tmp_path}/asked\n{"true" if gets else "false"}')
    done = subprocess.run(
        ["/bin/sh", SCRIPT, python], env={"PATH": str(tmp_path / "bin"), "CI": ci}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (tmp_path / "asked").read_text("utf-8") == "-m playwright install chromium\n"
    assert done.returncode == code
    assert ("browser tests are skipped" in done.stderr) is not gets


def test_a_browser_on_the_path_is_enough(tmp_path: Path) -> None:
    """Nothing is installed then."""
    program(tmp_path / "google-chrome", "false")
    python = program(tmp_path / "python", f"touch {tmp_path}/asked")
    done = subprocess.run(["/bin/sh", SCRIPT, python], env={**os.environ, "PATH": str(tmp_path)}, check=False)
    assert done.returncode == 0
    assert not (tmp_path / "asked").exists()
