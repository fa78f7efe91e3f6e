"""`cellscope occlude [RUN] PICTURE`: what the network's answer loses when a window of the picture is covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.maps import asked_of, map_options, say_map
from cellscope.cli.say import bar


@click.command()
@map_options
@click.option(
    "--window", default="8", show_default=True, metavar="PIXELS", help="Size of the window: 8, or ROWSxCOLUMNS."
)
@click.option("--stride", default="4", show_default=True, metavar="PIXELS", help="How far it moves at a time.")
@click.option(
    "--fill", default="grey", show_default=True, metavar="FILL",
    help="What covers: zero, grey, mean, black, white, a brightness from 0 to 1, or one a channel.",
)  # fmt: skip
def occlude(
    run: str | None, picture: str | None, window: str, stride: str, fill: str, draws: int, seed: int, reports: Path,
    **options: Any,
) -> None:  # fmt: skip
    """Draw how much each part of a picture counts: it is covered, and what the answer loses is drawn there.

    RUN is a run's name or folder (default: the latest of pictures), PICTURE a number of the pictures that it held back
    (or of --images), or a picture file. PNG and JSON go to reports/NAME/maps.
    """
    from cellscope.cli.pictures import size_of
    from cellscope.pipeline.maps import fill_of, occlusion_map

    asked = asked_of(run, picture, options)
    with bar("covering", unit="windows") as progress:
        made = occlusion_map(
            asked, window=size_of(window), stride=size_of(stride), fill=fill_of(fill), draws=draws, seed=seed,
            progress=progress,
        )  # fmt: skip
    say_map(made, reports)
