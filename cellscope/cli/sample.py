"""`cellscope sample [RUN]`: text that a network writes."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"show_default": True})
@click.argument("run", required=False)
@click.option("--runs", default="runs", type=click.Path(path_type=Path), help="Folder that holds the runs.")
@click.option("--which", default="best", help="Weights of the run: best, last, or the step of a snapshot.")
@click.option("--prime", "--primetext", "prime", default="", help="Text that the network reads first.")
@click.option("--length", type=click.IntRange(0), default=2000, help="Characters to write.")
@click.option("--temperature", type=float, default=1.0, help="0 takes the likeliest character each time.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=123, help="Seed of what is drawn.")
@click.option("--model", metavar="MODULE:FACTORY", help="Somebody else's network, instead of a run.")
@click.option("--weights", type=click.Path(path_type=Path), help="The weights of --model (safetensors or torch).")
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="The symbols of --model, in the order of their ids."
)
def sample(
    run: str | None,
    runs: Path,
    which: str,
    prime: str,
    length: int,
    temperature: float,
    seed: int,
    model: str | None,
    weights: Path | None,
    vocabulary: Path | None,
) -> None:
    """Write the prime text, and what the network of RUN (the latest by default) makes of it."""
    from cellscope.models.sampling import sample as draw
    from cellscope.pipeline.networks import open_network

    network, _ = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    pieces = draw(network, prime=prime, length=length, temperature=temperature, seed=seed)
    first = next(pieces, "")  # an unfit prime text or temperature is refused before anything is written
    click.echo(prime + first, nl=False)
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()
