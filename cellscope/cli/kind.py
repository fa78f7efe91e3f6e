"""`cellscope kind [RUN] UNIT`: a switch, a counter, a timer or a position, and what makes it one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import SEED, network_options, text_options
from cellscope.cli.say import bar, note, tabulate

if TYPE_CHECKING:
    from cellscope.evidence.portraits import Portrait
    from cellscope.evidence.promotion import Effect
    from cellscope.evidence.writers import Moves

SHOWN = 4
"""Characters of a list that are printed; JSON has all."""


@click.command()
@network_options
@click.argument("unit", required=False)
@text_options
@click.option("--feature", "-f", metavar="NAME", help="A feature of the library, or NAME=PATTERN.  [default: the best]")
@click.option("--features", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Features of yours, in TOML.")  # fmt: skip
@click.option("--characters", type=click.IntRange(min=0), default=0,
              help="Search only the last so many characters of the text.  [default: all of it]")  # fmt: skip
@click.option("--seed", type=SEED, default=123, show_default=True,
              help="Seed of the shifts, of the untrained network and of the positions.")  # fmt: skip
@FORMAT
def kind(run: str | None, unit: str | None, form: str, **options: Any) -> None:
    """Say what kind of cell a unit is: a switch, a counter, a timer, a position, or none.

    Its activation is fitted against being inside a feature, the time since it began and until it ends, the depth of
    nesting and the column; when it knows, how long it keeps, what writes and erases it, and what it does to the next
    character. RUN is a run's name or folder (default: the latest); UNIT as in lstm.0:cell/221, or a component, as in
    lstm.0.cell:pca/3, lstm.0.cell:probe/url or lstm.0.cell:FILE.npy.
    """
    from cellscope.errors import InputError
    from cellscope.pipeline.kind import kind_in

    if unit is None:
        run, unit = None, run
    if unit is None:
        raise InputError("kind needs a UNIT, as in: cellscope kind RUN lstm.0:cell/221")
    with bar("searching") as progress:
        told = kind_in(run, unit, progress=progress, **options)
    for caveat in told.search.caveats:
        note(f"note: {caveat}")
    if form == "json":
        click.echo(as_json(**told.portrait.figures(), **told.figures()))
    else:
        say_portrait(told.portrait)


def say_portrait(portrait: Portrait) -> None:
    """What is known of a unit at a feature, in some lines and tables."""
    from cellscope.evidence.kinds import CRITERION

    kind = portrait.kind
    click.echo(kind.sentence)
    if kind.timing:
        click.echo(f"it {kind.timing}")
    click.echo(_keeping(portrait))
    if kind.fits:
        click.echo("\n" + _fits(portrait))
    for title, lists in (("written", portrait.moves.writes), ("erased", portrait.moves.erases)):
        click.echo(f"\n{title} on reading\n" + _movers(lists, portrait.moves))
    if portrait.effect is not None:
        click.echo("\n" + _effect(portrait.effect, kind.sides))
    click.echo(f"\n{portrait.characters:,} characters heard, seed {portrait.seed}. {CRITERION}")


def _keeping(portrait: Portrait) -> str:
    from cellscope.pipeline.unitpage import characters

    said = f"time scale {characters(portrait.time_scale)}"
    if portrait.moves.memory is not None:
        gate = "forget" if "forget" in portrait.moves.gates else "update"
        inside, outside = (f"{m:,.0f}" if m >= 10 else f"{m:.1f}" for m in portrait.moves.memory)
        said += f"; the {gate} gate keeps for {inside} characters inside, {outside} outside"
    return said


def _fits(portrait: Portrait) -> str:
    from cellscope.evidence.verdicts import digits

    rows = [
        [f.clock, digits(f.r2), f"{digits(f.low)}-{digits(f.high)}", f"{f.gain:+.2f}",
         f"{f.gain_low:+.2f} to {f.gain_high:+.2f}", digits(f.within), digits(f.swing)]
        for f in portrait.kind.fits
    ]  # fmt: skip
    return tabulate(["clock", "R2", "95 %", "beyond a switch", "95 %", "within", "swing"], rows)


def _movers(lists: Any, moves: Moves) -> str:
    names = list(moves.gates)
    rows = [
        [phase, repr(m.symbol), f"{m.share:.0%}", f"{m.times:,}", f"{m.moved:+.2f}",
         *(f"{m.gates[n]:.2f}" for n in names)]
        for phase, movers in lists.items()
        for m in movers[:SHOWN]
    ]  # fmt: skip
    return tabulate(["where", "character", "share", "times", "moves by", *names], rows)


def _effect(effect: Effect, sides: tuple[str, str]) -> str:
    head = (
        f"held at {effect.inside:.3g} ({sides[0]}) instead of {effect.outside:.3g} ({sides[1]}) on reading one "
        f"character, at {effect.positions} places: {effect.moved:.1%} of the next character's probability moves"
    )
    rows = [
        [repr(p.symbol), f"{p.change:+.2f}", f"{p.low:+.2f} to {p.high:+.2f}", f"{p.outside:.3f}", f"{p.inside:.3f}"]
        for p in (*effect.promoted, *effect.suppressed)
    ]
    return (
        head + "\n" + tabulate(["next", "log odds", "95 %", f"p {sides[1]}", f"p {sides[0]}"], rows) if rows else head
    )
