"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SOURCES = sorted((ROOT / "cellscope").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.name)
def test_every_test_says_its_law(path: Path) -> None:
    """A test's docstring states what must hold, in its first line."""
    tree = ast.parse(path.read_text("utf-8"))
    tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    assert [test.name for test in tests if not ast.get_docstring(test)] == []


def test_no_two_tests_have_one_file_name() -> None:
    """A test's file is found by its name alone."""
    names = [path.name for path in TESTS]
    assert sorted(set(names)) == sorted(names)


def test_command_files_import_click_alone() -> None:
    """Beside the standard library; what a command needs is imported when it runs, so `--help` stays quick."""
    light = {*sys.stdlib_module_names, "click"}
    # The last gives options their defaults.
    own = ("cellscope.cli", "cellscope.errors", "cellscope.axes", "cellscope.training.config")
    for path in (ROOT / "cellscope" / "cli").glob("*.py"):
        if path.name == "__init__.py":
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            heavy = [n for n in names if n.partition(".")[0] not in light and not n.startswith(own)]
            assert heavy == [], f"{path.name} imports {heavy} at its top"


def test_torch_is_pinned_for_everyone() -> None:
    """constraints.txt pins exact versions, torch 2.13.0 among them, and names no place to fetch from."""
    pins = (ROOT / "constraints.txt").read_text("utf-8").split()
    assert "torch==2.13.0" in pins
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", pin)] == []


def test_no_pickle_is_loaded() -> None:
    """torch.load is called with weights_only=True and numpy.load with allow_pickle=False, everywhere."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load", "numpy.load"):
                said = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert said.get("weights_only") == "True" or said.get("allow_pickle") == "False", (
                    f"{path}:{node.lineno}"
                )
