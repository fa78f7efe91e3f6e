"""`cellscope saliency [RUN] PICTURE`: what a class or a unit is sensitive to, by seven methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.maps import asked_of, map_options, say_map
from cellscope.cli.say import bar
from cellscope.errors import InputError

METHODS = ("saliency", "gradient", "gradient-x-input", "guided", "deconvnet", "grad-cam", "integrated-gradients")


@click.command()
@map_options
@click.option(
    "--method", type=click.Choice(METHODS), default="saliency", show_default=True, help="How the map is made."
)
@click.option("--layer", metavar="SITE", help="The maps of grad-cam.  [default: the last]")
@click.option("--fill", metavar="FILL", help="Where integrated-gradients start from.  [default: zero]")
@click.option("--steps", type=int, help="Steps of integrated-gradients.  [default: 64]")
def saliency(
    run: str | None, picture: str | None, method: str, layer: str | None, fill: str | None, steps: int | None,
    draws: int, seed: int, reports: Path, **options: Any,
) -> None:  # fmt: skip
    """Draw what a class or a unit is sensitive to in a picture, and how much of the map survives without learning.

    RUN is a run's name or folder (default: the latest of pictures), PICTURE a number of the pictures that it held back
    (or of --images), or a picture file. PNG and JSON go to reports/NAME/maps.
    """
    from cellscope.axes import Site
    from cellscope.pipeline.maps import fill_of, saliency_map

    if layer is not None and method != "grad-cam":
        raise InputError(f"--layer is for --method grad-cam; {method} is a map of the picture itself")
    for name, given in (("fill", fill), ("steps", steps)):
        if given is not None and method != "integrated-gradients":
            raise InputError(f"--{name} is for --method integrated-gradients; {method} has no use for it; leave it out")
    asked = asked_of(run, picture, options)
    with bar("drawing layers anew", unit="maps") as progress:
        made = saliency_map(
            asked, method, layer=Site.parse(layer) if layer else None, fill=fill_of(fill or "zero"),
            steps=64 if steps is None else steps, draws=draws, seed=seed, progress=progress,
        )  # fmt: skip
    say_map(made, reports)
