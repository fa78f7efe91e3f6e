"""How much of a text each feature covers, and which features therefore say nothing about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from cellscope.errors import InputError
from cellscope.features.feature import Feature, shown
from cellscope.features.labeller import Labels


class Coverage:
    """Counts over the labels of a text: of a span feature its characters and stretches, of a numeric one its range.

    `counts` int64 [span_feature] characters, `stretches` int64 [span_feature] unbroken runs of them; `counted` int64
    [numeric_feature] characters that count, `lowest`, `highest` and `sums` float64 [numeric_feature] of their values.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.spans = tuple(f for f in features if f.kind == "span")
        self.numeric = tuple(f for f in features if f.kind == "numeric")
        self.total = 0
        self.counts, self.stretches = np.zeros((2, len(self.spans)), np.int64)
        self.counted, self.sums = np.zeros(len(self.numeric), np.int64), np.zeros(len(self.numeric))
        self.lowest, self.highest = np.full(len(self.numeric), np.inf), np.full(len(self.numeric), -np.inf)
        self._last = np.zeros(len(self.spans), bool)

    def add(self, labels: Labels) -> None:
        """The next labels; reads come in order."""
        if not len(labels):
            return
        spans, numbers = labels.spans, labels.numbers.astype(np.float64)
        self.total += len(labels)
        self.counts += spans.sum(axis=1)
        self.stretches += (spans[:, 1:] & ~spans[:, :-1]).sum(axis=1) + (spans[:, 0] & ~self._last)
        self._last = spans[:, -1].copy()
        known = ~np.isnan(numbers)
        self.counted += known.sum(axis=1)
        self.sums += np.where(known, numbers, 0).sum(axis=1)
        self.lowest = np.minimum(self.lowest, np.where(known, numbers, np.inf).min(axis=1))
        self.highest = np.maximum(self.highest, np.where(known, numbers, -np.inf).max(axis=1))

    def faults(self, *, empty: Collection[str] = ()) -> dict[str, str]:
        """What is wrong with each feature that cannot be scored on this text; `empty` is `Labeller.empty()`."""
        found = {}
        for feature, count in zip(self.spans, self.counts.tolist(), strict=True):
            if count == 0 and feature.name in empty:
                found[feature.name] = f"{shown(feature.pattern)} matches only the empty string, which no character is"
            elif count == 0:
                found[feature.name] = f"{shown(feature.pattern)} matches nothing in the {self.total:,} characters"
            elif count == self.total:
                found[feature.name] = f"{shown(feature.pattern)} matches all of the {self.total:,} characters"
        for i, feature in enumerate(self.numeric):
            if not self.counted[i]:
                found[feature.name] = f"it counts nowhere in the {self.total:,} characters"
            elif self.lowest[i] == self.highest[i]:
                found[feature.name] = f"it is {self.lowest[i]:g} wherever it counts"
        return found

    def settle(self, asked: Collection[str], *, empty: Collection[str] = ()) -> dict[str, str]:
        """The remark for each feature to leave out; InputError where it is one of `asked`, what the user named."""
        faults = self.faults(empty=empty)
        for name, text in faults.items():
            if name in asked:
                raise InputError(f"feature {name!r}: {text}; change it, or give another text")
        return {name: f"feature {name!r} is left out: {text}" for name, text in faults.items()}
