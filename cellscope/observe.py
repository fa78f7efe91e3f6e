"""The one loop: a text is played through a network once, and what every unit did comes out in chunks.

A text is played in rounds of at most `ROUND` positions. A round is cut into lanes, contiguous stretches that are
played side by side; each lane hears `WARM_UP` positions before its own first, because a cold state is wrong for a
while. The lanes of a round fall into blocks of neighbours: even blocks are for choosing a unit, odd ones for
reporting on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress as Progress
from cellscope.axes import Site
from cellscope.chunks import Chunk, Round, Values
from cellscope.errors import InputError

ROUND = 2**20
LANES = 128
WARM_UP = 512
STEPS = 512
_FLOATS = 2**25
SMALL = 2**16


class Source(Protocol):
    """Whatever can be heard: a network that reads a corpus, or an array that was recorded elsewhere."""

    sizes: dict[Site, int]
    round_length: int

    def __len__(self) -> int: ...

    def play(self, part: Round) -> tuple[Values, Iterator[Chunk]]:
        """A sample of what is heard just before the lanes begin, each [position, unit], and the chunks of the round."""
        ...


def rounds(
    length: int, *, start: int = 0, size: int = ROUND, lanes: int = LANES, blocks: int = 32, least: int = 128
) -> list[Round]:
    """Cut `start`..`length` into rounds of nearly equal size, none above `size`; a lane has `least` positions, so short
    texts get fewer lanes and blocks.
    """
    total = length - start
    if total < 1:
        raise InputError(f"nothing to hear: {length:,} characters, from {start:,} on")
    count = -(-total // size)
    borders = [start + total * i // count for i in range(count + 1)]
    cut = []
    for first, last in itertools.pairwise(borders):
        here = max(1, min(lanes, (last - first) // least))
        cut.append(Round(first, last, here, min(blocks, here)))
    return cut


class NetworkSource:
    """A network reading a corpus: `lanes` lanes with warm-up, or one lane from rest where `exact`."""

    def __init__(
        self, network: Any, corpus: Any, sites: tuple[Site, ...], *, exact: bool = False, warm_up: int = WARM_UP
    ) -> None:
        from cellscope.hooks.sites import sites_of

        if warm_up < 1:
            raise InputError(f"a warm-up of {warm_up} characters; give at least 1, or read in one lane from rest")
        known = sites_of(network.module)
        self.network, self.corpus, self.exact, self.warm_up = network, corpus, exact, warm_up
        self.sizes = {site: known[site] for site in sites}
        # An exact round is kept whole before it is dealt out, so its size is bounded by memory, not by speed.
        self.round_length = min(ROUND, max(2**14, 2**26 // sum(self.sizes.values()))) if exact else ROUND
        self._listening: Any = None

    def __len__(self) -> int:
        return len(self.corpus)

    def __enter__(self) -> NetworkSource:
        from cellscope.hooks.listen import listen

        self._listening = listen(self.network.module, self.sizes, carry=True, stop=True)
        self._heard = self._listening.__enter__()
        self._next = 0
        return self

    def __exit__(self, *error: Any) -> None:
        self._listening.__exit__(*error)

    def play(self, part: Round) -> tuple[Values, Iterator[Chunk]]:
        """The second half of the warm-up as a sample, and the chunks of the round."""
        if self.exact:
            whole = self._play_whole(part)
            return {site: values[:: max(1, len(values) // 2**14)] for site, values in whole.items()}, deal(whole, part)
        sample = self._warm_up(part)
        if part.stop - part.start <= SMALL:  # little enough to be kept: then every position is in the sample
            whole = {site: np.empty((part.stop - part.start, size), np.float32) for site, size in self.sizes.items()}
            for chunk in self._play_lanes(part):
                rows = (chunk.positions - part.start)[None, :] + np.arange(chunk.steps)[:, None]
                for site, values in chunk.values.items():
                    whole[site][rows] = values
            return whole, deal(whole, part)
        return sample, self._play_lanes(part)

    def _ids(self, firsts: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
        """Symbols [lane, step] from each first position on; positions before the text are its first character."""
        encode, codes = self.network.vocabulary.encode, self.corpus.codes
        rows = [codes(max(first, 0), max(first + steps, 1)) for first in firsts.tolist()]
        rows = [np.concatenate([np.repeat(r[:1], steps - len(r)), r]) if len(r) < steps else r[:steps] for r in rows]
        ids: NDArray[np.int64] = encode(np.stack(rows))
        return ids

    def _hear(self, ids: NDArray[np.int64]) -> Values:
        import torch

        heard = self._heard.play(torch.from_numpy(np.ascontiguousarray(ids)).to(self.network.device))
        return {site: values.float().cpu().numpy() for site, values in heard.items()}

    def _warm_up(self, part: Round) -> Values:
        """Play the positions before every lane; a lane with fewer than that starts from rest where the text does."""
        self._heard.rest()
        starts = part.starts
        # Where the text begins after the warm-up does, the state is put back to rest: at these steps of the warm-up.
        rests = sorted({self.warm_up - int(s) for s in starts if s < self.warm_up} | {0, self.warm_up})
        kept: list[Values] = []
        for first, last in itertools.pairwise(rests):
            for at in range(first, last, 64):  # short, so that the sample leaves out what is still cold
                to = min(at + 64, last)
                heard = self._hear(self._ids(starts - self.warm_up + at, to - at))
                if to > self.warm_up // 2:
                    kept.append({site: values[::4].copy() for site, values in heard.items()})
            self._heard.rest(np.flatnonzero(starts == self.warm_up - last))
        return {site: np.concatenate([k[site].reshape(-1, size) for k in kept]) for site, size in self.sizes.items()}

    def _play_lanes(self, part: Round) -> Iterator[Chunk]:
        starts, blocks = part.starts, part.block_of
        many = _steps(self.sizes, part.lanes)
        for step in range(0, part.steps, many):
            steps = min(many, part.steps - step)
            values = self._hear(self._ids(starts + step, steps))
            yield Chunk(starts + step, blocks, values, step, part.steps)
        if part.longer:
            values = self._hear(self._ids(np.minimum(starts + part.steps, len(self.corpus) - 1), 1))
            some = slice(0, part.longer)
            last = {site: v[:, some] for site, v in values.items()}
            yield Chunk(starts[some] + part.steps, blocks[some], last, part.steps, part.steps)

    def _play_whole(self, part: Round) -> Values:
        """The round in one lane, each [position, unit], going on from the round before."""
        if part.start != self._next:
            self._heard.rest()
            if part.start:
                self._hear(self._ids(np.array([max(0, part.start - 4096)]), min(4096, part.start)))
        self._next = part.stop
        whole = {site: np.empty((part.stop - part.start, size), np.float32) for site, size in self.sizes.items()}
        for at in range(part.start, part.stop, 1024):
            to = min(at + 1024, part.stop)
            for site, values in self._hear(self._ids(np.array([at]), to - at)).items():
                whole[site][at - part.start : to - part.start] = values[:, 0]
        return whole


class ArraySource:
    """An array [position, unit] that was recorded elsewhere, row t on reading character t; any slice-able array."""

    def __init__(self, array: Any, site: Site) -> None:
        self.array = array
        self.sizes = {site: int(array.shape[1])}
        self.round_length = min(ROUND, max(2**14, 2**26 // int(array.shape[1])))

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def play(self, part: Round) -> tuple[Values, Iterator[Chunk]]:
        """A sample of rows of the round, and its chunks."""
        site = next(iter(self.sizes))
        whole = {site: np.asarray(self.array[part.start : part.stop], dtype=np.float32)}
        if not np.isfinite(whole[site]).all():
            raise InputError(
                f"the array has values that are not finite between positions {part.start:,} and {part.stop:,}"
            )
        return {site: whole[site][:: max(1, len(whole[site]) // 2**14)]}, deal(whole, part)


def _steps(sizes: dict[Site, int], lanes: int) -> int:
    """Steps of a chunk: the more, the less is fetched from memory again; the fewer, the less is held."""
    return int(np.clip(_FLOATS // (lanes * sum(sizes.values())), 16, STEPS))


def deal(whole: Values, part: Round) -> Iterator[Chunk]:
    """The chunks of a round whose values [position, unit] are all there."""
    starts, blocks = part.starts, part.block_of
    many = _steps({site: values.shape[1] for site, values in whole.items()}, part.lanes)
    for step in range(0, part.steps, many):
        steps = min(many, part.steps - step)
        rows = (starts - part.start + step)[:, None] + np.arange(steps)
        values = {site: v[rows].swapaxes(0, 1) for site, v in whole.items()}
        yield Chunk(starts + step, blocks, values, step, part.steps)
    if part.longer:
        first = starts[: part.longer] + part.steps
        rows = (first - part.start)[None, :]
        yield Chunk(first, blocks[: part.longer], {site: v[rows] for site, v in whole.items()}, part.steps, part.steps)


def begun(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks, the first of which is heard now."""
    return itertools.chain(iter(list(itertools.islice(chunks, 1))), chunks)  # a list's iterator lets go of it in time


def together(*heard: Iterator[Chunk]) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of several sources that play one round, cut so that all have the same steps."""
    now = [next(chunks, None) for chunks in heard]
    at = [0] * len(now)
    while True:
        there = [chunk for chunk in now if chunk is not None]
        if len(there) < len(now):
            return
        steps = min(chunk.steps - first for chunk, first in zip(there, at, strict=True))
        yield tuple(_cut(chunk, first, steps) for chunk, first in zip(there, at, strict=True))
        at = [first + steps for first in at]
        for k, chunk in enumerate(there):
            if at[k] == chunk.steps:
                now[k], at[k] = next(heard[k], None), 0
                if now[k] is None:
                    return  # before another one is asked for what nobody would hear


def _cut(chunk: Chunk, first: int, steps: int) -> Chunk:
    values = {site: v[first : first + steps] for site, v in chunk.values.items()}
    return Chunk(chunk.positions + first, chunk.blocks, values, chunk.step + first, chunk.of)
