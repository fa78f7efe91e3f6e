"""The first lines of a CSV: whether they name its columns, and whether rows of numbers follow. Nothing heavy here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

LABELS = ("label", "target", "class", "y")
"""What a column of labels is called, where nobody says; in this order."""
MISSING = ("", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?")
"""What stands for a number that is not there."""
LINES = 6
"""The first lines of a CSV, from which it is judged what it is."""


@dataclass(frozen=True)
class Head:
    """The first lines of a CSV: what separates cells (comma, semicolon or tab), the cells, and the columns' names."""

    separator: str
    lines: list[list[str]]

    @classmethod
    def of(cls, path: Path) -> Head:
        """Of a file; no lines where it is no text in UTF-8."""
        with path.open("rb") as file:
            head = b"".join(file.readline(1 << 20) for _ in range(LINES))
        try:
            text = head.decode("utf-8-sig")
            between = max(",;\t", key=text.count)
            lines = [line for line in text.splitlines() if line.strip()]
            return cls(between, [] if "\0" in text else list(csv.reader(lines, delimiter=between)))
        except (UnicodeDecodeError, csv.Error):  # the latter where a cell is longer than 131,072 characters
            return cls(",", [])

    @property
    def named(self) -> bool:
        """Whether the first line names the columns: only texts, a text over a number, or a name for labels."""
        first, body = self.lines[0] if self.lines else [], self.lines[1:]
        texts = [place for place, cell in enumerate(first) if not is_number(cell)]
        over_numbers = any(place < len(line) and is_number(line[place]) for place in texts for line in body)
        label = any(first[place].strip().lower() in LABELS for place in texts)
        return bool(texts) and (len(texts) == len(first) or over_numbers or label)

    @property
    def columns(self) -> list[str]:
        """The names in the first line, or `column 0` and so on."""
        return self.lines[0] if self.named else [f"column {place}" for place in range(len(self.lines[0]))]

    @property
    def body(self) -> list[list[str]]:
        return self.lines[1:] if self.named else self.lines


def looks_like_rows(path: Path) -> bool:
    """Whether the first lines of a file are rows of two cells or more, equally many, all numbers but for one."""
    head = Head.of(path)
    widths = {len(line) for line in head.lines}
    numeric = all(sum(map(is_number, line)) >= len(line) - 1 for line in head.body)
    return bool(head.body) and len(widths) == 1 and min(widths) > 1 and numeric


def is_number(cell: str) -> bool:
    """Whether a cell stands for a number, or for a missing one."""
    try:
        float(cell)
    except ValueError:
        return cell.strip() in MISSING
    return True
