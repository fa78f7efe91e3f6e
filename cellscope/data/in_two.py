"""Arrays that Python makes row by row, the second half of them in a process of its own: one process has one core."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np

from cellscope.axes import Progress

Array = np.ndarray[Any, Any]
Drawn = tuple[Array, ...]
"""Arrays with one row for each of what was made."""
Make = Callable[..., Drawn]
"""`make(first, last, *numbers, progress=)`, a function of a module: row i depends on i and the numbers alone."""

LEAST = 2_000
"""Rows from which on a second process is worth its start."""
PATIENCE, SHORTEST = 3.0, 20.0
"""How long the second half is waited for: so many times what the first took, and so many seconds at least."""
CHILD = """
import importlib, sys
import numpy as np
module, name, path, *numbers = sys.argv[1:]
np.savez(path, *getattr(importlib.import_module(module), name)(*map(int, numbers)))
"""


def in_two(make: Make, count: int, numbers: tuple[int, ...], progress: Progress | None = None) -> Drawn:
    """What `make(0, count, *numbers)` gives. Where no second process can be had, this one makes all of it."""
    frozen = getattr(sys, "frozen", False)  # its executable is the program, and no interpreter
    if count < LEAST or not sys.executable or frozen or len(_cores()) < 2:
        return make(0, count, *numbers, progress=progress)
    middle = count // 2
    with ExitStack() as stack:
        try:
            path = Path(stack.enter_context(TemporaryDirectory(prefix="cellscope-"))) / "second.npz"
            child = stack.enter_context(_begun(make, (middle, count, *numbers), path))
        except OSError:
            return make(0, count, *numbers, progress=progress)
        try:
            began = monotonic()
            first = make(0, middle, *numbers, progress=progress)
            child.wait(max(SHORTEST, PATIENCE * (monotonic() - began)))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        except BaseException:
            child.kill()
            raise
        return _joined(first, _read(path) if child.returncode == 0 else make(middle, count, *numbers), count)


def _begun(make: Make, numbers: tuple[int, ...], path: Path) -> subprocess.Popen[bytes]:
    """A process that writes what `make(*numbers)` gives. It imports what this one can, and not the current folder."""
    asked = [make.__module__, make.__name__, str(path), *map(str, numbers)]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", CHILD, *asked],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _joined(first: Drawn, second: Iterable[Array], count: int) -> Drawn:
    """Both halves; of the second, one array at a time is held beside them."""
    whole = tuple(np.empty((count, *half.shape[1:]), half.dtype) for half in first)
    for made, one, other in zip(whole, first, second, strict=True):
        made[: len(one)], made[len(one) :] = one, other
    return whole


def _read(path: Path) -> Iterator[Array]:
    with np.load(path, allow_pickle=False) as kept:
        for name in kept.files:
            yield kept[name]


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
