"""A network's loss and errors beside those of the n-gram models, as exhibits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.evidence.distances import FEATURES
from cellscope.evidence.errors import Stretch
from cellscope.evidence.ngrams import ORDER
from cellscope.pipeline.errors import Compared, closes, compared, shown, symbols_sentence
from cellscope.pipeline.exhibits.groups import bar_of, bars_of, known, line_of, table_of
from cellscope.pipeline.find import Search
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.reference import asked_of
from cellscope.pipeline.training import is_own
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Bars, Exhibit, Lines, Sample, Samples, Series, numbered_key
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table

AROUND = 60
"""Characters that are shown before and after a place."""
SYMBOLS = 24
"""Characters of the chart; the table has all."""
REACH = 4.0
"""Nats of difference that are drawn in full colour."""


def exhibit_of(search: Search, *, progress: Progress | None = None) -> Exhibit | None:
    """The loss of a searched network beside the n-gram models'; None where its text is too short for that, and of an
    array that was recorded elsewhere, which predicts nothing.
    """
    if isinstance(search.network, Recorded):
        return None
    try:
        asked = asked_of(search.run, search.corpus)
        return losses_exhibit(compared(search.network, search.run, asked, features=(), progress=progress))
    except InputError:
        return None


def losses_exhibit(found: Compared) -> Exhibit:
    """Loss by the number of characters that a model sees, and the loss of the network beside it."""
    orders = found.errors.orders
    return Exhibit(
        key="ngrams",
        title="Beside models of n characters",
        sentence=_sentence(found.sentences[0]),
        caveats=_caveats(found),
        figures=(
            Lines(
                title="Loss by characters of the model",
                caption="A model of n characters predicts from the n - 1 before; the line across is the network.",
                series=(
                    Series(
                        name="n-gram models",
                        x=tuple(float(o.order) for o in orders),
                        y=tuple(o.nats for o in orders),
                        labels=tuple(f"{100 * o.wrong:.1f} % wrong" for o in orders),
                    ),
                ),
                x="characters, the predicted one included",
                y="nats per character",
                rules=((f"network {found.errors.all.network:.3f}", found.errors.all.network),),
            ),
            bars_of("By class of characters", "Mean loss of each class.", found.errors.classes, found.order),
        ),
        table=table_of("characters", (*found.errors.classes, found.errors.all)),
    )


def errors_exhibit(found: Compared) -> Exhibit:
    """Which characters only one of the two gets wrong, and where the two differ most."""
    groups = (*found.errors.classes, found.errors.all)
    labels = tuple(g.name for g in groups)
    behind = (("network", found.errors.worse), (f"{found.order}-gram model", found.errors.better))
    shares = (
        bar_of("network alone", [g.only_network for g in groups]),
        bar_of(f"{found.order}-gram alone", [g.only_ngram for g in groups]),
    )
    return Exhibit(
        key="alone",
        title="What only one of them gets wrong",
        sentence=_sentence(f"{found.sentences[1]}; {found.sentences[2]}"),
        caveats=("A character is wrong where its probability is below one half.",),
        figures=(
            Bars(
                title="Wrong for one alone",
                caption="Shares of each class of characters, with 95 % intervals of blocks of text.",
                labels=labels,
                groups=shares,
                value="share of the characters",
            ),
            *(_samples(f"Where the {name} is farthest behind", places, found) for name, places in behind if places),
        ),
        table=table_of("characters", groups),
    )


def symbols_exhibit(found: Compared) -> Exhibit:
    """How often each character is wrong for one of the two alone."""
    n = f"{found.order}-gram"
    symbols = [g for g in found.errors.symbols if g.only_network.value + g.only_ngram.value > 0]
    labels = tuple(shown(g.name) for g in symbols[:SYMBOLS])
    shares = (
        bar_of("network alone", [g.only_network for g in symbols[:SYMBOLS]]),
        bar_of(f"{n} alone", [g.only_ngram for g in symbols[:SYMBOLS]]),
    )
    table = table_of("character", [replace(g, name=shown(g.name)) for g in found.errors.symbols])
    return Exhibit(
        key="symbols",
        title="Character by character",
        sentence=_sentence(symbols_sentence(found)),
        caveats=(
            "A character is wrong where its probability is below one half. "
            "Characters in few blocks of the text have no interval.",
            f"The chart has the {len(labels)} that either alone gets wrong most often, the table all "
            f"{len(table.rows):,} that occur.",
        ),
        figures=(
            Bars(title="Wrong for one alone", caption="Shares of the times the character occurs.", labels=labels,
                 groups=shares, value="share of the times it occurs"),
        ) if labels else (),
        table=table,
    )  # fmt: skip


def distance_exhibit(found: Compared, number: int) -> Exhibit:
    """Loss inside one feature and at what closes it, by distance to what opened it."""
    d, n = found.distances[number], f"{found.order}-gram model"
    both = f"the network {d.closing.network:.2f} nats and the {n} {d.closing.ngram:.2f}"
    told = closes(d, n) or f"what closes {d.feature} costs {both}: neither is surely better"
    told_of = known(d.closings)
    closing = bars_of("Closing", "Mean loss of the last character, by its distance to the first.", told_of, found.order)
    rows = [("opening", [d.opening] if d.opening else []), ("inside", list(d.inside)), ("closing", [*d.closings])]
    table = [{"where": where, **row} for where, groups in rows for row in table_of("distance", groups).rows]
    return Exhibit(
        key=numbered_key("distance", number + 1, d.feature),
        title=f"{d.feature}: by distance to what opened it",
        sentence=_sentence(told),
        caveats=(
            f"{d.spans:,} spans close in the {found.asked.length:,} characters; distance 0 is the first character.",
        ),
        figures=(
            *((closing,) if told_of else ()),
            Lines(
                title="The network's loss less the n-gram's",
                caption="By distance to the first character of the span; below zero the network is better.",
                series=(line_of("closing", d.closings), line_of("inside", d.inside, quiet=True)),
                x="distance",
                y="nats per character",
                log_x=True,
                rules=(("as good", 0.0),),
            ),
        ),
        table=Table(columns=("where", *table_of("distance", []).columns), rows=tuple(table)),
    )


def write_errors(found: Compared, reports: Path, *, single_file: bool = False) -> Path:
    """Write the study `errors` of a network, and the index, under `reports`; the page's path."""
    whole = found.errors.all
    numbers = (
        ("network", f"{whole.network:.3f} nats, {whole.network / math.log(2):.2f} bits"),
        (f"{found.order}-gram model", f"{whole.ngram:.3f} nats, {whole.ngram / math.log(2):.2f} bits"),
        ("network alone wrong", f"{100 * whole.only_network.value:.1f} %"),
        (f"{found.order}-gram alone wrong", f"{100 * whole.only_ngram.value:.1f} %"),
    )
    headline = Headline(
        sentence=_sentence(found.sentences[0]), numbers=numbers, good=whole.difference.high < 0,
        caveats=_caveats(found), method=_method(found),
    )  # fmt: skip
    exhibits = (
        losses_exhibit(found),
        errors_exhibit(found),
        symbols_exhibit(found),
        *(distance_exhibit(found, k) for k in range(len(found.distances))),
    )
    page = StudyPage(header=_header(found), name=_name(found), headline=headline, exhibits=exhibits)
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def _name(found: Compared) -> str:
    """The study's name, another one for other features and another order than the usual."""
    chosen = [*(d.feature for d in found.distances), *found.rare]
    order = "" if found.order == ORDER else f"{found.order}-grams"
    return study_of("errors", () if set(chosen) == set(FEATURES) else chosen, order)


def _header(found: Compared) -> RunHeader:
    network, corpus = found.network, found.asked.corpus
    own = is_own(found.run, corpus)
    return RunHeader(
        name=network.name if own else f"{network.name}-on-{corpus.name}",
        corpus=corpus.name,
        model=network.description or type(network.module).__name__,
        characters=found.asked.length,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        vocabulary_size=len(network.vocabulary),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _caveats(found: Compared) -> tuple[str, ...]:
    asked = found.asked
    remark = (asked.remark,) if asked.remark else ()
    what = f"On {asked.length:,} characters of {asked.corpus.name} from {asked.start:,} on; others cost otherwise."
    return (
        what,
        *remark,
        "The n-gram models do not learn from what they are asked about, as the network's state does.",
    )


def _method(found: Compared) -> tuple[str, ...]:
    asked = found.asked
    return (
        "N-grams: interpolated modified Kneser-Ney (Chen and Goodman 1998), counted in "
        f"{len(asked.learnt):,} characters of {asked.learnt_name}.",
        "Intervals: jackknife over blocks of text.",
    )


def _samples(title: str, places: Sequence[Stretch], found: Compared) -> Samples:
    """The places with what comes before and after, coloured by the network's loss less the n-gram's."""
    asked = found.asked
    samples = []
    for place in places:
        start, stop = max(asked.start, place.start - AROUND), min(asked.stop, place.start + place.length + AROUND)
        here = slice(start - asked.start, stop - asked.start)
        position = np.arange(start, stop)
        samples.append(
            Sample(
                title=f"from {place.start:,}",
                text=asked.corpus.text(start, stop),
                values=np.asarray(found.nats[here] - found.ngram[here], np.float64),
                marks=(position >= place.start) & (position < place.start + place.length),
                note=f"network {place.network:.2f} nats a character, {found.order}-gram {place.ngram:.2f}",
            )
        )
    caption = "Each character's loss in the network less that in the n-gram model: blue where the network is worse."
    return Samples(title=title, caption=caption, samples=tuple(samples), reach=REACH, marked="the place")
