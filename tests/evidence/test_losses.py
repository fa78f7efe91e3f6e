"""What a character costs: the same nats as one plain run of the network from rest, whatever the lanes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.losses import Losses, losses_of
from cellscope.hooks.edits import Hold
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import rounds


def corpus_of(length: int) -> Corpus:
    letters = np.random.default_rng(length).choice(list("abcdefg \n."), length)
    return Corpus.from_text("".join(letters))


def network_of(corpus: Corpus, *, kind: str = "lstm", layers: int = 1) -> Network:
    torch.manual_seed(0)
    vocabulary = Vocabulary.count(corpus)
    module = CharRNN(len(vocabulary), kind=kind, layers=layers, size=12, embedding=5)
    return Network(module.eval(), vocabulary, "test")


def plain(network: Network, corpus: Corpus) -> np.ndarray:
    """Nats of every character but the first, in one plain run from rest [position - 1]."""
    ids = torch.from_numpy(network.vocabulary.encode(corpus.codes(0, len(corpus))))
    with torch.no_grad():
        logits = network.module(ids[None, :-1])[0][0]
    return nn.functional.cross_entropy(logits, ids[1:], reduction="none").numpy()


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("length", [2, 3, 257, 3001])
def test_losses_are_those_of_a_plain_run(kind: str, length: int) -> None:
    """A loss at t is the nats of character t after all before it, as plain torch has it; no position is left out."""
    corpus = corpus_of(length)
    network = network_of(corpus, kind=kind, layers=2)
    np.testing.assert_allclose(losses_of(network, corpus, 1, length), plain(network, corpus), atol=2e-5)


def test_a_stretch_has_the_losses_of_the_whole() -> None:
    """What comes before a stretch is read in a warm-up, so cutting changes nothing but what a state long forgot."""
    corpus = corpus_of(5000)
    network = network_of(corpus)
    whole = plain(network, corpus)
    np.testing.assert_allclose(losses_of(network, corpus, 2100, 4100, lanes=7), whole[2099:4099], atol=1e-4)


def test_the_lanes_fall_into_the_blocks_of_the_round() -> None:
    """Chunks say the block of every lane, as those of activations do."""
    corpus = corpus_of(3001)
    [part] = rounds(3001, start=1, blocks=4)
    with Losses(network_of(corpus), corpus) as source:
        chunks = list(source.play(part))
    assert sum(chunk.losses.size for chunk in chunks) == 3000
    assert all((chunk.blocks == part.block_of[: len(chunk.blocks)]).all() for chunk in chunks)


def test_a_model_that_gives_logits_alone_is_carried_too() -> None:
    """Its state is carried by the listener, so that lanes go on where they were."""

    class Bare(nn.Module):
        def __init__(self, inner: CharRNN) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.inner(ids)[0]

    corpus = corpus_of(1500)
    network = network_of(corpus)
    bare = Network(Bare(network.module), network.vocabulary, "bare", stateful=False)
    np.testing.assert_allclose(losses_of(bare, corpus, 1, 1500), losses_of(network, corpus, 1, 1500), atol=1e-6)


def test_a_held_unit_is_held_in_the_recurrence() -> None:
    """With a unit of the hidden state at zero the losses are those of a network whose weights from it are zero."""
    corpus = corpus_of(700)
    network = network_of(corpus)
    held = losses_of(network, corpus, 1, 700, edits={Site("lstm.0", "hidden"): Hold.of([3], [0.0])})
    with torch.no_grad():
        network.module.decoder.weight[:, 3] = 0
        network.module.recurrent.weight_hh_l0[:, 3] = 0
    np.testing.assert_allclose(held, plain(network, corpus), atol=2e-5)


def test_the_module_is_left_as_it_was() -> None:
    """No hook and no swapped forward stays behind, and training mode comes back."""
    corpus = corpus_of(300)
    network = network_of(corpus)
    network.module.train()
    before = plain(network, corpus)
    losses_of(network, corpus, 1, 300)
    assert network.module.training
    assert "forward" not in vars(network.module.recurrent)
    np.testing.assert_array_equal(plain(network, corpus), before)


def test_bad_networks_are_refused() -> None:
    """No recurrent layer, and weights that are not numbers, are one clear line each."""
    corpus = corpus_of(300)
    network = network_of(corpus)
    with pytest.raises(InputError, match="no recurrent layer"):
        losses_of(Network(nn.Embedding(20, 20), network.vocabulary, "table"), corpus, 1, 300)
    with torch.no_grad():
        network.module.decoder.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="damaged"):
        losses_of(network, corpus, 1, 300)
    with pytest.raises(ValueError, match="begin at 1"):
        losses_of(network, corpus, 0, 300)
