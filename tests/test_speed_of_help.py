"""`cellscope --help` is quick, because what is heavy is imported only where it is used."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

import pytest

from cellscope.cli import COMMANDS

HEAVY = {"torch", "numpy", "pandas", "numba", "scipy", "plotly", "zarr", "xarray", "h5py", "sklearn", "rich"}
SAY = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def modules_after(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", f"{code}\n{SAY}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """The help of cellscope and of every command comes without torch, numpy and the like."""
    code = f"from cellscope.cli import cellscope\ncellscope({arguments!r}, standalone_mode=False)"
    assert modules_after(code) & HEAVY == set()


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import cellscope` is free: its names are loaded when they are first used."""
    assert modules_after("import cellscope") & HEAVY == set()


def test_help_takes_at_most_three_tenths_of_a_second() -> None:
    """The median of seven, as an installed command; another seven where the machine was busy with something else."""

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from cellscope.cli import main; main()", "--help"], capture_output=True, check=True
        )
        return time.perf_counter() - start

    medians = []
    for _ in range(3):
        medians.append(statistics.median(seconds() for _ in range(7)))
        if medians[-1] <= 0.3:
            return
    pytest.fail(f"cellscope --help took {min(medians):.2f} s")
