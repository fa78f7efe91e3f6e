"""The planted activations of the tests of sinks, as a fixture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def planted() -> ModuleType:
    """tests/sinks/planted_activations.py."""
    path = Path(__file__).parent.parent / "sinks" / "planted_activations.py"
    spec = importlib.util.spec_from_file_location("planted_activations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
