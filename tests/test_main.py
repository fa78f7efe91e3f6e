"""`python -m cellscope` is the command line."""

from __future__ import annotations

import subprocess
import sys


def test_the_package_runs_as_a_module() -> None:
    """It answers as the script does, and a mistake is one line and exit code 2."""
    done = subprocess.run([sys.executable, "-m", "cellscope", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cellscope ")
    done = subprocess.run([sys.executable, "-m", "cellscope", "nosuch"], capture_output=True, text=True, check=False)
    assert (done.returncode, "No such command" in done.stderr) == (2, True)
