"""Options that several commands share: which network, and which text."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cellscope.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])


class _Reports(click.Path):
    """A folder of pages, or where one can be made: asked before hours of work, not after them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if ctx is None or ctx.params.get("pages") is not False:
            there = next((p for p in (path, *path.absolute().parents) if p.exists()), path)
            if not there.is_dir():
                raise InputError(f"pages cannot go to {path}: {there} is a file; give another --reports FOLDER")
            if not os.access(there, os.W_OK | os.X_OK):
                raise InputError(f"pages cannot go to {path}: {there} is not writable; give another --reports FOLDER")
        return path


SEED = click.IntRange(0, 2**63 - 1)
"""What every generator of random numbers takes."""
REPORTS = _Reports(path_type=Path)
"""Where pages go."""
PASSAGE, PASSAGES = 3_800, click.IntRange(100, 100_000)
"""Characters that a page has to read: how many where nothing is said, and how many may be asked for."""


def network_options(command: F) -> F:
    """RUN, --runs, --which, or somebody else's --model, --weights, --vocabulary."""
    options = (
        click.argument("run", required=False),
        click.option(
            "--runs", default="runs", show_default=True, type=click.Path(path_type=Path), help="Folder of the runs."
        ),
        click.option("--which", default="best", show_default=True, help="best, last, or the step of a snapshot."),
        click.option("--model", metavar="MODULE:FACTORY", help="Somebody else's network, instead of a run."),
        click.option(
            "--weights", type=click.Path(path_type=Path), help="The weights of --model (safetensors or torch)."
        ),
        click.option(
            "--vocabulary", type=click.Path(path_type=Path), help="The symbols of --model, in the order of ids."
        ),
    )
    return decorated(command, options)


def text_options(command: F) -> F:
    """--text, --encoding, --bytes."""
    options = (
        click.option(
            "--text", metavar="FILE", help="The text to read, or the name of a known corpus.  [default: the run's own]"
        ),
        click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text."),
        click.option("--bytes", "as_bytes", is_flag=True, help="Read the text as bytes."),
    )
    return decorated(command, options)


def search_options(command: F) -> F:
    """--feature, --features, --characters, --seed, --reports: what is looked for, where, and where its pages go."""
    return searching(command, characters=0)


def searching(command: F, *, characters: int) -> F:
    """The same, with how many `characters` are read where nothing is said; 0 for all."""
    told = "all of it" if characters == 0 else f"{characters:,}; 0 for all"
    options = (
        click.option("--feature", "-f", "asked", multiple=True, metavar="NAME",
                     help="A feature of the library, or NAME=PATTERN. Repeatable.  [default: all]"),
        click.option("--features", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
                     help="Features of yours, in TOML."),
        click.option("--characters", type=click.IntRange(min=0), default=characters,
                     help=f"Search only the last so many characters of the text.  [default: {told}]"),
        click.option("--seed", type=SEED, default=123, show_default=True,
                     help="Seed of the shifts and of the untrained network."),
        click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
                     help="Folder of the pages."),
    )  # fmt: skip
    return decorated(command, options)


def passage_option(command: F) -> F:
    """--passage: how much text a page has to read."""
    options = (
        click.option("--passage", type=PASSAGES, default=PASSAGE, metavar="N",
                     help=f"Characters of text to read on a page, about; a page holds 512 units with up to 20,000, "
                     f"beyond that fewer.  [default: {PASSAGE:,}]"),
    )  # fmt: skip
    return decorated(command, options)


def decorated(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    """The command with all options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command
