"""Two networks meet one text, or the same pictures, side by side: which unit of one corresponds to which of the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.chunks import Chunk, Round, Values
from cellscope.errors import InputError
from cellscope.evidence.matching import REPORT, Match, assign, by_chance, matches, refuse_unfit
from cellscope.look import BATCH, BLOCKS, PictureSource
from cellscope.observe import ROUND, Source, rounds, together
from cellscope.sinks.crossed import Crossed, Turned

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
    """

    first: tuple[Match, ...]
    second: tuple[Match, ...]
    r: NDArray[np.float32]
    assigned: tuple[float, float, float]
    positions: int
    blocks: int
    draws: int
    seed: int

    def between(self, first: Unit, second: Unit) -> float:
        """The correlation of two units on the odd blocks."""
        rows, columns = ([m.unit for m in side] for side in (self.first, self.second))
        return float(self.r[rows.index(first), columns.index(second)])


def correspond(
    first: Source, second: Source, untrained: tuple[Source, Source], *, start: int = 0, seed: int = 0,
    progress: Progress | None = None,
) -> Correspondence:  # fmt: skip
    """Match the units of two networks by the correlation of what they do on one text, played in the same lanes (best
    matches and one-to-one assignment: Li et al., Convergent learning, ICLR 2016).

    untrained   the twins of both before training: what any network does with the same characters
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

    def told(heard: int) -> None:
        if progress:
            progress(heard, length, "correlations")

    return _corresponding((first, second, *untrained), parts, length, stride, seed, told)


def correspond_pictures(
    first: PictureSource, second: PictureSource, untrained: tuple[PictureSource, PictureSource], *, seed: int = 0,
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
    sources = first, second, *untrained
    parts = rounds(len(first), size=min(s.round_length for s in sources), lanes=BATCH, blocks=1, least=1)
    length = len(first) * first.places
    stride = int(np.clip(length // SPARSE, 1, 16)) | 1  # an odd step through a map comes by all its columns

    def told(heard: int) -> None:
        if progress:
            progress(heard // first.places, len(first), "correlations")

    return _corresponding(sources, parts, length, stride, seed, told)


def _corresponding(
    sources: tuple[Source, ...], parts: Sequence[Round], length: int, stride: int, seed: int,
    told: Callable[[int], None],
) -> Correspondence:  # fmt: skip
    """Play the rounds through both networks and both untrained ones, and match; `told` hears of every chunk."""
    first, second = sources[:2]
    sums = _Sums(first, second, stride, seed)
    for part in parts:
        for heard in sums.played(part, sources):
            told(heard)
    refuse_unfit(sums.pair)
    return sums.matched((units_of(first), units_of(second)), length, seed)


def units_of(source: Source) -> tuple[Unit, ...]:
    """Every unit of a source, site after site."""
    return tuple(Unit(site, k) for site, size in source.sizes.items() for k in range(size))


class _Sums:
    """The sums of the pair, of each network with the other's untrained twin, and of the turned text or pictures."""

    def __init__(self, first: Source, second: Source, stride: int, seed: int) -> None:
        a, b = (sum(source.sizes.values()) for source in (first, second))
        if a * b > MOST:
            raise InputError(f"{a:,} units and {b:,} are too many to be compared at once; choose some of the layers")
        room = _BUDGET // (8 * a * b)
        self.pair = Crossed(a, b, int(np.clip(room, 12, BLOCKS)) // 2 * 2)
        self.bare_second, self.bare_first = Crossed(a, b, 2), Crossed(a, b, 2)
        self.turned = Turned(a, b, int(np.clip(room, FEWEST, DRAWS)), seed=seed)
        self.stride = stride
        self._scale: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._heard = 0

    def played(self, part: Round, sources: tuple[Source, ...]) -> Iterator[int]:
        """Play a round through all four networks; the positions heard so far, chunk by chunk."""
        played = [source.play(part) for source in sources]
        if not self._scale:
            self._scale = [_scale(sample) for sample, _ in played]
        self.turned.begin(part.lanes)
        for chunks in together(*(heard for _, heard in played)):
            self._add(chunks)
            self._heard += chunks[0].steps * len(chunks[0].positions)
            yield self._heard

    def _add(self, chunks: tuple[Chunk, ...]) -> None:
        a, b, bare_a, bare_b = (_rows(chunk, *scale) for chunk, scale in zip(chunks, self._scale, strict=True))
        blocks = chunks[0].blocks % len(self.pair.count)  # an even number: even ones stay even
        self.pair.add(a, b, blocks)
        self.bare_second.add(a, bare_b, blocks % 2)
        self.bare_first.add(bare_a, b, blocks % 2)
        if chunks[0].step < chunks[0].of:  # a round's last odd step has not all lanes
            some = slice(None, None, self.stride)
            self.turned.add(a[:, some].contiguous(), b[:, some].contiguous(), blocks)

    def matched(self, units: tuple[tuple[Unit, ...], tuple[Unit, ...]], length: int, seed: int) -> Correspondence:
        """What the sums say."""
        (one, other), mean = assign(self.pair)
        forth, back = by_chance(self.pair, self.turned)
        return Correspondence(
            matches(units, self.pair, self.bare_second, (one, other), forth),
            matches(units[::-1], self.pair.swapped(), self.bare_first.swapped(), (other, one), back),
            self.pair.correlations(REPORT).astype(np.float32),
            mean,
            length,
            len(self.pair.count),
            len(self.turned.turns),
            seed,
        )


def _scale(sample: Values) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and one over the spread of every unit [unit], so that sums of products keep their digits."""
    values = np.concatenate(list(sample.values()), axis=1)
    spread = values.std(0)
    return torch.from_numpy(values.mean(0)), torch.from_numpy(1 / np.where(spread > 1e-6, spread, 1).astype(np.float32))


def _rows(chunk: Chunk, mean: torch.Tensor, over: torch.Tensor) -> torch.Tensor:
    """A chunk as [lane, step, unit] of all sites, centred and scaled."""
    whole = np.concatenate([v.swapaxes(0, 1) for v in chunk.values.values()], axis=2)
    return torch.from_numpy(whole).sub_(mean).mul_(over)
