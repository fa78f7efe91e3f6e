"""Options of every command for pictures: which network, which pictures, and how they are prepared."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cellscope.cli.options import decorated
from cellscope.cli.say import bar
from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.data.images import ImageSet
    from cellscope.models.classifier import Classifier
    from cellscope.training.run import RunFolder

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path)


def set_options(command: F) -> F:
    """--size, --fit, --channels, --label, --masks, --count: how a set of pictures is read."""
    options = (
        click.option("--size", metavar="ROWSxCOLUMNS", help="Fit every picture to this size, as in 64x64."),
        click.option("--fit", type=click.Choice(["crop", "stretch"]), default="crop", show_default=True,
                     help="How: the middle of the picture, or all of it stretched."),
        click.option("--channels", type=click.IntRange(1), help="1 for grey, 3 for colours; a npz may have any."),
        click.option("--label", metavar="COLUMN", help="The column of a table that holds the labels."),
        click.option("--masks", type=FOLDER, help="A folder with a sub-folder of masks for each concept."),
        click.option("--count", type=click.IntRange(1), help="Draw or read so many pictures."),
    )  # fmt: skip
    return decorated(command, options)


def images_options(command: F) -> F:
    """--images, and how they are read."""
    words = "The pictures.  [default: those held back from training]"
    return decorated(set_options(command), (click.option("--images", metavar="SET", help=words),))


def picture_network_options(command: F) -> F:
    """--runs, --which, or somebody else's --model with its --weights, and which pictures, prepared how."""
    options = (
        click.option("--runs", default="runs", show_default=True, type=FOLDER, help="Folder of the runs."),
        click.option("--which", default="best", show_default=True, help="best, last, or the step of a snapshot."),
        click.option("--model", metavar="MODULE:FACTORY", help="Somebody else's network, or torchvision:NAME."),
        click.option("--weights", type=FOLDER, help="The weights of --model (safetensors or torch)."),
    )
    return decorated(preparation_options(command), options)


def preparation_options(command: F) -> F:
    """--images and how they are read, and how --model wants its pictures prepared."""
    options = (
        click.option("--classes", type=FOLDER, help="The classes of --model: a text file, one a line."),
        click.option("--mean", default="0", show_default=True, help="What --model takes off, at most one a channel."),
        click.option("--std", default="1", show_default=True, help="What --model divides by."),
        click.option("--range", "range_", default="0,1", show_default=True, help="Black and white for --model."),
        click.option("--order", type=click.Choice(["rgb", "bgr"]), default="rgb", show_default=True,
                     help="Order of the channels of --model."),
    )  # fmt: skip
    return images_options(decorated(command, options))


def sites_option(command: F, *, default: str = "all") -> F:
    """--site: which layers are searched; `default` says which where it is not given."""
    words = f"A layer of a network for pictures. Repeatable.  [default: {default}]"
    return decorated(command, (click.option("--site", "sites", multiple=True, metavar="MODULE", help=words),))


def opened(run: str | None, options: dict[str, Any]) -> tuple[Classifier, RunFolder | None, ImageSet]:
    """The network, its run (None for --model) and the pictures that the options name, which are taken out."""
    from cellscope.pipeline.classifiers import fitting, open_classifier, open_pictures

    reading, name = _reading(options)
    if options["model"] is not None:  # rows say what shape they have, so they are read first
        images = open_pictures(None, name, **reading)
        return _foreign(run, options, reading, images), None, images
    for own in ("model", "classes", *OWN):
        options.pop(own)
    network, folder = open_classifier(
        run, runs=options.pop("runs"), which=options.pop("which"), weights=options.pop("weights")
    )
    reading = fitting(network, reading) if name is not None else reading
    return network, folder, open_pictures(folder, name, **reading)


def with_components(
    network: Classifier, images: ImageSet, *named: tuple[str, ...]
) -> tuple[Classifier, tuple[tuple[str, ...], ...]]:
    """The network with the components that addresses name, as `find --basis` learns them on these pictures; and each of
    the tuples of addresses with numbers alone.
    """
    from cellscope.pipeline.picture_bases import grown_for

    with bar("learning components", unit="pictures") as progress:
        grown, told = grown_for(network, images, [one for own in named for one in own], progress=progress)
    left = iter(told)
    return grown, tuple(tuple(islice(left, len(own))) for own in named)


def foreign_opened(options: dict[str, Any]) -> Classifier:
    """The network of --model alone, where no pictures are needed; its options are taken out."""
    reading, _ = _reading(options)
    return _foreign(None, options, reading, None)


def _foreign(run: str | None, options: dict[str, Any], reading: dict[str, Any], images: ImageSet | None) -> Classifier:
    """The network of --model: for rows of numbers as they are, or for pictures of --size and --channels."""
    from cellscope.models.preprocessing import Preprocessing
    from cellscope.pipeline.classifiers import open_classifier

    model, classes = options.pop("model"), options.pop("classes")
    if images is not None and images.flat:
        given = [name for name in ("range_", "order") if options[name] != OWN[name]] + ["fit"] * ("fit" in reading)
        if given:
            what = f"--{given[0].rstrip('_')} is for pictures"
            raise InputError(f"{what}, and {images.name} has rows of {images.shape[0]} numbers; leave it out")
        shape, size = images.shape, None
    elif "size" in reading and "channels" in reading:
        shape, size = (reading["channels"], *reading["size"]), reading["size"]
    else:
        raise InputError(
            f"--model {model} needs the size of its input: --size ROWSxCOLUMNS and --channels for pictures, "
            "or --images with a table of rows of numbers"
        )
    mean, std, (low, high) = (numbers(options.pop(name), name) for name in ("mean", "std", "range_"))
    preprocessing = Preprocessing(
        size=size, order=options.pop("order"), fit=reading.get("fit", "crop"), low=low, high=high, mean=mean, std=std
    )
    network, _ = open_classifier(
        run, runs=options.pop("runs"), which=options.pop("which"), model=model, weights=options.pop("weights"),
        shape=shape, classes=lines(classes), preprocessing=preprocessing,
    )  # fmt: skip
    return network


OWN = {"mean": "0", "std": "1", "range_": "0,1", "order": "rgb"}
"""How --model wants its input prepared, unless it says so."""


def _reading(options: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """How the set is to be read and which it is, taken out of `options`; InputError for what would change nothing: a
    run knows its preparation, and its own pictures.
    """
    if options["model"] is not None:
        return set_given(options), options.pop("images")
    given = ["classes"] * (options["classes"] is not None) + [name for name in OWN if options[name] != OWN[name]]
    if given:
        raise InputError(f"--{given[0].rstrip('_')} is for --model: a run knows its own; leave it out")
    return runs_reading(options)


def runs_reading(options: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """How --images are to be read and which they are, for runs, taken out of `options`; InputError where it is said how
    and not which: a run's own pictures are read as they were.
    """
    reading, images = set_given(options), options.pop("images")
    if images is None and reading:
        raise InputError(f"--{min(reading)} says how --images are read, and there are none; give --images SET")
    return reading, images


def set_given(options: dict[str, Any]) -> dict[str, Any]:
    """What `open_images` is to be told; taken out of `options`, and only what was given."""
    names = ("size", "fit", "channels", "label", "masks", "count")
    given = {name: options.pop(name) for name in names}
    if given["size"] is not None:
        given["size"] = size_of(given["size"])
    if given["masks"] is not None:
        given["masks"] = str(given["masks"])
    return {name: value for name, value in given.items() if value is not None and (name, value) != ("fit", "crop")}


def size_of(text: str) -> tuple[int, int]:
    """Rows and columns from `64x48`, or from `64` for a square."""
    parts = text.lower().split("x")
    if not 1 <= len(parts) <= 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"{text!r} is no size; write ROWSxCOLUMNS, as in 64x64, or one number from 1 on for a square")
    return int(parts[0]), int(parts[-1])


def numbers(text: str, name: str) -> tuple[float, ...]:
    """The numbers in `0.5,0.4,0.3`."""
    try:
        made = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--{name.rstrip('_')} {text!r} is no list of numbers; write 0.5 or 0.5,0.4,0.3") from error
    if name == "range_" and len(made) != 2:
        raise InputError(f"--range {text!r} must be two numbers, as in 0,255")
    return made


def lines(path: Path | None) -> tuple[str, ...]:
    """The lines of a text file; none without one."""
    if path is None:
        return ()
    try:
        return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: {error}") from error
