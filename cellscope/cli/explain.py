"""`cellscope explain [RUN] UNIT`: one unit in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.options import network_options, passage_option, search_options, text_options
from cellscope.cli.say import bar, note, tabulate

if TYPE_CHECKING:
    from cellscope.axes import Unit
    from cellscope.pipeline.explain import Explained, Place

SHOWN = 15
"""Features that are printed; the page and JSON have all."""


@click.command()
@network_options
@click.argument("unit", required=False)
@text_options
@search_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What goes to stdout.",
)
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the unit's page.")
@passage_option
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
def explain(
    run: str | None, unit: str | None, form: str, reports: Path, pages: bool, single_file: bool, **options: Any
) -> None:
    """Say everything that is known of one unit, such as lstm.0:cell/221.

    RUN is a run's name or folder (default: the latest); with a network of one layer, cell/221 or c/221 will do.
    Components have addresses, too: lstm.0.cell:pca/3, lstm.0.cell:probe/url, a saved lstm.0.cell:FILE.npy. The numbers
    are those of `cellscope find` with the same options.
    """
    from cellscope.axes import Unit
    from cellscope.cli.subjects import picture_run
    from cellscope.errors import InputError
    from cellscope.pipeline.explain import explain_in
    from cellscope.pipeline.unitpage import write_unit

    if unit is None:
        run, unit = None, run
    if unit is None:
        raise InputError("explain needs a UNIT, as in: cellscope explain RUN lstm.0:cell/221")
    if (seen := picture_run(run, options)) is not None:
        raise InputError(_of_pictures(seen.name, Unit.parse(unit), reports))
    with bar("searching") as progress:
        explained = explain_in(run, unit, progress=progress, **options)
    for caveat in explained.material.search.caveats:
        note(f"note: {caveat}")
    if form == "json":
        click.echo(explained.json())
    else:
        _say(explained)
    if pages:
        note(f"page: {write_unit(explained, reports, single_file=single_file)}")


def _of_pictures(run: str, unit: Unit, reports: Path) -> str:
    """Where the same is found for a unit of a network that sees pictures: on its layer's page, and by what commands."""
    from cellscope.report.files import layer_name, safe_name

    page = reports / safe_name(run) / f"{layer_name(str(unit.site))}.html"
    made = "" if page.is_file() else f", which cellscope find {run} writes"
    return (
        f"run {run} sees pictures, and explain reads text; all of {unit} is on {page}#{unit}{made}; "
        f"or try: cellscope examples {run} --unit {unit}, cellscope lesion {run} {unit}"
    )


def _say(explained: Explained) -> None:
    from cellscope.cli.kind import say_portrait
    from cellscope.evidence.verdicts import digits, probability
    from cellscope.pipeline.unitpage import characters, gate_in_words

    click.echo(explained.sentence)
    click.echo(f"from {explained.lowest:.3g} to {explained.highest:.3g}, time scale {characters(explained.time_scale)}")
    for gate in explained.gates:
        click.echo(f"{gate.name} gate: {gate_in_words(gate)}")
    rows = [
        [e.answer, e.feature, "+" if e.sign > 0 else "-", digits(e.score), digits(e.three),
         digits(e.untrained), str(e.lag), probability(e.p)]
        for e in explained.evidence[:SHOWN]
    ]  # fmt: skip
    click.echo("\n" + tabulate(["tracks", "feature", "sign", "score", "3 chars", "untrained", "lag", "p"], rows))
    if len(explained.evidence) > SHOWN:
        click.echo(f"and {len(explained.evidence) - SHOWN} more features, on the page and in --format json")
    if explained.causes:
        click.echo("\n" + _without(explained))
    if explained.portrait is not None:
        click.echo(f"\nat {explained.portrait.kind.feature}:")
        say_portrait(explained.portrait)
    for title, places in (("highest", explained.top), ("lowest", explained.bottom)):
        click.echo(f"\n{title} (the character between the brackets)")
        for place in places:
            click.echo(_line(place))


def _without(explained: Explained) -> str:
    """What the network loses without the unit: on what it tracks, or else where it loses most."""
    tracked = {e.feature for e in explained.evidence if e.found}
    own = [need for need in explained.causes if need.feature in tracked]
    return "\n".join(need.sentence for need in (own or explained.causes)[:3])


def _line(place: Place) -> str:
    """One line of text around a place; what would steer a terminal, and line ends, as signs."""
    before, here, after = (_printable(part) for part in (place.before, place.here, place.after))
    return f"{place.value:+8.3f}  {before[-50:]:>50}[{here}]{after}"


def _printable(text: str) -> str:
    return "".join(
        "⏎" if c == "\n" else "→" if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
