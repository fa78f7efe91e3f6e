"""`cellscope atlas [RUN]`: every unit of a run and what it tracks, or plainly nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.find import PICTURES_ALONE, TEXT_ALONE, search_pictures
from cellscope.cli.options import network_options, search_options, text_options
from cellscope.cli.pictures import preparation_options, sites_option
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import looks, refuse

if TYPE_CHECKING:
    from cellscope.pipeline.atlas import Atlas

SHOWN = 40
"""Units that are printed; the page, CSV and JSON have all."""


@click.command()
@network_options
@text_options
@search_options
@preparation_options
@sites_option
@click.option(
    "--at",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="The score (AUC, or rank r) from which on a unit counts in the share.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="What goes to stdout.",
)
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the page.")
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@click.pass_context
def atlas(
    ctx: click.Context, /, at: float, form: str, reports: Path, pages: bool, single_file: bool, **options: Any
) -> None:
    """List every unit of a network with the feature of a text, or the concept of pictures, that it tracks best, or
    plainly nothing, and how many track any.

    RUN is a run's name or folder (default: the latest). The numbers are those of `cellscope find` with the same
    options.
    """
    from cellscope.pipeline.atlaspage import write_atlas
    from cellscope.report.files import csv_text

    looking = looks(options)
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    made = _of_pictures(at, options) if looking else _of_text(at, options)
    if form == "json":
        click.echo(made.json())
    elif form == "csv":
        rows = made.rows()
        click.echo(csv_text(rows[0], rows), nl=False)
    else:
        _say(made)
    if pages:
        note(f"page: {write_atlas(made, reports, single_file=single_file)}")


def _of_text(at: float, options: dict[str, Any]) -> Atlas:
    from cellscope.pipeline.atlas import atlas_in

    for name in PICTURES_ALONE:
        options.pop(name)
    with bar("searching") as progress:
        return atlas_in(at=at, progress=progress, **options)


def _of_pictures(at: float, options: dict[str, Any]) -> Atlas:
    from cellscope.pipeline.atlas import atlas

    return atlas(search_pictures(options.pop("asked"), options), at=at)


def _say(made: Atlas) -> None:
    from cellscope.evidence.verdicts import digits
    from cellscope.pipeline.atlas import criterion
    from cellscope.pipeline.atlaspage import share_in_words

    click.echo(made.sentence)
    click.echo(
        f"units at {made.share.at:g} or better: {share_in_words(made.share)}"
        + f", over resampled blocks of the {made.terms.subject}" * (made.share.draws > 0)
    )
    click.echo(f"criterion: {criterion(made.terms)}")
    told = [row for row in made.rows() if row["evidence"] != "no"]
    rows = [
        [str(row["evidence"]), str(row["unit"]), ("-" if row["sign"] == -1 else "+") + str(row["feature"]),
         str(row["measure"]), *(digits(_number(row[name])) for name in ("score", "low", "high")), str(row["also"])]
        for row in told[:SHOWN]
    ]  # fmt: skip
    if rows:
        click.echo(
            "\n" + tabulate(["evidence", "unit", made.terms.feature, "measure", "score", "low", "high", "also"], rows)
        )
    if len(told) > SHOWN:
        click.echo(f"and {len(told) - SHOWN:,} more, on the page and in --format json")
    nothing = len(made.entries) - len(told)
    click.echo(f"nothing found: {nothing:,} units")


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")
