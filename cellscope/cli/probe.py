"""`cellscope probe [RUN]`: one cell or many; for pictures also what is decided in which layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import network_options, search_options, text_options
from cellscope.cli.pictures import opened, preparation_options
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import looks, refuse, refuse_given

if TYPE_CHECKING:
    from cellscope.vision.probes import Probes

TEXT_ALONE = ("files", "text", "encoding", "as_bytes", "vocabulary", "characters", "streams", "lesion", "save")
PICTURES_ALONE = ("images", "sites", "size", "fit", "channels", "label", "masks", "count", "classes", "mean", "std",
                  "range_", "order", "grid", "most")  # fmt: skip
OF_CONCEPTS = ("draws", "reports", "pages", "single_file")
"""What pictures have a use for where concepts are asked for."""
CLASSES = 2000
"""Pictures that the probes of classes look at, at most, where nothing is said: their activations are kept."""


@click.command()
@network_options
@text_options
@search_options
@preparation_options
@click.option("--streams", help="What of every layer: h,c,i,f,o,g (GRU: h,r,z,n) or all.  [default: h,c]")
@click.option("--draws", type=click.IntRange(1), default=10, show_default=True,
              help="Sets of units drawn at random at each number of units.")  # fmt: skip
@click.option(
    "--layer",
    "sites",
    multiple=True,
    metavar="SITE",
    help="A layer of a network for pictures.  [default: all; with --feature that of the concept's best unit]",
)
@click.option("--grid", type=click.IntRange(1), default=1, show_default=True,
              help="Average feature maps over each of GRID x GRID parts; 1 loses all places.")  # fmt: skip
@click.option("--most", type=click.IntRange(4),
              help="Look at so many pictures at most; one half teaches, the other scores.  [default: 2,000; with "
              "--feature all]")  # fmt: skip
@click.option("--lesion", is_flag=True, help="Hold each direction at its mean while the network runs on; one stream.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE.npy",
              help="Keep the direction of one feature in one stream, for lesion --direction.")  # fmt: skip
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the page of the curves.")
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@FORMAT
@click.pass_context
def probe(ctx: click.Context, /, form: str, **options: Any) -> None:
    """Say whether one cell tells a feature, or few, or many together; for pictures also what is decided in which layer.

    Linear readings of 1, 2, 4 ... and all units, chosen and fitted on one half of the text's blocks and scored on
    the other, beside units drawn at random and a control task that only memory can tell.

    Pictures: with --feature CONCEPT (repeatable), or --feature all, the same of concepts, at the places of a layer's
    map: each in the layer of its best unit, or in every --layer that is named. Without, a logistic regression on the
    pixels, and one on every layer's units or averaged maps; the same network with weights drawn anew stands beside.
    """
    looking = looks(options)
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    for name in TEXT_ALONE if looking else PICTURES_ALONE:
        options.pop(name)
    if not looking:
        _text(form, options)
    elif options["asked"]:
        refuse_given(ctx, ("grid",), "averages maps for the probes of classes; leave it out, or --feature")
        _concepts(form, options)
    else:
        refuse_given(ctx, OF_CONCEPTS, "is for concepts; name one with --feature, or --feature all")
        _classes(form, options)


def _text(form: str, options: dict[str, Any]) -> None:
    from cellscope.cli.needs import told
    from cellscope.cli.probe_curves import told as curves_told
    from cellscope.pipeline.probing import probe_in

    reports, pages, single_file = (options.pop(name) for name in ("reports", "pages", "single_file"))
    with bar("probing") as progress:
        probed = probe_in(progress=progress, **options)
    parts = [curves_told(probed.found), *(told(need) for need in probed.lesions)]
    click.echo(probed.json() if form == "json" else "\n\n".join(parts))
    if pages:
        from cellscope.pipeline.exhibits.probes import write_probes

        note(f"page: {write_probes(probed, reports, single_file=single_file)}")


def _concepts(form: str, options: dict[str, Any]) -> None:
    from cellscope.cli.probe_curves import told_pictures
    from cellscope.pipeline.probing_pictures import probe_concepts

    del options["grid"]
    reports, pages, single_file = (options.pop(name) for name in ("reports", "pages", "single_file"))
    asked = {name: options.pop(name) for name in ("asked", "sites", "most", "draws", "seed")}
    network, run, images = opened(options.pop("run"), options)
    with bar("probing", unit="") as progress:
        probed = probe_concepts(network, run, images, progress=progress, **asked)
    click.echo(probed.json() if form == "json" else told_pictures(probed.found, len(probed.images)))
    if pages:
        from cellscope.pipeline.exhibits.probes import write_picture_probes

        note(f"page: {write_picture_probes(probed, reports, single_file=single_file)}")


def _classes(form: str, options: dict[str, Any]) -> None:
    from cellscope.vision.probes import probes
    from cellscope.vision.readable import readable

    for name in ("asked", *OF_CONCEPTS):
        del options[name]
    sites, seed, grid = (options.pop(name) for name in ("sites", "seed", "grid"))
    most = options.pop("most") or CLASSES
    network, _, images = opened(options.pop("run"), options)
    simple = readable(network, images, most=most, seed=seed)
    with bar("probing", unit="layers") as progress:
        found = probes(network, images, sites=sites, grid=grid, most=most, seed=seed, progress=progress)
    if form == "json":
        click.echo(as_json(found, readable=simple))
        return
    click.echo(simple.sentence)
    if not simple.converged:
        click.echo("(the regression was stopped before it came to its end)")
    click.echo(_layers(found))
    if images.mask_names:
        click.echo(f"\nhow many units tell a concept ({_few(images.mask_names)}): --feature NAME, or --feature all")


def _layers(found: Probes) -> str:
    rows = [
        [str(outlet.site), outlet.kind, f"{own:.3f} ({low:.3f}-{high:.3f})", f"{raw:.3f}"]
        for outlet, (own, low, high), (raw, _, _) in zip(found.outlets, found.accuracy, found.untrained, strict=True)
    ]
    table = tabulate(["layer", "kind", "probe", "untrained"], rows)
    late = ", ".join(map(str, found.unconverged))
    return f"{found.sentence}\n\n{table}" + (f"\n\nstopped before their end: {late}" if late else "")


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
