"""A text cut into contiguous lanes that are read side by side, so that a lane's state can be carried along."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError

READ_AT_ONCE = 1 << 20
"""Positions that are held in memory at a time, over all lanes."""


class Batches(Protocol):
    """What `fit` reads: batch `index` of an epoch as (ids [lane, step], the ids that follow each [lane, step])."""

    lanes: int
    steps: int
    per_epoch: int

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]: ...


class Lanes:
    """The ids of corpus[start:stop) in at most `lanes` contiguous lanes of `steps` characters a batch (as char-rnn).

    Batch i + 1 goes on where batch i ended, in every lane. A batch depends on (seed, epoch, index) alone, so the place
    in the text is two numbers. What a lane's length leaves over moves from its end to its start by chance per epoch.
    Memory is bounded however long the text.
    """

    def __init__(
        self, corpus: Corpus, vocabulary: Vocabulary, *, start: int, stop: int, lanes: int, steps: int, seed: int = 0
    ) -> None:
        pairs = stop - start - 1
        if pairs < 1:
            raise InputError(f"{corpus.name} is too short: {max(stop - start, 0)} characters to learn from; it needs 2")
        self.corpus, self.vocabulary, self.start, self.seed = corpus, vocabulary, start, seed
        self.steps = min(steps, pairs)
        self.lanes = max(1, min(lanes, pairs // self.steps))
        self.stride = pairs // self.lanes
        self.per_epoch = self.stride // self.steps
        self._group = max(1, READ_AT_ONCE // (self.lanes * self.steps))
        self._held: tuple[int, int] = (-1, -1)
        self._ids: NDArray[np.int64] = np.zeros((0, 0), np.int64)

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """(ids [lane, step], the ids that follow each [lane, step]), int64."""
        group = index // self._group
        if self._held != (epoch, group):
            self._read(epoch, group)
        at = (index - group * self._group) * self.steps
        both = torch.from_numpy(self._ids[:, at : at + self.steps + 1])
        return both[:, :-1], both[:, 1:]

    def _read(self, epoch: int, group: int) -> None:
        first = group * self._group
        count = min(self._group, self.per_epoch - first)
        begin = self.start + self._shift(epoch) + first * self.steps
        length = count * self.steps + 1
        ids = np.empty((self.lanes, length), np.int64)
        for lane in range(self.lanes):
            at = begin + lane * self.stride
            ids[lane] = self.vocabulary.encode(self.corpus.codes(at, at + length))
        self._ids, self._held = ids, (epoch, group)

    def _shift(self, epoch: int) -> int:
        slack = self.stride - self.per_epoch * self.steps
        return int(np.random.default_rng((self.seed, epoch)).integers(0, slack + 1)) if slack else 0
