"""Regular expressions on a text that comes in windows: the same spans wherever the windows' borders are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.features.feature import Feature, shown
from cellscope.features.spans import Spans
from cellscope.features.window import CONTEXT, Window

Groups = NDArray[np.int64]
"""[match, group, start and stop]; -1 where a group took no part."""


class Search:
    """The spans of all features that share one pattern, from left to right without overlap, in one search.

    What is carried from window to window is where the search goes on, and the spans that reach further. A match is
    looked for with `reach` and CONTEXT more characters in view; where one is longer than `reach`, it is tried again
    as if the text ended `reach` characters behind its start.
    """

    def __init__(self, features: Sequence[Feature], *, timeout: float, concurrent: bool = False) -> None:
        first = features[0]
        self.features, self._name, self._timeout, self._concurrent = tuple(features), first.name, timeout, concurrent
        self._pattern, self._reach, self._needs = first.compiled(), first.reach, first.needs
        self._groups = [self._pattern.groupindex[f.group] if isinstance(f.group, str) else f.group for f in features]
        self._width = 1 + (self._pattern.groups if any(self._groups) else 0)
        self._pending = [Spans.none() for _ in features]
        self._next = 0
        self.empty, self.filled = np.zeros((2, len(features)), np.int64)

    def read(self, window: Window) -> list[Spans]:
        """The spans of every feature that touch the window, or begin right behind it."""
        last = window.stop == window.total
        limit = window.total + 1 if last else window.stop + CONTEXT
        deadline = time.perf_counter() + self._timeout
        try:
            found = self._matches(window, limit, deadline)
        except TimeoutError:
            pattern = shown(self._pattern.pattern)
            raise self.features[0].error(
                f"the pattern {pattern} took more than {self._timeout:g} s for the {len(window):,} characters from "
                f"{window.start:,} on; it backtracks without end: avoid repeats within repeats, as in (a+)+"
            ) from None
        for i, group in enumerate(self._groups):
            starts, stops = found[:, group, 0], found[:, group, 1]
            full = stops > starts
            self.filled[i] += int(full.sum())
            self.empty[i] += int(((stops == starts) & (starts >= 0)).sum())
            spans = self._pending[i].join(Spans(starts[full], stops[full]))
            self._pending[i] = spans.keep(spans.stops > window.start)
        return list(self._pending)

    def _matches(self, window: Window, limit: int, deadline: float) -> Groups:
        """All matches that start in [the end of the last one, limit)."""
        parts: list[Groups] = []
        for begin, end in self._stretches(window, limit):
            part = self._stretch(window, max(begin, self._next), end, deadline)
            if len(part):
                self._next = max(self._next, int(part[-1, 0, 1]))
                parts.append(part)
        self._next = max(self._next, limit)
        return np.concatenate([self._array([]), *parts])

    def _stretches(self, window: Window, limit: int) -> Iterator[tuple[int, int]]:
        """Where matches can start: everywhere, or so near before `needs` that the match contains it."""
        if not self._needs:
            yield self._next, limit
            return
        find, literal, offset = window.text.find, self._needs, window.offset
        begin = end = self._next
        place = find(literal, begin - offset)
        while place >= 0 and place + offset - self._reach < limit:
            near = place + offset
            if near - self._reach >= end:  # a gap: what came before is one stretch
                if end > begin:
                    yield begin, end
                begin = near - self._reach + 1
            end = min(near + 1, limit)
            place = find(literal, place + 1)
        if end > begin:
            yield begin, end

    def _stretch(self, window: Window, pos: int, limit: int, deadline: float) -> Groups:
        """The matches that start in [pos, limit)."""
        end = min(limit + self._reach + CONTEXT, window.end) - window.offset
        found = self._quickly(window.text, pos - window.offset, end, deadline)
        if (found[:, 0, 1] - found[:, 0, 0] > self._reach).any():
            found = self._one_by_one(window.text, pos - window.offset, end, deadline)
        found[found >= 0] += window.offset
        return found[found[:, 0, 0] < limit]

    def _quickly(self, text: str, pos: int, end: int, deadline: float) -> Groups:
        hits = self._pattern.finditer(text, pos, end, timeout=_left(deadline), concurrent=self._concurrent)
        if self._width == 1:
            return self._array([m.span() for m in hits])
        return self._array([m.regs for m in hits])

    def _one_by_one(self, text: str, pos: int, end: int, deadline: float) -> Groups:
        """The same where some matches are longer than `reach`: those are tried again on a shorter text."""
        found: list[tuple[tuple[int, int], ...]] = []
        while pos <= end:
            for match in self._pattern.finditer(text, pos, end, timeout=_left(deadline), concurrent=self._concurrent):
                start, stop = match.span()
                if stop - start > self._reach:
                    short = self._pattern.match(text, start, start + self._reach, timeout=_left(deadline))
                    pos = max(short.end(), start + 1) if short else start + 1
                    if short:
                        found.append(short.regs[: self._width])
                    break
                found.append(match.regs[: self._width])
            else:
                break
        return self._array(found)

    def _array(self, found: Sequence[object]) -> Groups:
        return np.array(found, np.int64).reshape(-1, self._width, 2)


def _left(deadline: float) -> float:
    """Seconds until the deadline; TimeoutError behind it."""
    left = deadline - time.perf_counter()
    if left <= 0:
        raise TimeoutError
    return left
