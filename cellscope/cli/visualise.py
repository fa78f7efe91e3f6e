"""`cellscope visualise [RUN] UNIT...`: pictures that a unit or class answers to most, by feature visualisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.optimising import network_of, optimising_options, say_values
from cellscope.cli.say import bar


@click.command()
@optimising_options
@click.option("--of", metavar="WHAT", default="", help="channel or neuron of units, logit or probability of classes.")
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True, help="Pictures of each.")
@click.option("--diversity", type=float, default=0.0, show_default=True,
              help="How much the repeats of a unit are driven apart, as in 100.")  # fmt: skip
@click.option("--negative", is_flag=True, help="What it answers to least, instead.")
def visualise(
    run: str | None, units: tuple[str, ...], named: tuple[str, ...], of: str, repeats: int, diversity: float,
    negative: bool, steps: int | None, seed: int, out: Path | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw pictures that UNITs (site/index, or a site for all of its units) or classes answer to most.

    RUN is a run's name or folder; the latest of pictures, if the first UNIT stands in its place. The pictures are held
    as Fourier coefficients and must survive small moves (Olah et al. 2017). Beside each stand the nine pictures of the
    data that the same number is greatest for: an optimum is no typical sample. PNG and JSON go to --out.
    """
    from cellscope.errors import InputError
    from cellscope.pipeline.optimised import objective_of, planned, refuse_to_replace, write_visualisation
    from cellscope.report.files import safe_name
    from cellscope.vision.objectives import diversity as alike
    from cellscope.vision.samples import best_samples
    from cellscope.vision.visualise import visualise as optimise

    classifier, images, units = network_of(run, units, named, options)
    plain = objective_of(classifier, units, named, of)
    plain = -plain if negative else plain
    climbed = plain
    if diversity:
        if not plain.sites:
            raise InputError("--diversity compares pictures at a layer; it is for units, not for classes")
        for site in plain.sites:
            climbed = climbed - diversity * alike(site)
    folder = out or Path("reports") / safe_name(classifier.name) / "optimised"
    refuse_to_replace(planned(folder, "visualised", climbed.names, seed), force)
    with bar("optimising", unit="steps") as progress:
        made = optimise(classifier, climbed, steps=steps, repeats=repeats, seed=seed, progress=progress)
        samples = None if images is None else best_samples(classifier, plain, images, progress=progress)
    paths = write_visualisation(made, folder, samples=samples, images=images)
    rows = [
        (name, start, end, "dead: no gradient reaches it" if dead else "")
        for name, start, end, dead in zip(made.names, made.start, made.end, made.dead, strict=True)
    ]
    say_values(rows, samples, repeats, paths, made.caveat)
