"""What `cellscope lesion` does with texts: units are held at a value, and what that costs is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.needs import HEADS, extremes, told, words
from cellscope.cli.say import bar, note, tabulate
from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.evidence.lesion_map import LesionMap
    from cellscope.evidence.needs import Need

SHOWN = 20
"""Features that are printed; JSON has all."""


def lesion_texts(
    run: str | None, addresses: tuple[str, ...], *, form: str, mapped: bool = False, streams: str | None,
    reports: Path, pages: bool, single_file: bool, **options: Any,
) -> None:  # fmt: skip
    """Hold units together, and say what is lost."""
    from cellscope.pipeline.lesion_pages import write_lesion
    from cellscope.pipeline.lesions import lesion_in

    if streams is not None:
        raise InputError("--streams goes with --map; without it, name UNITs or a whole site, as in lstm.0:cell")
    with bar("lesioning") as progress:
        lesioned = lesion_in(run, addresses, progress=progress, **options)
    if lesioned.subject.remark:
        note(lesioned.subject.remark)
    if form == "json":
        click.echo(lesioned.json())
    elif len(lesioned.needs) == 1 or options["asked"]:
        click.echo("\n\n".join(told(need) for need in lesioned.needs))
    else:
        click.echo(_features(lesioned.needs))
    if pages:
        note(f"page: {write_lesion(lesioned, reports, single_file=single_file)}")


def map_texts(
    run: str | None, addresses: tuple[str, ...], *, form: str, reports: Path, pages: bool, single_file: bool,
    draws: int, seed: int, **options: Any,
) -> None:  # fmt: skip
    """Hold every unit in turn, and say which feature needs which."""
    from cellscope.pipeline.lesion_map import map_in
    from cellscope.pipeline.lesion_pages import write_map

    if options.pop("directions"):
        raise InputError("--map lesions units; leave --direction out, or --map")
    if addresses:
        raise InputError(f"--map lesions every unit in turn; leave {addresses[0]} out, or --map")
    with bar("lesioning each unit") as progress:
        mapped = map_in(run, progress=progress, **options)
    if mapped.subject.remark:
        note(mapped.subject.remark)
    click.echo(mapped.json() if form == "json" else _map(mapped.map))
    if pages:
        note(f"page: {write_map(mapped, reports, single_file=single_file)}")


def _features(needs: tuple[Need, ...]) -> str:
    """One line a feature, what is lost most on first."""
    rows = [
        [need.feature, need.verdict, *words(need.effect.inside, need.effect.end, need.effect.elsewhere),
         extremes([r.inside.value for r in need.random]) if need.random else ""]
        for need in needs[:SHOWN]
    ]  # fmt: skip
    more = f"\n... and {len(needs) - SHOWN} more features; JSON has all" if len(needs) > SHOWN else ""
    first = needs[0]
    head = f"{first.name} {first.how}: change of the loss in nats a character, over {first.characters:,} characters"
    return f"{head}\n\n{tabulate(['feature', 'verdict', *HEADS[1:], f'random {first.noun}s, inside'], rows)}{more}"


def _map(found: LesionMap) -> str:
    """The unit that each feature needs most, the costliest first."""
    leaders = sorted(found.leaders(), key=lambda x: (not x.needed, -x.inside.value))
    rows = [[x.feature, "yes" if x.needed else "no", str(x.unit), *words(x.inside, x.end, x.elsewhere),
             f"{x.typical:+.3f}"] for x in leaders]  # fmt: skip
    heads = ["feature", "needed", "unit", *HEADS[1:], "95 % of units"]
    return f"{found.sentence}.\n\n{tabulate(heads, rows)}"
