"""A table as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells by column name; text, numbers or None."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str | float | int | bool | None], ...]
