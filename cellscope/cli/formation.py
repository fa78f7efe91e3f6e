"""`cellscope formation [RUN]`: when units come to track features, snapshot by snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT
from cellscope.cli.options import REPORTS, SEED, text_options
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import looks, refuse

if TYPE_CHECKING:
    from cellscope.evidence.formation import Formation
    from cellscope.pipeline.formation import Formed
    from cellscope.pipeline.formed_pictures import FormedPictures

TEXT_ALONE = ("text", "encoding", "as_bytes", "files", "characters", "steps")
FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run", required=False)
@click.option("--runs", default="runs", show_default=True, type=FOLDER, help="Folder of the runs.")
@text_options
@click.option(
    "--feature",
    "-f",
    "asked",
    multiple=True,
    metavar="NAME",
    help="A feature of the library, or NAME=PATTERN; a concept of pictures. Repeatable.  [default: all that the last "
    "snapshot tracks; pictures: all]",
)
@click.option("--features", "files", multiple=True, type=FOLDER, metavar="FILE", help="Features of yours, in TOML.")
@click.option(
    "--at",
    "steps",
    multiple=True,
    type=click.IntRange(0),
    metavar="STEP",
    help="Look at the snapshot of this step. Repeatable.  [default: all]",
)
@click.option(
    "--characters",
    type=click.IntRange(8192),
    default=200_000,
    show_default=True,
    help="Characters on which units are chosen and judged at each snapshot.",
)
@click.option("--seed", type=SEED, default=123, show_default=True, help="Seed of everything that is drawn.")
@FORMAT
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True, help="Folder of the pages.")
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write a page with a slider.")
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@click.pass_context
def formation(ctx: click.Context, /, form: str, reports: Path, pages: bool, single_file: bool, **options: Any) -> None:
    """Follow units through the snapshots of a run: when does the cell appear, does it move, is it needed?

    At each snapshot of RUN (default: the latest) the best unit of a feature is looked for anew and lesioned, and the
    one that is best in the end is followed back; the loss inside the feature stands beside. Of a run on pictures: the
    best unit of each concept, without lesions, and how sparse, local and dead the units of each layer are.
    """
    looking = looks({**options, "images": None, "model": None})
    refuse(ctx, TEXT_ALONE if looking else (), looking)
    if looking:
        _pictures(form, reports if pages else None, single_file, options)
        return
    from cellscope.pipeline.formation import formation_in
    from cellscope.pipeline.lesion_pages import write_formation

    with bar("following", unit="snapshots") as progress:
        formed = formation_in(progress=progress, **options)
    click.echo(formed.json() if form == "json" else _told(formed))
    if pages and formed.formations:
        note(f"page: {write_formation(formed, reports, single_file=single_file)}")


def _pictures(form: str, reports: Path | None, single_file: bool, options: dict[str, Any]) -> None:
    """The layers and concepts of a network for pictures at its snapshots."""
    from cellscope.pipeline.classifiers import open_pictures
    from cellscope.pipeline.find_pictures import select_concepts
    from cellscope.pipeline.formed_pictures import formed_pictures
    from cellscope.pipeline.formed_pictures_page import write_formed_pictures
    from cellscope.training.run import latest_run, open_run

    run, runs = options["run"], options["runs"]
    folder = open_run(run, runs) if run is not None else latest_run(runs)
    images = open_pictures(folder)
    concepts = select_concepts(images, options["asked"])
    with bar("following", unit="snapshots") as progress:
        made = formed_pictures(folder, images, concepts=concepts, seed=options["seed"], progress=progress)
    click.echo(made.json() if form == "json" else _formed(made))
    if reports is not None:
        note(f"page: {write_formed_pictures(made, reports, single_file=single_file)}")


def _formed(made: FormedPictures) -> str:
    """The network, its layers, and the unit of each concept, at every snapshot."""
    steps = [f"{step:,}" for step in made.layers.steps.tolist()]
    layers = [list(row) for row in made.layer_rows()]
    told = [f"{made.sentence}.", tabulate(["step", "layer", "dead units", "zeros", "density", "locality"], layers)]
    if made.concepts:
        told.append(tabulate(["concept", "unit", *steps], [list(row) for row in made.concept_rows()]))
    told += [f"{one.sentence}." for one in made.formations if one.appears is not None]
    return "\n\n".join(told)


def _told(formed: Formed) -> str:
    from cellscope.pipeline.exhibits.formation import summary

    if len(formed.formations) == 1:
        return _one(formed.formations[0])
    return (
        f"{summary(formed.formations)}.\n\n{_table(formed.formations)}"
        if formed.formations
        else f"{summary(formed.formations)}."
    )


def _one(made: Formation) -> str:
    """Every snapshot of one feature."""
    from cellscope.evidence.verdicts import digits

    rows = [
        [f"{s.step:,}", "yes" if s.found else "no", str(s.best.unit), digits(s.best.score),
         s.best.inside.words if s.best.inside else "-", _nats(s.random), digits(s.best.likeness),
         digits(s.last.score), s.last.inside.words if s.last.inside else "-", _plain(s.free), _plain(s.elsewhere)]
        for s in made.stages
    ]  # fmt: skip
    heads = ["step", "found", "best unit", "score", "without it, inside", "random", "alike", str(made.unit),
             "without it", "loss inside", "elsewhere"]  # fmt: skip
    return f"{made.sentence}.\n\n{tabulate(heads, rows)}"


def _table(formations: tuple[Formation, ...]) -> str:
    """One line a feature."""
    from cellscope.evidence.verdicts import digits

    rows = []
    for made in formations:
        last = made.stages[-1]
        steps = [_step(made.appears), _step(made.stays), _step(made.settles), str(len(made.moves))]
        inside = last.best.inside.words if last.best.inside else "-"
        needed = "yes" if last.needed else "no"
        rows.append([made.feature, *steps, str(made.unit), digits(last.best.score), inside, needed])
    heads = [
        "feature",
        "first found",
        "found from",
        "best from",
        "moves",
        "unit",
        "score",
        "without it, inside",
        "needed",
    ]
    return tabulate(heads, rows)


def _step(step: int | None) -> str:
    return "-" if step is None else f"{step:,}"


def _nats(value: float) -> str:
    from cellscope.evidence.needs import nats

    return nats(value)


def _plain(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"
