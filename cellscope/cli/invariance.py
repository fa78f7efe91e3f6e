"""`cellscope invariance [RUN]`: how far each layer moves when the pictures do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import SEED
from cellscope.cli.pictures import opened, picture_network_options
from cellscope.cli.say import bar, tabulate
from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.vision.invariance import Invariance
    from cellscope.vision.perturbations import Transform


@click.command()
@click.argument("run", required=False)
@picture_network_options
@click.option("--transform", "asked", multiple=True, metavar="NAME=AMOUNTS",
              help="translation, rotation, scale, brightness or noise, as in rotation=-10,0,10. Repeatable.  "
              "[default: all that the pictures can bear]")  # fmt: skip
@click.option("--layer", "sites", multiple=True, metavar="SITE", help="A layer. Repeatable.  [default: all]")
@click.option(
    "--most", type=click.IntRange(2), default=256, show_default=True, help="Look at so many pictures at most."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the sample and of the noise.")
@click.option("--pooled", is_flag=True, help="Compare the averages of maps over their places, not the maps.")
@FORMAT
def invariance(
    run: str | None,
    asked: tuple[str, ...],
    sites: tuple[str, ...],
    most: int,
    seed: int,
    pooled: bool,
    form: str,
    **options: Any,
) -> None:
    """Move, turn, scale and brighten pictures, add noise, and say how far each layer goes along.

    Figures are distances from the unchanged picture's representation, divided by that between different pictures: 0 is
    invariant, 1 is as far as another picture.
    """
    from cellscope.vision.invariance import invariance as measure

    transforms = [parsed(text) for text in asked]
    network, _, images = opened(run, options)
    with bar("changing", unit="pictures") as progress:
        found = measure(
            network, images, transforms=transforms, sites=sites, most=most, seed=seed, progress=progress
        )  # fmt: skip
    click.echo(as_json(found) if form == "json" else _told(found, pooled=pooled))


def parsed(text: str) -> Transform:
    """`rotation=-10,0,10` as a transform."""
    from cellscope.vision.perturbations import Transform

    name, _, amounts = text.partition("=")
    try:
        return Transform(name.strip(), tuple(float(part) for part in amounts.split(",")))
    except ValueError as error:
        raise InputError(f"--transform {text!r} names no amounts; write it as in rotation=-10,0,10") from error


def _told(found: Invariance, *, pooled: bool) -> str:
    parts = []
    for curve in found.curves:
        change = curve.pooled if pooled else curve.change
        rows = [[str(o.site), o.kind, *(_number(v) for v in change[at])] for at, o in enumerate(found.outlets)]
        rows.append(["same answer", "", *(_number(v) for v in curve.same)])
        if (curve.accuracy == curve.accuracy).all():
            rows.append(["accuracy", "", *(_number(v) for v in curve.accuracy)])
        heads = ["layer", "kind", *(f"{amount:g}" for amount in curve.transform.amounts)]
        parts.append(f"{curve.transform.name} ({curve.transform.unit})\n{tabulate(heads, rows)}")
    if found.gains and not pooled:
        parts.append("\n".join(gain.sentence for gain in found.gains))
    if found.constant:
        parts.append(f"the same for all pictures: {', '.join(map(str, found.constant))}")
    if found.remark:
        parts.append(f"note: {found.remark}")
    return "\n\n".join(parts)


def _number(value: float) -> str:
    return f"{value:.2f}" if value == value else "-"
