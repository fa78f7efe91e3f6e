"""`python -m cellscope` is the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def test_the_package_runs_as_a_module() -> None:
    """It answers as the script does, and a mistake is one line and exit code 2."""
    done = subprocess.run([sys.executable, "-m", "cellscope", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cellscope ")
    done = subprocess.run([sys.executable, "-m", "cellscope", "nosuch"], capture_output=True, text=True, check=False)
    assert (done.returncode, "No such command" in done.stderr) == (2, True)


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_full_disk_is_said() -> None:
    """Where what is printed cannot be kept, that is one line and exit code 1."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cellscope", "features"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "cellscope: No space left on device\n")


def test_a_name_that_no_disk_takes_is_said() -> None:
    """A file name that is too long is named, shortened, on one line."""
    arguments = [sys.executable, "-m", "cellscope", "train", "x" * 300]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("cellscope: File name too long: 'xxx")
    assert len(done.stderr.splitlines()) == 1
