from __future__ import annotations

import sys
from functools import wraps
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from cellscope.data import in_two as module
from cellscope.data.in_two import Drawn, in_two
from cellscope.data.shapes import draw, shapes


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process for four rows and more, whatever this machine has."""
    monkeypatch.setattr(module, "LEAST", 4)
    monkeypatch.setattr(module, "_cores", lambda: {0, 1})


def made_here(count: int = 4) -> list[tuple[int, int]]:
    """Which rows this process made of some that must be those of one process, to the byte."""
    asked = []

    @wraps(draw)
    def noted(first: int, last: int, *numbers: int, **options: object) -> Drawn:
        asked.append((first, last))
        return draw(first, last, *numbers, **options)

    for one, other in zip(in_two(noted, count, (3, 16)), draw(0, count, 3, 16), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    return asked


@pytest.mark.usefixtures("few")
def test_two_processes_make_what_one_makes() -> None:
    """Every array, also of an odd count; this process makes the first half alone."""
    assert made_here(5) == [(0, 2)]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("program", [None, sys.executable + "-missing", "false"])
def test_without_a_second_process_the_first_makes_all(program: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No interpreter is known, it is not there, or it fails: the rows are the same."""
    monkeypatch.setattr(sys, "executable", program)
    assert made_here() == ([(0, 2), (2, 4)] if program == "false" else [(0, 4)])


@pytest.mark.usefixtures("few")
def test_without_a_temporary_folder_the_first_makes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere to write: the rows are the same."""

    def nowhere(**_: object) -> None:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(module, "TemporaryDirectory", nowhere)
    assert made_here() == [(0, 4)]


@pytest.mark.usefixtures("few")
def test_a_frozen_program_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its executable is no interpreter: it would run the program itself once more."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(module.subprocess, "Popen", lambda *_, **__: pytest.fail("a second process was started"))
    assert made_here() == [(0, 4)]


@pytest.mark.usefixtures("few")
def test_files_of_the_current_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A numpy.py that lies where a user happens to be is no module of the second process."""
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    assert made_here() == [(0, 2)]
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("few")
def test_a_process_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a multiple of what the first half took, this process makes the second half too."""
    monkeypatch.setattr(module, "CHILD", "import time; time.sleep(300)")
    monkeypatch.setattr(module, "SHORTEST", 0.1)
    began = monotonic()
    assert made_here() == [(0, 2), (2, 4)]
    assert monotonic() - began < 60


@pytest.mark.usefixtures("few")
def test_progress_counts_all_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said ends at the whole count, though this process draws half of it."""
    said: list[tuple[int, int]] = []
    shapes(500, size=16, progress=lambda done, total, text: said.append((done, total)))
    assert said == [(500, 500)]
