"""`cellscope maximise [RUN] UNIT...`: pixels climbed until a unit or class answers most, from several starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.optimising import network_of, optimising_options, say_values
from cellscope.cli.say import bar, tabulate


@click.command()
@optimising_options
@click.option("--recipe", default="any", show_default=True,
              help="any, yosinski-1 to yosinski-4, erhan, simonyan.")  # fmt: skip
@click.option("--of", metavar="WHAT", default="", help="neuron (default) or channel of units, logit or probability.")
@click.option("--starts", type=click.IntRange(1), default=4, show_default=True, help="Random starts of each.")
def maximise(
    run: str | None, units: tuple[str, ...], named: tuple[str, ...], recipe: str, of: str, starts: int,
    steps: int | None, seed: int, out: Path | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Climb on pixels until UNITs (the neuron in the middle of the map) or classes answer most; do the starts agree?

    RUN is a run's name or folder; the latest of pictures, if the first UNIT stands in its place. A recipe's numbers are
    those published, in 0..255 less the mean colour. PNG and JSON go to --out.
    """
    from cellscope.pipeline.objectives import objective_of
    from cellscope.pipeline.optimised import planned, refuse_to_replace, write_maximisation
    from cellscope.report.files import safe_name
    from cellscope.vision.maximise import maximise as climb
    from cellscope.vision.samples import best_samples

    classifier, images, units = network_of(run, units, named, options)
    objective = objective_of(classifier, units, named, of or ("logit" if named else "neuron"))
    folder = out or Path("reports") / safe_name(classifier.name) / "optimised"
    refuse_to_replace(planned(folder, f"maximised-{recipe}", objective.names, seed), force)
    with bar("climbing", unit="steps") as progress:
        made = climb(classifier, objective, recipe=recipe, steps=steps, starts=starts, seed=seed, progress=progress)
        samples = None if images is None else best_samples(classifier, objective, images, progress=progress)
    paths = write_maximisation(made, folder, samples=samples, images=images)
    best = [
        (name, float(curve[:, 0].max()), float(values.max()), "dead: no gradient reaches it" if dead.all() else "")
        for name, curve, values, dead in zip(made.names, made.curve, made.values, made.dead, strict=True)
    ]
    agreement = made.agreement
    if made.values.shape[1] > 1:
        rows = [
            [name, str(int(modes)) if modes else "-", f"{alike:.2f}", f"{spread:.2f}"]
            for name, modes, alike, spread in zip(
                made.names, agreement.modes, agreement.correlation, agreement.spread, strict=True
            )
        ]
        click.echo(tabulate(["starts of", "modes", "correlation", "spread of value"], rows))
        between = "" if agreement.others != agreement.others else f"; between units it is {agreement.others:.2f}"
        click.echo(f"alike from a correlation of {agreement.alike:g} on{between}\n")
    say_values(best, samples, 1, paths, f"{made.recipe.source}; {made.units}")
