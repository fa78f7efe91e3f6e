"""Two texts side by side on a terminal, coloured by what a unit did; one below the other where stdout is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellscope.pipeline.steering import Steered, Text


def beside(steered: Steered) -> str:
    """The held text and the free one, then the sentence and how it was drawn."""
    parts = [steered.sentence] if steered.rates else []
    how = f"temperature {steered.temperature:g}, seed {steered.seed}"
    if not sys.stdout.isatty():
        texts = [f"== {steered.name}\n{_visible(steered.with_hold.text)}", f"== free\n{_visible(steered.free.text)}"]
        return "\n\n".join([*texts, *parts, how])
    return "\n".join([_columns(steered), *parts, how])


def _columns(steered: Steered) -> str:
    from rich.console import Console
    from rich.table import Table

    reach = max(float(abs(text.values[:, 0]).max(initial=0)) for text in (steered.with_hold, steered.free)) or 1.0
    table = Table(box=None, expand=True, padding=(0, 2), header_style="bold")
    for title in (steered.name, f"free, coloured by {steered.held[0].name} (-{reach:.2g} to +{reach:.2g})"):
        table.add_column(title, ratio=1, overflow="fold")
    table.add_row(_coloured(steered.with_hold, reach), _coloured(steered.free, reach))
    console = Console()
    with console.capture() as caught:
        console.print(table)
    return caught.get().rstrip("\n")


def _coloured(text: Text, reach: float) -> Any:
    """The text on the colours of the first unit; orange below zero, blue above."""
    from itertools import groupby

    from rich.style import Style
    from rich.text import Text as Rich

    from cellscope.report.colour import STEPS, THEMES, ramp

    colours, ink = ramp("light"), THEMES["light"]["ink"]
    drawn = Rich(overflow="fold")
    steps = [STEPS + round(max(-1.0, min(1.0, v / reach)) * STEPS) for v in text.values[:, 0].tolist()]
    for step, run in groupby(zip(text.text, steps, strict=True), key=lambda pair: -1 if pair[0] == "\n" else pair[1]):
        style = Style(color=_hex(ink), bgcolor=_hex(colours[step])) if step >= 0 else None
        drawn.append(_visible("".join(character for character, _ in run)), style)
    return drawn


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _visible(text: str) -> str:
    """Line ends as they are, tabs as spaces; what would steer a terminal as a sign."""
    return "".join(
        c if c == "\n" or c.isprintable() else "    " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
