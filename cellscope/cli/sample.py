"""`cellscope sample [RUN]`: text that a network writes, free or with units held at values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.options import SEED, network_options
from cellscope.errors import InputError

ALONE = ("feature", "samples", "form", "pages", "reports", "single_file")
"""Options that say something of held units alone."""


@click.command(context_settings={"show_default": True})
@network_options
@click.option("--prime", "--primetext", "prime", default="", help="Text that the network reads first.")
@click.option("--length", type=click.IntRange(0), default=2000, help="Characters to write.")
@click.option("--temperature", type=float, default=1.0, help="0 takes the likeliest character each time.")
@click.option("--seed", type=SEED, default=123, help="Seed of what is drawn.")
@click.option("--hold", "holds", multiple=True, metavar="UNIT=VALUE",
              help="Hold a unit (lstm.0:cell/7=+0.9) or a component (lstm.0.cell:pca/3=2) while the network reads and "
              "writes. Repeatable.")  # fmt: skip
@click.option("--feature", "-f", "feature", metavar="NAME",
              help="With --hold: how often this feature is on, held and free. NAME or NAME=PATTERN.")  # fmt: skip
@click.option("--samples", type=click.IntRange(2, 100_000), default=200,
              help="With --feature: texts that are drawn, held and free.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table",
              help="With --hold: what goes to stdout.")  # fmt: skip
@click.option("--pages/--no-pages", default=True, help="With --hold: write the page.")
@click.option("--reports", type=click.Path(path_type=Path), default=Path("reports"),
              help="With --hold: folder of the pages.")  # fmt: skip
@click.option(
    "--single-file", is_flag=True, help="With --hold: put everything that the page needs into the page itself."
)
@click.pass_context
def sample(
    ctx: click.Context, /, run: str | None, holds: tuple[str, ...], prime: str, length: int, temperature: float,
    seed: int, runs: Path, which: str, model: str | None, weights: Path | None, vocabulary: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Write the prime text, and what the network of RUN (the latest by default) makes of it.

    With --hold, the network writes with units held at values, and free from the same seed, side by side.
    """
    from cellscope.models.sampling import sample as draw
    from cellscope.pipeline.networks import open_network

    for option in [o for o in ctx.command.params if o.name in ALONE and not holds]:
        if ctx.get_parameter_source(str(option.name)) == click.core.ParameterSource.COMMANDLINE:
            raise InputError(f"{option.opts[0]} says what to tell of held units; give --hold UNIT=VALUE too")
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    drawn: dict[str, Any] = {"prime": prime, "length": length, "temperature": temperature, "seed": seed}
    if holds:
        _steer(network, folder, holds, drawn, **options)
        return
    pieces = draw(network, **drawn)
    first = next(pieces, "")  # an unfit prime text or temperature is refused before anything is written
    click.echo(prime + first, nl=False)
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()


def _steer(
    network: Any, folder: Any, holds: tuple[str, ...], drawn: dict[str, Any], *, feature: str | None,
    samples: int, form: str, pages: bool, reports: Path, single_file: bool,
) -> None:  # fmt: skip
    from cellscope.cli.beside import beside
    from cellscope.cli.say import bar, note
    from cellscope.features.library import select
    from cellscope.pipeline.components import learnt_from
    from cellscope.pipeline.exhibits.steering import write_steering
    from cellscope.pipeline.find import SEED as SEARCH
    from cellscope.pipeline.steering import remarks, steer
    from cellscope.pipeline.training import run_corpus

    chosen = None if feature is None else select([feature])[0]
    with bar("writing") as progress:
        learn = (
            None
            if folder is None
            else learnt_from(network, lambda _: run_corpus(folder), seed=SEARCH, progress=progress)
        )
        steered = steer(network, holds, **drawn, feature=chosen, samples=samples, learn=learn, progress=progress)
    for remark in remarks(network, steered.held):
        note(f"note: {remark}")
    click.echo(steered.json() if form == "json" else beside(steered))
    if pages:
        note(f"page: {write_steering(steered, folder, reports, single_file=single_file)}")
