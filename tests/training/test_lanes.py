from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.training import lanes as module
from cellscope.training.lanes import Lanes

LETTERS = "".join(chr(0x4E00 + i) for i in range(700))
CORPUS = Corpus.from_text(LETTERS)
VOCABULARY = Vocabulary(tuple(LETTERS))


@given(st.integers(2, 700), st.integers(1, 40), st.integers(1, 60), st.integers(0, 3), st.integers(1, 300))
def test_lanes_are_contiguous_and_targets_are_what_follows(stop, lanes, steps, epoch, at_once):
    """Whatever the sizes: targets are the next characters, and batches go on where the last one ended."""
    before = module.READ_AT_ONCE
    module.READ_AT_ONCE = at_once
    try:
        batches = Lanes(CORPUS, VOCABULARY, start=0, stop=stop, lanes=lanes, steps=steps)
        last = None
        for index in range(batches.per_epoch):
            ids, targets = (part.numpy() for part in batches.batch(epoch, index))
            assert ids.shape == targets.shape == (batches.lanes, batches.steps)
            assert np.array_equal(targets, ids + 1)  # symbol k stands at position k
            assert targets.max() < stop
            assert last is None or np.array_equal(ids[:, 0], last)
            last = targets[:, -1]
    finally:
        module.READ_AT_ONCE = before
    assert batches.per_epoch >= 1


def test_an_epoch_reads_no_character_twice_and_leaves_little():
    """The lanes of an epoch do not overlap, and leave out less than a batch."""
    batches = Lanes(CORPUS, VOCABULARY, start=100, stop=700, lanes=4, steps=16)
    read = np.concatenate([batches.batch(1, index)[0].numpy().ravel() for index in range(batches.per_epoch)])
    assert len(set(read)) == len(read) > 600 - 4 * 16 - 4
    assert read.min() >= 100


def test_batches_come_in_any_order():
    """A batch depends on epoch and index alone, so a resumed training finds its place."""
    batches = Lanes(CORPUS, VOCABULARY, start=0, stop=700, lanes=4, steps=16, seed=3)
    forth = [batches.batch(2, index)[0].clone() for index in range(batches.per_epoch)]
    other = Lanes(CORPUS, VOCABULARY, start=0, stop=700, lanes=4, steps=16, seed=3)
    assert all(bool((other.batch(2, index)[0] == forth[index]).all()) for index in reversed(range(len(forth))))


@pytest.mark.parametrize("stop", [0, 1])
def test_one_character_is_too_little(stop):
    """There is nothing to predict in one character, and the error says so."""
    with pytest.raises(InputError, match="too short"):
        Lanes(CORPUS, VOCABULARY, start=0, stop=stop, lanes=4, steps=16)
