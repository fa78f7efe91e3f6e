from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.promotion import SHOWN, effect, sampled
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network

CORPUS = Corpus.from_text("the cell (and the gate) of a state, " * 60)
SYMBOLS = Vocabulary.count(CORPUS)
PLACES = np.arange(600, 1800, 23)
LEVELS = (-0.7, 0.9)


def network(kind: str, layers: int = 2) -> Network:
    torch.manual_seed(4)
    config = CharRNNConfig(len(SYMBOLS), kind=kind, layers=layers, size=12, embedding=5)
    return Network(config.build().eval(), SYMBOLS, kind)


def held(net: Network, unit: Unit, level: float) -> np.ndarray:
    """The next probabilities with the unit held on the last character: torch's own modules, that step by hand."""
    module = net.module
    ids = torch.from_numpy(SYMBOLS.encode(np.stack([CORPUS.codes(p - 512, p + 1) for p in PLACES])))
    kind, layers = module.config.kind, module.config.layers
    with torch.no_grad():
        _, state = module(ids[:, :-1])
        x = module.embedding(ids[:, -1])
        for k in range(layers):
            path = f"{kind}.{k}"
            cell_type = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[kind]
            step = cell_type(x.shape[1], 12)
            own = {n: getattr(module.recurrent, f"{n}_l{k}") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            step.load_state_dict(own)
            if kind == "lstm":
                h, c = step(x, (state[0][k], state[1][k]))
                if unit.site == Site(path, "cell"):
                    gate = torch.sigmoid(
                        (x @ own["weight_ih"].T + own["bias_ih"] + state[0][k] @ own["weight_hh"].T + own["bias_hh"])[
                            :, 36:
                        ]
                    )
                    c[:, unit.index] = level
                    h = gate * torch.tanh(c)
            else:
                h = step(x, state[k])
            if unit.site == Site(path, "hidden"):
                h[:, unit.index] = level
            x = h
        return module.decoder(x).double().softmax(-1).numpy()


@pytest.mark.parametrize(
    ("kind", "site"), [("lstm", "lstm.0:cell"), ("lstm", "lstm.1:hidden"), ("gru", "gru.0:hidden")]
)
def test_the_effect_is_that_of_a_plain_rewrite(kind: str, site: str) -> None:
    """Probabilities and log odds, of stacked networks too, are those of a step that is written out by hand."""
    net, unit = network(kind), Unit(Site.parse(site), 5)
    found = effect(net, CORPUS, unit, PLACES, LEVELS)
    both = np.stack([held(net, unit, level) for level in LEVELS])
    assert found.moved == pytest.approx(np.abs(both[1] - both[0]).sum(1).mean() / 2, rel=1e-4)
    odds = np.log(both) - np.log1p(-both)
    change = (odds[1] - odds[0])[1::2].mean(0)
    told = {p.symbol.strip("\ufffd"): p for p in (*found.promoted, *found.suppressed)}  # the other symbol is ""
    assert 2 <= len(told) <= 2 * SHOWN
    for symbol, p in told.items():
        k = SYMBOLS.symbols.index(symbol)
        assert p.change == pytest.approx(change[k], abs=1e-4)
        assert p.low <= p.change <= p.high
        assert p.outside == pytest.approx(both[0, 1::2, k].mean(), abs=1e-5)
        assert p.inside == pytest.approx(both[1, 1::2, k].mean(), abs=1e-5)


def test_a_unit_that_feeds_one_symbol_promotes_it() -> None:
    """Where the decoder gives a unit to ")" alone, holding it high promotes ")" by the weight and nothing else as
    much.
    """
    net = network("lstm", 1)
    with torch.no_grad():
        net.module.decoder.weight[:, 5] = 0
        net.module.decoder.weight[SYMBOLS.symbols.index(")"), 5] = 2.0
    found = effect(net, CORPUS, Unit(Site("lstm.0", "hidden"), 5), PLACES, LEVELS)
    assert found.promoted[0].symbol == ")"
    assert found.promoted[0].change == pytest.approx(2.0 * (LEVELS[1] - LEVELS[0]), rel=1e-4)
    assert len(found.promoted) == 1


def test_a_unit_that_feeds_nothing_moves_nothing() -> None:
    """Without a weight in the decoder nothing is promoted and nothing suppressed; the network is left as it was."""
    net = network("lstm", 1)
    with torch.no_grad():
        net.module.decoder.weight[:, 5] = 0
    before = {name: tensor.clone() for name, tensor in net.module.state_dict().items()}
    found = effect(net, CORPUS, Unit(Site("lstm.0", "hidden"), 5), PLACES, LEVELS)
    assert found.moved == pytest.approx(0, abs=1e-7)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.module.state_dict().items())
    assert "forward" not in vars(net.module.recurrent)


def test_positions_are_half_inside() -> None:
    """As many inside as outside, all if there are fewer; the same seed draws the same."""
    inside = np.arange(1000) % 10 == 0
    some = sampled(inside, np.arange(1000), count=100, seed=1)
    assert inside[some].sum() == (~inside[some]).sum() == 50
    assert np.array_equal(some, sampled(inside, np.arange(1000), count=100, seed=1))
    assert not np.array_equal(some, sampled(inside, np.arange(1000), count=100, seed=2))
    assert inside[sampled(inside, np.arange(1000), count=400)].sum() == 100


def test_too_few_positions_are_refused() -> None:
    """Nothing is measured where there is nothing to read before."""
    with pytest.raises(InputError, match="four positions"):
        effect(network("lstm", 1), CORPUS, Unit(Site("lstm.0", "hidden"), 5), [0, 0, 1], LEVELS)
