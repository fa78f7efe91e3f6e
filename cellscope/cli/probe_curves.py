"""How `cellscope probe` tells curves on the terminal, of features of a text and of concepts of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cellscope.cli.say import tabulate

if TYPE_CHECKING:
    from cellscope.evidence.picture_probing import PictureProbes
    from cellscope.evidence.probes import Probe, Probes

CURVES = 3
"""So many get their whole curve; JSON has all."""
ORDER = ("local", "sparse", "distributed", "nothing")


def told(found: Probes) -> str:
    """The features of a text: curves, criterion, and what was heard."""
    units = sum(found.sites.values())
    heard = (
        f"{found.characters:,} characters heard, every {found.stride}. summed, {units:,} units of "
        f"{', '.join(map(str, found.sites))}; {found.reporting} groups of blocks report, seed {found.seed}"
    )
    return "\n\n".join([*curves(found.probes), heard])


def told_pictures(found: PictureProbes, shown: int) -> str:
    """The concepts of pictures: curves, criterion, what the best unit of every layer tells, and what was shown."""
    first = found.found[0]
    few = [concept.name for concept in found.concepts[:CURVES]]
    parts = curves(found.probes)
    if len(found.concepts) <= CURVES and len(found.layers) > 1:
        parts.append("R2 of the best unit of every layer, on the pictures that choose:\n" + _layers(found, few))
    parts.append(
        f"{shown:,} pictures; {first.choosing} groups of blocks choose, {first.reporting} report, seed {first.seed}"
    )
    return "\n\n".join(parts)


def curves(probes: Sequence[Probe]) -> list[str]:
    """A line each, most local first; the whole curves where there are few; then the criterion."""
    from cellscope.evidence.probes import criterion
    from cellscope.evidence.terms import TEXT

    terms, parts = probes[0].terms, []
    if len(probes) <= CURVES:
        for p in probes:
            parts += [p.verdict, *([_curve(p)] if p.rungs else [])]
    else:
        known = [p for p in probes if p.rungs]
        known.sort(key=lambda p: (ORDER.index(p.spread), p.needed or 0, -p.told))
        late = ["late"] * (terms is TEXT)
        heads = [terms.feature, *late, "verdict", "units", "best unit", "alone", "share", "all units", "95 %",
                 "control", "random"]  # fmt: skip
        parts.append(tabulate(heads, [_row(p) for p in known]))
        counts = {name: sum(p.spread == name for p in known) for name in ORDER}
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        left = len(probes) - len(known)
        parts.append(f"{said}" + (f"; {left} {terms.feature}s too rare or too common to be probed" if left else ""))
    return [*parts, f"{criterion(terms)}."]


def _row(p: Probe) -> list[str]:
    from cellscope.evidence.terms import TEXT
    from cellscope.evidence.verdicts import digits

    one, every = p.rungs[0], p.all
    late = [str(p.lag or "-")] * (p.terms is TEXT)
    return [
        p.feature, *late, p.spread, "-" if p.needed is None else f"{p.needed:,}",
        str(p.chosen[0]) if p.chosen else "-",
        digits(one.score), "-" if p.needed is None else f"{max(p.share[0], 0):.0%}", digits(every.score),
        f"{digits(every.low)} to {digits(every.high)}", digits(every.control),
        "-" if p.equalled is None else f"{p.equalled:,}",
    ]  # fmt: skip


def _curve(p: Probe) -> str:
    """R2 at every number of units."""
    from cellscope.evidence.verdicts import digits

    rows = [
        [f"{r.units:,}", digits(r.score), f"{digits(r.low)} to {digits(r.high)}", digits(r.lasso), digits(r.random),
         "-" if r.random != r.random else f"{digits(r.least)} to {digits(r.most)}",
         digits(r.control), digits(r.selectivity)] for r in p.rungs
    ]  # fmt: skip
    heads = ["units", "R2", "95 %", "lasso", "random", "least to most", "control", "selectivity"]
    return f"{tabulate(heads, rows)}\nfirst of these units: {', '.join(map(str, p.chosen[:8]))}"


def _layers(found: PictureProbes, concepts: Sequence[str]) -> str:
    from cellscope.evidence.verdicts import digits

    told = [found.told(concept) for concept in concepts]
    rows = [[str(layer.site), f"{layer.units:,}", *(digits(one[str(layer.site)]) for one in told)]
            for layer in found.layers]  # fmt: skip
    return tabulate(["layer", "units", *concepts], rows)
