"""`cellscope demo`: from nothing to pages in some minutes, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cellscope.cli.options import PASSAGE, REPORTS, passage_option
from cellscope.cli.say import bar, note

if TYPE_CHECKING:
    from cellscope.training.run import RunFolder

CHARACTERS = 1_500_000
"""Searched at the end of the text: what was held back, and enough of the rest for the intervals of rare features."""


@click.command()
@click.argument("what", type=click.Choice(["text", "images"]), default="text")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Train so long.  [default: 12 million characters, 5 minutes at most; 11.25 epochs of images, 3.75 minutes]",
)
@click.option("--again", is_flag=True, help="Train a new network, though there is one.")
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of the runs."
)
@click.option(
    "--reports",
    type=REPORTS,
    default=Path("reports"),
    show_default=True,
    help="Folder of the pages.",
)
@passage_option
@click.pass_context
def demo(
    ctx: click.Context, what: str, minutes: float | None, again: bool, runs: Path, reports: Path, passage: int
) -> None:
    """Train a small network on texts of this machine, or on drawn images, look into it, and write the pages.

    The text is the standard library's sources with pieces of package descriptions between them; the images are scenes
    of coloured figures. Ctrl-C keeps what was learned, and the next `cellscope demo` goes on from there; a finished
    network is kept and looked at again.
    """
    if what == "images":
        if passage != PASSAGE:
            raise click.UsageError("--passage is for a text, and this is the demonstration on images; leave it out")
        _images(ctx, minutes, again, runs, reports)
        return
    from cellscope.cli.find import say_findings
    from cellscope.pipeline.find import find_in
    from cellscope.pipeline.pages import write_pages

    run = _trained(ctx, minutes, again, runs)
    with bar("searching") as progress:
        search = find_in(run.path, characters=CHARACTERS, progress=progress)
    say_findings(search.findings, 0.9)
    with bar("writing pages", unit="pages") as progress:
        page = write_pages(search, reports, passage=passage, progress=progress)
    click.echo(f"\nopen in a browser: {page.resolve().as_uri()}")
    note(f"one unit in full: cellscope explain {run.name} {_best(search)} --characters {CHARACTERS}")


def _trained(ctx: click.Context, minutes: float | None, again: bool, runs: Path) -> RunFolder:
    """The finished run of the demonstration, trained now where there is none."""
    from cellscope.cli.speaker import Speaker, interruptible, summary
    from cellscope.pipeline.demo import demo_text, finished, latest_demo, session

    known = latest_demo(runs)
    if known is not None and finished(known) and not again:
        note(f"run {known.name} is trained already (--again trains a new one)")
        return known
    with bar("building the text", unit="") as progress:
        text = demo_text(progress=progress)
    todo = session(text, runs=runs, minutes=minutes, again=again)
    assert todo is not None
    note(f"training {todo.run.name}, {todo.network.description}, on {len(todo.corpus):,} characters")
    with bar("training") as progress, interruptible() as stop:
        done = todo.train(on_event=Speaker(todo, progress).hear, stop=stop)
    if not done:
        note("stopped; cellscope demo goes on from here")
        ctx.exit(130)
    click.echo(summary(todo) + "\n")
    return todo.run


def _images(ctx: click.Context, minutes: float | None, again: bool, runs: Path, reports: Path) -> None:
    """The demonstration on pictures."""
    from cellscope.cli.find import say_findings
    from cellscope.cli.speaker import Speaker, interruptible, summary
    from cellscope.pipeline.classifiers import load_classifier
    from cellscope.pipeline.demo import finished
    from cellscope.pipeline.demo_images import demo_images, demo_session, latest
    from cellscope.pipeline.find_pictures import find_pictures
    from cellscope.pipeline.picture_pages.effort import QUICK
    from cellscope.pipeline.picture_pages.write import write_picture_pages
    from cellscope.pipeline.picture_training import held_back_images

    with bar("drawing", unit="pictures") as progress:
        images = demo_images(progress=progress)
    run = latest(runs)
    if run is not None and finished(run) and not again:
        note(f"run {run.name} is trained already (--again trains a new one)")
    else:
        todo = demo_session(images, runs=runs, minutes=minutes, again=again)
        note(f"training {todo.run.name}, {todo.description}, on {len(images):,} pictures")
        with bar("training", unit="pictures") as progress, interruptible() as stop:
            done = todo.train(on_event=Speaker(todo, progress).hear, stop=stop)
        if not done:
            note("stopped; cellscope demo images goes on from here")
            ctx.exit(130)
        click.echo(summary(todo) + "\n")
        run = todo.run
    with bar("searching", unit="pictures") as progress:
        search = find_pictures(load_classifier(run), run, held_back_images(run, images), progress=progress)
    say_findings(search.findings, 0.9)
    with bar("writing pages", unit="pages") as progress:
        page = write_picture_pages(search, reports, effort=QUICK, progress=progress)
    click.echo(f"\nopen in a browser: {page.resolve().as_uri()}")


def _best(search: object) -> str:
    """The unit of the best finding, or any."""
    from cellscope.pipeline.find import Search

    assert isinstance(search, Search)
    found = [e for e in search.findings.evidence if e.unit is not None]
    return str(max(found, key=lambda e: (e.found, e.kind == "span", e.score)).unit) if found else "lstm.0:cell/0"
