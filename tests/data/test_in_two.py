from __future__ import annotations

import sys

import numpy as np
import pytest

from cellscope.data import in_two as module
from cellscope.data.in_two import in_two
from cellscope.data.shapes import draw, shapes


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process for four rows and more, whatever this machine has."""
    monkeypatch.setattr(module, "LEAST", 4)
    monkeypatch.setattr(module, "_cores", lambda: {0, 1})


@pytest.mark.usefixtures("few")
def test_two_processes_make_what_one_makes() -> None:
    """Every array, to the byte, also of an odd count."""
    for one, other in zip(in_two(draw, 5, (3, 16)), draw(0, 5, 3, 16), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("program", [None, sys.executable + "-missing", "false"])
def test_without_a_second_process_the_first_makes_all(program: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No interpreter is known, it is not there, or it fails: the rows are the same."""
    monkeypatch.setattr(sys, "executable", program)
    for one, other in zip(in_two(draw, 4, (3, 16)), draw(0, 4, 3, 16), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("few")
def test_progress_counts_all_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said ends at the whole count, though this process draws half of it."""
    said: list[tuple[int, int]] = []
    shapes(500, size=16, progress=lambda done, total, text: said.append((done, total)))
    assert said == [(500, 500)]
