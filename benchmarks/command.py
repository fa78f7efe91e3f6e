"""The command line as a user meets it: a process of its own, with what it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

START = [sys.executable, "-c", "from cellscope.cli import main; main()"]


def seconds(*words: str, folder: Path | None = None, **environment: str) -> float:
    """Seconds of `cellscope words...`, run in `folder`; only its progress is shown, and a failure is one here."""
    begin = time.perf_counter()
    subprocess.run(
        [*START, *words], cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - begin
