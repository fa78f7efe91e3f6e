"""A direction taken away from a network whose only memory lies along it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.direction_lesions import _alike, _raw, lesion_directions
from cellscope.evidence.probing import judged, measure
from cellscope.features.feature import Feature
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import NetworkSource

INSIDE = Feature(name="inside", pattern=r"\([^()]*\)")


def planted():
    """A trained little LSTM on brackets in which a is what stands inside and b outside."""
    rng = np.random.default_rng(0)
    text = "".join("(" + "a" * int(rng.integers(3, 9)) + ")" + "b" * int(rng.integers(3, 9)) for _ in range(4_000))
    corpus = Corpus.from_text(text)
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(0)
    module = CharRNN(len(vocabulary), size=12)
    optimiser = torch.optim.Adam(module.parameters(), 0.02)
    ids = torch.from_numpy(vocabulary.encode(corpus.codes(0, 20_000))).view(50, 400)
    for at in range(60):
        piece = ids[:, (at * 20) % 380 : (at * 20) % 380 + 21]
        loss = torch.nn.functional.cross_entropy(module(piece[:, :-1])[0].flatten(0, 1), piece[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Network(module.eval(), vocabulary, "brackets"), corpus


def test_a_direction_is_lesioned_beside_random_ones_and_the_best_unit() -> None:
    """Without the direction that a probe reads the network loses inside; random directions are of its variance."""
    network, corpus = planted()
    site, start = Site("lstm.0", "hidden"), len(corpus) - 12_000
    before = corpus.part(0, start)
    with NetworkSource(network, before, (site,)) as source:
        measured = measure(source, before, [INSIDE])
    found = judged(measured, draws=2)
    (told,) = lesion_directions(network, corpus, [INSIDE], found, measured.covariance, start=start, seed=1)
    assert told.site == site
    assert told.effect.inside.value > 0
    assert len(told.random) == 10
    assert told.sentence.startswith("the network ")
    vector = found.weights[0].astype(float)
    _, square = _raw(measured.covariance)
    own = vector @ square @ vector / (vector @ vector)
    for drawn in _alike(vector, square, np.random.default_rng(0)):
        assert abs(np.log((drawn @ square @ drawn) / own)) < 0.7
    again = lesion_directions(network, corpus, [INSIDE], found, measured.covariance, start=start, seed=1)
    assert again == (told,)


def test_a_direction_over_two_streams_is_refused() -> None:
    """What cannot be held in one stream is told, and how to ask."""
    network, corpus = planted()
    sites = (Site("lstm.0", "hidden"), Site("lstm.0", "cell"))
    with NetworkSource(network, corpus, sites) as source:
        measured = measure(source, corpus, [INSIDE])
    with pytest.raises(InputError, match="--streams c"):
        lesion_directions(network, corpus, [INSIDE], judged(measured, draws=1), measured.covariance, start=30_000)
