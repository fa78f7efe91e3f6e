"""Arrays that Python makes row by row, the second half of them in a process of its own: one process has one core."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cellscope.axes import Progress

Drawn = tuple[np.ndarray[Any, Any], ...]
"""Arrays with one row for each of what was made."""
Make = Callable[..., Drawn]
"""`make(first, last, *numbers, progress=)`, a function of a module: row i depends on i and the numbers alone."""

LEAST = 2_000
"""Rows from which on a second process is worth its start."""
CHILD = """
import importlib, sys
import numpy as np
module, name, path, *numbers = sys.argv[1:]
np.savez(path, *getattr(importlib.import_module(module), name)(*map(int, numbers)))
"""


def in_two(make: Make, count: int, numbers: tuple[int, ...], progress: Progress | None = None) -> Drawn:
    """What `make(0, count, *numbers)` gives. Where no second process can be had, this one makes all of it."""
    if count < LEAST or not sys.executable or len(_cores()) < 2:
        return make(0, count, *numbers, progress=progress)
    middle = count // 2
    with TemporaryDirectory(prefix="cellscope-") as folder:
        path = Path(folder) / "second.npz"
        asked = [make.__module__, make.__name__, str(path), *map(str, (middle, count, *numbers))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        try:
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, *asked], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            return make(0, count, *numbers, progress=progress)
        with child:
            try:
                first = make(0, middle, *numbers, progress=progress)
                child.wait()
            except BaseException:
                child.kill()
                raise
        second = _read(path) if child.returncode == 0 else make(middle, count, *numbers)
    return tuple(np.concatenate(both) for both in zip(first, second, strict=True))


def _read(path: Path) -> Drawn:
    with np.load(path, allow_pickle=False) as kept:
        return tuple(kept[name] for name in kept.files)


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
