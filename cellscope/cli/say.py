"""How the command line speaks: results on stdout, progress and remarks on stderr, bars only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cellscope.axes import Progress as Progress


def note(text: str) -> None:
    """A remark for the person, on stderr, so that piped output stays clean."""
    click.echo(text, err=True)


@contextmanager
def bar(what: str, *, unit: str = "chars") -> Iterator[Progress | None]:
    """A progress bar with rate and time left on a terminal; None where stderr is not one."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None, rate="", text="")

        def progress(done: int, total: int, text: str = "") -> None:
            speed = shown.tasks[0].finished_speed or shown.tasks[0].speed
            rate = f"{speed:,.0f} {unit}/s" if speed else ""
            shown.update(task, completed=done, total=total or None, rate=rate, text=text)

        yield progress


def tabulate(heads: list[str], rows: list[list[str]]) -> str:
    """A plain table, columns aligned; coloured heads on a terminal only."""
    if not sys.stdout.isatty():
        widths = [max(len(h), *(len(r[i]) for r in rows)) if rows else len(h) for i, h in enumerate(heads)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)).rstrip() for r in [heads, *rows]
        )
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console = Console()
    with console.capture() as text:
        console.print(table)
    return text.get().rstrip("\n")
