"""`cellscope errors [RUN]`: what a network gets wrong that a model of n characters gets right, and the reverse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cellscope.cli.figures import FORMAT
from cellscope.cli.options import REPORTS, network_options, text_options
from cellscope.cli.say import bar, note, tabulate

if TYPE_CHECKING:
    from cellscope.evidence.errors import Stretch
    from cellscope.evidence.groups import Group
    from cellscope.pipeline.errors import Compared

RARE = 20
"""Groups with fewer characters are not printed."""


@click.command()
@network_options
@text_options
@click.option("--trained-on", metavar="FILE",
              help="What the n-grams are counted in.  [default: what the run was trained on]")  # fmt: skip
@click.option("--feature", "-f", "features", multiple=True, metavar="NAME",
              help="What opens and closes: a feature of the library, or NAME=PATTERN. Repeatable.  "
              "[default: brackets, quotes]")  # fmt: skip
@click.option("--features", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Features of yours, in TOML.")  # fmt: skip
@click.option("--characters", type=click.IntRange(min=0), default=200_000, show_default=True,
              help="Ask about the last so many characters that were held back from training; 0 for all.")  # fmt: skip
@click.option("--order", type=click.IntRange(1, 64), default=20, show_default=True,
              help="Characters of the longest model, the predicted one included.")  # fmt: skip
@FORMAT
@click.option("--pages/--no-pages", default=True, show_default=True, help="Write the page.")
@click.option("--reports", type=REPORTS, default=Path("reports"), show_default=True,
              help="Folder of the pages.")  # fmt: skip
@click.option("--single-file", is_flag=True, help="Put everything that the page needs into the page itself.")
def errors(run: str | None, form: str, pages: bool, reports: Path, single_file: bool, **options: Any) -> None:
    """Say what the network gets wrong that a model of 1 to 20 characters gets right, and the reverse.

    RUN is a run's name or folder (default: the latest). A character is wrong where its probability is below one half.
    The n-gram models are counted in what the run was trained on, and both are asked about text that was held back.
    """
    from cellscope.pipeline.errors import errors_in
    from cellscope.pipeline.exhibits.errors import write_errors

    with bar("comparing") as progress:
        found = errors_in(run, progress=progress, **options)
    click.echo(found.json() if form == "json" else told(found))
    if pages:
        note(f"page: {write_errors(found, reports, single_file=single_file)}")


def told(found: Compared) -> str:
    """The sentences, the tables, and the places where the two differ most."""
    asked, n = found.asked, f"{found.order}-gram"
    orders = [[str(o.order), f"{o.nats:.3f}", f"{100 * o.wrong:.1f} %"] for o in found.errors.orders if _shown(o.order)]
    whole = found.errors.all
    orders += [["network", f"{whole.network:.3f}", f"{100 * whole.network_wrong:.1f} %"]]
    parts = [
        "\n".join(found.sentences),
        tabulate(["model", "nats", "wrong"], orders),
        _groups("characters", [*found.errors.classes, whole], n),
    ]
    parts.append(_symbols(found, n))
    if found.distances:
        parts.append(_closings(found, n))
    for title, places in (("the network is farthest behind", found.errors.worse),
                          (f"the {n} is farthest behind", found.errors.better)):  # fmt: skip
        if places:
            parts.append("\n".join([f"{title} (nats a character: network, {n})", *(_line(found, s) for s in places)]))
    rare = ", ".join(f"{name} ({count})" for name, count in found.rare.items())
    parts.append(
        (f"closing too rarely to be told: {rare}\n" if rare else "")
        + (f"note: {asked.remark}\n" if asked.remark else "")
        + f"{asked.length:,} characters of {asked.corpus.name} from {asked.start:,} on; n-grams (modified Kneser-Ney) "
        f"of {len(asked.learnt):,} characters of {asked.learnt_name}"
    )
    return "\n\n".join(parts)


def _shown(order: int) -> bool:
    return order <= 10 or order % 5 == 0


def _groups(name: str, groups: list[Group], n: str) -> str:
    from cellscope.pipeline.errors import nats_of, percent, shares

    rows = [
        [g.name, f"{g.characters:,}", f"{g.network:.2f}", f"{g.ngram:.2f}", nats_of(g.difference),
         percent(g.network_wrong), percent(g.ngram_wrong), shares(g.only_network), shares(g.only_ngram)]
        for g in groups
    ]  # fmt: skip
    heads = [name, "number", "network", n, "difference", "wrong", f"{n} wrong", "network alone", f"{n} alone"]
    return tabulate(heads, rows)


def _symbols(found: Compared, n: str) -> str:
    """The characters that either alone gets wrong most often; the page and JSON have all."""
    from cellscope.pipeline.errors import most_missed, percent, shown

    network, ngram = most_missed(found.errors)
    rows = [
        [who, shown(g.name), f"{times:,}", f"{g.characters:,}", percent(g.network_wrong), percent(g.ngram_wrong)]
        for who, some in (("network", network), (n, ngram)) for g, times in some
    ]  # fmt: skip
    return tabulate(["wrong for this alone", "character", "times", "of", "wrong", f"{n} wrong"], rows)


def _closings(found: Compared, n: str) -> str:
    """What closes a bracket or quote, by its distance to what opened; what is rare is in JSON and on the page."""
    from cellscope.pipeline.errors import nats_of

    rows = [
        [d.feature, g.name, f"{g.characters:,}", f"{g.network:.2f}", f"{g.ngram:.2f}", nats_of(g.difference)]
        for d in found.distances
        for g in (*d.closings, d.closing)
        if g.characters >= RARE
    ]
    return tabulate(["closing", "distance", "number", "network", n, "difference"], rows)


def _line(found: Compared, stretch: Stretch) -> str:
    """One line of text; what would steer a terminal, and line ends, as signs."""
    text = "".join("⏎" if c == "\n" else "→" if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}"
                   for c in found.text(stretch))  # fmt: skip
    return f"{stretch.network:6.2f} {stretch.ngram:6.2f}  {text}"
