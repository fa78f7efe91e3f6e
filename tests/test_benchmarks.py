"""The benchmark driver keeps a table, and a benchmark that fails is a row that says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).resolve().parent.parent / "benchmarks" / "run.py"
GOOD = '"""Good."""\n\n\ndef rows():\n    print("working")\n    return [("a | b", "<= 2x", "1.5x", 1.5 <= 2)]\n'
BAD = '\ndef rows():\n    raise RuntimeError("no")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.py").write_text(DRIVER.read_text("utf-8"), "utf-8")
    (tmp_path / "good.py").write_text(GOOD, "utf-8")
    (tmp_path / "helper.py").write_text("def other():\n    pass\n", "utf-8")
    return tmp_path


def run(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "run.py", *names], cwd=folder, capture_output=True, text=True, check=False)


def test_a_table_is_printed_and_kept(folder: Path) -> None:
    """Rows come out as markdown, are kept with the machine and versions, and what a benchmark says goes to stderr."""
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "| a \\| b | <= 2x | 1.5x | yes |" in done.stdout
    assert "working" in done.stderr
    assert "working" not in done.stdout
    kept = json.loads((folder / "results.json").read_text("utf-8"))
    assert kept["rows"][0]["ok"] is True
    assert {"date", "processor", "python", "torch"} <= set(kept["about"])
    assert "yes" in (folder / "results.md").read_text("utf-8")


def test_a_failure_is_a_row_and_the_others_are_kept(folder: Path) -> None:
    """One named benchmark is run alone, its failure counts, and the rows that were there stay."""
    run(folder)
    (folder / "bad.py").write_text(BAD, "utf-8")
    done = run(folder, "bad")
    assert done.returncode == 1
    rows = json.loads((folder / "results.json").read_text("utf-8"))["rows"]
    assert [(row["benchmark"], row["ok"]) for row in rows] == [("bad", False), ("good", True)]


def test_an_unknown_benchmark_is_named(folder: Path) -> None:
    """The answer lists what there is."""
    done = run(folder, "nothing")
    assert done.returncode == 2
    assert "no benchmark 'nothing'; there is good" in done.stderr
