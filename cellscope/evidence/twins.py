"""Networks with weights drawn anew beside two trained ones: how close the best match of a unit comes by luck."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.chunks import Chunk, Round
from cellscope.errors import InputError
from cellscope.evidence.matching import reached
from cellscope.observe import Source, together
from cellscope.sinks.crossed import Crossed, Scale

CONTROLS = 5
"""Untrained networks on either side: a unit that has no more than they have passes them once in so many and one."""
HEARD, LEAST = 2**16, 2**14
"""Positions that they hear at most, and where networks are wide."""
_FLOATS = 2**25

Floats = NDArray[np.float64]
Blocks = NDArray[np.int64]
Rows = tuple[torch.Tensor, torch.Tensor]


def twins(
    make: Callable[[int, int], AbstractContextManager[Source]], *, seed: int, controls: int = CONTROLS
) -> AbstractContextManager[Iterator[tuple[Source, Source]]]:
    """Pairs of untrained sources, one pair at a time: `make(side, drawn)` gives that of the first (0) or second (1)
    network with weights from the seed `drawn`, which comes from `seed` but is another number: a run that was started
    from `seed` had other weights at its step 0.

    InputError for fewer than one.
    """
    if controls < 1:
        raise InputError(f"{controls} untrained networks to compare with; give at least 1")

    def pairs() -> Generator[tuple[Source, Source]]:
        for drawn in np.random.SeedSequence(seed).generate_state(2 * controls).reshape(-1, 2).tolist():
            with make(0, drawn[0]) as first, make(1, drawn[1]) as second:
                yield first, second

    return closing(pairs())  # or what is heard last would stop being heard after all others have


class Kept:
    """What two networks did in some of the chunks, so that untrained ones can be heard beside them one after another.

    Whole chunks are kept, in every lane, and of a long text or many pictures as many as are spread over the rounds.
    """

    def __init__(self, first: Source, second: Source) -> None:
        self._units = sum(first.sizes.values()), sum(second.sizes.values())
        self._most = int(np.clip(_FLOATS // sum(self._units), LEAST, HEARD))
        self._kept: list[tuple[Round, list[tuple[Chunk, Chunk]]]] = []
        self.positions = 0

    def begin(self, part: Round) -> None:
        """A new round."""
        self._kept.append((part, []))

    def add(self, pair: tuple[Chunk, Chunk], share: float) -> None:
        """Take in what both did in one chunk of the round; `share` of all rounds are over when this one is."""
        if self.positions < self._most * share:
            self._kept[-1][1].append((_copy(pair[0]), _copy(pair[1])))
            self.positions += pair[0].steps * len(pair[0].positions)

    def reached(
        self, scales: Sequence[Scale], untrained: Iterable[tuple[Source, Source]], told: Callable[[int, int], None]
    ) -> tuple[Floats, Floats, int]:
        """What the best match of every unit reaches in the untrained networks of the other side, chosen on even blocks
        and reported on odd ones: the largest of all draws, for the first network's units and the second's, each [unit];
        and the number of draws. `told` hears of the draw and of its positions.

        The bar is each unit's own: one that follows the current character finds its like in any network, and must not
        set it for the others.
        """
        largest, number = [np.zeros(units) for units in self._units], 0
        for number, bare in enumerate(untrained, 1):
            sums = Crossed(*self._units, 2), Crossed(*self._units[::-1], 2)
            heard = 0
            for blocks, rows, bare_rows in self._beside(bare, scales):
                for side, one in enumerate(sums):
                    one.add(rows[side], bare_rows[1 - side], blocks % 2)
                heard += rows[0].shape[0] * rows[0].shape[1]
                told(number, heard)
            for best, one in zip(largest, sums, strict=True):
                np.maximum(best, reached(one.correlations(slice(0, 1)), one.correlations(slice(1, 2))), out=best)
        return largest[0], largest[1], number

    def _beside(self, bare: tuple[Source, Source], scales: Sequence[Scale]) -> Iterator[tuple[Blocks, Rows, Rows]]:
        """What was kept of both networks and what their twins do there, chunk by chunk, each [lane, step, unit]."""
        known: list[Scale] = []
        for part, kept in self._kept:
            if not kept:
                continue
            played = [source.play(part) for source in bare]
            known = known or [Scale.of(sample) for sample, _ in played]
            # The kept ones stand first: where they end nobody asks the twins for more.
            for one, other, *rest in together(*map(iter, zip(*kept, strict=True)), *(heard for _, heard in played)):
                rows = scales[0].rows(one), scales[1].rows(other)
                yield one.blocks, rows, (known[0].rows(rest[0]), known[1].rows(rest[1]))


def _copy(chunk: Chunk) -> Chunk:
    """The same values in memory of their own, laid out as they were."""
    return replace(chunk, values={site: values.copy(order="K") for site, values in chunk.values.items()})
