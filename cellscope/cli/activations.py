"""`cellscope activations [RUN] PICTURE`: what every layer does with one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.maps import picture_of
from cellscope.cli.options import REPORTS
from cellscope.cli.pictures import picture_network_options, with_components
from cellscope.cli.say import note, tabulate


@click.command()
@click.argument("run", required=False)
@click.argument("picture", required=False)
@click.option("--site", "sites", multiple=True, metavar="SITE", help="A layer. Repeatable.  [default: all]")
@click.option("--unit", "units", multiple=True, metavar="SITE/INDEX", help="A unit that is drawn large. Repeatable.")
@click.option("--scale", type=click.Choice(["shared", "unit"]), default="shared", show_default=True,
              help="One scale for all units of a layer, or each unit its own.")  # fmt: skip
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
              help="Folder of the pages; pictures go to NAME/activations in it.")  # fmt: skip
@picture_network_options
def activations(
    run: str | None, picture: str | None, sites: tuple[str, ...], units: tuple[str, ...], scale: str, reports: Path,
    **options: Any,
) -> None:  # fmt: skip
    """Draw the activations of every layer for one picture as grids of tiles, and print their ranges.

    RUN is a run's name or folder (default: the latest of pictures), PICTURE a number of the pictures that it held back
    (or of --images), or a picture file. Signed maps are orange below zero and blue above; others go from black to
    white. Unit k is the k-th tile in reading order.
    """
    from cellscope.pipeline.layers import write_activations
    from cellscope.report.files import safe_name

    network, images, number = picture_of(run, picture, options)
    network, (sites, units) = with_components(network, images, sites, units)
    folder = reports / safe_name(network.name) / "activations" / safe_name(f"{images.name}-{number}")
    rows = write_activations(network, images, number, folder, sites=sites, units=units, scale=scale)
    cells = [
        [row["site"], row["kind"], f"{row['units']} x {row['rows']} x {row['columns']}", f"{row['low']:.4g}",
         f"{row['high']:.4g}", row["silent"] or "-"]
        for row in rows
    ]  # fmt: skip
    click.echo(tabulate(["layer", "kind", "units x rows x columns", "least", "greatest", "silent units"], cells))
    note(f"written: {folder}")
