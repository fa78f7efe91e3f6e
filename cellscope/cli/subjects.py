"""Whether a command is about a text or about pictures, for those that know both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.training.run import RunFolder


def looks(options: dict[str, Any]) -> bool:
    """Whether it is pictures that are meant: --images says so, or the run was trained on some."""
    return options["images"] is not None or picture_run(options["run"], options) is not None


def picture_run(run: str | None, options: dict[str, Any]) -> RunFolder | None:
    """The run that is meant (the latest by default), if it was trained on pictures; None otherwise, and for --model."""
    from cellscope.pipeline.classifiers import is_picture_run
    from cellscope.training.run import latest_run, open_run

    if options["model"] is not None:
        return None
    folder = open_run(run, options["runs"]) if run is not None else latest_run(options["runs"])
    return folder if is_picture_run(folder) else None


def both_look(first: str, second: str, runs: Path) -> bool:
    """Whether two runs, or snapshots, see pictures; InputError where one does and the other reads a text."""
    from cellscope.pipeline.addressed import addressed
    from cellscope.pipeline.classifiers import is_picture_run

    both = [addressed(address, runs).run for address in (first, second)]
    looking = [is_picture_run(run) for run in both]
    if len(set(looking)) > 1:
        seeing, reading = (both[looking.index(kind)].name for kind in (True, False))
        raise InputError(
            f"{seeing} sees pictures and {reading} reads a text: there is nothing that both could be given"
        )
    return looking[0]


def refuse(ctx: click.Context, names: Iterable[str], looking: bool) -> None:
    """InputError for an option of these names that was given and says nothing of the subject."""
    for option in given(ctx, names):
        what = ("a text", "pictures") if looking else ("pictures", "a text")
        raise InputError(f"{option} is for {what[0]}, and this network reads {what[1]}; leave it out")


def refuse_given(ctx: click.Context, names: Iterable[str], why: str) -> None:
    """InputError for an option of these names that was given: `why` follows its name."""
    for option in given(ctx, names):
        raise InputError(f"{option} {why}")


def given(ctx: click.Context, names: Iterable[str]) -> list[str]:
    """Those of these options that stand on the command line, as they are written there."""
    typed = click.core.ParameterSource.COMMANDLINE
    known = {str(option.name): option.opts[0] for option in ctx.command.params}
    return [known[name] for name in names if name in known and ctx.get_parameter_source(name) == typed]
