"""Results of a technique as JSON: every field by its name, arrays as lists, what is not a number as null."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

import click

from cellscope.axes import Site, Unit

FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="What goes to stdout.",
)  # fmt: skip


def as_json(*results: Any, **more: Any) -> str:
    """One object with the fields of all results, and what else is given."""
    made: dict[str, Any] = {}
    for result in results:
        made |= {field.name: plain(getattr(result, field.name)) for field in fields(result)}
    made |= {name: plain(value) for name, value in more.items()}
    return json.dumps(made, ensure_ascii=False, indent=1)


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, (Site, Unit)):
        return str(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
