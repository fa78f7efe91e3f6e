"""What `occlude` and `saliency` share: which picture, which target, how the answer is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cellscope.cli.options import REPORTS, SEED, decorated
from cellscope.cli.pictures import opened, picture_network_options, with_components
from cellscope.cli.say import note
from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.data.images import ImageSet
    from cellscope.models.classifier import Classifier
    from cellscope.pipeline.maps import Asked, PictureMap

F = TypeVar("F", bound=Callable[..., Any])


def map_options(command: F) -> F:
    """RUN, PICTURE, --class, --unit, --place, --draws, --seed, --reports, and which network and pictures."""
    options = (
        click.argument("run", required=False),
        click.argument("picture", required=False),
        click.option("--class", "class_name", metavar="C", help="A class by name or number.  [default: the answer]"),
        click.option("--unit", metavar="SITE/INDEX", help="A unit instead of a class, as in features.4/17."),
        click.option("--place", default="mean", show_default=True, metavar="PLACE",
                     help="Of a unit's map: its mean, centre or max, or a ROW,COLUMN."),
        click.option("--draws", type=click.IntRange(0), default=3, show_default=True,
                     help="Draws of the randomisation check; 0 leaves it out."),
        click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the check."),
        click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
                     help="Folder of the pages; maps go to NAME/maps in it."),
    )  # fmt: skip
    return picture_network_options(decorated(command, options))


def picture_of(run: str | None, picture: str | None, options: dict[str, Any]) -> tuple[Classifier, ImageSet, int]:
    """The network, the pictures and the number among them of RUN and PICTURE, taken out of `options`."""
    if picture is None:
        run, picture = None, run
    if picture is None:
        raise InputError("which PICTURE? a number of the run's pictures, or a picture file")
    number = 0
    if picture.isdecimal():
        number = int(picture)
    elif options["images"] is not None:
        raise InputError(f"picture {picture} is no number of --images {options['images']}")
    elif Path(picture).is_file():
        options["images"] = picture
    else:
        raise InputError(f"PICTURE {picture!r} is no number and no file; write RUN PICTURE, as in: digits-1 3")
    network, _, images = opened(run, options)
    if number >= len(images):
        raise InputError(f"no picture {number} in {images.name}; it has 0 to {len(images) - 1:,}")
    return network, images, number


def asked_of(run: str | None, picture: str | None, options: dict[str, Any]) -> Asked:
    """The picture and the target; what says so is taken out of `options`."""
    from cellscope.pipeline.maps import Asked, place_of, target_of

    network, images, number = picture_of(run, picture, options)
    unit = options.pop("unit")
    if unit is not None:
        network, ((unit,),) = with_components(network, images, (unit,))
    asked = Asked(network, images, number, 0, "mean")
    target = target_of(network, asked.inputs, options.pop("class_name"), unit)
    return Asked(network, images, number, target, place_of(options.pop("place")))


def say_map(made: PictureMap, reports: Path) -> None:
    """The answer in words on stdout, the files on stderr."""
    from cellscope.report.files import safe_name

    click.echo(made.headline)
    click.echo(f"{made.target} {made.score:.4g}; {made.scale}")
    if not made.picture.size:
        order = abs(made.values).argsort()[::-1][:10]
        names = made.asked.images.columns or tuple(map(str, range(len(made.values))))
        click.echo("largest: " + ", ".join(f"{names[k]} {made.values[k]:+.3g}" for k in order))
    click.echo("randomisation check: " + (made.survival.sentence if made.survival else "left out"))
    for remark in made.remarks:
        click.echo(f"note: {remark}")
    for path in made.write(reports / safe_name(made.asked.network.name) / "maps"):
        note(f"written: {path}")
