"""`cellscope report [RUN]`: where the pages are; write their index anew, open them, or serve them to this machine."""

from __future__ import annotations

from pathlib import Path

import click

from cellscope.cli.options import REPORTS
from cellscope.cli.say import note


@click.command()
@click.argument("run", required=False)
@click.option(
    "--reports",
    type=REPORTS,
    default=Path("reports"),
    show_default=True,
    help="Folder of the pages.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page in a browser.")
@click.option("--serve", is_flag=True, help="Serve the pages to this machine alone (127.0.0.1), until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of --serve; 0 for any free one.",
)
def report(run: str | None, reports: Path, open_: bool, serve: bool, port: int) -> None:
    """Print where the pages are, of all runs or of RUN, after writing the index over all of them anew.

    Pages are written by `cellscope find` and `cellscope explain`; they need no server and no network. --serve is for
    a machine that is reached over ssh: forward the port, and open the address it prints.
    """
    from cellscope.pipeline.reports import pages_of

    page = pages_of(reports, run)
    if not serve:
        click.echo(page)
        if open_:
            click.launch(str(page.resolve()))
        return
    from cellscope.pipeline.reports import server

    with server(reports, port) as serving:
        address = f"http://127.0.0.1:{serving.server_address[1]}/{page.relative_to(reports).as_posix()}"
        click.echo(address)
        note("Ctrl-C ends it")
        if open_:
            click.launch(address)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            note("no longer served")
