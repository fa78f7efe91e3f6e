"""`cellscope corpus list | build | get`: the corpora that have a name."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def corpus() -> None:
    """List, build and fetch known corpora.

    Built ones come from this machine, without a network: python (the standard library's sources) and readmes (the
    descriptions of installed packages). Fetched ones are downloaded and checked. They are kept under corpora/ in the
    current directory, and their names can be given wherever a text file is: cellscope train python
    """


@corpus.command("list")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table to read, or JSON with addresses and checksums as well.",
)
def list_(form: str) -> None:
    """Every known corpus: what it is, its size and licence, and whether it is here."""
    from cellscope.data.corpora import known_corpora

    rows = []
    for known in known_corpora():
        place = known.place()
        here = place.is_file()
        rows.append(
            {
                "name": known.name,
                "how": known.how,
                "bytes": place.stat().st_size if here else known.size,
                "here": str(place) if here else None,
                "licence": known.licence,
                "description": known.description,
                "address": known.address or None,
                "sha256": known.sha256 if known.how == "fetched" else None,
            }
        )
    if form == "json":
        import json

        click.echo(json.dumps(rows, indent=2))
        return
    _table(rows)


@corpus.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), help="The file to write, instead of corpora/built/NAME.txt.")
@click.option("--force", is_flag=True, help="Build it again if it is there.")
def build(name: str, to: Path | None, force: bool) -> None:
    """Build the corpus NAME from this machine, without a network."""
    _make(name, "built", to, force)


@corpus.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), help="The file to write, instead of corpora/fetched/NAME.")
@click.option("--force", is_flag=True, help="Fetch it again if it is there.")
def get(name: str, to: Path | None, force: bool) -> None:
    """Fetch the corpus NAME; a download that was cut goes on where it stopped."""
    _make(name, "fetched", to, force)


def _make(name: str, how: str, to: Path | None, force: bool) -> None:
    """Build or fetch, and say what was done: the path on stdout, remarks on stderr."""
    from cellscope.cli.say import bar, note
    from cellscope.data.corpora import known_corpus, make
    from cellscope.errors import InputError

    known = known_corpus(name)
    if known.how != how:
        other = "build" if known.how == "built" else "get"
        raise InputError(f"{name} is {known.how}, not {how}; use: cellscope corpus {other} {name}")
    fetched = how == "fetched"
    if fetched:
        note(f"{name}: {known.description}\nlicence: {known.licence}\nfrom {known.address}")
    if fetched and known.checksum is None:
        note("its checksum is not known, so what comes cannot be checked")
    with bar(name, unit="bytes" if fetched else "files") as progress:
        made = make(name, to=to, force=force, progress=progress)
    if made.kept:
        note(f"{made.path} is there and is kept; --force makes it again")
    if made.remark:
        note(made.remark)
    if made.received and known.checksum is None:
        note(f'received SHA-256 {made.received}; to pin it: sha256 = "{made.received}" in corpora.toml')
    click.echo(made.path)


def _table(rows: list[dict[str, object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=240)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "how", "MB", "here", "licence", "what it is"):
        table.add_column(heading, justify="right" if heading == "MB" else "left", no_wrap=heading == "name")
    for row in rows:
        size = f"{int(str(row['bytes'])) / 1e6:.1f}"
        cells = (row["name"], row["how"], size, "yes" if row["here"] else "no", row["licence"], row["description"])
        table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(table)
