"""Pairs of brackets, balanced and nested: what a regular expression can say only with recursion, in linear time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellscope.features.feature import Feature
from cellscope.features.spans import Spans
from cellscope.features.window import CONTEXT, Window


class Brackets:
    """The spans of one feature: every closing bracket belongs to the last open one of its kind, if that is in reach.

    A bracket that is never closed, or closed more than `reach` characters on, is no bracket. What is carried from
    window to window are the open brackets, and the pairs that reach further.
    """

    def __init__(self, feature: Feature) -> None:
        self._reach = feature.reach
        self._pairs = [feature.pattern[i : i + 2] for i in range(0, len(feature.pattern), 2)]
        self._role = np.zeros(128, np.int8)  # k > 0 opens and -k closes pair k - 1
        for k, pair in enumerate(self._pairs, 1):
            self._role[ord(pair[0])], self._role[ord(pair[1])] = k, -k
        self._open: list[list[int]] = [[] for _ in self._pairs]
        self._pending, self._next = Spans.none(), 0

    def read(self, window: Window) -> Spans:
        """The pairs that touch the window, or begin right behind it."""
        stop = min(window.stop + self._reach + CONTEXT, window.end)
        codes = window.codes[self._next - window.offset : stop - window.offset]
        places, roles = self._events(codes)
        found = self._pair((places + self._next).tolist(), roles.tolist())
        self._next = max(self._next, stop)
        spans = self._pending.join(found)
        self._pending = spans.keep(spans.stops > window.start)
        return self._pending

    def _events(self, codes: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        roles = self._role[np.minimum(codes, 127)]  # 127 is a control character and never a bracket
        places = np.flatnonzero(roles)
        return places, roles[places]

    def _pair(self, places: list[int], roles: list[int]) -> Spans:
        starts, stops, stacks, reach = [], [], self._open, self._reach
        for place, role in zip(places, roles, strict=True):
            stack = stacks[abs(role) - 1]
            if role > 0:
                stack.append(place)
            elif stack:
                start = stack.pop()
                if place - start < reach:
                    starts.append(start)
                    stops.append(place + 1)
                else:
                    stack.clear()  # what was opened before it is further away still
        for stack in stacks:
            if len(stack) > 2 * reach:
                del stack[:-reach]  # bounded memory: no more than `reach` can be in reach
        return Spans(np.array(starts, np.int64), np.array(stops, np.int64))
