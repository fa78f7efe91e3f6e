"""Coverage: what a text has of each feature, and what is therefore refused or left out."""

from __future__ import annotations

import pytest

from cellscope.errors import InputError
from cellscope.features.coverage import Coverage
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller
from cellscope.features.window import Memory

FEATURES = (
    Feature(name="some", pattern="a+"),
    Feature(name="none", pattern="z"),
    Feature(name="all", pattern="(?s).+"),
    Feature(name="empty", pattern="q*"),
    Feature(name="column", kind="numeric", counter="column"),
    Feature(name="quote", kind="numeric", pattern='"[^"]*"', counter="since"),
)


def covered(text: str, step: int) -> tuple[Coverage, frozenset[str]]:
    coverage, labeller = Coverage(FEATURES), Labeller(FEATURES, Memory(text), window=8)
    for start in range(0, len(text), step):
        coverage.add(labeller.read(start, min(start + step, len(text))))
    return coverage, labeller.empty()


@pytest.mark.parametrize("step", [1, 3, 100])
def test_counts(step: int) -> None:
    """Characters and stretches are counted across reads of any length."""
    coverage, _ = covered("aab\naaaa baab", step)
    assert coverage.counts.tolist() == [8, 0, 13, 0]
    assert coverage.stretches.tolist() == [3, 0, 1, 0]
    assert (coverage.total, coverage.highest[0], coverage.lowest[0], coverage.counted.tolist()) == (13, 9, 0, [13, 0])


def test_verdicts() -> None:
    """Nothing, everything, only the empty string: said by name; an error where the user asked for it."""
    coverage, empty = covered("aab\naaaa baab", 5)
    faults = coverage.faults(empty=empty)
    assert list(faults) == ["none", "all", "empty", "quote"]
    assert faults["none"] == "'z' matches nothing in the 13 characters"
    assert "matches all" in faults["all"]
    assert "empty string" in faults["empty"]
    assert coverage.settle({"some"}, empty=empty)["none"].startswith("feature 'none' is left out: 'z'")
    with pytest.raises(InputError, match="feature 'all': .* matches all of the 13"):
        coverage.settle({"all"}, empty=empty)
