"""`cellscope features`: what there is to look for, and how often a text has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cellscope.features.feature import Feature


@click.command()
@click.option("--feature", "asked", multiple=True, metavar="NAME|NAME=REGEX", help="Only this one; may be repeated.")
@click.option("--features", "files", multiple=True, metavar="FILE", help="A TOML file of your own; may be repeated.")
@click.option("--text", "path", metavar="FILE", help="Count how often each feature occurs in this text.")
@click.option("--bytes", "as_bytes", is_flag=True, help="Read the text as bytes.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text.")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True,
              help="What goes to stdout.")  # fmt: skip
def features(
    asked: tuple[str, ...], files: tuple[str, ...], path: str | None, as_bytes: bool, encoding: str, form: str
) -> None:
    """List the features that can be looked for: name, kind and description.

    \b
        cellscope features
        cellscope features --text corpus.txt
        cellscope features --feature 'ticket=JIRA-\\d+' --text corpus.txt
    """
    from cellscope.features.library import select

    chosen = select(asked, files)
    rows = [{"name": f.name, "kind": f.kind, "description": f.description} for f in chosen]
    if path is not None:
        rows = _counted(chosen, path, as_bytes=as_bytes, encoding=encoding)
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        click.echo(_table(rows, markdown=form == "markdown"))


def _counted(chosen: tuple[Feature, ...], path: str, *, as_bytes: bool, encoding: str) -> list[dict[str, Any]]:
    from cellscope.cli.say import bar, note
    from cellscope.data.text import Corpus
    from cellscope.features.coverage import Coverage
    from cellscope.features.labeller import WINDOW, Labeller

    corpus = Corpus.open(path, encoding=encoding, as_bytes=as_bytes)
    coverage, labeller = Coverage(chosen), Labeller(chosen, corpus)
    with bar("reading") as progress:
        for start in range(0, len(corpus), WINDOW):
            coverage.add(labeller.read(start, min(start + WINDOW, len(corpus))))
            if progress:
                progress(min(start + WINDOW, len(corpus)), len(corpus), "")
    for name, text in coverage.faults(empty=labeller.empty()).items():
        note(f"feature {name!r}: {text}")
    total = max(1, coverage.total)
    rows: list[dict[str, Any]] = []
    for i, feature in enumerate(coverage.spans):
        count = int(coverage.counts[i])
        row = {"name": feature.name, "kind": feature.kind, "occurs": int(coverage.stretches[i])}
        rows.append(row | {"characters": count, "share": round(count / total, 6)})
    for i, feature in enumerate(coverage.numeric):
        count = int(coverage.counted[i])
        row = {"name": feature.name, "kind": feature.kind, "occurs": None, "characters": count}
        mean = round(float(coverage.sums[i]) / count, 4) if count else None
        highest = float(coverage.highest[i]) if count else None
        rows.append(row | {"share": round(count / total, 6), "mean": mean, "highest": highest})
    return rows


def _table(rows: list[dict[str, Any]], *, markdown: bool = False) -> str:
    """Columns of text, numbers to the right; the same on a terminal and in a pipe."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(key, row.get(key)) for key in keys] for row in rows]
    if markdown:
        escaped = [[cell.replace("|", "\\|").replace("<", "&lt;") for cell in line] for line in cells]
        return "\n".join("| " + " | ".join(line) + " |" for line in [keys, ["---"] * len(keys), *escaped])
    widths = [max(len(key), *(len(line[i]) for line in cells)) for i, key in enumerate(keys)]
    right = [key not in ("name", "kind", "description") for key in keys]
    lines = []
    for line in [keys, *cells]:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _cell(key: str, value: object) -> str:
    if value is None:
        return ""
    if key == "share":
        return f"{value:.2%}"
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)
