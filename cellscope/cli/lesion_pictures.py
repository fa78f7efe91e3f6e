"""What `cellscope lesion` does with pictures: units are removed, and what is no longer told is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.axes import Unit
from cellscope.cli.figures import as_json
from cellscope.cli.needs import told_pictures
from cellscope.cli.pictures import opened, with_components
from cellscope.cli.say import bar, note, tabulate
from cellscope.errors import InputError

if TYPE_CHECKING:
    from cellscope.vision.damage import Damage
    from cellscope.vision.importance import Importance
    from cellscope.vision.lesions import Scores

SHOWN = 15
"""Units that are printed; JSON has all."""


def lesion_pictures(
    run: str | None, addresses: tuple[str, ...], *, layer: str | None, asked: tuple[str, ...], fill: str, draws: int,
    most: int, seed: int, form: str, reports: Path, pages: bool, single_file: bool, **options: Any,
) -> None:  # fmt: skip
    """Remove units of a network for pictures together, or those of a layer in turn."""
    from cellscope.axes import Site
    from cellscope.pipeline.lesion_pages import write_picture_lesion
    from cellscope.pipeline.picture_bases import fitted
    from cellscope.pipeline.picture_lesions import lesion_concepts
    from cellscope.vision.damage import damage
    from cellscope.vision.importance import each_unit
    from cellscope.vision.labelled import halves
    from cellscope.vision.lesions import remove

    if bool(addresses) == bool(layer):
        raise InputError(
            "give UNITs to remove together, as in features.6/3, or a --layer to take apart; one of the two"
        )
    if asked and layer:
        raise InputError("--feature goes with UNITs, as in features.6/3; leave it out, or --layer")
    if fill == "outside" and not asked:
        raise InputError("--fill outside means outside a feature; name one, as in --feature circle")
    network, folder, images = opened(run, options)
    network, (told,) = with_components(network, images, addresses or (str(layer),))
    units = [Unit.parse(address) for address in told] if addresses else []
    if fitted(network, told):
        note("a direction of the probe was fitted to half of these pictures, whichever half reports here")
    if asked:
        with bar("lesioning", unit="pictures") as progress:
            lesioned = lesion_concepts(
                network, folder, images, units, asked, fill=fill, draws=draws, most=most, seed=seed, progress=progress
            )
        click.echo(lesioned.json() if form == "json" else "\n\n".join(map(told_pictures, lesioned.needs)))
        if pages:
            note(f"page: {write_picture_lesion(lesioned, reports, single_file=single_file)}")
        return
    two = halves(network, images, most=most, seed=seed)
    if units:
        scores = remove(network, two, units, fill=fill)
        click.echo(as_json(scores, units=units, fill=fill, seed=seed) if form == "json" else _told(scores, units, fill))
        return
    with bar("removing", unit="pictures") as progress:
        found = each_unit(network, two, Site.parse(told[0]), fill=fill, progress=progress)
        curve = damage(network, two, found, draws=draws, seed=seed, progress=progress)
    click.echo(as_json(found, damage=curve) if form == "json" else _layer(found, curve))


def _told(scores: Scores, units: list[Unit], fill: str) -> str:
    """Accuracy overall and by class, before and after."""
    rows = [["all", f"{scores.pictures.sum()}", f"{scores.accuracy[0]:.3f}", f"{scores.accuracy[1]:.3f}",
             f"{scores.accuracy[1] - scores.accuracy[0]:+.3f}", ""]]  # fmt: skip
    for c in range(len(scores.classes)):
        if scores.pictures[c]:
            before, after = scores.recall[:2, c]
            rows.append([scores.classes[c], f"{scores.pictures[c]}", f"{before:.3f}", f"{after:.3f}",
                         f"{after - before:+.3f}", f"{scores.balanced[1, c]:.3f}"])  # fmt: skip
    filled = "set to 0" if fill == "zero" else "set to their means"
    some = ", ".join(map(str, units[:5])) + (f" and {len(units) - 5} more" if len(units) > 5 else "")
    table = tabulate(["class", "pictures", "accuracy", "without", "change", "balanced"], rows)
    return f"without {some} ({filled}):\n\n{table}"


def _layer(found: Importance, curve: Damage) -> str:
    """The sentences, the units that matter most, and the damage curve."""
    rows = []
    for unit in found.order[:SHOWN].tolist():
        change = found.change[unit]
        worst = min(range(len(change)), key=lambda c: change[c] if change[c] == change[c] else 2.0)
        hurt = [found.whole.classes[worst], f"{change[worst]:+.3f}"] if change[worst] < 0 else ["-", ""]
        rows.append([f"{found.site}/{unit}", f"{found.effect[unit]:+.3f}", *hurt])
    low, high = curve.range()
    shares = [[f"{n}", f"{curve.best[k]:.3f}", f"{curve.random[:, k].mean():.3f} ({low[k]:.3f}-{high[k]:.3f})",
               f"{curve.kept[-1 - k]:.3f}"] for k, n in enumerate(curve.counts.tolist())]  # fmt: skip
    parts = [found.named(), *(hang.sentence for hang in found.hangs if hang.clear), ""]
    parts += [tabulate(["unit", "accuracy", "most hurt", "its accuracy"], rows)]
    if len(found.dead):
        parts.append(f"{len(found.dead)} of {len(found.order)} units change nothing: {_few(found.dead.tolist())}")
    heads = ["removed", "most important", "at random (95 % of draws)", "least important"]
    return "\n".join([*parts, "", curve.sentence, "", tabulate(heads, shares)])


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:20])) + (" ..." if len(numbers) > 20 else "")
