"""How needs are told on the terminal: the verdict, and every figure beside its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellscope.cli.say import tabulate

if TYPE_CHECKING:
    from cellscope.evidence.needs import Change, Effect, Need
    from cellscope.evidence.picture_needs import PictureNeed

HEADS = ["", "inside", "at its end", "elsewhere"]


def told(need: Need) -> str:
    """The verdict and every figure for one feature of a text."""
    means = f"{need.chosen:,} characters before them"
    return _told(need, "characters", ("inside", "end", "elsewhere"), HEADS, [], means)


def told_pictures(need: PictureNeed) -> str:
    """The verdict and every figure for one concept of pictures, those of the share told right too."""
    zones = ("inside", "elsewhere")
    rights = need.right, need.right_elsewhere
    more = [["told right without lesion", *(f"{right.free:.3f}" for right in rights)],
            ["change of that", *words(*(right.change for right in rights))]]  # fmt: skip
    if need.random:
        more.append([f"{len(need.random)} random", *(extremes(right.random) for right in rights)])
    heads = ["", f"with {need.feature}", "without"]
    return _told(need, "pictures", zones, heads, more, f"{need.chosen:,} other pictures")


def _told(need: Need, items: str, zones: tuple[str, ...], heads: list[str], more: list[list[str]], means: str) -> str:
    shown = [zone != "end" or zone in zones for zone in ("inside", "end", "elsewhere")]
    counted = [f"{n:,}" for n, here in zip(need.counted, shown, strict=True) if here]
    free = [f"{f:.3f}" for f, here in zip(need.free, shown, strict=True) if here]
    rows = [[items, *counted], ["nats without lesion", *free], ["change", *_row(need.effect, zones)]]
    if need.random:
        rows.append(_random(need.random, zones))
    if need.kept is not None:
        rows.append(["only these kept", *_row(need.kept.only, zones)])
        rows.append(["none kept", *_row(need.kept.none, zones)])
        if need.kept.random:
            rows.append(["random kept", extremes(need.kept.random), *[""] * (len(zones) - 1)])
    parts = [need.sentence, "", tabulate(heads, rows + more)]
    if need.several:
        ks = [[str(s.k), s.best.inside.words, extremes(s.random) if s.k > 1 or s.random else ""] for s in need.several]
        parts += ["", tabulate(["k", f"k best units held, {heads[1]}", f"k random held, {heads[1]}"], ks)]
    parts += ["", f"{need.characters:,} {items}, {need.blocks} blocks; means and best units from {means}; seed "
             f"{need.seed}"]  # fmt: skip
    return "\n".join(parts)


def words(*changes: Change) -> list[str]:
    """Changes, each with its interval."""
    return [change.words for change in changes]


def extremes(values: Any) -> str:
    """The least and the most of some changes."""
    from cellscope.evidence.needs import nats

    low, high = min(values), max(values)
    return nats(low) if low == high else f"{nats(low)} to {nats(high)}"


def _row(effect: Effect, zones: tuple[str, ...]) -> list[str]:
    return words(*(getattr(effect, zone) for zone in zones))


def _random(effects: tuple[Effect, ...], zones: tuple[str, ...]) -> list[str]:
    spread = (extremes([getattr(effect, zone).value for effect in effects]) for zone in zones)
    return [f"{len(effects)} random", *spread]
