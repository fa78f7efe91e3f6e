"""`cellscope compare A B`: which units of two runs correspond, and which features either has."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT
from cellscope.cli.options import searching, text_options
from cellscope.cli.pictures import images_options, runs_reading, sites_option
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import both_look, refuse

if TYPE_CHECKING:
    from cellscope.pipeline.comparison import Comparison

SHOWN = 15
"""Pairs and features that are printed; the page and JSON have all."""
TEXT_ALONE = ("files", "text", "encoding", "as_bytes", "characters", "streams")
PICTURES_ALONE = ("images", "sites", "size", "fit", "channels", "label", "masks", "count")


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--runs", default="runs", show_default=True, type=click.Path(path_type=Path), help="Folder of the runs.")
@text_options
@partial(searching, characters=500_000)
@click.option("--streams", help="What of every layer: h,c,i,f,o,g (GRU: h,r,z,n) or all.  [default: c, or h without c]")
@images_options
@partial(sites_option, default="what each layer of weights hands on")
@FORMAT
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the page.")
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    first: str,
    second: str,
    form: str,
    reports: Path,
    pages: bool,
    single_file: bool,
    **options: Any,
) -> None:
    """Say which units of two runs correspond, and which features either has.

    FIRST and SECOND are runs' names or folders, or one run at two times: RUN@STEP is its snapshot of that step (see
    snapshots/ in its folder), RUN@last its last weights. Both read the same text in the same lanes, or are shown the
    same pictures in the same order. A unit's best match is chosen by the correlation of activations on one half of the
    text's blocks, or of the pictures, and reported on the other.
    """
    looking = both_look(first, second, options["runs"])
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    comparison = _of_pictures(first, second, options) if looking else _of_text(first, second, options)
    click.echo(comparison.json() if form == "json" else told(comparison))
    if pages:
        from cellscope.pipeline.exhibits.compare import write_comparison

        note(f"page: {write_comparison(comparison, reports, single_file=single_file)}")


def _of_text(first: str, second: str, options: dict[str, Any]) -> Comparison:
    from cellscope.pipeline.compare import compare_runs

    for name in PICTURES_ALONE:
        options.pop(name)
    with bar("comparing") as progress:
        return compare_runs(first, second, progress=progress, **options)


def _of_pictures(first: str, second: str, options: dict[str, Any]) -> Comparison:
    from cellscope.pipeline.compare_pictures import compare_picture_runs

    for name in TEXT_ALONE:
        options.pop(name)
    reading, images = runs_reading(options)
    with bar("comparing", unit="pictures") as progress:
        return compare_picture_runs(first, second, images=images, reading=reading, progress=progress, **options)


def told(comparison: Comparison) -> str:
    """The sentences, the closest pairs, and the features."""
    (a, b), cells = comparison.names, comparison.cells
    lines = [*comparison.sentences, ""]
    if comparison.pairs:
        lines += [_pairs(comparison), ""]
    lines += [_features(comparison), ""]
    lines += [f"note: {caveat}" for caveat in comparison.caveats]
    met = f"{comparison.subject.met} {a} and {b}"
    drawn = f"{cells.blocks} blocks, {cells.draws} shifts, {cells.controls} untrained networks, seed {cells.seed}"
    return "\n".join([*lines, f"{met}; {drawn}"])


def _pairs(comparison: Comparison) -> str:
    from cellscope.evidence.verdicts import digits, probability

    a, b = comparison.names
    rows = [
        [str(m.unit), str(m.other), digits(m.r), f"{digits(m.low)} to {digits(m.high)}", digits(m.untrained),
         probability(m.p)]
        for m in comparison.pairs[:SHOWN]
    ]  # fmt: skip
    table = tabulate([f"unit of {a}", f"unit of {b}", "r", "95 %", "untrained", "p"], rows)
    rest = len(comparison.pairs) - SHOWN
    return table + (f"\nand {rest} more pairs, in --format json" if rest > 0 else "")


def _features(comparison: Comparison) -> str:
    from cellscope.evidence.verdicts import digits

    (a, b), what = comparison.names, comparison.subject.feature
    judged = [f for f in comparison.features if f.r is not None]
    order = ["both", "first", "second", "neither"]
    judged.sort(key=lambda f: (order.index(f.who), -max(f.first.score, f.second.score)))
    shown = [f for f in judged if f.who != "neither"] or judged[:SHOWN]
    rows = [
        [f.feature, f.first.answer, str(f.first.unit), digits(f.first.score), f.second.answer, str(f.second.unit),
         digits(f.second.score), digits(f.r or 0.0), "yes" if f.counterpart else "no"]
        for f in shown
    ]  # fmt: skip
    heads = [what, f"in {a}", "best unit", "score", f"in {b}", "best unit", "score", "r", "correspond"]
    rest = len(comparison.features) - len(shown)
    return tabulate(heads, rows) + (f"\nand {rest} {what}s that were found in neither" if rest else "")
