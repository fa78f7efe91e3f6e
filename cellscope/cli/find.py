"""`cellscope find [RUN]`: which unit tracks which feature, with the evidence, as a table and as pages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.options import network_options, passage_option, search_options, text_options
from cellscope.cli.pictures import opened, preparation_options, sites_option
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import looks, refuse

if TYPE_CHECKING:
    from cellscope.findings import Findings
    from cellscope.pipeline.find import Search
    from cellscope.pipeline.find_pictures import PictureSearch


@click.command()
@network_options
@text_options
@search_options
@preparation_options
@click.option("--streams", help="What of every layer: h,c,i,f,o,g (GRU: h,r,z,n) or all.  [default: h,c]")
@sites_option
@click.option(
    "--array",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Activations that were recorded elsewhere, instead of a network: .npy, .h5 or .zarr; needs --text.",
)
@click.option("--key", metavar="NAME", help="Which array of FILE, where it holds several.")
@click.option(
    "--basis",
    type=click.Choice(["pca", "ica", "dictionary", "probe"]),
    help="Search the components of each site (of pictures: of the ends of blocks, or each --site) in place of its "
    "units, or a direction fitted to each feature.",
)
@click.option("--components", type=click.IntRange(1), metavar="N",
              help="How many components of each site.  [default: 64]")  # fmt: skip
@click.option("--exact", is_flag=True, help="Read the text in one lane from rest, without any warm-up: slow.")
@click.option(
    "--at",
    type=click.FloatRange(0.5, 1.0),
    default=0.9,
    show_default=True,
    help="The score at which a unit counts as tracking a feature.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="What goes to stdout.",
)
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the pages.")
@passage_option
@click.option("--single-file", is_flag=True, help="Put everything that a page needs into the page itself.")
@click.pass_context
def find(
    ctx: click.Context,
    /,
    asked: tuple[str, ...],
    files: tuple[Path, ...],
    form: str,
    at: float,
    pages: bool,
    reports: Path,
    passage: int,
    single_file: bool,
    **options: Any,
) -> None:
    """Find which single unit tracks which feature of a text, or which concept of pictures, with the evidence.

    RUN is a run's name or folder (default: the latest). Every unit of every layer is scored against every feature; a
    unit is chosen on one half of the text's blocks, or of the pictures, and reported on the other. The concepts of
    pictures are their masks; without masks, their classes. With --array there is no RUN: row t of the array
    [position, unit] is what the units did on reading character t of --text.
    """
    from cellscope.pipeline.find import find_in

    if options["array"] is not None:
        _refuse_beside_an_array(ctx)
        _tell(_find_in_array(asked, files, options), form, at, (reports if pages else None), passage, single_file)
        return
    if options.pop("key") is not None:
        raise click.UsageError("--key says which array of --array FILE is meant; give that, too")
    options.pop("array")
    looking = looks(options)
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    if looking:
        _find_pictures(asked, form, at, (reports if pages else None), single_file, options)
        return
    for name in PICTURES_ALONE:
        options.pop(name)
    with bar("searching") as progress:
        search = find_in(asked=asked, files=files, progress=progress, **options)
    _tell(search, form, at, (reports if pages else None), passage, single_file)


def _tell(search: Search, form: str, at: float, reports: Path | None, passage: int, single_file: bool) -> None:
    """What was found in a text, to stdout, and its pages."""
    from cellscope.pipeline.pages import write_pages

    if form == "json":
        click.echo(search.json(at=at))
    elif form == "csv":
        click.echo(search.findings.table().to_csv(index=False), nl=False)
    else:
        say_findings(search.findings, at)
    if reports is not None:
        with bar("writing pages", unit="pages") as progress:
            index = write_pages(search, reports, passage=passage, single_file=single_file, progress=progress)
        note(f"pages: {index}")


TEXT_ALONE = ("files", "text", "encoding", "as_bytes", "vocabulary", "characters", "streams", "exact",
              "passage")  # fmt: skip
PICTURES_ALONE = ("images", "sites", "size", "fit", "channels", "label", "masks", "count", "classes", "mean", "std",
                  "range_", "order")  # fmt: skip


BESIDE_AN_ARRAY = ("text", "encoding", "as_bytes", "characters", "seed")
"""Options that --array leaves a meaning, beside those of what is looked for and how it is told."""


def _find_in_array(asked: tuple[str, ...], files: tuple[Path, ...], options: dict[str, Any]) -> Search:
    from cellscope.pipeline.find_array import find_in_array

    kept = {name: options[name] for name in BESIDE_AN_ARRAY}
    with bar("searching") as progress:
        return find_in_array(
            options["array"], key=options["key"], asked=asked, files=files, progress=progress, **kept
        )  # fmt: skip


def _refuse_beside_an_array(ctx: click.Context) -> None:
    """InputError for an option that was given and is about a network."""
    from cellscope.errors import InputError

    kept = {
        *BESIDE_AN_ARRAY,
        "array",
        "key",
        "asked",
        "files",
        "form",
        "at",
        "pages",
        "reports",
        "passage",
        "single_file",
    }
    for option in [o for o in ctx.command.params if o.name not in kept]:
        if ctx.get_parameter_source(str(option.name)) == click.core.ParameterSource.COMMANDLINE:
            named = "RUN" if isinstance(option, click.Argument) else option.opts[0]
            raise InputError(f"{named} is about a network, and --array is read without one; leave one of them out")


def _find_pictures(
    asked: tuple[str, ...], form: str, at: float, reports: Path | None, single_file: bool, options: dict[str, Any]
) -> None:
    search = search_pictures(asked, options)
    if form == "json":
        click.echo(search.json(at=at))
    elif form == "csv":
        click.echo(search.findings.table().to_csv(index=False), nl=False)
    else:
        say_findings(search.findings, at)
    if reports is not None:
        from cellscope.pipeline.picture_pages.write import write_picture_pages

        with bar("writing pages", unit="pages") as progress:
            page = write_picture_pages(search, reports, single_file=single_file, progress=progress)
        note(f"pages: {page}")


def search_pictures(asked: tuple[str, ...], options: dict[str, Any]) -> PictureSearch:
    """Search the network that the options name over the pictures that they name."""
    from cellscope.pipeline.bases import choice_of
    from cellscope.pipeline.find_pictures import find_pictures

    for name in TEXT_ALONE:
        options.pop(name, None)
    sites, seed = options.pop("sites"), options.pop("seed")
    basis = choice_of(options.pop("basis", None), options.pop("components", None))
    network, folder, images = opened(options.pop("run"), options)
    with bar("searching", unit="pictures") as progress:
        return find_pictures(
            network, folder, images, asked=asked, sites=sites, basis=basis, seed=seed, progress=progress
        )  # fmt: skip


def say_findings(findings: Findings, at: float) -> None:
    """A line for each feature, best first, then the verdicts and the summary."""
    from cellscope.evidence.verdicts import digits, probability

    judged = sorted(
        (e for e in findings.evidence if e.unit is not None), key=lambda e: (not e.found, not e.plain, -e.score)
    )
    terms, late = findings.counts.terms, findings.counts.lags is not None
    last = "lag" if late else "within"
    rows = []
    for e in judged:
        assert e.unit is not None
        interval = f"{digits(e.low)}-{digits(e.high)}"
        inner = "-" if math.isnan(e.within) else f"{digits(e.within)} of {e.kin}"
        rows.append([
            e.answer, e.feature, str(e.unit), "+" if e.sign > 0 else "-", digits(e.score), interval,
            digits(e.current), digits(e.three), digits(e.untrained), str(e.lag) if late else inner,
            probability(e.p), probability(e.q),
        ])  # fmt: skip
    heads = ["found", "feature", "best unit", "sign", "score", "95 %", *terms.columns, "untrained", last, "p", "q"]
    click.echo(tabulate(heads, rows))
    click.echo(f"score: AUC of a span feature, rank correlation of a numeric one, on {terms.chosen_on}\n")
    for e in sorted(findings.evidence, key=lambda e: e.plain):
        if e.found or e.plain:
            click.echo(e.verdict)
    nothing = [e for e in findings.evidence if not (e.found or e.plain)]
    if len(findings.evidence) <= 5:
        for e in nothing:
            click.echo(e.verdict)
    elif nothing:
        reasons = {e.reason for e in nothing}
        why = reasons.pop() if len(reasons) == 1 else "for why, see the pages or --format json"
        click.echo(f"nothing found for {len(nothing)} of {len(findings.evidence)} features ({why})")
    click.echo(findings.summary(at))
    click.echo(
        f"{findings.characters:,} {terms.items} {terms.taken}, {findings.draws} shifts, seed {findings.counts.seed}"
    )
