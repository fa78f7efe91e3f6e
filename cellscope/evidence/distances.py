"""Losses by distance to the bracket or quote that opened: inside of it, and at the character that closes it.

Closing a bracket needs the memory that one is open, however far back; a model of n characters has none beyond n
(Karpathy, Johnson and Fei-Fei 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.groups import Group, Nats, Sums, pieces

FEATURES = ("parentheses", "square-brackets", "curly-brackets", "quote-double", "quote-single", "dialogue", "wiki-link")
"""The features of the library whose spans open and close."""
BORDERS = np.array([1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513])
"""Distances at which a new group begins."""
LEAD = 2**20
"""Characters before the stretch that are labelled too, so that whatever is open at its start is known."""
FEWEST = 20
"""Spans that must close within the stretch."""


@dataclass(frozen=True)
class Distances:
    """One feature: its `spans` that close in the stretch, and the losses of their characters.

    opening   the characters that open a span
    inside    those between the first and the last, by distance to the first
    closing   the last characters, all of them; `closings` by distance to the first
    """

    feature: str
    spans: int
    opening: Group | None
    inside: tuple[Group, ...]
    closing: Group
    closings: tuple[Group, ...]


def by_distance(
    features: Sequence[Any], corpus: Any, start: int, network: Nats, ngram: Nats
) -> tuple[tuple[Distances, ...], dict[str, int]]:
    """Losses [position] of corpus[start:..) by each span feature, and how often those close that do so too rarely."""
    length, names = len(network), _names()
    many = (1, len(names), 1, len(names))
    sums = [tuple(Sums(length, count) for count in many) for _ in features]
    spans = [0] * len(features)
    for at, since, ends in _labels(features, corpus, start, start + length):
        here = slice(at, at + since.shape[1])
        both = network[here], ngram[here]
        for k in range(len(features)):
            last = ends[k] & ~np.isnan(since[k])
            spans[k] += int(last.sum())
            distance = np.nan_to_num(since[k], nan=-1.0).astype(np.int64)
            group = np.where(distance > 0, np.searchsorted(BORDERS, distance, side="right") - 1, -1)
            groups = (np.where(distance == 0, 0, -1), np.where(last, -1, group), np.where(last, 0, -1),
                      np.where(last, group, -1))  # fmt: skip
            for sink, some in zip(sums[k], groups, strict=True):
                sink.add(at, *both, some)
    found, rare = [], {}
    for feature, count, (opening, inside, closing, closings) in zip(features, spans, sums, strict=True):
        if count < FEWEST:
            rare[feature.name] = count
            continue
        first = opening.groups(("opening",))
        found.append(
            Distances(
                feature.name, count, first[0] if first else None, inside.groups(names), closing.groups(("all",))[0],
                closings.groups(names),
            )
        )  # fmt: skip
    return tuple(found), rare


def _names() -> tuple[str, ...]:
    ends = [*(int(b) - 1 for b in BORDERS[1:]), None]
    return tuple(
        f"{first}+" if last is None else f"{first}" if first == last else f"{first}-{last}"
        for first, last in zip(BORDERS.tolist(), ends, strict=True)
    )


def _labels(
    features: Sequence[Any], corpus: Any, start: int, stop: int
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.bool_]]]:
    """Piece by piece of [start, stop) where it begins there, the characters since the span began (NaN outside) and
    whether a span ends, each [feature, position].
    """
    from cellscope.features.labeller import Labeller

    plain = {"example": "", "counterexample": "", "values": ()}
    # Distances are counted along the matches of a search, so every other scan is written as one.
    same = [f if f.scan in ("search", "brackets") else replace(f, pattern=f.as_regex, scan="search") for f in features]
    counting = [
        replace(f, name=f"since-{k}", kind="numeric", counter="since", where="inside", **plain)
        for k, f in enumerate(same)
    ]
    ending = [replace(f, name=f"end-{k}", where="end", **plain) for k, f in enumerate(same)]
    lead = max(0, start - LEAD)
    # A span that closes behind the stretch is known by its end, so the text goes on behind it.
    text = corpus.part(lead, min(len(corpus), stop + LEAD))
    labeller = Labeller([*ending, *counting], text)
    for a, b in pieces(stop - start):
        labels = labeller.read(start - lead + a, start - lead + b)
        yield a, labels.numbers, labels.spans
