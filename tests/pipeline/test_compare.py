"""Two networks on one text: a network and itself with its units shuffled, other sizes, alphabets and kinds."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.pipeline.compare import compare, memories
from cellscope.pipeline.comparison import Comparison
from cellscope.pipeline.exhibits.compare import study
from cellscope.report.exhibits import HeatMap, Lines, Samples

CELL = Site("lstm.0", "cell")
ORDER = np.array([3, 0, 7, 1, 2, 6, 4, 5])
"""Unit k of the shuffled network is unit ORDER[k] of the other."""
FEATURES = select(("parentheses", "digit", "url"))


def shuffled(network: Network) -> Network:
    """The same network with its units in another order: nothing but numbers changes."""
    symbols = len(network.vocabulary)
    module = CharRNNConfig(symbols, kind="lstm", size=8, embedding=0).build().eval()
    module.load_state_dict(network.module.state_dict())
    rows = np.concatenate([ORDER + 8 * gate for gate in range(4)])
    lstm: Any = module.recurrent
    with torch.no_grad():
        for name, tensor in list(lstm.named_parameters()):
            tensor.copy_(tensor[rows][:, ORDER] if name == "weight_hh_l0" else tensor[rows])
    return replace(network, module=module, name="shuffled")


@pytest.fixture(scope="module")
def comparison(latch: Network, bracket_corpus: Corpus) -> Comparison:
    return compare(latch, shuffled(latch), bracket_corpus, FEATURES)


def test_a_shuffled_network_corresponds_unit_for_unit(comparison: Comparison) -> None:
    """Every unit finds itself under its new number, at r = 1, by best match and by assignment."""
    for match in comparison.cells.second:
        assert match.other == Unit(CELL, int(ORDER[match.unit.index]))
        assert match.assigned == match.other
        assert match.r > 0.999
    assert comparison.cells.assigned[0] > 0.999
    assert "units of latch correspond to one of the 8 of shuffled" in comparison.sentences[0]


def test_both_have_what_one_has(comparison: Comparison) -> None:
    """The planted bracket cell is found in both and corresponds; what the text lacks is in neither."""
    shared = {f.feature: f for f in comparison.features}
    brackets = shared["parentheses"]
    assert brackets.who == "both"
    assert brackets.counterpart
    assert (brackets.first.unit, brackets.second.unit) == (Unit(CELL, 0), Unit(CELL, 1))
    assert brackets.r is not None
    assert brackets.r > 0.999
    assert brackets.first.score == pytest.approx(brackets.second.score, abs=1e-6)
    assert not brackets.apart
    assert shared["url"].who == "neither"
    assert shared["url"].r is None
    assert comparison.of("both") == [f.feature for f in comparison.features if f.who == "both"]


def test_what_only_one_has_is_said(latch: Network, bracket_corpus: Corpus) -> None:
    """Against a network without the latch, brackets are found in the first alone, and the intervals lie apart."""
    torch.manual_seed(5)
    module = CharRNNConfig(len(latch.vocabulary), kind="gru", size=5, embedding=0).build().eval()
    plain = replace(latch, module=module, name="plain")
    found = compare(latch, plain, bracket_corpus, FEATURES)
    brackets = found.features[0]
    assert brackets.who == "first"
    assert brackets.apart
    assert not brackets.counterpart
    assert "in latch alone: 1 (parentheses)" in found.sentences[2]
    assert not found.same_run
    assert [len(side) for side in (found.cells.first, found.cells.second)] == [8, 5]


def test_alphabets_may_differ(latch: Network, bracket_corpus: Corpus) -> None:
    """The same weights under other ids are the same network; what an alphabet lacks is counted and said."""
    symbols = latch.vocabulary.symbols
    order = np.random.default_rng(0).permutation(len(symbols))
    module = CharRNNConfig(len(symbols), kind="lstm", size=8, embedding=0).build().eval()
    module.load_state_dict(latch.module.state_dict())
    with torch.no_grad():
        module.recurrent.weight_ih_l0.copy_(latch.module.recurrent.weight_ih_l0[:, order])
    other = Vocabulary(tuple(symbols[k] for k in order), other=order.tolist().index(latch.vocabulary.other))
    found = compare(latch, replace(latch, module=module, vocabulary=other, name="other"), bracket_corpus, FEATURES[:1])
    assert all(m.r > 0.9999 and m.other == m.unit for m in found.cells.first)
    poor = Vocabulary(tuple("" if s == "e" else s for s in symbols if s), other=symbols.index("e"))
    some = replace(
        latch, vocabulary=poor, name="poor", module=CharRNNConfig(len(poor), size=4, embedding=0).build().eval()
    )
    found = compare(latch, some, bracket_corpus, FEATURES[:1])
    text = bracket_corpus.text(0, len(bracket_corpus))
    assert found.subject.unknown == (0.0, pytest.approx(text.count("e") / len(text)))
    assert any("unknown to poor" in caveat for caveat in found.caveats)


def test_bytes_are_not_compared_with_characters(latch: Network, bracket_corpus: Corpus) -> None:
    """Their positions are not the same ones: refused before anything is heard."""
    bytes_ = Vocabulary.of_bytes()
    module = CharRNNConfig(len(bytes_), size=4, embedding=0).build().eval()
    with pytest.raises(InputError, match="latch reads characters and raw reads bytes"):
        compare(latch, Network(module, bytes_, "raw"), bracket_corpus, FEATURES)


def test_json_has_every_match_and_feature(comparison: Comparison) -> None:
    """Keys are stable, units are addresses, and what does not exist is null."""
    content = json.loads(comparison.json())
    assert [len(side) for side in content["matches"]] == [8, 8]
    assert content["matches"][1][1]["other"] == "lstm.0:cell/0"
    assert content["corresponding"] == len(comparison.pairs)
    assert content["kept_their_number"] is None
    assert content["features"][0]["found_in"] == "both"
    assert content["features"][2]["r"] is None
    assert content["characters"] == 30_000
    assert "NaN" not in comparison.json()


def test_what_a_layer_remembers_is_its_cell_or_its_hidden_state() -> None:
    """The cell of an LSTM; the hidden state of a GRU or an RNN; of every layer."""
    for kind, stream in (("lstm", "cell"), ("gru", "hidden"), ("rnn", "hidden")):
        module = CharRNNConfig(5, kind=kind, layers=2, size=3, embedding=0).build()
        sites = memories(Network(module, Vocabulary(tuple("abcde")), "x"))
        assert sites == (Site(f"{kind}.0", stream), Site(f"{kind}.1", stream))


def test_the_page_shows_what_was_found(comparison: Comparison) -> None:
    """The diagonal of the map is the pairs' r, both units of a pair colour the text alike, and no cell is NaN."""
    page = study(comparison)
    assert page.headline.sentence == comparison.sentences[0] + "."
    first, second = page.exhibits
    lines, heat, samples = first.figures
    assert isinstance(lines, Lines)
    assert isinstance(heat, HeatMap)
    assert isinstance(samples, Samples)
    np.testing.assert_allclose(np.diag(heat.values), [m.r for m in comparison.pairs], atol=1e-6)
    one, other = samples.samples[:2]
    assert one.text == other.text == comparison.subject.corpus.text(29_400, 30_000)
    np.testing.assert_allclose(one.values, other.values, atol=1e-3)
    assert all(a >= b for series in lines.series for a, b in pairwise(series.y))
    assert second.table is not None
    assert [row["found in"] for row in second.table.rows] == [
        {"first": "latch", "second": "shuffled"}.get(f.who, f.who) for f in comparison.features
    ]
    cells = [cell for exhibit in page.exhibits for row in exhibit.table.rows for cell in row.values()]
    assert not any(isinstance(cell, float) and np.isnan(cell) for cell in cells)
