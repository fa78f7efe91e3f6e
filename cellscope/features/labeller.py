"""Labels of a text: what is read front to back, whatever the cutting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from cellscope.features.brackets import Brackets
from cellscope.features.counters import CAP, Counters
from cellscope.features.feature import TEXT_COUNTERS, Feature
from cellscope.features.patterns import Search
from cellscope.features.runs import Alphabet, CharacterClass, Runs, Words
from cellscope.features.spans import Spans
from cellscope.features.window import Mask, Memory, Text, Window

WINDOW = 1 << 18
"""Positions that are labelled at a time; borders lie at its multiples, wherever the reads begin and end."""
TIMEOUT = 5.0
"""Seconds that one pattern may take for one window."""


@dataclass(frozen=True)
class Labels:
    """Positions from `start` on: spans bool [span_feature, position], numbers float32 [numeric_feature, position].

    Rows are in the order of the features; nan in `numbers` means that the position does not count for that feature.
    """

    start: int
    spans: NDArray[np.bool_]
    numbers: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.spans.ndim != 2 or self.numbers.ndim != 2 or self.spans.shape[1] != self.numbers.shape[1]:
            raise ValueError(f"labels are [feature, position]; got {self.spans.shape} and {self.numbers.shape}")

    def __len__(self) -> int:
        return int(self.spans.shape[1])

    @property
    def stop(self) -> int:
        return self.start + len(self)


class Labeller:
    """Labels a text in contiguous reads from front to back; any cutting gives the labels of one read of the whole.

    That holds because the text is labelled in windows at fixed places, and a read is a slice of them. InputError where
    a pattern takes more than `timeout` seconds for a window.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        corpus: Text,
        *,
        timeout: float = TIMEOUT,
        window: int = WINDOW,
        concurrent: bool = False,
    ) -> None:
        self.spans = tuple(f for f in features if f.kind == "span")
        self.numeric = tuple(f for f in features if f.kind == "numeric")
        self._corpus, self._window, self._read = corpus, window, 0
        self._labels = Labels(0, np.zeros((len(self.spans), 0), bool), np.zeros((len(self.numeric), 0), np.float32))
        self._reach = max((f.reach for f in features if f.scan in ("search", "brackets")), default=1)
        self._searches = [Search(f, timeout=timeout, concurrent=concurrent) for f in _shared(features, "search")]
        self._brackets = [(f, Brackets(f[0])) for f in _shared(features, "brackets")]
        self._runs = [(f, Runs(f)) for f in features if f.scan == "runs"]
        words = [f for f in features if f.scan == "words"]
        self._words = [(words[i : i + 60], Words(words[i : i + 60])) for i in range(0, len(words), 60)]
        self._alphabet, self._word, self._counters = Alphabet(), CharacterClass(regex.compile(r"\w")), Counters()

    def read(self, start: int, stop: int) -> Labels:
        """The labels of positions [start, stop); ValueError where an earlier read went past `start`."""
        if not self._read <= start <= stop <= len(self._corpus):
            raise ValueError(f"read {start}:{stop} after {self._read} of {len(self._corpus)}: reads go front to back")
        self._read = stop
        spans = np.empty((len(self.spans), stop - start), bool)
        numbers = np.empty((len(self.numeric), stop - start), np.float32)
        done = start
        while done < stop:
            while self._labels.stop <= done:
                self._labels = self._next()
            end, first = min(stop, self._labels.stop), self._labels.start
            spans[:, done - start : end - start] = self._labels.spans[:, done - first : end - first]
            numbers[:, done - start : end - start] = self._labels.numbers[:, done - first : end - first]
            done = end
        return Labels(start, spans, numbers)

    def empty(self) -> frozenset[str]:
        """Names of the features that were matched, but by the empty string alone."""
        return frozenset(
            feature.name
            for search in self._searches
            for feature, empty, filled in zip(search.features, search.empty, search.filled, strict=True)
            if empty and not filled
        )

    def _next(self) -> Labels:
        start = self._labels.stop
        stop = min(start + self._window, len(self._corpus))
        window = Window.of(self._corpus, start, stop, reach=self._reach)
        rows: dict[str, NDArray[np.generic]] = {}
        for search in self._searches:
            for feature, spans in zip(search.features, search.read(window), strict=True):
                rows[feature.name] = _row(feature, spans, window)
        for features, brackets in self._brackets:
            pairs = brackets.read(window)
            rows.update((f.name, _row(f, pairs, window)) for f in features)
        self._look_up(window, rows)
        out = np.array([rows[f.name] for f in self.spans], bool).reshape(len(self.spans), stop - start)
        numbers = np.array([rows[f.name] for f in self.numeric], np.float32).reshape(len(self.numeric), stop - start)
        return Labels(start, out, numbers)

    def _look_up(self, window: Window, rows: dict[str, NDArray[np.generic]]) -> None:
        """Everything that is read off single characters."""
        numbers = self._alphabet.read(window)
        for feature, runs in self._runs:
            rows[feature.name] = runs.read(window, numbers, self._alphabet)
        for features, words in self._words:
            found = words.read(window, numbers, self._alphabet)
            rows.update((f.name, row) for f, row in zip(features, found, strict=True))
        if any(f.counter in TEXT_COUNTERS for f in self.numeric):
            here = slice(window.start - window.offset, window.stop - window.offset)
            word = self._word.read(numbers[here], self._alphabet)
            counted = self._counters.read(window.codes[here], word, window.start)
            rows.update((f.name, counted.number(f.counter)) for f in self.numeric if f.counter in TEXT_COUNTERS)


def spans(feature: Feature, text: str) -> list[tuple[int, int]]:
    """The labelled stretches [start, stop) of a string by itself; of a numeric feature: where it counts."""
    labels = Labeller([feature], Memory(text)).read(0, len(text))
    row: Mask = labels.spans[0] if feature.kind == "span" else ~np.isnan(labels.numbers[0])
    edges = np.flatnonzero(np.diff(np.pad(row, 1).view(np.int8))).tolist()
    return list(zip(edges[0::2], edges[1::2], strict=True))


def _shared(features: Sequence[Feature], scan: str) -> list[list[Feature]]:
    """Features that are read off the same spans, together."""
    groups: dict[object, list[Feature]] = {}
    for f in features:
        if f.scan == scan and f.pattern:
            groups.setdefault((f.pattern, frozenset(f.flags), f.reach, f.needs), []).append(f)
    return list(groups.values())


def _row(feature: Feature, spans: Spans, window: Window) -> NDArray[np.generic]:
    if feature.kind == "span":
        return spans.label(window, feature.where)
    if feature.counter == "depth":
        return spans.around(window).astype(np.float32)
    numbers = spans.since(window) if feature.counter == "since" else spans.along(window)
    return np.minimum(numbers, np.float32(CAP))
