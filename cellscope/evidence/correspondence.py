"""Two networks meet one text, or the same pictures, side by side: which unit of one corresponds to which of the
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.chunks import Chunk, Round
from cellscope.errors import InputError
from cellscope.evidence.matching import REPORT, Match, assign, by_chance, matches, refuse_unfit
from cellscope.evidence.twins import Kept
from cellscope.look import BATCH, BLOCKS, PictureSource
from cellscope.observe import ROUND, Source, rounds, together
from cellscope.sinks.crossed import Crossed, Scale, Turned

SHORTEST = 10_000
"""Fewer characters than this leave too few lanes to be turned."""
FEWEST_PICTURES = BATCH
"""Fewer pictures than this leave blocks without any."""
MOST = 2**23
"""Pairs of units that are compared at most; their sums take some 600 bytes each."""
DRAWS, FEWEST = 39, 19
SPARSE = 2**14
"""Of a long text every k-th step goes to the null, so that it has at least so many characters."""
_BUDGET = 2**28


@dataclass(frozen=True, eq=False)
class Correspondence:
    """Best matches both ways, and the one-to-one assignment, between the units of two networks.

    first, second   a Match for every unit of the first network, of the second
    r               float32 [first_unit, second_unit], on the odd blocks
    assigned        the mean |r| of the one-to-one assignment on the odd blocks, with its 95 % interval
    positions       what r is taken over: characters, or places of pictures
    draws, controls how often lanes or pictures were turned, and how many untrained twins of either network were heard
    """

    first: tuple[Match, ...]
    second: tuple[Match, ...]
    r: NDArray[np.float32]
    assigned: tuple[float, float, float]
    positions: int
    blocks: int
    draws: int
    controls: int
    seed: int

    def between(self, first: Unit, second: Unit) -> float:
        """The correlation of two units on the odd blocks."""
        rows, columns = ([m.unit for m in side] for side in (self.first, self.second))
        return float(self.r[rows.index(first), columns.index(second)])


def correspond(
    first: Source, second: Source, untrained: Iterable[tuple[Source, Source]], *, start: int = 0, seed: int = 0,
    progress: Progress | None = None,
) -> Correspondence:  # fmt: skip
    """Match the units of two networks by the correlation of what they do on one text, played in the same lanes (best
    matches and one-to-one assignment: Li et al., Convergent learning, ICLR 2016).

    untrained   twins of both with weights drawn anew, pair after pair (see `twins.twins`): what any network does
                with the same characters
    start       the first position; InputError where fewer than SHORTEST follow, or the sources differ in length
    """
    if len(first) != len(second):
        raise InputError(f"the two networks heard texts of {len(first):,} and {len(second):,} positions: give one text")
    length = len(first) - start
    if length < SHORTEST:
        raise InputError(
            f"{length:,} characters are too few to compare two networks on; give a text of {SHORTEST:,} or more"
        )
    size = min(ROUND, first.round_length, second.round_length)
    parts = rounds(len(first), start=start, size=size)
    stride = int(np.clip(length // SPARSE, 1, 16))
    return _corresponding((first, second), untrained, parts, length, stride, seed, progress or _quiet)


def correspond_pictures(
    first: PictureSource, second: PictureSource, untrained: Iterable[tuple[Source, Source]], *, seed: int = 0,
    progress: Progress | None = None,
) -> Correspondence:  # fmt: skip
    """The same of two networks that are shown the same pictures in the same order: blocks are of pictures, and where a
    text would be turned the second network's pictures are moved round against the first one's, place by place.

    InputError for fewer pictures than FEWEST_PICTURES, or where the sources differ in their number.
    """
    what = "rows" if first.images.flat else "pictures"
    if len(first) != len(second):
        raise InputError(f"the two networks were shown {len(first):,} and {len(second):,} {what}: give one set")
    if len(first) < FEWEST_PICTURES:
        raise InputError(
            f"{len(first):,} {what} are too few to compare two networks on; give {FEWEST_PICTURES} or more (--images)"
        )
    size = min(first.round_length, second.round_length)
    parts = rounds(len(first), size=size, lanes=BATCH, blocks=1, least=1)
    length = len(first) * first.places
    stride = int(np.clip(length // SPARSE, 1, 16)) | 1  # an odd step through a map comes by all its columns
    shown = progress or _quiet

    def told(heard: int, of: int, text: str) -> None:
        shown(heard // first.places, of // first.places, text)

    return _corresponding((first, second), untrained, parts, length, stride, seed, told)


def _corresponding(
    pair: tuple[Source, Source], untrained: Iterable[tuple[Source, Source]], parts: Sequence[Round], length: int,
    stride: int, seed: int, told: Progress,
) -> Correspondence:  # fmt: skip
    """Play the rounds through both networks, and some of them through untrained ones, and match."""
    sums, kept = _Sums(*pair, stride, seed), Kept(*pair)
    for number, part in enumerate(parts, 1):
        kept.begin(part)
        for chunks in sums.played(part, pair):
            kept.add(chunks, number / len(parts))
            told(sums.heard, length, "correlations")
    refuse_unfit(sums.pair)
    *bars, draws = kept.reached(
        sums.scales, untrained, lambda n, heard: told(heard, kept.positions, f"untrained networks, draw {n}")
    )
    return sums.matched((units_of(pair[0]), units_of(pair[1])), bars, draws, length, seed)


def _quiet(done: int, total: int, text: str) -> None:
    """Tell nobody."""


def units_of(source: Source) -> tuple[Unit, ...]:
    """Every unit of a source, site after site."""
    return tuple(Unit(site, k) for site, size in source.sizes.items() for k in range(size))


class _Sums:
    """The sums of the pair, and of the turned text or pictures."""

    def __init__(self, first: Source, second: Source, stride: int, seed: int) -> None:
        a, b = (sum(source.sizes.values()) for source in (first, second))
        if a * b > MOST:
            raise InputError(f"{a:,} units and {b:,} are too many to be compared at once; choose some of the layers")
        room = _BUDGET // (8 * a * b)
        self.pair = Crossed(a, b, int(np.clip(room, 12, BLOCKS)) // 2 * 2)
        self.turned = Turned(a, b, int(np.clip(room, FEWEST, DRAWS)), seed=seed)
        self.stride = stride
        self.scales: list[Scale] = []
        self.heard = 0

    def played(self, part: Round, sources: tuple[Source, Source]) -> Iterator[tuple[Chunk, Chunk]]:
        """Play a round through both networks; what was taken in, chunk by chunk."""
        played = [source.play(part) for source in sources]
        self.scales = self.scales or [Scale.of(sample) for sample, _ in played]
        self.turned.begin(part.lanes)
        for first, second in together(*(heard for _, heard in played)):
            self._add(first, second)
            self.heard += first.steps * len(first.positions)
            yield first, second

    def _add(self, first: Chunk, second: Chunk) -> None:
        a, b = (scale.rows(chunk) for scale, chunk in zip(self.scales, (first, second), strict=True))
        blocks = first.blocks % len(self.pair.count)  # an even number: even ones stay even
        self.pair.add(a, b, blocks)
        if first.step < first.of:  # a round's last odd step has not all lanes
            some = slice(None, None, self.stride)
            self.turned.add(a[:, some].contiguous(), b[:, some].contiguous(), blocks)

    def matched(
        self, units: tuple[tuple[Unit, ...], tuple[Unit, ...]], bars: Sequence[NDArray[np.float64]], controls: int,
        length: int, seed: int,
    ) -> Correspondence:  # fmt: skip
        """What the sums say; `bars` is what the best matches of either network reach in untrained ones, each [unit]."""
        (one, other), mean = assign(self.pair)
        forth, back = by_chance(self.pair, self.turned)
        return Correspondence(
            matches(units, self.pair, bars[0], (one, other), forth),
            matches(units[::-1], self.pair.swapped(), bars[1], (other, one), back),
            self.pair.correlations(REPORT).astype(np.float32),
            mean,
            length,
            len(self.pair.count),
            len(self.turned.turns),
            controls,
            seed,
        )
