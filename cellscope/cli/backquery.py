"""`cellscope backquery [RUN]`: labels run backwards through a sigmoid network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import REPORTS
from cellscope.cli.pictures import opened, picture_network_options
from cellscope.cli.say import note, tabulate
from cellscope.errors import InputError, not_found


@click.command()
@click.argument("run", required=False)
@picture_network_options
@click.option("--class", "-c", "asked", multiple=True, metavar="NAME", help="A class. Repeatable.  [default: all]")
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
              help="Folder of the pages; the pictures go to NAME/maps/backquery.png in it.")  # fmt: skip
@FORMAT
def backquery(run: str | None, asked: tuple[str, ...], reports: Path, form: str, **options: Any) -> None:
    """Run labels backwards through a sigmoid network (Make Your Own Neural Network), and show it the pictures.

    One picture a label goes to a PNG; the table says what the network tells of each, and which class's mean picture it
    is most like.
    """
    from cellscope.report.files import safe_name
    from cellscope.vision.backquery import backquery as run_back
    from cellscope.vision.backquery import likeness

    network, _, images = opened(run, options)
    for name in asked:
        if name not in network.classes:
            raise not_found("class", name, network.classes)
    found = run_back(network, tuple(network.classes.index(name) for name in asked) or None)
    alike = likeness(found, network, images) if images.labels is not None else None
    if form == "json":
        click.echo(as_json(found, told=found.told, likeness=alike))
    else:
        near = [network.classes[c] for c in alike.nearest] if alike is not None else [""] * len(found.labels)
        rows = [
            [network.classes[label], network.classes[told], f"{found.answers[k, told]:.3f}", near[k]]
            for k, (label, told) in enumerate(zip(found.labels, found.told, strict=True))
        ]
        click.echo(tabulate(["label", "told", "output", "most like"], rows))
        click.echo(found.sentence)
    if found.pictures.ndim == 4:
        _draw(reports / safe_name(network.name) / "maps" / "backquery.png", found.pictures)


def _draw(path: Path, pictures: Any) -> None:
    import numpy as np

    from cellscope.report.pictures import at_least, png, shown, tiles

    drawn = np.stack([shown(picture) for picture in pictures])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(at_least(tiles(drawn), 400)))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error
    note(f"pictures: {path}")
