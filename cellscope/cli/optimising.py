"""What `visualise` and `maximise` share: which units or classes of which network, and how the answer is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cellscope.cli.options import decorated
from cellscope.cli.pictures import foreign_opened, opened, picture_network_options, with_components
from cellscope.cli.say import note, tabulate

if TYPE_CHECKING:
    from cellscope.data.images import ImageSet
    from cellscope.models.classifier import Classifier
    from cellscope.vision.samples import Samples

SHOWN = 8
"""Files that are named on stderr."""

F = TypeVar("F", bound=Callable[..., Any])


def optimising_options(command: F) -> F:
    """RUN, UNIT..., --class, --steps, --seed, --out, --force, and which network and pictures."""
    options = (
        click.argument("run", required=False),
        click.argument("units", nargs=-1, metavar="[UNIT]..."),
        click.option("--class", "named", multiple=True, metavar="C", help="A class by name or number. Repeatable."),
        click.option("--steps", type=click.IntRange(1), help="Steps.  [default: the recipe's]"),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
                     help="Seed of the starts and moves; it is in every file's name."),
        click.option("--out", type=click.Path(path_type=Path), help="Folder.  [default: reports/NAME/optimised]"),
        click.option("--force", is_flag=True, help="Replace files that are there."),
    )  # fmt: skip
    return picture_network_options(decorated(command, options))


def network_of(
    run: str | None, units: tuple[str, ...], named: tuple[str, ...], options: dict[str, Any]
) -> tuple[Classifier, ImageSet | None, tuple[str, ...]]:
    """The network, its pictures (None for --model without --images) and the units: the first may stand as RUN."""
    foreign = options["model"] is not None
    first = run
    if first is not None and (foreign or _is_unit(first, options["runs"])):
        run, units = None, (first, *units)
    if foreign and options["images"] is None:
        return foreign_opened(options), None, units
    classifier, _, images = opened(run, options)
    classifier, (units,) = with_components(classifier, images, units)
    return classifier, images, units


def _is_unit(text: str, runs: Path) -> bool:
    """Whether the first word is a unit rather than a run: it ends in /number and is no folder."""
    return (
        text.rpartition("/")[2].isdecimal() and "/" in text and not Path(text).exists() and not (runs / text).exists()
    )


def say_values(
    rows: Sequence[tuple[str, float, float, str]], samples: Samples | None, repeats: int, paths: list[Path], last: str
) -> None:
    """A table of what was gained, the best picture of the data beside it; files on stderr."""
    heads = ["optimised", "at the start", "at the end", *(["best of the data"] if samples is not None else []), ""]
    table = []
    for number, (name, start, end, remark) in enumerate(rows):
        best = [] if samples is None else [f"{samples.values[number // repeats, 0]:.4g}"]
        table.append([name, f"{start:.4g}", f"{end:.4g}", *best, remark])
    click.echo(tabulate(heads, table))
    click.echo(last)
    for path in paths[:SHOWN]:
        note(f"written: {path}")
    if len(paths) > SHOWN:
        note(f"and {len(paths) - SHOWN} more in {paths[0].parent}")
