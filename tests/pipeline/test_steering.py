"""Steering: an LSTM whose cell is by its weights whether a bracket is open, held open, held shut, and free."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError, MissingError
from cellscope.evidence.steering import Held, rates
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.models.sampling import sample, sample_batch
from cellscope.pipeline.steering import named_hold, remarks, steer

SYMBOLS = ("a", "x", "(", ")", "\n")
INSIDE = Feature(name="inside", pattern="x+")


def switch(*, kind: str = "characters") -> Network:
    """Writes `a` outside of brackets and `x` inside; cell 0 is 1 from "(" to ")", and unit 1 does nothing."""
    module = CharRNN(len(SYMBOLS), size=2, embedding=0).eval()
    lstm: Any = module.recurrent
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        i, f, g, o = (torch.arange(4) * 2).tolist()  # of unit 0 in the four gates
        lstm.weight_ih_l0[[i, g], SYMBOLS.index("(")] = torch.tensor([12.0, 5.0])
        lstm.weight_ih_l0[f, SYMBOLS.index(")")] = -12
        lstm.bias_ih_l0[[i, f, o]] = torch.tensor([-6.0, 6.0, 6.0])
        likely = torch.tensor([15.0, -15.0, 12.8, -17.2, -60.0])  # a bracket one time in ten
        module.decoder.weight[:, 0] = torch.tensor([-40.0, 40.0, -40.0, 40.0, 0.0])
        module.decoder.bias[:] = likely
    return Network(module, Vocabulary(SYMBOLS, kind=kind), "switch")


def test_holding_the_cell_on_keeps_the_bracket_open() -> None:
    """Held on, nearly everything is inside, held off nothing is, and the interval of the difference says so."""
    network = switch()
    on = steer(network, ["lstm.0:cell/0=1"], length=150, feature=INSIDE, samples=40)
    off = steer(network, ["lstm.0:cell/0=0"], length=150, feature=INSIDE, samples=40)
    assert on.rates is not None
    assert off.rates is not None
    held, free, difference = (on.rates.inside[name] for name in ("held", "free", "difference"))
    assert held.value > 0.85
    assert 0.3 < free.value < 0.6
    assert 0.2 < difference.low < difference.value < difference.high
    assert difference.value == pytest.approx(held.value - free.value)
    assert off.rates.inside["held"].value == off.rates.ends["held"].value == 0
    assert off.rates.inside["free"] == free
    assert set(on.with_hold.text) <= set("x)")
    assert set(off.with_hold.text) <= set("a(")
    assert "lstm.0:cell/0 held at +1" in on.sentence
    assert f"{100 * free.value:.1f} % free" in on.sentence


def test_the_free_text_is_that_of_a_plain_sample() -> None:
    """Beside the held one stands what the network writes from the same seed when nothing listens."""
    network = switch()
    steered = steer(network, ["c/0=1"], prime="a(x", length=80, seed=5)
    assert steered.free.text == "".join(sample(network, prime="a(x", length=80, seed=5))
    assert steered.rates is None


def test_holding_what_does_nothing_changes_nothing() -> None:
    """Samples are paired: with a dead unit held, each is the same as free, and the difference is exactly zero."""
    steered = steer(switch(), ["h/1=0.5"], length=100, feature=INSIDE, samples=20)
    assert steered.with_hold.text == steered.free.text
    assert steered.rates is not None
    assert steered.rates.inside["difference"].value == steered.rates.inside["difference"].high == 0


def test_colours_are_what_the_unit_did() -> None:
    """The held unit is where it was held all along; the free one is on inside brackets alone; labels lie beside."""
    steered = steer(switch(), ["c/0=1", "h/1=-0.25"], length=120, feature=INSIDE, samples=2)
    np.testing.assert_allclose(steered.with_hold.values, np.tile([1.0, -0.25], (120, 1)).astype(np.float32))
    free = steered.free
    inside = [c in "x(" for c in free.text]
    np.testing.assert_allclose(free.values[:, 0], inside, atol=0.3)
    assert free.flags is not None
    assert free.flags.tolist() == [c == "x" for c in free.text]


def test_several_units_of_one_layer_are_held_together() -> None:
    """A gate and a cell: with the forget gate held shut the cell lasts for no more than the bracket itself."""
    steered = steer(switch(), ["f/0=0", "h/1=0"], length=100)
    assert "xx" not in steered.with_hold.text


def test_bytes_and_models_without_a_state() -> None:
    """Bytes are written as Latin-1; a model that gives logits alone is held as well."""

    class Bare(nn.Module):
        def __init__(self, inner: CharRNN) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.inner(ids)[0]

    network = switch(kind="bytes")
    assert set(steer(network, ["c/0=1"], length=40).with_hold.text) <= set("x)")
    bare = Network(Bare(network.module), Vocabulary(SYMBOLS), "bare", stateful=False)
    steered = steer(bare, ["inner.lstm.0:cell/0=1"], length=40, feature=INSIDE, samples=4)
    assert set(steered.with_hold.text) <= set("x)")
    assert steered.rates is not None
    assert steered.rates.inside["held"].value > 0.8


def test_the_rate_counts_the_text_and_knows_the_prime() -> None:
    """What the prime opened is known, and its own characters do not count."""
    [feature] = select(["parentheses"])
    found = rates(feature, "a(x", ["x)aa", "aa)a"], ["aaaa", "aaaa"])
    assert found.inside["held"].value == (2 + 3) / 8
    assert found.inside["free"].value == 0
    assert found.ends["held"].value == 250
    assert (found.samples, found.length) == (2, 4)
    nothing = rates(feature, "a", ["aaaa", "aaaa"], ["aaaa", "aaaa"])
    assert nothing.never
    assert "no character is inside parentheses" in nothing.sentence
    assert "%" not in nothing.sentence + nothing.answer


def test_a_batch_draws_from_the_network_s_own_probabilities() -> None:
    """Over many samples each symbol is as frequent as the softmax says, at any temperature, and none that is barred."""

    class Fixed(nn.Module):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return torch.tensor([1.0, 0.0, 3.0, 2.0]).repeat(*ids.shape, 1)

    network = Network(Fixed(), Vocabulary(("a", "b", "", "c"), other=2), "fixed", stateful=False)
    for temperature in (1.0, 0.5):
        ids = sample_batch(network, [0], count=4000, length=3, temperature=temperature, seed=1)
        share = np.bincount(ids.ravel(), minlength=4) / ids.size
        logits = np.array([1.0, 0.0, -np.inf, 2.0]) / temperature
        np.testing.assert_allclose(share, np.exp(logits) / np.exp(logits).sum(), atol=0.02)
    assert (sample_batch(network, [], count=3, length=2, temperature=0) < 4).all()
    assert (sample_batch(network, [0], count=3, length=2, temperature=0) == 3).all()


def test_the_json_says_all() -> None:
    """What was held, both texts and both rates."""
    content = json.loads(steer(switch(), ["c/0=1"], length=30, feature=INSIDE, samples=3).json())
    assert content["held"] == [{"unit": "lstm.0:cell/0", "value": 1.0}]
    assert len(content["held_text"]) == len(content["free_text"]) == 30
    assert content["rates"]["samples"] == 3
    assert set(content["rates"]["inside"]) == {"held", "free", "difference"}


@pytest.mark.parametrize(
    ("hold", "kind", "said"),
    [
        ("lstm.0:cell/0", InputError, "is no unit and value; write UNIT=VALUE"),
        ("c/0=on", InputError, "'on' is no number to hold lstm.0:cell/0 at"),
        ("c/0=nan", InputError, "'nan' is no number"),
        ("c/0=", InputError, "'' is no number"),
        ("c/2=1", MissingError, "no unit 2 in lstm.0:cell; it has 0 to 1"),
        ("lstm.1:cell/0=1", MissingError, "no site 'lstm.1:cell'"),
        ("cell=1", InputError, "no unit; write site/number"),
    ],
)
def test_what_cannot_be_held_is_said(hold: str, kind: type[InputError], said: str) -> None:
    """One line: what was wrong, and what there is."""
    with pytest.raises(kind, match=said.replace("(", r"\(")):
        named_hold(switch(), hold)


def test_mistakes_before_anything_is_written() -> None:
    """A unit held twice, a number as a feature, one sample again and again."""
    network = switch()
    with pytest.raises(InputError, match="held twice, at 1 and 0"):
        steer(network, ["c/0=1", "lstm.0:cell/0=0"])
    with pytest.raises(InputError, match="column is a number"):
        steer(network, ["c/0=1"], feature=select(["column"])[0])
    with pytest.raises(InputError, match="temperature 0"):
        steer(network, ["c/0=1"], feature=INSIDE, temperature=0)
    with pytest.raises(InputError, match="no characters"):
        steer(network, ["c/0=1"], feature=INSIDE, length=0)


def test_a_value_beyond_the_unit_s_own_is_allowed_but_said() -> None:
    """A hidden unit at 2 is remarked on, a cell at 2 is not, nor a gate within 0 and 1."""
    network = switch()
    held = [named_hold(network, text) for text in ("h/0=2", "c/0=2", "f/0=1.5", "i/0=0.5")]
    said = remarks(network, held)
    assert len(said) == 2
    assert "lstm.0:hidden/0 is never outside of -1 to 1 by itself" in said[0]
    assert "lstm.0:forget/0 is never outside of 0 to 1" in said[1]
    assert "below 0" in Held(held[0].unit, -0.5).beyond(relu=True)
    assert Held(held[0].unit, 7.0).beyond(relu=True) == ""
    assert steer(network, ["h/0=2"], length=5).with_hold.text
