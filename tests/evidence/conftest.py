"""The helpers beside this file, and the planted activations of the tests of sinks, are importable here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "sinks")]
