"""What a demonstration found, read from the JSON beside the pages of its run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cellscope.evidence.verdicts import digits

ORDER = ("yes", "plain", "no")
WORDS = {"yes": "found", "plain": "plain", "no": "no"}
TEXT = {
    "indentation": ("indentation",), "comment": ("comment",), "a quote": ("quote-single", "quote-double"),
    "parentheses": ("parentheses",), "url": ("url",),
}  # fmt: skip
"""What the demonstration on text is to find at least, each under any of these names."""
PICTURES = 6
"""Concepts of `shapes` that are to have a best unit with a held-out AUC of at least GOOD."""
GOOD = 0.9


@dataclass(frozen=True)
class Answer:
    """What a search says of one feature or concept: yes, plain or no; its best unit, with the AUC on what was held out
    from choosing it, None where there is no unit.
    """

    name: str
    verdict: str
    unit: str | None
    auc: float | None

    @property
    def clear(self) -> bool:
        """Whether a unit is named that tracks it, be it plainly."""
        return self.verdict in ("yes", "plain") and self.unit is not None

    def __str__(self) -> str:
        unit = "no unit" if self.unit is None else self.unit if self.auc is None else f"{self.unit}, {digits(self.auc)}"
        return f"{self.name} {WORDS[self.verdict]} ({unit})"


def answers(reports: Path, run: str) -> dict[str, Answer]:
    """All features or concepts of the run's page, by name."""
    rows = json.loads((reports / run / "index.json").read_text("utf-8"))["rows"]
    told = [
        Answer(row.get("feature") or row["concept"], row.get("finding") or row["answer"], row["unit"], row.get("auc"))
        for row in rows
    ]
    return {answer.name: answer for answer in told}


def wanted(told: dict[str, Answer]) -> dict[str, Answer]:
    """The best answer to each of TEXT: the surest verdict first, then the highest AUC."""

    def rank(answer: Answer) -> tuple[int, float]:
        return ORDER.index(answer.verdict), -(answer.auc or 0.0)

    return {what: min((told[name] for name in names), key=rank) for what, names in TEXT.items()}


def good(told: dict[str, Answer]) -> list[Answer]:
    """The concepts whose best unit reaches GOOD, best first."""
    return sorted((a for a in told.values() if (a.auc or 0.0) >= GOOD), key=lambda a: -(a.auc or 0.0))
