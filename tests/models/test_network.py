from __future__ import annotations

import torch
from torch import nn

from cellscope.data.vocabulary import Vocabulary
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network

VOCABULARY = Vocabulary(tuple("abcdefg"))


class Loose(nn.Module):
    """A foreign module with a bare parameter, and tied weights."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.gru = nn.GRU(4, 4, batch_first=True)
        self.decoder = nn.Linear(4, 7)
        self.decoder.weight = self.embedding.weight
        self.gain = nn.Parameter(torch.arange(4.0))

    def forward(self, ids, state=None):
        hidden, state = self.gru(self.embedding(ids), state)
        return self.decoder(hidden * self.gain), state


def test_untrained_is_the_same_network_drawn_from_the_seed():
    """An untrained CharRNN is the one its configuration builds under that seed; the trained one is left as it was."""
    torch.manual_seed(1)
    network = Network(CharRNN(7, size=4), VOCABULARY, "n")
    before = {name: tensor.clone() for name, tensor in network.module.state_dict().items()}
    state = torch.get_rng_state()
    fresh = network.untrained(5).module.state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    built = CharRNN(7, size=4)
    built.reset_parameters()
    again = network.untrained(5).module.state_dict()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.module.state_dict().items())
    assert all(torch.equal(fresh[name], again[name]) for name in fresh)
    assert not torch.equal(fresh["lstm.weight_ih_l0"], before["lstm.weight_ih_l0"])
    assert fresh["lstm.bias_ih_l0"][4:8].tolist() == [1] * 4


def test_untrained_reaches_every_parameter_of_a_foreign_module():
    """Submodules are reset, bare parameters redrawn, tied weights stay tied, and the original is untouched."""
    torch.manual_seed(1)
    module = Loose()
    fresh = Network(module, VOCABULARY, "n").untrained(3).module
    assert fresh.decoder.weight is fresh.embedding.weight
    for name, parameter in fresh.named_parameters():
        assert not torch.equal(parameter, module.get_parameter(name)), name
    assert module.gain.tolist() == [0, 1, 2, 3]


def test_forward_always_gives_logits_and_state():
    """A module that gives logits alone is met as (logits, None)."""
    module = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7))
    logits, state = Network(module, VOCABULARY, "n", stateful=False).forward(torch.zeros(2, 3, dtype=torch.long))
    assert (list(logits.shape), state) == ([2, 3, 7], None)
