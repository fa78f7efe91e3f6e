"""The search: every unit against every feature in one pass over the text, with the evidence for or against each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.chunks import Round
from cellscope.errors import InputError
from cellscope.evidence.baselines import Contexts
from cellscope.evidence.reading import LEAD, LabelReader, ahead
from cellscope.evidence.terms import TEXT, Terms
from cellscope.observe import Progress, Source, begun, rounds
from cellscope.parallel import at_once
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.lags import Lags
from cellscope.sinks.quantise import BINS, Quantiser
from cellscope.sinks.shifts import Shifts
from cellscope.sinks.tally import Tally

_BUDGET = 2**28


@dataclass(frozen=True)
class Counts:
    """What one pass over a text leaves: every sink's sums, and what they were summed over.

    `features` are the span features first, then the numeric ones; `labelled` is how many characters have each (or
    count for it). `contexts` has `aucs()` and `correlations()`: what the subject alone gives away.
    `rounds` are what was played, in order.
    `together` is how many positions have both of two span features, [feature, feature], where that was counted.
    """

    units: tuple[Unit, ...]
    features: tuple[Any, ...]
    characters: int
    labelled: NDArray[np.int64]
    tally: Tally
    lags: Lags | None
    shifts: Shifts | None
    contexts: Any
    seed: int
    terms: Terms = TEXT
    together: NDArray[np.int64] | None = None
    rounds: tuple[Round, ...] = ()

    @property
    def spans(self) -> int:
        """How many of the features are spans."""
        return sum(f.kind == "span" for f in self.features)

    @property
    def binary(self) -> NDArray[np.bool_]:
        """Whether each feature is a span [feature]."""
        return np.arange(len(self.features)) < self.spans


def count(
    source: Source, corpus: Any, features: Sequence[Any], *, start: int = 0, seed: int = 0, evidence: bool = True,
    blocks: int | None = None, progress: Progress | None = None,
) -> Counts:  # fmt: skip
    """Play `source` over `corpus` from `start` on and count every unit against every feature, in one pass and bounded
    memory.

    Without `evidence` the null and the text baselines are left out (for the untrained control, which needs neither).
    `blocks` are as many as memory has room for, up to 32, unless it says how many.
    """
    if len(source) != len(corpus):
        raise InputError(
            f"the activations have {len(source):,} rows and the text {len(corpus):,} characters; they must be as many"
        )
    reader = LabelReader(corpus, features, start)
    ordered, spans = reader.features, reader.spans
    units = tuple(Unit(site, i) for site, size in source.sizes.items() for i in range(size))
    blocks = blocks or int(np.clip(_BUDGET // (4 * len(units) * max(spans, 1) * BINS), 12, 32)) // 2 * 2
    parts = rounds(len(corpus), start=start, size=source.round_length, blocks=blocks)
    # Neighbours say nearly the same: of a long text every 8th step goes to the null, every 16th to the lags.
    stride, sparser = (8, 2) if len(corpus) - start > 2**18 else (1, 1)
    lags = Lags(len(ordered), len(units), stride=stride, sparser=sparser)
    shifts = Shifts(len(ordered), len(units), groups=groups_of(parts), seed=seed, stride=stride) if evidence else None
    blocks = max(p.blocks for p in parts)
    contexts = Contexts(spans, len(ordered) - spans, blocks) if evidence else None
    labelled = np.zeros(len(ordered), np.int64)
    tally: Tally | None = None
    heard = 0

    def learn(part: Round, grid: LabelGrid) -> None:
        """The text's own baselines."""
        if contexts is not None:
            contexts.add(part, reader.codes(part), grid)

    for part, labels in ahead(reader.grid, parts, learn):
        sample, chunks = source.play(part)
        chunks = begun(chunks)  # hears while the labels are still being read
        grid = labels()
        labelled += np.concatenate([grid.spans.sum(1, dtype=np.int64), grid.mask.sum(1).astype(np.int64)])
        if tally is None:
            quantiser = Quantiser.from_sample(np.concatenate(list(sample.values()), axis=1))
            tally = Tally(quantiser, spans, len(ordered) - spans, blocks, stride=stride)
        for chunk in chunks:
            ranks = tally.add_bins(chunk, grid)
            # What the bins leave to do hardly keeps two cores busy, each alone.
            rest = [partial(tally.add_products, chunk, grid, ranks), partial(lags.add, chunk, grid, ranks)]
            if shifts is not None:
                rest.append(partial(shifts.add, chunk, grid, ranks))
            at_once(*rest)
            heard += chunk.steps * len(chunk.positions)
            if progress:
                progress(heard, len(corpus) - start, "")
        if shifts is not None:
            shifts.close()
    assert tally is not None
    lost = np.flatnonzero(~np.isfinite(tally.powers).all((0, 2)))
    if len(lost):
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        raise InputError(f"{units[lost[0]]}{more} gives values that are not finite; is the network damaged?")
    return Counts(units, ordered, heard, labelled, tally, lags, shifts, contexts, seed, rounds=tuple(parts))


def groups_of(parts: list[Round], draws: int = 2000) -> int:
    """Stretches of a round that are turned independently: as few as give so many different draws."""
    lanes = parts[0].lanes // 2
    groups = 1
    while groups < lanes // 4 and float(lanes // groups) ** (groups * len(parts)) < draws:
        groups += 1
    return groups


__all__ = ["LEAD", "Counts", "LabelGrid", "count"]
