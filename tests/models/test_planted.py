"""Networks whose weights were set by hand do exactly what they were set to, wherever the cells are hidden."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.features.labeller import Labeller
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.models.planted import CELL, HIDDEN, LATE, SYMBOLS, planted, planted_text

LENGTH = 6_000
TEXT = planted_text(LENGTH, seed=3)
VOCABULARY = Vocabulary(tuple(sorted({*SYMBOLS, *TEXT})), "characters", None)


def cells(network: Network, text: str, *, handed_on: bool = False) -> np.ndarray:
    """Every cell after every character, or what it hands on [position, unit], one step at a time in plain torch."""
    lstm = network.module.recurrent
    ids = torch.from_numpy(network.vocabulary.encode(Corpus.from_text(text).codes(0, len(text))))
    table = lstm.weight_ih_l0.T[ids] + lstm.bias_ih_l0 + lstm.bias_hh_l0
    h = c = torch.zeros(lstm.hidden_size)
    out = []
    with torch.no_grad():
        for row in table:
            i, f, g, o = (row + lstm.weight_hh_l0 @ h).chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            out.append(h if handed_on else c)
    return torch.stack(out).numpy()


def labels(plants) -> dict[str, np.ndarray]:
    read = Labeller(tuple(p.feature for p in plants), Corpus.from_text(TEXT))
    found = read.read(0, LENGTH)
    return {f.name: row for f, row in zip((*read.spans, *read.numeric), [*found.spans, *found.numbers], strict=True)}


def trained() -> Network:
    torch.manual_seed(1)
    return Network(CharRNN(len(VOCABULARY), size=20, embedding=7), VOCABULARY, "host")


@pytest.mark.parametrize("hidden", ["random", "host"])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_cells_are_what_they_should_be(seed: int, hidden: str) -> None:
    """Every planted cell equals its feature at every character: two levels, a depth, a column, and a URL two late."""
    network, plants = planted(VOCABULARY, host=trained() if hidden == "host" else None, seed=seed)
    values, known = cells(network, TEXT), labels(plants)
    quote, depth, column, url, square = plants
    assert {p.sign for p in plants[:4]} <= {-1, 1}
    own = {p.feature.name: values[:, p.units[0]] * p.sign for p in plants[:4]}
    assert np.allclose(own[quote.feature.name], np.where(known[quote.feature.name], 1, -1), atol=1e-4)
    assert np.allclose(own[depth.feature.name], known[depth.feature.name], atol=1e-4)
    assert known[depth.feature.name].max() >= 2
    assert np.allclose(own[column.feature.name], known[column.feature.name], atol=1e-4)
    late = np.concatenate([np.zeros(LATE, bool), known[url.feature.name][:-LATE]])
    assert late.sum() > 200
    assert np.allclose(own[url.feature.name], late, atol=1e-4)
    assert url.lag == LATE
    assert square.spread == "distributed"


@pytest.mark.parametrize("hidden", ["random", "host"])
def test_the_exact_addresses_are_those_that_tell_all_values_apart(hidden: str) -> None:
    """Of all cells and all that is handed on, those of which every value belongs to one value of the feature, at its
    lag and in its order, are the ones that are named.
    """
    network, plants = planted(VOCABULARY, host=trained() if hidden == "host" else None, seed=4)
    known, states = labels(plants), (cells(network, TEXT), cells(network, TEXT, handed_on=True))
    for plant in plants[:4]:
        label = known[plant.feature.name].astype(float)
        label = np.concatenate([np.zeros(plant.lag), label[: LENGTH - plant.lag]])
        levels = np.unique(label)
        found = set()
        for site, values in zip((CELL, HIDDEN), states, strict=True):
            for u, column in enumerate((values * plant.sign).T):
                ends = [(column[label == level].min(), column[label == level].max()) for level in levels]
                if all(high < low for (_, high), (low, _) in pairwise(ends)):
                    found.add(Unit(site, u))
        assert found == set(plant.exact)
    assert not plants[-1].exact


def test_a_spread_concept_is_in_no_cell_and_in_all() -> None:
    """All cells together tell it exactly, in one direction of length one; no single one tells much."""
    _, plants = made = planted(VOCABULARY, seed=2)
    square = plants[-1]
    values, on = cells(made[0], TEXT)[:, square.units].astype(float), labels(plants)[square.feature.name]
    design = np.column_stack([values, np.ones(LENGTH)])
    weights, *_ = np.linalg.lstsq(design, on.astype(float), rcond=None)
    assert np.abs(design @ weights - on).max() < 1e-3
    assert np.linalg.norm(weights[:-1]) == pytest.approx(2, rel=1e-2)  # a step of a half
    assert max(np.corrcoef(column, on)[0, 1] ** 2 for column in values.T) < 0.2


def test_a_host_goes_on_as_it_did() -> None:
    """A network with planted cells says what it said before, to rounding, and hides them all over."""
    host = trained()
    network, plants = planted(VOCABULARY, host=host, seed=5)
    ids = torch.from_numpy(VOCABULARY.encode(Corpus.from_text(TEXT).codes(0, 400)))[None]
    with torch.no_grad():
        before, after = host.forward(ids)[0], network.forward(ids)[0]
    assert torch.allclose(before, after, atol=1e-5)
    assert len({unit for plant in plants for unit in plant.units}) == 4 + 24
    other = planted(VOCABULARY, host=host, seed=6)[1]
    assert [p.units for p in other] != [p.units for p in plants]


def test_what_cannot_be_planted_is_said() -> None:
    """A vocabulary without the symbols, another kind of host, and too few units are refused in one line."""
    with pytest.raises(InputError, match="lacks"):
        planted(Vocabulary(("a", "b"), "characters", None))
    gru = Network(CharRNN(len(VOCABULARY), kind="gru", size=8), VOCABULARY, "g", "gru 1x8")
    with pytest.raises(InputError, match="gru 1x8"):
        planted(VOCABULARY, host=gru)
    with pytest.raises(InputError, match="more than 33"):
        planted(VOCABULARY, size=33)
