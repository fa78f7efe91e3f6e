"""Whether a command is about a text or about pictures, for those that know both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from cellscope.errors import InputError


def looks(options: dict[str, Any]) -> bool:
    """Whether it is pictures that are meant: --images says so, or the run was trained on some."""
    from cellscope.pipeline.classifiers import is_picture_run
    from cellscope.training.run import latest_run, open_run

    if options["images"] is not None or options["model"] is not None:
        return options["images"] is not None
    run, runs = options["run"], options["runs"]
    return is_picture_run(open_run(run, runs) if run is not None else latest_run(runs))


def refuse(ctx: click.Context, names: Iterable[str], looking: bool) -> None:
    """InputError for an option of these names that was given and says nothing of the subject."""
    for option in [o for o in ctx.command.params if o.name in names]:
        if ctx.get_parameter_source(str(option.name)) == click.core.ParameterSource.COMMANDLINE:
            what = ("a text", "pictures") if looking else ("pictures", "a text")
            raise InputError(f"{option.opts[0]} is for {what[0]}, and this network reads {what[1]}; leave it out")
