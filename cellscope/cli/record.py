"""`cellscope record`: everything that was heard, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.options import network_options, text_options


@click.command()
@network_options
@text_options
@click.option("--sites", help="What to record, by address: lstm.0:cell,lstm.0:hidden.")
@click.option("--streams", help="What to record, of every layer: h,c or all.  [default: h,c]")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The store to write.  [default: RUN.zarr]")
@click.option("--dtype", type=click.Choice(["float16", "float32"]), default="float32", show_default=True,
              help="float16 takes half the room, holds three digits, and nothing beyond 65,504.")  # fmt: skip
@click.option("--lanes", type=click.IntRange(1, 4096), default=64, show_default=True,
              help="Stretches of text that are read side by side, each after a warm-up.")  # fmt: skip
@click.option("--exact", is_flag=True, help="Read the text in one lane from rest, without any warm-up: slow.")
@click.option("--force", is_flag=True, help="Replace a recording that has this name.")
def record(
    sites: str | None,
    streams: str | None,
    output: Path | None,
    dtype: str,
    lanes: int,
    exact: bool,
    force: bool,
    text: str | None,
    encoding: str,
    as_bytes: bool,
    **network_of: Any,
) -> None:
    """Record what every unit did at every character into a zarr store.

    RUN is a run's name (default: the latest); its held-back text is read unless --text says otherwise.

    The store opens with xarray.open_zarr: one array [position, unit] for each site, called lstm.0.cell and so on, and
    the characters beside it.
    """
    from cellscope.cli.say import bar, note
    from cellscope.cli.subjects import picture_run
    from cellscope.data.corpora import resolve
    from cellscope.data.text import Corpus
    from cellscope.errors import InputError
    from cellscope.pipeline.networks import open_network
    from cellscope.pipeline.record import held_back, named_sites
    from cellscope.pipeline.record import record as write

    if sites and streams:
        raise InputError("--sites and --streams both say what to record; give one of them")
    if (seen := picture_run(network_of["run"], network_of)) is not None:
        raise InputError(
            f"run {seen.name} sees pictures, and record reads text; cellscope activations {seen.name} PICTURE writes "
            f"what every layer does on a picture, cellscope examples {seen.name} which pictures excite every unit"
        )
    network, folder = open_network(network_of.pop("run"), **network_of)
    chosen = named_sites(network, sites=sites, streams=streams)
    if text is not None:
        corpus = Corpus.open(resolve(text), encoding=encoding, as_bytes=as_bytes or network.vocabulary.kind == "bytes")
    elif folder is not None:
        corpus = held_back(folder)
    else:
        raise InputError("--model needs --text FILE: the text to read")
    path = output or Path(f"{network.name.replace('/', '_').replace(':', '.')}.zarr")
    note(f"recording {', '.join(map(str, chosen))} on {len(corpus):,} characters of {corpus.name}")
    with bar("recording") as progress:
        made = write(
            network,
            corpus,
            path,
            sites=chosen,
            dtype=dtype,
            lanes=lanes,
            exact=exact,
            overwrite=force,
            progress=progress,
        )
    click.echo(made)
