"""`cellscope adopt CHECKPOINT --vocabulary FILE`: make a run of somebody's bare weights."""

from __future__ import annotations

from pathlib import Path

import click

from cellscope.cli.say import note


@click.command(context_settings={"show_default": True})
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--vocabulary", required=True, type=click.Path(path_type=Path), help="Its symbols, in the order of ids.")
@click.option("--run", help="Name of the new run.  [default: from CHECKPOINT]", metavar="NAME")
@click.option("--runs", default="runs", type=click.Path(path_type=Path), help="Folder that holds the runs.")
def adopt(checkpoint: Path, vocabulary: Path, run: str | None, runs: Path) -> None:
    """Make a run of CHECKPOINT, the state dict of one (stacked) LSTM, GRU or RNN, so that every command works on it.

    The network needs an embedding or a one-hot input, and a linear head. CHECKPOINT is a .safetensors file or what
    torch.save wrote of a state_dict(); nothing in it is ever run. Other networks: --model (see docs/other-networks.md).
    """
    from cellscope.pipeline.networks import adopt as make

    folder, layout = make(checkpoint, vocabulary=vocabulary, runs=runs, name=run)
    for remark in layout.remarks:
        note(f"note: {remark}")
    click.echo(f"run {folder.name}: {layout.config.describe()}, {layout.config.vocabulary_size} symbols, {folder.path}")
