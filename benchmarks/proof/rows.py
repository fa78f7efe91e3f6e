"""What a part of the proof hands back: checks with what was asked and measured, and a page about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One check; `ok` is None where nothing is promised."""

    what: str
    asked: str
    measured: str
    ok: bool | None = None

    def __post_init__(self) -> None:
        if self.ok is not None:  # numpy's own truth is neither True nor False
            object.__setattr__(self, "ok", bool(self.ok))


@dataclass(frozen=True)
class Part:
    """The checks of one part, its figures for JSON, and the tables of its page as markdown."""

    title: str
    rows: tuple[Row, ...]
    figures: dict[str, Any] = field(default_factory=dict)
    page: str = ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a rate, by Clopper and Pearson (1934)."""
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(0.95, "exact")
    return float(found.low), float(found.high)


def rate(hits: int, trials: int) -> str:
    """`3.1 % (1.2-6.4)`."""
    low, high = interval(hits, trials)
    return f"{100 * hits / trials:.1f} % ({100 * low:.1f}-{100 * high:.1f})"
