"""What is recorded is what torch computes, whatever the number of lanes, for our networks and anyone's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray

from cellscope.axes import Site
from cellscope.data.arrays import open_array
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import CellscopeError, InputError
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.pipeline.record import LANE, named_sites, record, stretches
from cellscope.sinks.recording import array_name

TEXT = "".join(np.random.default_rng(0).choice(list("abc xyz\n"), 17_000))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.from_text(TEXT, name="planted")


def network_of(corpus: Corpus, kind: str = "lstm", *, layers: int = 1, size: int = 8) -> Network:
    vocabulary = Vocabulary.count(corpus)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = CharRNNConfig(len(vocabulary), kind=kind, layers=layers, size=size, embedding=5).build()
        for parameter in module.parameters():
            parameter.data.normal_(0, 0.5)
    return Network(module.eval(), vocabulary, "planted")


@torch.no_grad()
def cell_loop(network: Network, corpus: Corpus, length: int) -> dict[str, np.ndarray[Any, Any]]:
    """hidden and cell [position, unit] by torch.nn.LSTMCell, one character after the other from rest."""
    module: Any = network.module
    weights = dict(module.lstm.named_parameters())
    cell = torch.nn.LSTMCell(module.lstm.input_size, module.lstm.hidden_size)
    for name, value in cell.named_parameters():
        value.copy_(weights[f"{name}_l0"])
    state = (torch.zeros(1, cell.hidden_size), torch.zeros(1, cell.hidden_size))
    rows = []
    for symbol in network.vocabulary.encode(corpus.codes(0, length)).tolist():
        state = cell(module.embedding(torch.tensor([symbol])), state)
        rows.append(torch.stack(state))
    hidden, cells = torch.cat(rows, 1).numpy()
    return {"hidden": hidden, "cell": cells}


@pytest.fixture(scope="module")
def looped(corpus: Corpus) -> dict[str, np.ndarray[Any, Any]]:
    return cell_loop(network_of(corpus), corpus, len(corpus))


def test_a_recording_is_an_lstmcell_loop(corpus: Corpus, looped: dict[str, Any], tmp_path: Path) -> None:
    """--exact equals torch.nn.LSTMCell character by character, and the characters lie beside it."""
    network = network_of(corpus)
    part = corpus.part(0, 3000)
    store = xarray.open_zarr(record(network, part, tmp_path / "a.zarr", exact=True))
    for stream, expected in looped.items():
        np.testing.assert_allclose(store[f"lstm.0.{stream}"].values, expected[:3000], atol=1e-5)
    assert "".join(map(chr, store["character"].values)) == TEXT[:3000]
    assert store.attrs["corpus"] == "planted"
    assert store.attrs["digest"] == part.digest
    assert store.attrs["lanes"] == 1


@pytest.mark.parametrize("lanes", [1, 2, 64])
def test_any_number_of_lanes_gives_the_same_recording(
    corpus: Corpus, looped: dict[str, Any], tmp_path: Path, lanes: int
) -> None:
    """Lanes with warm-up agree with one lane from rest, at every border of a lane too; float16 to three digits."""
    network, expected = network_of(corpus), looped
    store = xarray.open_zarr(record(network, corpus, tmp_path / "a.zarr", lanes=lanes, dtype="float16"))
    for stream, values in expected.items():
        np.testing.assert_allclose(store[f"lstm.0.{stream}"].values, values, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_all_streams_of_stacked_layers_of_any_kind(corpus: Corpus, tmp_path: Path, kind: str) -> None:
    """The last layer's hidden is what the module itself passes on; every stream of every layer is in the store."""
    network = network_of(corpus, kind, layers=2)
    part = corpus.part(0, 2000)
    sites = named_sites(network, streams="all")
    store = xarray.open_zarr(record(network, part, tmp_path / "a.zarr", sites=sites, exact=True))
    assert set(store) == {"character", *(array_name(site) for site in sites)}
    heard: list[Any] = []
    handle = getattr(network.module, kind).register_forward_hook(lambda *said: heard.append(said[2][0]))
    with torch.no_grad():
        network.forward(torch.from_numpy(network.vocabulary.encode(part.codes(0, 2000)))[None])
    handle.remove()
    np.testing.assert_allclose(store[f"{kind}.1.hidden"].values, heard[0][0].numpy(), atol=1e-5)


def test_a_recording_is_read_back_as_an_array(corpus: Corpus, tmp_path: Path) -> None:
    """`open_array` takes the store, by site or by name, and lists what is there."""
    path = record(network_of(corpus), corpus.part(0, 500), tmp_path / "a.zarr")
    array = open_array(path, key="lstm.0:cell")
    array.check_length(500)
    np.testing.assert_array_equal(array[10:20], xarray.open_zarr(path)["lstm.0.cell"].values[10:20])
    with pytest.raises(InputError, match="several arrays; name one"):
        open_array(path)


def test_stretches_cover_the_text_once() -> None:
    """Rounds follow one another without gap, and whole lanes begin at multiples of a lane."""
    for length in (1, LANE - 1, LANE, LANE + 1, 7 * LANE + 5):
        rounds = list(stretches(length, 3))
        assert [r.start for r in rounds] == [0, *(r.stop for r in rounds[:-1])]
        assert rounds[-1].stop == length
        assert all(start % LANE == 0 for r in rounds for start in r.starts)


def test_sites_are_named_or_refused(corpus: Corpus) -> None:
    """Letters of the literature work, twice the same counts once, an unknown one is answered with what there is."""
    network = network_of(corpus)
    cell, hidden = Site("lstm.0", "cell"), Site("lstm.0", "hidden")
    assert named_sites(network, sites="lstm.0:c, lstm.0:cell,lstm.0:h") == (cell, hidden)
    assert set(named_sites(network)) == {cell, hidden}
    assert named_sites(network_of(corpus, "gru")) == (Site("gru.0", "hidden"),)
    with pytest.raises(InputError, match="no site 'lstm.3:c'; there is lstm.0:"):
        named_sites(network, sites="lstm.3:c")
    with pytest.raises(InputError, match="names no site"):
        named_sites(network, sites=" , ")
    with pytest.raises(InputError, match="stream"):
        named_sites(network, streams="q")


def test_what_goes_wrong_leaves_nothing(corpus: Corpus, tmp_path: Path) -> None:
    """An empty text, no lanes, a place that cannot be written, an interrupt: one line, and nothing on disk."""
    network = network_of(corpus)
    with pytest.raises(InputError, match="empty"):
        record(network, Corpus.from_text(""), tmp_path / "a.zarr")
    with pytest.raises(InputError, match="lanes"):
        record(network, corpus, tmp_path / "a.zarr", lanes=0)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CellscopeError, match="cannot be written"):
        record(network, corpus, tmp_path / "file" / "a.zarr")

    def interrupt(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(network, corpus, tmp_path / "a.zarr", progress=interrupt)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.fixture
def counter(corpus: Corpus) -> Iterator[Network]:
    """A network whose cell 0 loses 1 at every character: what c does when it counts."""
    network = network_of(corpus)
    lstm: Any = network.module.lstm
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.zero_()
        size = lstm.hidden_size
        lstm.bias_ih_l0[0], lstm.bias_ih_l0[size], lstm.bias_ih_l0[2 * size] = 40, 40, -40  # input, forget, candidate
    return network


def test_a_counter_is_not_cut_off(counter: Network, corpus: Corpus, tmp_path: Path) -> None:
    """c may be unbounded: it is -3,000 after 3,000 characters, in float16 to three digits."""
    store = xarray.open_zarr(record(counter, corpus.part(0, 3000), tmp_path / "a.zarr", exact=True, dtype="float16"))
    assert store["lstm.0.cell"].values[2999, 0] == pytest.approx(-3000, rel=1e-3)
