from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cellscope.pipeline.marks
from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.hooks.firing import firing_layers
from cellscope.hooks.listen import listen
from cellscope.hooks.sites import sites_of
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.pipeline.gates import gates
from cellscope.pipeline.marks import Marks
from cellscope.pipeline.rehear import PIECE, Heard, rehear


def text_of(length: int) -> Corpus:
    draw = np.random.default_rng(8)
    return Corpus.from_text("".join(draw.choice(list("ab (c)\n"), length)))


def network_of(corpus: Corpus, kind: str, *, layers: int = 1) -> Network:
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(1)
    module = CharRNNConfig(len(vocabulary), kind=kind, size=7, layers=layers, embedding=5).build()
    return Network(module.eval(), vocabulary, kind)


def whole(network: Network, corpus: Corpus) -> tuple[dict[Site, np.ndarray], Tensor]:
    """Everything in one lane from rest."""
    ids = torch.from_numpy(network.vocabulary.encode(corpus.codes(0, len(corpus))))[None]
    with listen(network.module, sites_of(network.module)) as heard:
        logits = network.forward(ids)[0][0]
        return {site: heard[site][:, 0].numpy() for site in heard.sites}, logits


def rows_of(values: np.ndarray, stretches: list[tuple[int, int]]) -> np.ndarray:
    return np.concatenate([values[a:b] for a, b in stretches])


@pytest.mark.parametrize(("kind", "layers"), [("lstm", 2), ("gru", 1), ("rnn", 2)])
def test_stretches_are_heard_as_in_one_lane_from_rest(kind: str, layers: int) -> None:
    """Activations, gates, predictions and loss equal those of the whole text, at its beginning, within, at its end."""
    corpus = text_of(3000)
    network = network_of(corpus, kind, layers=layers)
    sites = tuple(site for site in sites_of(network.module) if site.stream in ("hidden", "cell"))
    stretches = [(2900, 3000), (0, 5), (40, 40 + 2 * PIECE + 3), (1500, 1501), (511, 514)]
    gated = Unit(sites[0], 3)
    heard = rehear(network, corpus, sites, stretches, gated=[gated])
    values, logits = whole(network, corpus)
    for site in sites:
        np.testing.assert_allclose(heard.values[site], rows_of(values[site], stretches), atol=2e-4)
    names = {"lstm": ["input", "forget", "output", "candidate"], "gru": ["reset", "update", "new"], "rnn": []}[kind]
    assert sorted(heard.gates[gated]) == sorted(names)
    for gate in names:
        expected = rows_of(values[Site(sites[0].path, gate)][:, 3], stretches)
        np.testing.assert_allclose(heard.gates[gated][gate], expected, atol=2e-4)
    logs = logits.log_softmax(-1).numpy()
    ids = network.vocabulary.encode(corpus.codes(0, len(corpus)))
    loss = np.append(-logs[np.arange(2999), ids[1:]], np.nan)
    np.testing.assert_allclose(heard.loss, rows_of(loss, stretches), atol=2e-3)
    np.testing.assert_allclose(
        heard.probabilities, np.sort(np.exp(rows_of(logs, stretches)))[:, ::-1][:, :5], atol=1e-3
    )


@pytest.mark.parametrize(("kind", "layers", "most"), [("lstm", 2, 2**25), ("gru", 1, 900), ("rnn", 2, 2**25)])
def test_stretches_are_heard_from_marks_as_after_a_warm_up(
    monkeypatch: pytest.MonkeyPatch, kind: str, layers: int, most: int
) -> None:
    """Going on from kept states gives what a warm-up gives, from the beginning of the text to its end; however few
    marks there is room for.
    """
    monkeypatch.setattr(cellscope.pipeline.marks, "MOST_VALUES", most)
    corpus = text_of(9000)
    network = network_of(corpus, kind, layers=layers)
    sites = tuple(site for site in sites_of(network.module) if site.stream in ("hidden", "cell"))
    gated = [Unit(sites[0], 3)]
    for start in (0, 777):
        marks = Marks.of(network, corpus, start, 9000)
        assert sum(p.shape[0] * p.shape[1] * p.shape[2] for s in marks.kept.values() for k in s for p in k) <= 2 * most
        stretches = [(8900, 9000), (start, start + 5), (start + 63, start + 65), (4000, 4000 + 2 * PIECE + 3)]
        plain, marked = (rehear(network, corpus, sites, stretches, gated=gated, marks=m) for m in (None, marks))
        for site in sites:
            np.testing.assert_allclose(marked.values[site], plain.values[site], atol=2e-4)
        for name, gate in plain.gates[gated[0]].items():
            np.testing.assert_allclose(marked.gates[gated[0]][name], gate, atol=2e-4)
        np.testing.assert_allclose(marked.loss, plain.loss, atol=2e-3)
        np.testing.assert_allclose(marked.probabilities, plain.probabilities, atol=1e-3)


def test_marks_that_do_not_cover_a_stretch_are_not_used() -> None:
    """A passage before the marked stretch is heard after a warm-up as ever."""
    corpus = text_of(4000)
    network = network_of(corpus, "lstm")
    site = Site("lstm.0", "hidden")
    marks = Marks.of(network, corpus, 2000, 4000)
    heard = rehear(network, corpus, (site,), [(1990, 2100)], marks=marks)
    np.testing.assert_array_equal(heard.values[site], rehear(network, corpus, (site,), [(1990, 2100)]).values[site])


def test_the_likeliest_symbol_comes_first() -> None:
    """Ids belong to their probabilities, which fall from left to right and are at most one together."""
    corpus = text_of(900)
    network = network_of(corpus, "lstm")
    heard: Heard = rehear(network, corpus, (Site("lstm.0", "hidden"),), [(600, 700)])
    logits = whole(network, corpus)[1][600:700]
    assert (heard.ids[:, 0] == logits.argmax(-1).numpy()).mean() > 0.97
    assert (np.diff(heard.probabilities, axis=1) <= 1e-6).all()
    assert (heard.probabilities.sum(1) <= 1 + 1e-5).all()


def test_a_small_alphabet_has_fewer_predictions() -> None:
    """Three symbols cannot give five predictions."""
    corpus = Corpus.from_text("ab" * 400)
    network = network_of(corpus, "rnn")
    assert rehear(network, corpus, (Site("rnn.0", "hidden"),), [(3, 20)]).ids.shape == (17, 3)


class Bare(nn.Module):
    """Gives logits alone, and hides its state."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.body = nn.ModuleDict({"memory": nn.GRU(4, 6, batch_first=True)})
        self.entry, self.exit = nn.Embedding(symbols, 4), nn.Linear(6, symbols)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.exit(self.body["memory"](self.entry(ids))[0])
        return logits


def test_a_module_that_gives_logits_alone_is_heard_too() -> None:
    """Its state is carried by the listener, and nothing stays behind in the module."""
    corpus = text_of(1500)
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(2)
    network = Network(Bare(len(vocabulary)).eval(), vocabulary, "bare", stateful=False)
    site = Site("body.memory.0", "hidden")
    heard = rehear(network, corpus, (site,), [(1000, 1300)], gated=[Unit(site, 0)])
    np.testing.assert_allclose(heard.values[site], whole(network, corpus)[0][site][1000:1300], atol=2e-4)
    assert not network.module._forward_pre_hooks
    assert "forward" not in network.module.body["memory"].__dict__


class Two(nn.Module):
    """Two recurrent modules, the second on what the first says, and a third that no pass goes through."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.entry, self.exit = nn.Embedding(symbols, 4), nn.Linear(5, symbols)
        self.first, self.second = nn.LSTM(4, 6, batch_first=True), nn.GRU(6, 5, batch_first=True)
        self.idle = nn.GRU(4, 3, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.exit(self.second(self.first(self.entry(ids))[0])[0])
        return logits


def test_marks_of_several_modules() -> None:
    """Whatever fires is marked, heard or not, so that predictions are right; what never fires is nobody's concern."""
    corpus = text_of(6000)
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(4)
    network = Network(Two(len(vocabulary)).eval(), vocabulary, "two", stateful=False)
    ids = torch.from_numpy(vocabulary.encode(corpus.codes(0, 1)))[None]
    assert [layer.path for layer in firing_layers(network.module, ids)] == ["first.0", "second.0"]
    marks = Marks.of(network, corpus, 1000, 6000)
    assert set(marks.kept) == {"first", "second"}
    site = Site("first.0", "cell")
    plain, marked = (rehear(network, corpus, (site,), [(3000, 3100), (5990, 6000)], marks=m) for m in (None, marks))
    np.testing.assert_allclose(marked.values[site], plain.values[site], atol=2e-4)
    np.testing.assert_allclose(marked.loss, plain.loss, atol=2e-3)
    assert not network.module._forward_pre_hooks
    assert len(gates(network, corpus)) == 2 * 5 + 3 * 6
