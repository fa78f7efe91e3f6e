"""`cellscope probe [RUN]`: a readable model beside the network, and linear probes of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import SEED
from cellscope.cli.pictures import opened, picture_network_options
from cellscope.cli.say import bar, tabulate

if TYPE_CHECKING:
    from cellscope.vision.probes import Probes


@click.command()
@click.argument("run", required=False)
@picture_network_options
@click.option("--layer", "sites", multiple=True, metavar="SITE", help="A layer. Repeatable.  [default: all]")
@click.option("--grid", type=click.IntRange(1), default=1, show_default=True,
              help="Average feature maps over each of GRID x GRID parts; 1 loses all places.")  # fmt: skip
@click.option("--most", type=click.IntRange(4), default=2000, show_default=True,
              help="Look at so many pictures at most; one half teaches, the other scores.")  # fmt: skip
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Seed of the halves and of the untrained network."
)
@FORMAT
def probe(run: str | None, sites: tuple[str, ...], grid: int, most: int, seed: int, form: str, **options: Any) -> None:
    """Say what is already decided in which layer, and what a logistic regression on the pixels can do.

    Probes are logistic regressions too, on a layer's units or on the averages of its maps; the same network with
    weights drawn anew stands beside.
    """
    from cellscope.vision.probes import probes
    from cellscope.vision.readable import readable

    network, _, images = opened(run, options)
    simple = readable(network, images, most=most, seed=seed)
    with bar("probing", unit="layers") as progress:
        found = probes(network, images, sites=sites, grid=grid, most=most, seed=seed, progress=progress)
    if form == "json":
        click.echo(as_json(found, readable=simple))
        return
    click.echo(simple.sentence)
    if not simple.converged:
        click.echo("(the regression was stopped before it came to its end)")
    click.echo(_told(found))


def _told(found: Probes) -> str:
    rows = [
        [str(outlet.site), outlet.kind, f"{own:.3f} ({low:.3f}-{high:.3f})", f"{raw:.3f}"]
        for outlet, (own, low, high), (raw, _, _) in zip(found.outlets, found.accuracy, found.untrained, strict=True)
    ]
    table = tabulate(["layer", "kind", "probe", "untrained"], rows)
    late = ", ".join(map(str, found.unconverged))
    return f"{found.sentence}\n\n{table}" + (f"\n\nstopped before their end: {late}" if late else "")
