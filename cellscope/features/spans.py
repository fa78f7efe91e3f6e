"""Spans of a text, and what can be read off them at every position of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.features.window import Mask, Positions, Window

_FEW = 1_500
"""Below it, filling spans one by one is quicker than one sum over all positions."""


@dataclass(frozen=True)
class Spans:
    """Stretches [start, stop) of a text, in any order; they may nest and overlap, and none is empty."""

    starts: Positions
    stops: Positions

    def __post_init__(self) -> None:
        if self.starts.shape != self.stops.shape or self.starts.ndim != 1:
            raise ValueError(f"{self.starts.shape} starts and {self.stops.shape} stops")

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def none(cls) -> Spans:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    def keep(self, chosen: Mask) -> Spans:
        return Spans(self.starts[chosen], self.stops[chosen])

    def join(self, other: Spans) -> Spans:
        return Spans(np.concatenate([self.starts, other.starts]), np.concatenate([self.stops, other.stops]))

    def around(self, window: Window) -> NDArray[np.int32]:
        """The number of spans around every position of the window."""
        starts = np.clip(self.starts - window.start, 0, len(window))
        stops = np.clip(self.stops - window.start, 0, len(window))
        size = len(window) + 1
        steps = np.bincount(starts, minlength=size) - np.bincount(stops, minlength=size)
        return np.cumsum(steps[:-1], dtype=np.int32)

    def label(self, window: Window, where: str) -> Mask:
        """True where a position of the window is inside, the start or the end of a span, or just before one."""
        if where == "inside":
            if len(self) > 1 and (self.starts[1:] < self.stops[:-1]).any():
                return self.around(window) > 0
            return _inside(self, window)
        places = {"start": self.starts, "end": self.stops - 1, "before": self.starts - 1}[where] - window.start
        row = np.zeros(len(window), bool)
        row[places[(places >= 0) & (places < len(window))]] = True
        return row

    def since(self, window: Window) -> NDArray[np.float32]:
        """Characters since the span began (0 at its first character); nan outside."""
        row, starts, lengths = self._cells(window)
        return _fill(row, window.start + row - starts, len(window)) if len(lengths) else _nothing(window)

    def along(self, window: Window) -> NDArray[np.float32]:
        """The way through the span, 0 at its first character and 1 at its last; nan outside."""
        row, starts, lengths = self._cells(window)
        way = (window.start + row - starts) / np.maximum(lengths - 1, 1)
        return _fill(row, way, len(window)) if len(lengths) else _nothing(window)

    def _cells(self, window: Window) -> tuple[Positions, Positions, Positions]:
        """Every cell of the window that a span covers, with that span's start and length; inner spans come last."""
        order = np.argsort(self.starts, kind="stable")
        first = np.clip(self.starts[order] - window.start, 0, len(window))
        last = np.clip(self.stops[order] - window.start, 0, len(window))
        sizes = last - first
        before = np.repeat(np.cumsum(sizes) - sizes, sizes)
        row = np.arange(int(sizes.sum()), dtype=np.int64) - before + np.repeat(first, sizes)
        lengths = self.stops[order] - self.starts[order]
        return row, np.repeat(self.starts[order], sizes), np.repeat(lengths, sizes)


def _inside(spans: Spans, window: Window) -> Mask:
    """`Spans.label` for spans that are sorted and do not overlap."""
    starts = np.clip(spans.starts - window.start, 0, len(window))
    stops = np.clip(spans.stops - window.start, 0, len(window))
    if len(spans) < _FEW:
        row = np.zeros(len(window), bool)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            row[start:stop] = True
        return row
    steps = np.zeros(len(window) + 1, np.int8)
    steps[starts] += 1  # the starts of spans that do not overlap differ, but for those that end before the window,
    steps[stops] -= 1  # which are in no result
    return np.cumsum(steps[:-1], dtype=np.int8).view(bool)


def _nothing(window: Window) -> NDArray[np.float32]:
    return np.full(len(window), np.nan, np.float32)


def _fill(row: Positions, values: NDArray[np.generic], size: int) -> NDArray[np.float32]:
    out = np.full(size, np.nan, np.float32)
    out[row] = values
    return out
