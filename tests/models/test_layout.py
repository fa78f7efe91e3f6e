from __future__ import annotations

import pytest
import torch
from torch import nn

from cellscope.errors import InputError
from cellscope.models.layout import read_layout

IDS = torch.arange(24).reshape(3, 8) % 9


class Plain(nn.Module):
    """One recurrent module between an entry and a head, under names of the caller's choice."""

    def __init__(
        self, cls, *, names=("encoder", "rnn", "decoder"), layers=1, size=6, entry=5, bias=True, head_bias=True
    ):
        super().__init__()
        self.names = names
        if entry != 9:
            self.add_module(names[0], nn.Embedding(9, entry))
        self.add_module(names[1], cls(entry, size, layers, batch_first=True, bias=bias))
        self.add_module(names[2], nn.Linear(size, 9, bias=head_bias))

    def forward(self, ids):
        embed, rnn, head = (getattr(self, name, None) for name in self.names)
        return head(rnn(embed(ids) if embed else nn.functional.one_hot(ids, 9).float())[0])


class Stacked(nn.Module):
    """Two separate LSTMs, one after the other."""

    def __init__(self, second=6):
        super().__init__()
        self.emb = nn.Embedding(9, 5)
        self.lstm1 = nn.LSTM(5, 6, batch_first=True)
        self.lstm2 = nn.LSTM(6, second, batch_first=True)
        self.fc = nn.Linear(second, 9)

    def forward(self, ids):
        return self.fc(self.lstm2(self.lstm1(self.emb(ids))[0])[0])


class Tied(Plain):
    """The head has the embedding's weights and a bias of its own."""

    def __init__(self):
        super().__init__(nn.LSTM, entry=6)
        self.decoder.weight = self.encoder.weight


MODELS = {
    "lstm": lambda: Plain(nn.LSTM, layers=2),
    "gru": lambda: Plain(nn.GRU, names=("embed", "core", "out"), layers=3),
    "rnn": lambda: Plain(nn.RNN),
    "one-hot": lambda: Plain(nn.LSTM, entry=9),
    "entry as wide as the layer": lambda: Plain(nn.LSTM, entry=6),
    "as wide, head without bias": lambda: Plain(nn.GRU, entry=6, head_bias=False),
    "no biases": lambda: Plain(nn.LSTM, bias=False, head_bias=False),
    "separate modules": Stacked,
    "tied": Tied,
    "vocabulary as wide as the layer": lambda: Plain(nn.LSTM, size=9, entry=4),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prefix", ["", "module.", "net.body."])
def test_adopted_network_gives_the_original_logits(name, prefix):
    """A network rebuilt from its bare state dict, under any prefix, gives the same logits."""
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    layout = read_layout({prefix + key: tensor for key, tensor in model.state_dict().items()})
    rebuilt = layout.config.build()
    rebuilt.load_state_dict(layout.tensors)
    assert torch.allclose(rebuilt.eval()(IDS)[0], model(IDS), atol=1e-6)


def test_tied_weights_that_were_saved_once_are_used_twice():
    """Where the head's weights are absent, the embedding is the head."""
    torch.manual_seed(0)
    model = Tied().eval()
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "decoder.weight"}
    layout = read_layout(tensors)
    rebuilt = layout.config.build()
    rebuilt.load_state_dict(layout.tensors)
    assert torch.allclose(rebuilt.eval()(IDS)[0], model(IDS), atol=1e-6)
    assert "share" in layout.remarks[0]


def test_tanh_is_said_to_be_assumed():
    """The weights of an Elman network do not tell tanh from ReLU, and the remark says so."""
    assert any("tanh" in remark for remark in read_layout(Plain(nn.RNN).state_dict()).remarks)


def _with(state, **more):
    return {**state, **more}


REFUSED = {
    "bidirectional": (nn.ModuleDict({"e": nn.Embedding(9, 5), "r": nn.LSTM(5, 6, bidirectional=True)}), "backwards"),
    "projections": (nn.ModuleDict({"e": nn.Embedding(9, 5), "r": nn.LSTM(5, 6, proj_size=3)}), "proj"),
    "no recurrent layer": (nn.Linear(3, 4), "no LSTM, GRU or RNN"),
    "no head": (nn.ModuleDict({"e": nn.Embedding(9, 5), "r": nn.LSTM(5, 6)}), "reads 5 units"),
    "layer norm": (
        nn.ModuleDict({"e": nn.Embedding(9, 5), "r": nn.LSTM(5, 6), "n": nn.LayerNorm(6), "d": nn.Linear(6, 9)}),
        "not understood",
    ),
    "two heads": (
        nn.ModuleDict({"e": nn.Embedding(9, 5), "r": nn.LSTM(5, 6), "a": nn.Linear(6, 9), "b": nn.Linear(6, 9)}),
        "3 matrices",
    ),
    "different sizes": (Stacked(second=7), "different sizes"),
    "no order": (
        nn.ModuleDict({"e": nn.Embedding(9, 6), "x": nn.LSTM(6, 6), "y": nn.LSTM(6, 6), "d": nn.Linear(6, 9)}),
        "which comes first",
    ),
    "no names": (nn.ModuleDict({"a": nn.Embedding(9, 6), "r": nn.LSTM(6, 6), "b": nn.Embedding(9, 6)}), "either"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_something_else_is_refused_with_what_was_found(name):
    """An ambiguous or unknown layout is refused, naming why, the names and the shapes."""
    module, why = REFUSED[name]
    with pytest.raises(InputError, match=why) as caught:
        read_layout(module.state_dict())
    first, tensor = next(iter(module.state_dict().items()))
    assert f"{first} {list(tensor.shape)}" in str(caught.value)
    assert "\n" not in str(caught.value)
