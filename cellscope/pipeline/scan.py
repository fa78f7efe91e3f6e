"""What the pages look at: labels of the end of the searched text, and what every searched unit did on its last part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.count import LEAD
from cellscope.data.text import Corpus
from cellscope.observe import rounds
from cellscope.pipeline.find import Search
from cellscope.pipeline.training import held_back_from, is_own

SCAN = 2**17
"""Characters whose activations are kept, for contexts and averages; fewer where there are many units."""
MOST_VALUES = 2**26
"""Activations that are kept at most: 128 MiB."""
SURVEY = 2**19
"""Characters whose labels are kept, so that a passage with many spans can be found."""
SPLIT = 8_000_000
"""Characters over which gates are counted at most: as many as xz reads."""


@dataclass(frozen=True)
class Survey:
    """Labels of a stretch: `spans` bool [span_feature, position], `numbers` float32 [numeric_feature, position].

    Features are numbered over both, the spans first; a number is NaN where the position does not count.
    """

    start: int
    spans: NDArray[np.bool_]
    numbers: NDArray[np.float32]

    @property
    def stop(self) -> int:
        """The position after the last one."""
        return self.start + int(self.spans.shape[1])

    def is_span(self, feature: int) -> bool:
        """Whether the feature is a span; else it is numeric."""
        return feature < len(self.spans)

    def flags(self, feature: int) -> NDArray[np.bool_]:
        """Where a span feature is on, or a numeric one counts, bool [position]."""
        flags: NDArray[np.bool_] = self.spans[feature] if self.is_span(feature) else ~np.isnan(self.row(feature))
        return flags

    def row(self, feature: int) -> NDArray[np.float32]:
        """A numeric feature, float32 [position]."""
        row: NDArray[np.float32] = self.numbers[feature - len(self.spans)]
        return row

    def part(self, start: int, stop: int) -> Survey:
        """The labels of [start, stop)."""
        here = slice(start - self.start, stop - self.start)
        return Survey(start, self.spans[:, here], self.numbers[:, here])


@dataclass(frozen=True)
class Scan:
    """The activations of every searched unit, float16 [position, unit], and the labels of the same positions."""

    values: NDArray[np.float16]
    labels: Survey

    @property
    def start(self) -> int:
        """The first position, in the corpus."""
        return self.labels.start

    def unit(self, index: int) -> NDArray[np.float32]:
        """What a unit did, float32 [position]."""
        return self.values[:, index].astype(np.float32)


def survey(search: Search) -> Survey:
    """Label the last SURVEY characters of the searched text, knowing what came before them.

    Fewer where that leaves enough that the network was not trained on: what is shown should be new to it.
    """
    from cellscope.features.labeller import Labeller

    stop = len(search.corpus)
    start = max(searched_from(search), stop - SURVEY, min(held_back_from(search.run, search.corpus), stop - SCAN))
    lead = max(0, start - LEAD)
    labels = Labeller(search.findings.features, search.corpus.part(lead, stop)).read(start - lead, stop - lead)
    return Survey(start, labels.spans, labels.numbers)


def scan(search: Search, labels: Survey) -> Scan:
    """Hear all searched units once on the last characters of the surveyed text."""
    units = len(search.findings.units)
    stop = labels.stop
    start = max(labels.start, stop - min(SCAN, max(1, MOST_VALUES // units)))
    values = np.empty((stop - start, units), np.float16)
    with search.source() as source:
        for part in rounds(stop, start=start):
            for chunk in source.play(part)[1]:
                rows = (chunk.positions - start)[None, :] + np.arange(chunk.steps)[:, None]
                base = 0
                for heard in chunk.values.values():
                    values[rows, base : base + heard.shape[2]] = np.clip(heard, -65504, 65504)
                    base += heard.shape[2]
    return Scan(values, labels.part(start, stop))


def searched_from(search: Search) -> int:
    """The first searched position."""
    return len(search.corpus) - search.findings.characters


def split(search: Search) -> tuple[Corpus, str]:
    """What was held back of the searched text, or else what was searched of it, SPLIT characters at most; and which
    that is, in words.
    """
    first, stop, name = held_back_from(search.run, search.corpus), len(search.corpus), search.corpus.name
    held = is_own(search.run, search.corpus) and first < stop
    first = first if held else searched_from(search)
    text = search.corpus.part(first, min(stop, first + SPLIT))
    which = "held back from training" if held else "searched"
    return text, f"{len(text):,} characters of {name} that were {which}"
