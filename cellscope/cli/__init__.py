"""The command line: parse, one call of the pipeline, say. Nothing else in the package prints.

A command is one file of this folder and one line of `COMMANDS`. Command files import click alone at their top, so that
`cellscope --help` stays quick; what is heavy is imported inside the function.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module

import click

from cellscope.errors import CellscopeError

COMMANDS = (
    "train",
    "find",
    "explain",
    "kind",
    "compare",
    "atlas",
    "errors",
    "activations",
    "examples",
    "filters",
    "occlude",
    "saliency",
    "visualise",
    "maximise",
    "sample",
    "record",
    "adopt",
    "corpus",
    "features",
    "report",
    "demo",
    "lesion",
    "formation",
    "invariance",
    "backquery",
    "probe",
)
"""Every command; `train` is the click command `train` of the module `cellscope.cli.train`, and so on."""


class Commands(click.Group):
    """A group that imports a command's file only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"cellscope.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cellscope", message="cellscope %(version)s")
def cellscope() -> None:
    """A microscope for the neurons of recurrent networks.

    Train a character-level network on a text, find which single unit tracks which feature of the text, with the
    evidence that it does, and browse the pages:

    \b
        cellscope train corpus.txt
        cellscope find --feature url
    """


def _in_one_line(error: click.ClickException) -> str:
    """What click has to say of a mistake, and where to read on."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{said}; see {context.command_path} --help" if context is not None else said


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 1 or 2, never a traceback."""
    # Torch's threads would otherwise spin at every barrier of a step, which on a busy machine costs most of the time.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        code = cellscope.main(prog_name="cellscope", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("cellscope: interrupted", err=True)
        code = 130
    except click.ClickException as error:
        click.echo(f"cellscope: {_in_one_line(error)}", err=True)
        code = error.exit_code
    except CellscopeError as error:
        click.echo(f"cellscope: {error}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        click.echo("cellscope: interrupted", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (cellscope ... | head): nothing is left to say
        code = 0
    except Exception as error:
        if os.environ.get("CELLSCOPE_TRACEBACK"):
            raise
        reason = " ".join(str(error).split())[:300]
        said = (
            f"failed in a way that nobody foresaw: {type(error).__name__}: {reason} (CELLSCOPE_TRACEBACK=1 shows where)"
        )
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.ENAMETOOLONG):
            said = f"{error.strerror}: {error.filename!r:.120}" if error.filename else f"{error.strerror}"
        click.echo(f"cellscope: {said}", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
