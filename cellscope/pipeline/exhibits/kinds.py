"""What kind of cell a unit is, as an exhibit of its page: the clocks, when it knows, what moves it, what it does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cellscope.evidence.kinds import CRITERION, Kind
from cellscope.evidence.onsets import GONE, KNOWN, Onset
from cellscope.evidence.portraits import Portrait
from cellscope.evidence.promotion import Effect
from cellscope.evidence.writers import Mover, Moves
from cellscope.report.exhibits import Bars, Exhibit, Group, Lines, Series
from cellscope.report.tables import Table

SHOWN = 6
"""Symbols of each list."""
CLOCK_NAMES = {
    "inside": "two levels (a switch)", "depth": "depth of nesting", "since": "time since it began",
    "until": "time until it ends", "column": "column in the line", "value": "the number itself",
}  # fmt: skip
_SIGNS = {"\n": "⏎", "\t": "→", " ": "␣"}


def kind_exhibit(portrait: Portrait) -> Exhibit:
    """The portrait of a unit."""
    kind = portrait.kind
    timing = f" It {kind.timing}." if kind.timing else ""
    figures: list[Bars | Lines] = []
    if kind.fits:
        figures += [_clocks(kind), _profile(kind)]
    if kind.onset is not None and kind.timing:
        figures += [_offsets(kind.onset, "from its first character"), _offsets(kind.onset, "from its last character")]
    if portrait.effect is not None and (portrait.effect.promoted or portrait.effect.suppressed):
        figures.append(_effect(portrait.effect, kind.sides))
    return Exhibit(
        key="kind",
        title=f"What kind of cell: {kind.name}",
        sentence=f"{kind.sentence[:1].upper()}{kind.sentence[1:]}.{timing}",
        caveats=(CRITERION, *_said(portrait)),
        figures=tuple(figures),
        table=_movers(portrait.moves),
    )


def _said(portrait: Portrait) -> list[str]:
    said = []
    if portrait.moves.memory is not None:
        gate = "forget" if "forget" in portrait.moves.gates else "update"
        inside, outside = (f"{m:,.1f}" if math.isfinite(m) else "endlessly many" for m in portrait.moves.memory)
        said.append(f"With its mean {gate} gate it would keep for {inside} characters inside, {outside} outside.")
    if portrait.effect is not None:
        effect, sides = portrait.effect, portrait.kind.sides
        said.append(
            f"Held at {effect.inside:.3g} ({sides[0]}) instead of {effect.outside:.3g} ({sides[1]}) on reading one "
            f"character, at {effect.positions} places, it moves {effect.moved:.1%} of the next character's probability."
        )
    said.append(f"{portrait.characters:,} characters from all blocks of the text, seed {portrait.seed}.")
    return said


def _clocks(kind: Kind) -> Bars:
    return Bars(
        title="What each clock explains",
        caption="R2 on blocks that the clock was not fitted on, inside and outside weighed alike.",
        labels=tuple(CLOCK_NAMES[f.clock] for f in kind.fits),
        groups=(
            Group(
                name="R2",
                values=tuple(_known(f.r2) for f in kind.fits),
                low=tuple(_known(f.low) for f in kind.fits),
                high=tuple(_known(f.high) for f in kind.fits),
            ),
        ),
        value="R2",
    )


def _profile(kind: Kind) -> Lines:
    """The unit's mean along the clock that explains most beyond the switch."""
    best = max(kind.fits, key=lambda f: (len(f.numbers) > 1, f.clock == kind.clock, f.gain))
    series = Series(name="mean inside", x=best.numbers, y=best.means, points=best.clock == "depth")
    return Lines(
        title=f"Along the {CLOCK_NAMES[best.clock]}",
        caption="The unit's mean activation, clipped to where 95 % of it lie.",
        series=(series,),
        x=CLOCK_NAMES[best.clock],
        y="activation",
        rules=((kind.sides[1], kind.outside),),
    )


def _offsets(onset: Onset, where: str) -> Lines:
    start = where.endswith("first character")
    offsets, values = (onset.start_offsets, onset.starts) if start else (onset.end_offsets, onset.ends)
    shown = [k for k in range(len(offsets)) if -20 <= offsets[k] <= 40 and math.isfinite(values[k])]
    rule = ("knows", KNOWN) if start else ("has let go", GONE)
    return Lines(
        title=f"Characters {where}",
        caption="The mean less the mean outside, over that of the plateau; 0 is on reading that very character.",
        series=(
            Series(
                name="separation", x=tuple(float(offsets[k]) for k in shown), y=tuple(float(values[k]) for k in shown)
            ),
        ),
        x=f"characters {where}",
        y="separation",
        rules=(rule,),
    )


def _effect(effect: Effect, sides: tuple[str, str]) -> Bars:
    symbols = (*effect.promoted[:SHOWN], *effect.suppressed[:SHOWN])
    return Bars(
        title="What it does to the next character",
        caption=f"Log odds in nats, held at its level {sides[0]} instead of {sides[1]}.",
        labels=tuple(_shown(p.symbol) for p in symbols),
        groups=(
            Group(
                name="log odds",
                values=tuple(p.change for p in symbols),
                low=tuple(_known(p.low) for p in symbols),
                high=tuple(_known(p.high) for p in symbols),
            ),
        ),
        value="change of the log odds, nats",
    )


def _movers(moves: Moves) -> Table:
    """What writes the unit and what erases it."""
    rows = [
        _row(what, phase, mover)
        for what, lists in (("writes", moves.writes), ("erases", moves.erases))
        for phase, mover in _each(lists)
    ]
    return Table(columns=("what", "where", "on reading", "share", "times", "moves by", *moves.gates), rows=tuple(rows))


def _each(lists: Mapping[str, Sequence[Mover]]) -> list[tuple[str, Mover]]:
    return [(phase, mover) for phase, movers in lists.items() for mover in movers[:SHOWN]]


def _row(what: str, phase: str, mover: Mover) -> dict[str, str | float | int | bool | None]:
    return {
        "what": what, "where": phase, "on reading": _shown(mover.symbol), "share": mover.share, "times": mover.times,
        "moves by": mover.moved, **mover.gates,
    }  # fmt: skip


def _shown(symbol: str) -> str:
    return _SIGNS.get(symbol, symbol if symbol.isprintable() else "\ufffd")


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
