"""The probes of all features: one pass over a text for the covariance, then linear algebra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.chunks import Round
from cellscope.errors import InputError
from cellscope.evidence.control import contexts
from cellscope.evidence.curves import Curves, curves
from cellscope.evidence.probes import Probe, Probes, Rung
from cellscope.evidence.reading import LabelReader, ahead
from cellscope.evidence.tasks import Tasks
from cellscope.evidence.terms import TEXT, Terms
from cellscope.observe import Source, rounds
from cellscope.sinks.covariance import Covariance
from cellscope.sinks.labels import LabelGrid
from cellscope.sinks.lags import REACH

BLOCKS = 32
DRAWS = 10
FEWEST = 20
"""A feature with fewer labelled rows than this in either half is not probed."""
TOLD = 16
"""Units of forward selection that are named."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The sums of one pass, and what they were summed over; `layer` where it is one of many."""

    covariance: Covariance
    tasks: Tasks
    features: tuple[Any, ...]
    units: tuple[Unit, ...]
    characters: int
    seed: int
    terms: Terms = TEXT
    layer: str = ""

    def __post_init__(self) -> None:
        if self.covariance.lost is not None:
            unit = self.units[self.covariance.lost]
            raise InputError(f"{unit} gives values that are not finite; is the network damaged?")

    @property
    def best(self) -> NDArray[np.float64]:
        """What the best unit tells of every feature as it is, on the choosing blocks: a share of its variance
        [feature]; NaN of a number that counts only in places.
        """
        covariance, told = self.covariance, np.full(len(self.features), np.nan)
        everywhere = np.flatnonzero(covariance.counted[: len(told)] == 0)
        told[everywhere] = covariance.moments(np.arange(covariance.choosing)).alone[: len(everywhere)].max(1)
        return told


def probe(
    source: Source, corpus: Any, features: Sequence[Any], *, start: int = 0, seed: int = 0, draws: int = DRAWS,
    progress: Progress | None = None,
) -> Probes:  # fmt: skip
    """Probe every feature with 1, 2, 4 ... and all units of `source`, fitted on the even blocks of the corpus from
    `start` on and scored on the odd ones.
    """
    return judged(measure(source, corpus, features, start=start, seed=seed, progress=progress), draws, progress)


def measure(
    source: Source, corpus: Any, features: Sequence[Any], *, start: int = 0, seed: int = 0, late: int = REACH,
    progress: Progress | None = None,
) -> Measured:  # fmt: skip
    """The covariance of all units with one another, with every feature as it is and up to `late` characters late, and
    with its control, in one pass.
    """
    reader = LabelReader(corpus, features, start)
    tasks = Tasks(reader.features, reader.spans, late=late, seed=seed)
    # Neighbours say nearly the same: every 8th step of a long text is enough.
    stride = int(np.clip((len(corpus) - start) >> 16, 1, 8))
    parts = rounds(len(corpus), start=start, size=source.round_length, blocks=BLOCKS)
    covariance: Covariance | None = None
    heard = 0

    def read(part: Round) -> tuple[LabelGrid, NDArray[np.uint64]]:
        return reader.grid(part), contexts(reader.codes(part))

    for part, labels in ahead(read, parts):
        sample, chunks = source.play(part)
        grid, keys = labels()
        tasks.learn(grid, keys)
        if covariance is None:
            blocks = max(p.blocks for p in parts)
            first = np.concatenate(list(sample.values()), axis=1)
            covariance = Covariance(first, tasks.counted, blocks, stride=stride)
        for chunk in chunks:
            covariance.add(chunk, *tasks.labels(chunk, grid, keys, stride))
            heard += chunk.steps * len(chunk.positions)
            if progress:
                progress(heard, len(corpus) - start, "")
    assert covariance is not None
    units = tuple(Unit(site, i) for site, size in source.sizes.items() for i in range(size))
    return Measured(covariance, tasks, reader.features, units, heard, seed)


def judged(
    measured: Measured, draws: int = DRAWS, progress: Progress | None = None, *, some: Sequence[int] | None = None
) -> Probes:
    """The curves of every feature (or of `some`, by number) at the lag of its best unit, read off the sums."""
    tasks = measured.tasks
    which = np.arange(tasks.many) if some is None else np.array(some, np.int64)
    chosen, count = tasks.chosen(measured.covariance)[np.concatenate([which, tasks.many + which])], len(which)
    covariance, lags = measured.covariance.take(chosen), tasks.lag[chosen]
    found: dict[int, Probe] = {}
    weights = np.zeros((count, len(measured.units)), np.float32)
    intercept = np.zeros(count, np.float32)
    for mask in range(covariance.gram.shape[1]):
        here = np.flatnonzero(covariance.counted[:count] == mask)
        made = curves(covariance, mask, draws=draws, seed=measured.seed, progress=progress)
        for at, feature in enumerate(here.tolist()):
            own = measured.features[which[feature]]
            curve = _probe(measured, covariance, made, mask, at, feature, own)
            found[feature] = replace(curve, lag=int(lags[feature]), layer=measured.layer)
            weights[feature] = made.weights[at] * covariance.scale
            intercept[feature] = made.intercept[at] - weights[feature] @ covariance.middle
    sizes: dict[Any, int] = {}
    for unit in measured.units:
        sizes[unit.site] = sizes.get(unit.site, 0) + 1
    return Probes(
        probes=tuple(found[f] for f in range(count)), sites=sizes, weights=weights, intercept=intercept,
        characters=measured.characters, stride=covariance.stride, choosing=covariance.choosing,
        reporting=len(covariance.gram) - covariance.choosing, draws=draws, seed=measured.seed,
    )  # fmt: skip


def _probe(measured: Measured, covariance: Covariance, made: Curves, mask: int, at: int, feature: int, f: Any) -> Probe:
    """The curve of feature `f`, the `at`-th of those that count by `mask`."""
    of, items = len(measured.units), measured.terms.items
    halves = slice(0, covariance.choosing), slice(covariance.choosing, None)
    count = [float(covariance.count[half, mask].sum()) for half in halves]
    on = [float(covariance.labels[half, feature, 0].sum()) if f.kind == "span" else n
          for half, n in zip(halves, count, strict=True)]  # fmt: skip
    labelled, rows = round(sum(on)), round(sum(count))
    remark = ""
    if min(on) < FEWEST or (f.kind == "span" and min(n - o for n, o in zip(count, on, strict=True)) < FEWEST):
        what = "too rare" if min(on) < FEWEST else "too common"
        remark = f"{f.name} is {what} to be probed: {labelled:,} of {rows:,} {items} that were counted"
    elif not made.varies[at]:
        remark = f"{f.name} is the same in all {items} that were counted"
    about: dict[str, Any] = {"feature": f.name, "kind": f.kind, "labelled": labelled, "rows": rows, "of": of}
    if remark:
        return Probe(**about, remark=remark, terms=measured.terms)
    rungs = tuple(Rung(units=int(k), **made.at(at, step)) for step, k in enumerate(made.counts))
    chosen = tuple(measured.units[u] for u in made.orders[at][:TOLD])
    share = made.share[at]
    return Probe(
        **about, rungs=rungs, chosen=chosen, share=(float(share[0]), float(share[1]), float(share[2])),
        strength=float(made.strengths[at]), terms=measured.terms,
    )  # fmt: skip
