"""`cellscope examples [RUN]`: the pictures that excite every unit most, least, and some at random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.options import REPORTS, SEED
from cellscope.cli.pictures import opened, picture_network_options, with_components
from cellscope.cli.say import bar, note, tabulate


@click.command()
@click.argument("run", required=False)
@click.option("--site", "sites", multiple=True, metavar="SITE", help="A layer. Repeatable.  [default: all]")
@click.option("--unit", "units", multiple=True, metavar="SITE/INDEX",
              help="A unit drawn in every way: whole, overlaid, deconvnet, guided. Repeatable.")  # fmt: skip
@click.option("--top", "k", type=click.IntRange(1, 100), default=9, show_default=True, help="How many of each.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the random pictures.")
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
              help="Folder of the pages; examples go to NAME/examples in it.")  # fmt: skip
@picture_network_options
def examples(
    run: str | None, sites: tuple[str, ...], units: tuple[str, ...], k: int, seed: int, reports: Path, **options: Any
) -> None:
    """Find, for every unit, the pictures in which its maximum is greatest and least, and some at random.

    RUN is a run's name or folder (default: the latest of pictures). For each layer a table (CSV, JSON) and a PNG of all
    units' best pictures, cut to what the unit sees, are written.
    """
    from cellscope.axes import Unit
    from cellscope.pipeline.unit_examples import look, write_examples, write_unit
    from cellscope.report.files import safe_name

    network, _, images = opened(run, options)
    network, (sites, units) = with_components(network, images, sites, units)
    chosen = tuple(Unit.parse(text) for text in units)
    folder = reports / safe_name(network.name) / "examples"
    with bar("looking", unit="pictures") as progress:
        looked = look(network, images, sites=sites, units=chosen, k=k, seed=seed, progress=progress)
    note(f"{len(images):,} pictures of {images.name}")
    with bar("drawing", unit="layers") as progress:
        write_examples(looked, folder, progress=progress)
    rows = []
    for site, found in looked.found.items():
        size = looked.fields[site].size
        dead = " ".join(map(str, found.dead)) or "-"
        rows.append(
            [str(site), str(len(found.active)), f"{size[0]} x {size[1]}", f"{found.top.values.max():.4g}", dead]
        )
    click.echo(tabulate(["layer", "units", "sees", "greatest", "dead units"], rows))
    for unit in chosen:
        paths, remarks = write_unit(looked, unit, folder)
        for remark in remarks:
            click.echo(f"note: {remark}")
        for path in paths:
            note(f"written: {path}")
    note(f"written: {folder}")
