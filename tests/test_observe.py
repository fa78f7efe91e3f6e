"""The one loop: every position is heard once, and as one lane from rest would hear it, whatever the lanes and
rounds.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cellscope import observe
from cellscope.axes import Site
from cellscope.chunks import Round
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import ArraySource, NetworkSource, rounds

H, C = Site("lstm.0", "hidden"), Site("lstm.0", "cell")
LENGTHS = [1, 2, 3, 127, 128, 129, 255, 256, 257, 640, 3001]


def corpus_of(length: int) -> Corpus:
    letters = np.random.default_rng(length).choice(list("abcdefg \n."), length)
    return Corpus.from_text("".join(letters))


def network_of(corpus: Corpus, *, kind: str = "lstm", layers: int = 1, forget: float | None = None) -> Network:
    torch.manual_seed(0)
    vocabulary = Vocabulary.count(corpus)
    module = CharRNN(len(vocabulary), kind=kind, layers=layers, size=12, embedding=5)
    if forget is not None:
        with torch.no_grad():
            module.recurrent.bias_ih_l0[12:24] = forget
    return Network(module.eval(), vocabulary, "test")


def plain(network: Network, corpus: Corpus) -> np.ndarray:
    """What the module's hidden state does in one plain run from rest [position, unit]."""
    ids = torch.from_numpy(network.vocabulary.encode(corpus.codes(0, len(corpus))))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one lane has no work for two, and waiting for one another takes seconds
    try:
        with torch.no_grad():
            return network.module.recurrent(network.module.embedding(ids[None]))[0][0].numpy()
    finally:
        torch.set_num_threads(threads)


def gather(source, parts: list[Round]) -> tuple[dict[Site, np.ndarray], np.ndarray, np.ndarray]:
    """Values by site [position, unit], how often each position was heard, and its block."""
    length = len(source)
    values = {site: np.full((length, size), np.nan, np.float32) for site, size in source.sizes.items()}
    times, block = np.zeros(length, int), np.full(length, -1)
    for part in parts:
        _, chunks = source.play(part)
        for chunk in chunks:
            rows = chunk.positions[None] + np.arange(chunk.steps)[:, None]
            assert chunk.steps <= observe.STEPS
            assert 0 <= chunk.step <= chunk.of == part.steps
            np.add.at(times, rows, 1)
            block[rows] = chunk.blocks
            for site, v in chunk.values.items():
                assert v.dtype == np.float32
                values[site][rows] = v
    return values, times, block


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**5), st.integers(1, 300), st.integers(1, 64))
def test_rounds_cover_the_text(length: int, start: int, size: int, lanes: int, blocks: int) -> None:
    """Rounds follow one another without gap from `start` to the end, none above `size`, of nearly equal lengths;
    a lane has so many positions at least, where the round has.
    """
    if start >= length:
        with pytest.raises(InputError, match="nothing to hear"):
            rounds(length, start=start)
        return
    parts = rounds(length, start=start, size=size, lanes=lanes, blocks=blocks)
    assert [parts[0].start, *(p.stop for p in parts)] == [*(p.start for p in parts), length]
    assert parts[0].start == start
    lengths = [p.stop - p.start for p in parts]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
    assert all(p.lanes <= lanes and p.blocks <= min(blocks, p.lanes) for p in parts)
    for least in (1, 128):
        parts = rounds(length, start=start, size=size, lanes=lanes, least=least)
        assert all(p.lanes == max(1, min(lanes, (p.stop - p.start) // least)) for p in parts)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_lanes_share_a_round(data: st.DataObject) -> None:
    """The lanes of a round are contiguous, fill it, differ by one step at most, and blocks are runs of neighbours."""
    length = data.draw(st.integers(1, 5000))
    lanes = data.draw(st.integers(1, length))
    blocks = data.draw(st.integers(1, lanes))
    part = Round(7, 7 + length, lanes, blocks)
    ends = np.append(part.starts[1:], part.stop)
    assert set((ends - part.starts).tolist()) <= {part.steps, part.steps + 1}
    assert int((ends - part.starts == part.steps + 1).sum()) == part.longer or part.longer == 0
    assert (np.diff(part.block_of) >= 0).all()
    assert set(part.block_of.tolist()) == set(range(blocks))


def test_rounds_that_cannot_be() -> None:
    """A round has at least one position a lane and one lane a block."""
    for start, stop, lanes, blocks in ((0, 0, 1, 1), (5, 3, 1, 1), (0, 3, 4, 1), (0, 3, 2, 3), (0, 3, 1, 0)):
        with pytest.raises(ValueError, match="round needs"):
            Round(start, stop, lanes, blocks)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kept", [True, False])
def test_every_position_once(length: int, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any length is covered exactly once, kept in memory or not, in one round or several, and even as the rule says."""
    monkeypatch.setattr(observe, "SMALL", 2**16 if kept else 0)
    corpus = corpus_of(length)
    network = network_of(corpus)
    with NetworkSource(network, corpus, (H, C), warm_up=64) as source:
        for size in (2**20, 500, 100):
            values, times, block = gather(source, rounds(length, size=size))
            assert (times == 1).all()
            assert not np.isnan(values[H]).any()
            assert not np.isnan(values[C]).any()
            assert (block >= 0).all()


@pytest.mark.parametrize(
    ("lanes", "steps", "size"), [(1, 128, 3001), (2, 128, 3001), (7, 50, 3001), (23, 7, 1500), (64, 1, 3001)]
)
def test_equals_one_lane_from_rest(lanes: int, steps: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of lanes, steps and rounds hears what a plain run of the module does; the first lane to the last
    digit.
    """
    monkeypatch.setattr(observe, "STEPS", steps)
    corpus = corpus_of(3001)
    network = network_of(corpus)
    expected = plain(network, corpus)
    for small in (0, 2**16):
        monkeypatch.setattr(observe, "SMALL", small)
        with NetworkSource(network, corpus, (H,), warm_up=256) as source:
            part = [Round(a, b, lanes, min(lanes, 8)) for a, b in ((0, size), (size, 3001)) if b > a]
            values, _, _ = gather(source, part)
        assert np.abs(values[H] - expected).max() < 1e-4
        assert np.abs(values[H][: part[0].steps] - expected[: part[0].steps]).max() < 2e-6


def test_lanes_that_begin_within_the_warm_up() -> None:
    """Lanes whose warm-up would reach back before the text start from rest where the text does: exact, however slow
    the cell.
    """
    corpus = corpus_of(900)
    network = network_of(corpus, forget=30.0)
    with NetworkSource(network, corpus, (H, C)) as source:
        values, _, _ = gather(source, [Round(0, 900, 9, 9)])
    expected = plain(network, corpus)
    assert np.abs(values[H][:512] - expected[:512]).max() < 1e-5


def test_without_warm_up() -> None:
    """Cold lanes are wrong for a while, so there are none: `exact` is the answer to that wish."""
    corpus = corpus_of(400)
    with pytest.raises(InputError, match="warm-up of 0"):
        NetworkSource(network_of(corpus), corpus, (H,), warm_up=0)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_exact_equals_a_plain_run(kind: str) -> None:
    """`exact` is a plain run of the module from rest, over any rounds, to 1e-5, even for a cell that never forgets."""
    corpus = corpus_of(3001)
    network = network_of(corpus, kind=kind, layers=2, forget=30.0 if kind == "lstm" else None)
    site, expected = Site(f"{kind}.1", "hidden"), plain(network, corpus)
    with NetworkSource(network, corpus, (site,), exact=True) as source:
        for size in (3001, 1000):
            values, times, _ = gather(source, rounds(3001, size=size))
            assert (times == 1).all()
            assert np.abs(values[site] - expected).max() < 1e-5


def test_a_part_of_a_text_is_heard_in_its_context() -> None:
    """From the middle on, the text before is heard as warm-up: as in a run from the beginning."""
    corpus = corpus_of(3001)
    network = network_of(corpus)
    expected = plain(network, corpus)
    for exact in (False, True):
        with NetworkSource(network, corpus, (H,), exact=exact) as source:
            values, times, _ = gather(source, rounds(3001, start=1777))
        assert times[:1777].max() == 0
        assert np.abs(values[H][1777:] - expected[1777:]).max() < 1e-4


def test_an_array_is_heard_like_its_network() -> None:
    """An array that was recorded gives the same chunks as the network that it was recorded from, and is left as it
    was.
    """
    corpus = corpus_of(3001)
    network = network_of(corpus)
    array = plain(network, corpus)
    before = array.copy()
    array.flags.writeable = False
    site = Site("array")
    part = Round(0, 3001, 23, 12)
    with NetworkSource(network, corpus, (H,)) as source:
        sample, chunks = source.play(part)
        recorded, others = ArraySource(array, site).play(part)
        assert recorded[site].shape[1] == sample[H].shape[1] == 12
        for chunk, other in zip(chunks, others, strict=True):
            assert np.array_equal(chunk.positions, other.positions)
            assert np.array_equal(chunk.blocks, other.blocks)
            assert (chunk.step, chunk.of) == (other.step, other.of)
            assert np.abs(chunk.values[H] - other.values[site]).max() < 1e-4
    assert np.array_equal(array, before)


def test_arrays_of_any_kind() -> None:
    """float16, integers and any slice-able array are heard as float32; one with NaN or infinity is refused with its
    place.
    """
    for array in (np.arange(600).reshape(300, 2), np.ones((300, 2), np.float16), torch.ones(300, 2)):
        values, times, _ = gather(ArraySource(array, Site("a")), rounds(300))
        assert (times == 1).all()
        assert values[Site("a")][299, 1] in (599, 1)
    for bad in (np.nan, np.inf):
        array = np.ones((300, 2))
        array[250, 1] = bad
        with pytest.raises(InputError, match="not finite"):
            gather(ArraySource(array, Site("a")), rounds(300))


def test_sample_is_typical() -> None:
    """The sample from which bins are made has some thousand rows of every site and the spread of the whole."""
    corpus = corpus_of(70_000)
    network = network_of(corpus)
    with NetworkSource(network, corpus, (H, C)) as source:
        sample, chunks = source.play(rounds(70_000)[0])
        heard = np.concatenate([c.values[H].reshape(-1, 12) for c in chunks])
    assert all(2000 <= len(v) <= 2**16 for v in sample.values())
    assert np.allclose(sample[H].std(0), heard.std(0), rtol=0.1)


def test_nothing_is_left_on_the_network() -> None:
    """After the `with`, or an error inside, the network is as it was."""
    corpus = corpus_of(300)
    network = network_of(corpus)
    network.module.train()
    with pytest.raises(ZeroDivisionError), NetworkSource(network, corpus, (H,)) as source:
        len(list(source.play(rounds(300)[0])[1])) / 0
    assert network.module.training
    assert "forward" not in vars(network.module.recurrent)


def test_a_model_that_gives_logits_alone() -> None:
    """A model without a state to hand on is heard across chunks as if it had one."""

    class Logits(nn.Module):
        def __init__(self, inner: CharRNN) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, ids):
            return self.inner(ids)[0]

    corpus = corpus_of(2000)
    network = network_of(corpus)
    other = Network(Logits(network.module), network.vocabulary, "logits", stateful=False)
    site = Site("inner.lstm.0", "hidden")
    with NetworkSource(other, corpus, (site,), exact=True) as source:
        values, _, _ = gather(source, rounds(2000))
    assert np.abs(values[site] - plain(network, corpus)).max() < 1e-5


@pytest.mark.parametrize("length", [129, 640, 3001, 70_000])
def test_sources_of_any_size_are_heard_in_the_same_steps(length: int) -> None:
    """Chunks of several sources are cut to one length, and nothing is lost or moved."""
    whole = [np.arange(length * units, dtype=np.float32).reshape(length, units) for units in (2, 700)]
    part = rounds(length)[0]
    seen = np.zeros(length, int)
    for chunks in observe.together(*(ArraySource(x, H).play(part)[1] for x in whole)):
        for chunk, x in zip(chunks, whole, strict=True):
            rows = chunk.positions[None, :] + np.arange(chunk.steps)[:, None]
            assert np.array_equal(chunk.values[H], x[rows])
        assert len({(c.steps, c.step, c.of) for c in chunks}) == 1
        np.add.at(seen, rows, 1)
    assert (seen == 1).all()
