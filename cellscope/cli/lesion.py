"""`cellscope lesion [RUN] UNIT...`: what a network loses without units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cellscope.cli.figures import FORMAT
from cellscope.cli.lesion_pictures import lesion_pictures
from cellscope.cli.lesion_texts import lesion_texts, map_texts
from cellscope.cli.options import REPORTS, SEED, text_options
from cellscope.cli.pictures import picture_network_options
from cellscope.cli.subjects import looks, refuse, refuse_given

TEXT_ALONE = ("files", "text", "encoding", "as_bytes", "vocabulary", "characters", "mapped", "streams",
              "directions")  # fmt: skip
PICTURES_ALONE = ("layer", "most", "images", "size", "fit", "channels", "label", "masks", "count", "classes", "mean",
                  "std", "range_", "order")  # fmt: skip
PAGES = ("reports", "pages", "single_file")
"""What pictures have a use for where concepts are asked for."""
FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("names", metavar="[RUN] [UNIT]...", nargs=-1)
@picture_network_options
@click.option("--vocabulary", type=FOLDER, help="The symbols of --model, in the order of ids.")
@text_options
@click.option(
    "--feature",
    "-f",
    "asked",
    multiple=True,
    metavar="NAME",
    help="A feature of the library, or NAME=PATTERN; of pictures a concept. Repeatable.  [default: all that the text "
    "has; pictures: none]",
)
@click.option("--features", "files", multiple=True, type=FOLDER, metavar="FILE", help="Features of yours, in TOML.")
@click.option(
    "--characters",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="Characters at the end of the text that are read under each lesion.",
)
@click.option(
    "--direction",
    "directions",
    multiple=True,
    metavar="SITE=FILE",
    help="Another way to write the UNIT lstm.0.cell:FILE: a direction of a site, numbers in .npy or a text file.",
)
@click.option("--map", "mapped", is_flag=True, help="Lesion every unit in turn, for all features; kept with the run.")
@click.option("--streams", help="Of which streams --map lesions every unit: h,c,i,f,o,g or all.  [default: h,c]")
@click.option(
    "--layer", metavar="SITE", help="Pictures: remove every unit of this layer in turn, then a growing share."
)
@click.option(
    "--fill",
    type=click.Choice(["zero", "mean", "outside"]),
    help="What a unit gives instead: 0, its mean, or that outside the feature.  [default: mean, pictures: zero]",
)
@click.option(
    "--draws",
    type=click.IntRange(2),
    help="Random units (of a --layer: orders) to compare with.  [default: 20, of a --layer 10]",
)
@click.option(
    "--most",
    type=click.IntRange(4),
    default=1000,
    show_default=True,
    help="Look at so many pictures at most; one half chooses, the other reports.",
)
@click.option("--seed", type=SEED, help="Seed of everything that is drawn.  [default: 123, pictures: 0]")
@FORMAT
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True, help="Folder of the pages.")
@click.option(
    "--pages/--no-pages",
    default=True,
    show_default=True,
    help="Write a page of what was found (pictures: with --feature).",
)
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@click.pass_context
def lesion(ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> None:
    """Hold units at a value while the network runs on, and say what it loses.

    In a text, UNITs such as lstm.0:cell/221 (or a whole site, lstm.0:cell) are held together: the change of loss inside
    each feature, at its end and elsewhere, beside random units of like variance; for a --feature that is named also
    beside its best units, and with these units alone. Components (lstm.0.cell:pca/3, lstm.0.cell:probe/url, a saved
    lstm.0.cell:FILE.npy) are held along their directions. With --map every unit is held in turn.

    In pictures, UNITs such as features.6/3 are removed together: accuracy by class, or with --feature CONCEPT the
    change of loss and accuracy in pictures that have the concept and in the others, beside the same controls as in a
    text. With --layer each unit of a layer is removed in turn, then a growing share of it.
    """
    run, addresses = run_and_addresses(names)
    looking = looks({**options, "run": run})
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    for name in TEXT_ALONE if looking else PICTURES_ALONE:
        options.pop(name)
    if looking and not options["asked"]:
        refuse_given(ctx, PAGES, "is for concepts; name one with --feature")
    draws = 10 if looking and options["layer"] else 20
    defaults = {"fill": "zero" if looking else "mean", "draws": draws, "seed": 0 if looking else 123}
    options |= {name: value for name, value in defaults.items() if options[name] is None}
    if looking:
        lesion_pictures(run, addresses, **options)
    elif options.pop("mapped"):
        map_texts(run, addresses, **options)
    else:
        lesion_texts(run, addresses, **options)


def run_and_addresses(names: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The run (the first name, unless it is the address of a unit or a site) and the addresses."""
    names = tuple(name for name in names if name)
    first = names[0] if names else ""
    own = first if first and (not _is_address(first) or Path(first).is_dir()) else None
    return own, names[own is not None :]


def _is_address(name: str) -> bool:
    """Whether this is `site/number` or `layer:stream`; a run's name has neither a colon nor ends in a number."""
    head, slash, number = name.rpartition("/")
    return bool(head and slash and number.isdecimal()) or ":" in name
