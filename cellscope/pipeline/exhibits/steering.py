"""What a network writes with units held, beside what it writes free, as a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from cellscope.evidence.intervals import Estimate
from cellscope.evidence.steering import Rates
from cellscope.models.sampling import opening
from cellscope.pipeline.steering import Steered, remarks
from cellscope.report.contents import Headline, RunHeader
from cellscope.report.exhibits import Bars, Exhibit, Group, Sample, Samples
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, study_of, write_study_page
from cellscope.report.tables import Table
from cellscope.training.run import RunFolder

SHOWN = 5_000
"""Characters of each text that are shown at most."""
UNITS = 4
"""Held units whose colours are shown at most."""


def texts_exhibit(steered: Steered) -> Exhibit:
    """The two texts side by side, coloured by each held unit in turn."""
    figures = tuple(
        Samples(
            title=f"Coloured by {unit}",
            samples=(_sample(steered.name, steered, k, free=False), _sample("free", steered, k, free=True)),
            marked=steered.rates.feature if steered.rates else "",
        )
        for k, unit in enumerate([one.name for one in steered.held[:UNITS]])
    )
    return Exhibit(
        key="texts",
        title="Held and free",
        sentence=f"What the network writes with {steered.name}, and what it writes free from the same seed.",
        caveats=("One text of each shows what can happen, not how often.",),
        figures=figures,
    )


def rates_exhibit(steered: Steered, rates: Rates) -> Exhibit:
    """The rate of the feature, held and free, with the interval of the difference."""
    rows = [_row("inside", "share of the characters", rates.inside), _row("ends", "in 1,000 characters", rates.ends)]
    return Exhibit(
        key="rates",
        title=f"How often {rates.feature} is on",
        sentence=f"{steered.sentence[:1].upper()}{steered.sentence[1:]}.",
        caveats=(
            "Quotes and brackets that do not close within a text are not labelled: a unit that keeps them open shows "
            "in how rarely they end.",
            "That a held unit changes what is written shows that it can, not that the network does so by itself.",
        ),
        figures=(
            _bars("Characters inside", "share of the characters", rates.inside),
            _bars("Ends", "in 1,000 characters", rates.ends),
        ),
        table=Table(columns=tuple(rows[0]), rows=tuple(rows)),
    )


def write_steering(steered: Steered, run: RunFolder | None, reports: Path, *, single_file: bool = False) -> Path:
    """Write the study of what was held, and the index, under `reports`; the page's path."""
    network = steered.network
    corpus = (run.info().get("corpus") or {}).get("name", "") if run else ""
    rates = steered.rates
    header = RunHeader(
        name=network.name,
        corpus=corpus,
        model=network.description or type(network.module).__name__,
        characters=steered.length,
        seed=steered.seed,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        vocabulary_size=len(network.vocabulary),
    )
    free = f"What the network writes with {steered.name}, beside what it writes free"
    answer = f"With {steered.name}, {rates.answer}" if rates else free
    read = opening(network, steered.prime)
    headline = Headline(
        sentence=f"{answer}.",
        numbers=_numbers(rates) if rates else (),
        good=rates is not None and not rates.inside["difference"].low <= 0 <= rates.inside["difference"].high,
        caveats=tuple(f"{remark}." for remark in remarks(network, steered.held)),
        method=(
            f"Units are held at every step, from the first character of what is read first on: {read!r:.80}.",
            f"Temperature {steered.temperature:g}, seed {steered.seed}; sample k of both turns on the same chances.",
            "Intervals: Student's t over the samples, of paired differences.",
        ),
    )
    exhibits = (texts_exhibit(steered), *([rates_exhibit(steered, rates)] if rates else []))
    name = "held " + ", ".join(f"{one.name}={one.value:+g}" for one in steered.held)
    name = study_of(name, (), f"at {rates.feature}" if rates else "")
    page = StudyPage(header=header, name=name, headline=headline, exhibits=exhibits)
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def _sample(title: str, steered: Steered, unit: int, *, free: bool) -> Sample:
    text = steered.free if free else steered.with_hold
    return Sample(
        title=title,
        text=text.text[:SHOWN],
        values=text.values[:SHOWN, unit].astype(np.float64),
        marks=None if text.flags is None else text.flags[:SHOWN],
    )


def _bars(title: str, value: str, told: Mapping[str, Estimate]) -> Bars:
    known = [told["held"], told["free"]]
    return Bars(
        title=title,
        caption="Means over the samples, with 95 % intervals.",
        labels=("held", "free"),
        groups=(
            Group(
                name=title.lower(),
                values=tuple(e.value for e in known),
                low=tuple(e.low if math.isfinite(e.low) else None for e in known),
                high=tuple(e.high if math.isfinite(e.high) else None for e in known),
            ),
        ),
        value=value,
    )


def _row(name: str, unit: str, told: Mapping[str, Estimate]) -> dict[str, str | float | int | bool | None]:
    row: dict[str, str | float | int | bool | None] = {"figure": name, "unit": unit}
    for key, e in told.items():
        row |= {key: e.value, f"{key}_low": e.low, f"{key}_high": e.high}
    return row


def _numbers(rates: Rates) -> tuple[tuple[str, str], ...]:
    change = rates.inside["difference"]
    points = f"{100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
    inside = (("inside, held", _percent(rates.inside["held"])), ("free", _percent(rates.inside["free"])))
    ends = f"{rates.ends['held'].value:.1f} in 1,000 characters, against {rates.ends['free'].value:.1f}"
    return (*inside, ("difference", points), ("ends", ends))


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f} %"
