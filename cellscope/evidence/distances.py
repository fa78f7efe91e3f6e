"""Losses by distance to the bracket or quote that opened: inside of it, and at the character that closes it.

Closing a bracket needs the memory that one is open, however far back; a model of n characters has none beyond n
(Karpathy, Johnson and Fei-Fei 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.errors import Group, Nats, compare

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
    since, ends = _labels(features, corpus, start, start + len(network))
    found, rare = [], {}
    for k, feature in enumerate(features):
        inside = ~np.isnan(since[k])
        last = ends[k] & inside
        if last.sum() < FEWEST:
            rare[feature.name] = int(last.sum())
            continue
        distance = np.nan_to_num(since[k], nan=-1.0).astype(np.int64)
        group = np.where(distance > 0, np.searchsorted(BORDERS, distance, side="right") - 1, -1)
        none = np.full(len(group), -1)
        opening = compare(network, ngram, np.where(distance == 0, 0, none), ("opening",))
        found.append(
            Distances(
                feature=feature.name,
                spans=int(last.sum()),
                opening=opening[0] if opening else None,
                inside=compare(network, ngram, np.where(last, none, group), _names()),
                closing=compare(network, ngram, np.where(last, 0, none), ("all",))[0],
                closings=compare(network, ngram, np.where(last, group, none), _names()),
            )
        )
    return tuple(found), rare


def _names() -> tuple[str, ...]:
    ends = [*(int(b) - 1 for b in BORDERS[1:]), None]
    return tuple(
        f"{first}+" if last is None else f"{first}" if first == last else f"{first}-{last}"
        for first, last in zip(BORDERS.tolist(), ends, strict=True)
    )


def _labels(
    features: Sequence[Any], corpus: Any, start: int, stop: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Characters since the span began (NaN outside) and whether a span ends, each [feature, position]."""
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
    labels = Labeller([*ending, *counting], text).read(start - lead, stop - lead)
    return labels.numbers, labels.spans
