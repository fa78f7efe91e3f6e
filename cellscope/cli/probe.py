"""`cellscope probe [RUN]`: one cell or many, for a text; what is decided in which layer, for pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT, as_json
from cellscope.cli.options import network_options, search_options, text_options
from cellscope.cli.pictures import opened, preparation_options
from cellscope.cli.say import bar, note, tabulate
from cellscope.cli.subjects import looks, refuse

if TYPE_CHECKING:
    from cellscope.evidence.probes import Probe
    from cellscope.evidence.probes import Probes as Curves
    from cellscope.vision.probes import Probes

TEXT_ALONE = (
    "files", "asked", "text", "encoding", "as_bytes", "vocabulary", "characters", "streams", "draws", "reports",
    "pages", "single_file", "lesion", "save",
)  # fmt: skip
PICTURES_ALONE = ("images", "sites", "size", "fit", "channels", "label", "masks", "count", "classes", "mean", "std",
                  "range_", "order", "grid", "most")  # fmt: skip
CURVES = 3
"""So many features get their whole curve on the terminal; JSON has all."""


@click.command()
@network_options
@text_options
@search_options
@preparation_options
@click.option("--streams", help="What of every layer: h,c,i,f,o,g (GRU: h,r,z,n) or all.  [default: h,c]")
@click.option("--draws", type=click.IntRange(1), default=10, show_default=True,
              help="Sets of units drawn at random at each number of units.")  # fmt: skip
@click.option(
    "--layer", "sites", multiple=True, metavar="SITE", help="A layer of a network for pictures.  [default: all]"
)
@click.option("--grid", type=click.IntRange(1), default=1, show_default=True,
              help="Average feature maps over each of GRID x GRID parts; 1 loses all places.")  # fmt: skip
@click.option("--most", type=click.IntRange(4), default=2000, show_default=True,
              help="Look at so many pictures at most; one half teaches, the other scores.")  # fmt: skip
@click.option("--lesion", is_flag=True, help="Hold each direction at its mean while the network runs on; one stream.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE.npy",
              help="Keep the direction of one feature in one stream, for lesion --direction.")  # fmt: skip
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the page (texts).")
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
@FORMAT
@click.pass_context
def probe(ctx: click.Context, /, form: str, **options: Any) -> None:
    """Say whether one cell tells a feature, or few, or many together; for pictures, what is decided in which layer.

    Text: linear readings of 1, 2, 4 ... and all units, chosen and fitted on one half of the text's blocks and scored on
    the other, beside units drawn at random and a control task that only memory can tell.

    Pictures: a logistic regression on the pixels, and one on every layer's units or averaged maps; the same network
    with weights drawn anew stands beside.
    """
    looking = looks(options)
    refuse(ctx, TEXT_ALONE if looking else PICTURES_ALONE, looking)
    for name in TEXT_ALONE if looking else PICTURES_ALONE:
        options.pop(name)
    if looking:
        _pictures(form, options)
    else:
        _text(form, options)


def _text(form: str, options: dict[str, Any]) -> None:
    from cellscope.cli.lesion_texts import told
    from cellscope.pipeline.probing import probe_in

    reports, pages, single_file = (options.pop(name) for name in ("reports", "pages", "single_file"))
    with bar("probing") as progress:
        probed = probe_in(progress=progress, **options)
    parts = [_told(probed.found), *(told(need) for need in probed.lesions)]
    click.echo(probed.json() if form == "json" else "\n\n".join(parts))
    if pages:
        from cellscope.pipeline.exhibits.probes import write_probes

        note(f"page: {write_probes(probed, reports, single_file=single_file)}")


def _told(found: Curves) -> str:
    """A line for each feature, most local first; the whole curve where few were asked for; the criterion."""
    from cellscope.evidence.probes import CRITERION

    curves = [p for p in found.probes if p.rungs]
    parts = []
    if len(found.probes) <= CURVES:
        for p in found.probes:
            parts += [p.verdict, *([_curve(p)] if p.rungs else [])]
    else:
        order = {"local": 0, "sparse": 1, "distributed": 2, "nothing": 3}
        curves.sort(key=lambda p: (order[p.spread], p.needed or 0, -p.told))
        heads = [
            "feature",
            "late",
            "verdict",
            "units",
            "best unit",
            "alone",
            "share",
            "all units",
            "95 %",
            "control",
            "random",
        ]
        parts.append(tabulate(heads, [_row(p) for p in curves]))
        counts = {name: sum(p.spread == name for p in curves) for name in order}
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        left = len(found.probes) - len(curves)
        parts.append(f"{told}" + (f"; {left} features too rare or too common to be probed" if left else ""))
    parts.append(f"{CRITERION}.")
    units = sum(found.sites.values())
    parts.append(
        f"{found.characters:,} characters heard, every {found.stride}. summed, {units:,} units of "
        f"{', '.join(map(str, found.sites))}; {found.reporting} groups of blocks report, seed {found.seed}"
    )
    return "\n\n".join(parts)


def _row(p: Probe) -> list[str]:
    from cellscope.evidence.verdicts import digits

    one, every = p.rungs[0], p.all
    return [
        p.feature, str(p.lag or "-"), p.spread, "-" if p.needed is None else f"{p.needed:,}",
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


def _pictures(form: str, options: dict[str, Any]) -> None:
    from cellscope.vision.probes import probes
    from cellscope.vision.readable import readable

    sites, seed, grid, most = (options.pop(name) for name in ("sites", "seed", "grid", "most"))
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


def _layers(found: Probes) -> str:
    rows = [
        [str(outlet.site), outlet.kind, f"{own:.3f} ({low:.3f}-{high:.3f})", f"{raw:.3f}"]
        for outlet, (own, low, high), (raw, _, _) in zip(found.outlets, found.accuracy, found.untrained, strict=True)
    ]
    table = tabulate(["layer", "kind", "probe", "untrained"], rows)
    late = ", ".join(map(str, found.unconverged))
    return f"{found.sentence}\n\n{table}" + (f"\n\nstopped before their end: {late}" if late else "")
