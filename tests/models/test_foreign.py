from __future__ import annotations

import itertools
import json

import pytest
import torch

from cellscope.errors import InputError
from cellscope.models.foreign import load_foreign

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, symbols=5, give_state=True, batch_first=True, shape=None):
        super().__init__()
        self.embed, self.core = nn.Embedding(symbols, 3), nn.LSTM(3, 4, batch_first=batch_first)
        self.head, self.give_state, self.shape = nn.Linear(4, symbols), give_state, shape

    def forward(self, ids, state=None):
        hidden, state = self.core(self.embed(ids), state)
        logits = self.head(hidden)
        if self.shape:
            logits = logits.reshape(self.shape)
        return (logits, state) if self.give_state else logits

class NoState(Net):
    def forward(self, ids):
        return self.head(self.core(self.embed(ids))[0])

def make(): return Net()
def no_state(): return NoState()
def logits_only(): return Net(give_state=False)
def flat(): return Net(shape=(-1, 5))
def six(): return Net(symbols=6)
def sideways(): return Net(batch_first=False)
def fails(): raise KeyError("no config.yaml")
def number(): return 42
def needs(path): return Net()
"""
NUMBER = itertools.count()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A current directory with a module of factories, weights and a vocabulary."""
    name = f"their_model_{next(NUMBER)}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    (tmp_path / "v.json").write_text(json.dumps(list("abcd\n")))
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": name}
    exec(SOURCE, namespace)  # noqa: S102  # the test's own source, as the factory will see it
    torch.manual_seed(0)
    torch.save(namespace["make"]().state_dict(), "w.pt")
    return tmp_path, name


def load(place, factory, weights="w.pt"):
    folder, name = place
    path = None if weights is None else folder / weights
    return load_foreign(f"{name}:{factory}", weights=path, vocabulary=folder / "v.json")


def test_factory_weights_and_vocabulary_make_a_network(place):
    """The weights are loaded, the state goes round, and reading in two parts is reading at once."""
    network = load(place, "make")
    saved = torch.load(place[0] / "w.pt", weights_only=True)
    assert all(torch.equal(tensor, saved[name]) for name, tensor in network.module.state_dict().items())
    ids = torch.tensor([[0, 1, 2, 3]])
    whole, _ = network.forward(ids)
    _, state = network.forward(ids[:, :2])
    assert torch.allclose(network.forward(ids[:, 2:], state)[0], whole[:, 2:], atol=1e-6)
    assert network.stateful
    assert not network.module.training


@pytest.mark.parametrize("factory", ["logits_only", "no_state"])
def test_logits_alone_are_enough(place, factory):
    """A forward that gives only logits, or takes no state, makes a network that carries no state."""
    network = load(place, factory)
    logits, state = network.forward(torch.zeros(2, 3, dtype=torch.long))
    assert (list(logits.shape), state, network.stateful) == ([2, 3, 5], None, False)


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("flat", r"forward gave \[6, 5\].*\[2, 3, 5\]"),
        ("six", "embed.weight is .5, 3., not .6, 3."),
        ("sideways", "batch_first"),
        ("fails", "KeyError: 'no config.yaml'"),
        ("number", "made a int"),
        ("needs", "TypeError"),
        ("absent", "AttributeError"),
    ],
)
def test_what_does_not_fit_is_said(place, factory, said):
    """Every way in which a factory can be wrong has its own one-line answer."""
    with pytest.raises(InputError, match=said) as caught:
        load(place, factory)
    assert "\n" not in str(caught.value)


def test_wrong_vocabulary_size_is_said(place):
    """Six logits for five symbols: both numbers are in the answer."""
    with pytest.raises(InputError, match=r"\[2, 3, 6\].*\[2, 3, 5\]"):
        load(place, "six", weights=None)


def test_missing_and_unexpected_keys_are_named(place):
    """Weights of another network name what is missing and what is too much."""
    state = torch.load(place[0] / "w.pt", weights_only=True)
    state["tail.weight"] = state.pop("head.weight")
    torch.save(state, place[0] / "other.pt")
    with pytest.raises(InputError, match=r"missing head.weight; unexpected tail.weight"):
        load(place, "make", weights="other.pt")


@pytest.mark.parametrize("factory", ["", "nothing", "no.such.module:make", ":make", "os:", "os.path:join"])
def test_factory_names_that_lead_nowhere_are_said(place, factory):
    """A factory that is misspelt is an InputError, never a traceback."""
    with pytest.raises(InputError, match="factory"):
        load_foreign(factory, weights=None, vocabulary=place[0] / "v.json")
