"""`cellscope filters [RUN]`: the weights of a convolution as pictures, beside the patches they like best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.options import REPORTS, SEED
from cellscope.cli.pictures import opened, picture_network_options
from cellscope.cli.say import bar, note


@click.command()
@click.argument("run", required=False)
@click.option("--site", metavar="SITE", help="A layer with filters.  [default: the first]")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the filters of noise.")
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
              help="Folder of the pages; filters go to NAME/filters in it.")  # fmt: skip
@picture_network_options
def filters(run: str | None, site: str | None, seed: int, reports: Path, **options: Any) -> None:
    """Draw the filters of a layer; of the first, say how Gabor-like they are and which are one another turned.

    RUN is a run's name or folder (default: the latest of pictures). Beside every filter of the first layer stand the
    patches that excite it most, the best one's picture, and the filter's response to it.
    """
    from cellscope.pipeline.filter_pictures import look_at_filters, write_filters
    from cellscope.report.files import safe_name

    network, _, images = opened(run, options)
    with bar("filters", unit="steps") as progress:
        found = look_at_filters(network, images, site, seed=seed, progress=progress)
    folder = reports / safe_name(network.name) / "filters"
    paths = write_filters(network, found, folder)
    count, channels, rows, columns = found.own.weights.shape
    click.echo(
        f"{found.own.site}: {count} filters of {channels} x {rows} x {columns}, each scaled by its largest weight"
    )
    for sentence in found.sentences:
        click.echo(sentence)
    for path in paths:
        note(f"written: {path}")
