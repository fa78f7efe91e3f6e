"""Groups of characters, and what they cost a network and n-gram models: as bars, as a line, as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from cellscope.evidence.groups import Group
from cellscope.evidence.intervals import Estimate
from cellscope.report.exhibits import Bars, Series
from cellscope.report.exhibits import Group as Bar
from cellscope.report.tables import Table


def bars_of(title: str, caption: str, groups: Sequence[Group], order: int) -> Bars:
    """The losses of either in every group; the difference's interval is in the table."""
    return Bars(
        title=title,
        caption=caption,
        labels=tuple(f"{g.name} ({g.characters:,})" for g in groups),
        groups=(
            Bar(name="network", values=tuple(g.network for g in groups)),
            Bar(name=f"{order}-gram", values=tuple(g.ngram for g in groups), quiet=True),
        ),
        value="nats per character",
    )


def known(groups: Sequence[Group]) -> list[Group]:
    """Groups that are frequent enough to have an interval."""
    return [g for g in groups if math.isfinite(g.difference.low)]


def line_of(name: str, groups: Sequence[Group], *, quiet: bool = False) -> Series:
    """The difference by distance; groups that are too rare to have an interval are left out."""
    some = known(groups)
    return Series(
        name=name,
        x=tuple(float(g.name.rstrip("+").partition("-")[0]) for g in some),
        y=tuple(g.difference.value for g in some),
        low=tuple(g.difference.low for g in some),
        high=tuple(g.difference.high for g in some),
        labels=tuple(f"{g.name}: {g.characters:,} characters" for g in some),
        quiet=quiet,
        points=True,
    )


def bar_of(name: str, estimates: Sequence[Estimate]) -> Bar:
    """Estimates as bars with their intervals."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return Bar(
        name=name,
        values=tuple(finite(e.value) for e in estimates),
        low=tuple(finite(e.low) for e in estimates),
        high=tuple(finite(e.high) for e in estimates),
    )


def table_of(first: str, groups: Sequence[Group]) -> Table:
    """Every figure of every group."""
    rows = []
    for g in groups:
        row: dict[str, str | float | int | bool | None] = {first: g.name, "number": g.characters}
        for name, value in asdict(g).items():
            if isinstance(value, dict):
                three = {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
                row |= {k: v if math.isfinite(v) else None for k, v in three.items()}
            elif name not in ("name", "characters"):
                row[name] = value
        rows.append(row)
    names = ("network", "ngram", "difference", "network_wrong", "ngram_wrong", "only_network", "only_ngram")
    ends = ("difference", "only_network", "only_ngram")
    columns = [c for name in names for c in ((name, f"{name}_low", f"{name}_high") if name in ends else (name,))]
    return Table(columns=(first, "number", *columns), rows=tuple(rows))
