"""`cellscope visualise [RUN] UNIT...`: pictures that a unit or class answers to most, by feature visualisation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.optimising import network_of, optimising_options, say_values
from cellscope.cli.say import bar

if TYPE_CHECKING:
    from cellscope.models.classifier import Classifier
    from cellscope.vision.objective import Objective


@click.command()
@optimising_options
@click.option("--of", metavar="WHAT", default="",
              help="channel, neuron or layer of units, logit or probability of classes.")  # fmt: skip
@click.option("--with", "terms", multiple=True, metavar="W*TARGET",
              help="Add a unit or class, weighted, as in -0.5*features.4/3. Repeatable.")  # fmt: skip
@click.option("--between", nargs=2, metavar="UNIT UNIT", help="The way from one unit to another, instead of UNITs.")
@click.option("--frames", type=click.IntRange(2), default=5, show_default=True, help="Pictures of --between.")
@click.option("--align", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="How much neighbours on --between are kept alike, as in 0.1.")  # fmt: skip
@click.option("--direction", type=click.Path(path_type=Path), metavar="FILE",
              help="Directions [unit] or [direction, unit] (.npy, .csv, HDF5, zarr) of the layer --at.")  # fmt: skip
@click.option("--at", metavar="SITE", help="The layer of --direction.")
@click.option("--power", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Weight of the cosine with --direction.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True, help="Pictures of each.")
@click.option("--diversity", type=float, default=0.0, show_default=True,
              help="How much the repeats of a unit are driven apart, as in 100.")  # fmt: skip
@click.option("--negative", is_flag=True, help="What it answers to least, instead.")
def visualise(
    run: str | None, units: tuple[str, ...], named: tuple[str, ...], repeats: int, diversity: float, align: float,
    negative: bool, steps: int | None, seed: int, out: Path | None, force: bool, **options: Any,
) -> None:  # fmt: skip
    """Draw pictures that UNITs (site/index, or a site for all of its units) or classes answer to most.

    RUN is a run's name or folder; the latest of pictures, if the first UNIT stands in its place. The pictures are held
    as Fourier coefficients and must survive small moves (Olah et al. 2017). Beside each stand the nine pictures of the
    data that the same number is greatest for: an optimum is no typical sample. PNG and JSON go to --out.
    """
    from cellscope.errors import InputError
    from cellscope.pipeline.optimised import planned, refuse_to_replace, write_visualisation
    from cellscope.report.files import safe_name
    from cellscope.vision.objectives import alignment
    from cellscope.vision.objectives import diversity as alike
    from cellscope.vision.samples import best_samples
    from cellscope.vision.visualise import visualise as optimise

    wish = {name: options.pop(name) for name in ("of", "terms", "between", "frames", "direction", "at", "power")}
    _refuse(units, named, align, wish)
    classifier, images, units = network_of(run, units, named, options)
    plain = _objective(classifier, units, named, wish)
    plain = -plain if negative else plain
    climbed = plain
    if (diversity or align) and not plain.sites:
        raise InputError("--diversity and --align compare pictures at a layer; they are for units, not for classes")
    for site in plain.sites if diversity else ():
        climbed = climbed - diversity * alike(site)
    for site in plain.sites if align else ():
        climbed = climbed + align * alignment(site)
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


def _refuse(units: tuple[str, ...], named: tuple[str, ...], align: float, wish: dict[str, Any]) -> None:
    """InputError for options that say two things, or nothing of what is asked for."""
    from cellscope.errors import InputError

    given = [name for name in ("between", "direction") if wish[name]]
    if len(given) > 1 or (given and (named or wish["of"])):
        raise InputError(f"--{given[0]} says what is optimised; leave --class, --of and the other one out")
    if bool(wish["direction"]) != bool(wish["at"]):
        raise InputError("a direction needs its layer: --direction FILE --at SITE")
    if align and not wish["between"]:
        raise InputError("--align keeps the pictures of --between alike; give --between UNIT UNIT, or leave it out")
    if wish["power"] and not wish["direction"]:
        raise InputError("--power is for --direction; leave it out")
    if given and len(units):
        raise InputError(f"--{given[0]} says what is optimised; leave {' '.join(units)} out")


def _objective(
    classifier: Classifier, units: tuple[str, ...], named: tuple[str, ...], wish: dict[str, Any]
) -> Objective:
    """The objective that the options name."""
    from cellscope.pipeline.objectives import added, along, between, objective_of

    if wish["between"]:
        first, second = wish["between"]
        made = between(classifier, first, second, wish["frames"])
    elif wish["direction"]:
        made = along(classifier, wish["at"], wish["direction"], wish["power"])
    else:
        made = objective_of(classifier, units, named, wish["of"])
    return added(classifier, made, wish["terms"])
