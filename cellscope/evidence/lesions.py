"""Lesions: units or directions held at values while the network runs on, and what that changes in its losses.

Many lesions share a pass: every stretch of text is played once for each, side by side, and once by the network as it
is, so that each change is a difference between twins that read the same characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.chunks import Round
from cellscope.evidence.intervals import jackknife
from cellscope.evidence.losses import LossChunk, Losses
from cellscope.evidence.zones import ZoneReader, zones_of
from cellscope.observe import WARM_UP, rounds

if TYPE_CHECKING:
    from cellscope.hooks.edits import Edit

BLOCKS = 16
"""Lanes that the text is cut into; each is a block of the intervals."""
LANES = 512
"""Lanes that are played side by side: so many lesions at a time, times BLOCKS."""

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Span:
    """The span of some directions of a site, `axes` [axis, unit], orthonormal: the state's part within it is held at
    that of `point` [unit]; with `rest`, all but that part.
    """

    axes: NDArray[np.float32]
    point: NDArray[np.float32]
    rest: bool = False


@dataclass(frozen=True, eq=False)
class Lesion:
    """What is held at once: units of sites, each at its value, and spans of directions.

    units  {site: (int64 [held], float32 [held])}: numbers and values
    """

    name: str
    units: Mapping[Site, tuple[Numbers, NDArray[np.float32]]]
    spans: Mapping[Site, Span] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Changes:
    """What each lesion changes, as sums over blocks: float64 [lesion, block, feature, zone] of nats.

    free    float64 [block, feature, zone], nats that the network as it is pays
    counts  int64 [block, feature, zone], characters
    """

    names: tuple[str, ...]
    changed: Floats
    free: Floats
    counts: Numbers

    def of(self, lesion: int) -> tuple[Floats, Floats, Floats]:
        """(change, low, high) in nats a character, each [feature, zone]; NaN where there is no character."""
        return mean_and_interval(self.changed[lesion], self.counts)

    def mean(self) -> Floats:
        """The change of every lesion in nats a character, [lesion, feature, zone]."""
        return _ratio([self.changed.sum(1), self.counts.sum(0).astype(float)])

    def take(self, blocks: slice) -> Changes:
        """The same over some blocks alone."""
        return Changes(self.names, self.changed[:, blocks], self.free[blocks], self.counts[blocks])


def mean_and_interval(sums: Floats, counts: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """A mean and its interval from sums and counts over blocks, each [block, ..]; NaN where nothing was counted."""
    parts = [sums, np.broadcast_to(counts, sums.shape).astype(float)]
    low, high = jackknife(_ratio, parts)
    return _ratio([p.sum(0) for p in parts]), low, high


def _ratio(sums: list[Floats]) -> Floats:
    whole, count = np.broadcast_arrays(*sums)
    ratio: Floats = np.divide(whole, count, out=np.full(whole.shape, np.nan), where=count > 0)
    return ratio


@dataclass(eq=False)
class Work:
    """Lesions that are played batch by batch; what is done stays, so that it can be put aside and gone on with.

    sums    float64 [lesion, block, row], changed nats; `free`, `counts` float64 [block, row] (rows of zones.rows_of)
    done    batches that are finished, over all rounds of the text
    """

    lesions: Sequence[Lesion]
    sums: Floats
    free: Floats
    counts: Floats
    done: int = 0

    @classmethod
    def begin(cls, lesions: Sequence[Lesion], features: int) -> Work:
        """Nothing done yet."""
        rows = 3 * features + 1
        return cls(lesions, np.zeros((len(lesions), BLOCKS, rows)), *np.zeros((2, BLOCKS, rows)))

    @property
    def changes(self) -> Changes:
        """What was found; of lesions that were not reached, zeros."""
        used = self.counts[:, -1] > 0
        names = tuple(lesion.name for lesion in self.lesions)
        counts = zones_of(self.counts[used]).round().astype(np.int64)
        return Changes(names, zones_of(self.sums[:, used]), zones_of(self.free[used]), counts)


def lesion_changes(
    network: Any,
    corpus: Any,
    features: Sequence[Any],
    lesions: Sequence[Lesion],
    *,
    start: int,
    progress: Progress | None = None,
) -> Changes:
    """What each lesion changes in the losses of corpus[start:], inside each feature, at its end and elsewhere."""
    work = Work.begin(lesions, len(features))
    for _ in go_on(work, network, corpus, features, start=start, progress=progress):
        pass
    return work.changes


def go_on(
    work: Work, network: Any, corpus: Any, features: Sequence[Any], *, start: int, progress: Progress | None = None
) -> Iterator[int]:
    """Play what is left, batch by batch; after each, which is then part of `work`, the number of batches in all."""
    parts = rounds(len(corpus), start=max(start, 1), lanes=BLOCKS, blocks=BLOCKS)
    batches = batched(work.lesions, LANES // BLOCKS - 1)
    reader = ZoneReader(features, corpus, max(start, 1))
    total = len(parts) * len(batches)
    steps = _Steps(progress, total * (parts[0].stop - parts[0].start))
    for number, part in enumerate(parts):
        rows = reader.read(part)
        for at, batch in enumerate(batches):
            here = number * len(batches) + at
            if here < work.done:
                steps.pass_over(part)
                continue
            sums = np.zeros((len(batch) + 1, BLOCKS, len(rows)))
            counts = np.zeros((BLOCKS, len(rows)))
            for chunk in _played(network, corpus, part, [work.lesions[i] for i in batch]):
                _add(chunk, rows[:, _positions(chunk, part)], sums, counts)
                steps.add(chunk)
            work.sums[batch] += sums[1:]
            if at == 0:
                work.free += sums[0]
                work.counts += counts
            work.done = here + 1
            yield total


def batched(lesions: Sequence[Lesion], size: int) -> list[list[int]]:
    """The numbers of the lesions in batches; those that hold cells and hidden units alone, which kernels play, apart
    from the rest.
    """
    slow = [any(site.stream not in ("cell", "hidden") for site in x.units) or bool(x.spans) for x in lesions]
    found = []
    for kind in (False, True):
        some = [i for i, s in enumerate(slow) if s == kind]
        found += [some[i : i + size] for i in range(0, len(some), size)]
    return found


def edits_of(lesions: Sequence[Lesion], lanes: int) -> dict[Site, Edit]:
    """The edits of copies 1, 2 ... of so many lanes each; copy 0 is left as it is."""
    import torch

    from cellscope.hooks.edits import Hold, HoldSpan, Together

    made: dict[Site, list[Edit]] = {}
    for copy, lesion in enumerate(lesions, 1):
        here = torch.arange(copy * lanes, (copy + 1) * lanes)
        for site, (units, values) in lesion.units.items():
            each = torch.from_numpy(np.asarray(units, np.int64)), torch.from_numpy(np.asarray(values, np.float32))
            lane = here.repeat_interleave(len(units))
            made.setdefault(site, []).append(Hold(each[0].repeat(lanes), each[1].repeat(lanes), lane))
        for site, span in lesion.spans.items():
            axes, point = (torch.from_numpy(np.asarray(x, np.float32)) for x in (span.axes, span.point))
            made.setdefault(site, []).append(HoldSpan(axes, point, span.rest, here))
    return {site: Together(tuple(edits)) for site, edits in made.items()}


def _played(network: Any, corpus: Any, part: Round, lesions: Sequence[Lesion]) -> Iterator[LossChunk]:
    """The losses of a round for the network as it is and under each lesion, [1 + lesion, step, lane]."""
    edits = edits_of(lesions, part.lanes)
    with Losses(network, corpus, edits=edits, copies=len(lesions) + 1, warm_up=WARM_UP) as source:
        yield from source.play(part)


def _positions(chunk: LossChunk, part: Round) -> Numbers:
    """Columns of the round's labels [lane, step]."""
    columns: Numbers = (chunk.positions - part.start)[:, None] + np.arange(chunk.steps)
    return columns


def _add(chunk: LossChunk, rows: NDArray[np.bool_], sums: Floats, counts: Floats) -> None:
    """Add what a chunk paid in each row of labels [row, lane, step] to sums [copy, block, row]; copy 0 pays in full,
    the others what they pay beyond it.
    """
    import torch

    paid = chunk.losses.copy()
    paid[1:] -= paid[0]
    # By torch: the threads of numpy's product go on turning and take the cores from what comes next.
    flags = torch.from_numpy(np.ascontiguousarray(rows.transpose(1, 2, 0))).to(torch.float32)
    told = torch.bmm(torch.from_numpy(np.ascontiguousarray(paid.transpose(2, 0, 1))), flags)
    for lane, block in enumerate(chunk.blocks.tolist()):
        sums[:, block] += told[lane].numpy()
        counts[block] += flags[lane].sum(0).numpy()


class _Steps:
    """Characters that were played, for all batches together."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, chunk: LossChunk) -> None:
        self._done += chunk.steps * len(chunk.positions)
        if self._progress:
            self._progress(min(self._done, self._total), self._total, "")

    def pass_over(self, part: Round) -> None:
        self._done += part.stop - part.start
