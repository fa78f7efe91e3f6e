"""What a network loses without units: of one feature, of all features of a unit, of every unit in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cellscope.evidence.lesion_map import LesionMap
from cellscope.evidence.need_words import TEXT
from cellscope.evidence.needs import Effect, Need
from cellscope.evidence.zones import INSIDE
from cellscope.report.exhibits import Bars, Exhibit, Group, HeatMap, Lines, Series, numbered_key
from cellscope.report.tables import Table

SHOWN = 60
"""Units that a heat map shows; the table of units has all."""
NATS = "change of the loss, nats a {}"


def need_exhibit(need: Need, number: int) -> Exhibit:
    """One feature without some units, beside random units, the best ones, and the complement; the `number`-th of its
    page.
    """
    figures: list[Bars | Lines] = [_beside(need)]
    if need.several:
        figures.append(_several(need))
    return Exhibit(
        key=numbered_key("lesion", number, need.feature),
        title=f"Without {need.name}: {need.feature}",
        sentence=need.sentence,
        caveats=(*_caveats(need), *_kept(need)),
        figures=tuple(figures),
        table=_lesions(need),
    )


def causes_exhibits(needs: Sequence[Need]) -> tuple[Exhibit, ...]:
    """Every feature without one unit, those that it costs most first, as one exhibit; none where nothing was asked."""
    if not needs:
        return ()
    ordered = sorted(needs, key=lambda need: -need.effect.inside.value)
    needed = [need for need in ordered if need.needed]
    first = ordered[0]
    if needed:
        rest = f" It is needed inside {len(needed)} of {len(ordered)} features." if len(needed) > 1 else ""
        sentence = f"{needed[0].sentence}{rest}"
    else:
        sentence = (
            f"No feature needs {first.name}: {first.how}, it costs nothing inside any of {len(ordered)} features that "
            f"random {first.noun}s of like variance do not cost too."
        )
    top = ordered[:15]
    one = Exhibit(
        key="lesion",
        title="What the network loses without it",
        sentence=sentence,
        caveats=(*_caveats(first), *_many(ordered)),
        figures=(
            Bars(
                title="Inside each feature",
                caption=f"The {first.noun}, and the costliest of the random {first.noun}s of like variance.",
                labels=tuple(need.feature for need in top),
                groups=(
                    _effects(first.name, [need.effect for need in top]),
                    Group(
                        name=f"random {first.noun}s, the most",
                        values=tuple(_known(need.most) for need in top),
                        quiet=True,
                    ),
                ),
                value=NATS.format("character"),
            ),
        ),
        table=Table(columns=_COLUMNS, rows=tuple(_row(need) for need in ordered)),
    )
    return (one,)


def map_exhibit(found: LesionMap) -> Exhibit:
    """Every unit in turn, every feature: a heat map, and the unit that each feature needs most."""
    inside = found.inside
    most = np.nanmax(np.abs(np.nan_to_num(inside)), axis=1)
    shown = np.sort(np.argsort(-most, kind="stable")[:SHOWN])
    leaders = found.leaders()
    return Exhibit(
        key="lesions",
        title="Every unit in turn",
        sentence=found.sentence + ".",
        caveats=(
            TEXT.said,
            f"Over {found.characters:,} characters. The unit of a feature is chosen on half of the blocks of the text "
            "and reported on the other half.",
            "One unit at a time: what two units carry both, neither costs alone.",
        ),
        figures=(
            HeatMap(
                title="Change of the loss inside each feature",
                caption=f"The {len(shown)} units of {len(found.units)} that change any feature most.",
                rows=tuple(str(found.units[u]) for u in shown),
                columns=found.features,
                values=inside[shown],
                value=NATS.format("character"),
                row="unit",
                column="feature",
                reach=float(np.quantile(np.abs(np.nan_to_num(inside[shown])), 0.995)) or None,
            ),
        ),
        table=Table(
            columns=("feature", "needed", "unit", "inside", "low", "high", "end", "elsewhere", "95 % of units"),
            rows=tuple(
                {
                    "feature": x.feature, "needed": "yes" if x.needed else "no", "unit": str(x.unit),
                    "inside": _known(x.inside.value), "low": _known(x.inside.low), "high": _known(x.inside.high),
                    "end": _known(x.end.value), "elsewhere": _known(x.elsewhere.value), "95 % of units": x.typical,
                }
                for x in sorted(leaders, key=lambda x: (not x.needed, -x.inside.value))
            ),
        ),
    )  # fmt: skip


def units_exhibit(found: LesionMap) -> Exhibit:
    """Every unit with the feature that its loss costs most inside, all blocks counted."""
    value, low, high = (part[:, :, INSIDE] for part in found.intervals())
    most = np.nan_to_num(value, nan=-np.inf).argmax(1)
    worth = value[np.arange(len(most)), most]
    rows = [
        {
            "unit": str(found.units[u]), "feature": found.features[most[u]], "inside": _known(float(worth[u])),
            "low": _known(float(low[u, most[u]])), "high": _known(float(high[u, most[u]])),
        }
        for u in np.argsort(-np.nan_to_num(worth), kind="stable").tolist()
    ]  # fmt: skip
    return Exhibit(
        key="units",
        title="What each unit's loss costs most",
        sentence=f"All {len(rows):,} units, each with the feature inside which the network loses most without it.",
        caveats=(
            "The feature is chosen and told on the same text, so the figures of units that do little are flattered.",
        ),
        table=Table(
            columns=("unit", "feature", "inside", "low", "high"),
            rows=tuple(rows),
        ),
    )


def _beside(need: Need) -> Bars:
    ordered = sorted(need.random, key=lambda r: -r.inside.value)
    return Bars(
        title=need.words.where.format(feature="the feature").capitalize(),
        caption=f"{need.name} {need.how}, and {len(need.random)} random ones {need.likeness.rstrip(',')}.",
        labels=(need.name, *(r.name for r in ordered)),
        groups=(_effects(need.words.zones["inside"], [need.effect, *ordered]),),
        value=NATS.format(need.words.item),
    )


def _several(need: Need) -> Lines:
    ks = tuple(float(s.k) for s in need.several)
    best = [s.best.inside for s in need.several]
    drawn = [s.random for s in need.several]
    return Lines(
        title="The k best units for the feature, and k random ones",
        caption=f"Held together; the best were chosen on {need.words.chosen}. The band of the random ones is their "
        "range.",
        series=(
            Series(
                name="k best", x=ks, y=tuple(_known(b.value) for b in best), low=tuple(_known(b.low) for b in best),
                high=tuple(_known(b.high) for b in best), points=True,
            ),
            Series(
                name="k random", x=ks, y=tuple(float(np.mean(r)) for r in drawn), low=tuple(min(r) for r in drawn),
                high=tuple(max(r) for r in drawn), quiet=True, points=True,
            ),
        ),
        x="units held", y=NATS.format(need.words.item), log_x=True,
    )  # fmt: skip


def _caveats(need: Need) -> tuple[str, ...]:
    items = f"{need.words.item}s"
    where = "The last {:,} characters of the text" if need.words is TEXT else "Half of the pictures, {:,}"
    means = f"Means and variances come from {need.chosen:,} {'' if need.words is TEXT else 'other '}{items}"
    return (
        need.words.said,
        f"{where.format(need.characters)}, in {need.blocks} blocks. {means}{' before them' * need.before}. "
        f"{need.words.held}",
        "A lesion shows what the network loses, not what the unit does: it makes states that training never met.",
    )


def _many(needs: Sequence[Need]) -> tuple[str, ...]:
    """What asking of many features at once amounts to."""
    draws = max(len(need.random) for need in needs)
    if len(needs) < 2 or not draws:
        return ()
    return (
        f"{len(needs)} features were asked: a {needs[0].noun} like any other costs the most of {draws + 1} inside one "
        f"feature in {draws + 1} by chance, though seldom with its whole interval.",
    )


def _kept(need: Need) -> tuple[str, ...]:
    kept = need.kept
    if kept is None or math.isnan(kept.restored):
        return ()
    them = "it is" if need.many == 1 else "they are"
    layer = "the layer's stream" if need.words is TEXT else "the layer"
    rest = f"all other units of {layer}" if need.noun == "unit" else "all that lies across in the stream"
    said = (
        f"With {rest} held at the mean, and {need.name} alone left, {need.words.cost} "
        f"{kept.only.inside.words} nats; where {them} held too, {kept.none.inside.words}."
    )
    return (said,)


def _effects(name: str, effects: Sequence[Effect]) -> Group:
    inside = [effect.inside for effect in effects]
    return Group(
        name=name, values=tuple(_known(c.value) for c in inside), low=tuple(_known(c.low) for c in inside),
        high=tuple(_known(c.high) for c in inside),
    )  # fmt: skip


_COLUMNS = ("feature", "verdict", "inside", "low", "high", "end", "elsewhere", "random, most", "as costly", "free")


def _row(need: Need) -> dict[str, str | float | int | bool | None]:
    effect = need.effect
    return {
        "feature": need.feature, "verdict": need.verdict, "inside": _known(effect.inside.value),
        "low": _known(effect.inside.low), "high": _known(effect.inside.high), "end": _known(effect.end.value),
        "elsewhere": _known(effect.elsewhere.value), "random, most": _known(need.most), "as costly": need.above,
        "free": _known(need.free[INSIDE]),
    }  # fmt: skip


def _lesions(need: Need) -> Table:
    kept = [need.kept.only, need.kept.none] if need.kept is not None else []
    effects = [need.effect, *need.random, *(s.best for s in need.several), *kept]
    zones = need.words.zones
    columns = ("lesion", *(f"{zone}{part}" for zone in zones.values() for part in ("", ", low", ", high")))
    rows = []
    for effect in effects:
        row: dict[str, str | float | int | bool | None] = {"lesion": effect.name}
        for name, zone in zones.items():
            change = getattr(effect, name)
            row |= {
                zone: _known(change.value),
                f"{zone}, low": _known(change.low),
                f"{zone}, high": _known(change.high),
            }
        rows.append(row)
    return Table(columns=columns, rows=tuple(rows))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
