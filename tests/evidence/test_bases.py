"""Other bases for what a site does: components that are heard as units."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_activations import slow_noise
from sklearn.decomposition import PCA

from cellscope.axes import Site, Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, Projected, hear, site_of
from cellscope.evidence.components import ON, learn_bases
from cellscope.evidence.probing import BLOCKS, probe
from cellscope.evidence.verdicts import named
from cellscope.features.feature import Feature
from cellscope.judge import judge
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import ArraySource, NetworkSource, rounds

HERE = Site("planted", "cell")
LENGTH = 30_000
LETTER = Feature(name="letter", pattern="[b]")


def planted(units: int = 16):
    """Noise, and in it, along a direction drawn at random, whether the letter is b."""
    rng = np.random.default_rng(2)
    on = np.repeat(rng.random(LENGTH // 10) < 0.2, 10)
    block = slow_noise(rng, LENGTH, [8.0] * units)
    block[:, 0] = 3 * on + 0.1 * block[:, 0]
    turn = np.linalg.qr(rng.standard_normal((units, units)))[0].astype(np.float32)
    return Corpus.from_text("".join(np.where(on, "b", "a"))), on, block @ turn, turn[0]


def heard(source) -> np.ndarray:
    """What the first site of a source does, [position, unit]."""
    site, size = next(iter(source.sizes.items()))
    values = np.empty((len(source), size), np.float32)
    for part in rounds(len(source), size=source.round_length):
        for chunk in source.play(part)[1]:
            values[chunk.positions[None, :] + np.arange(chunk.steps)[:, None]] = chunk.values[site]
    return values


def test_addresses_of_components_are_read_as_they_are_written() -> None:
    """A component's site says what it is made of, and is parsed like any other."""
    site = site_of((Site("lstm.0", "cell"),), "pca")
    assert str(Unit(site, 3)) == "lstm.0.cell:pca/3"
    assert Unit.parse("lstm.0.cell:pca/3") == Unit(site, 3)
    assert str(site_of((Site("lstm.0", "cell"), Site("lstm.0", "hidden")), "probe")) == "all:probe"
    assert named(Unit(site, 3)) == "component 3 of lstm.0.cell:pca"


def test_a_projected_source_gives_sums_of_the_units() -> None:
    """Every component is its direction's product with the activations plus its offset; rectified, never below 0."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2_000, 5)).astype(np.float32)
    directions, offset = rng.standard_normal((5, 3)).astype(np.float32), np.array([0.5, -1, 2], np.float32)
    for rectified in (False, True):
        basis = Basis(Site("planted.cell", "x"), (HERE,), directions, offset, rectified)
        source = Projected(ArraySource(values, HERE), (basis,))
        assert source.sizes == {Site("planted.cell", "x"): 3}
        expected = values @ directions + offset
        np.testing.assert_allclose(heard(source), np.maximum(expected, 0) if rectified else expected, atol=1e-5)
    with pytest.raises(InputError, match=r"other:cell, which is not heard; heard are planted:cell"):
        Projected(ArraySource(values, HERE), (Basis(HERE, (Site("other", "cell"),), directions, offset),))


def test_principal_components_are_scikit_learns() -> None:
    """The directions are those of PCA on standardised rows, but for their sign, and the components are uncorrelated."""
    _, _, values, _ = planted()
    values[:, 3] *= 50
    (basis,) = learn_bases(ArraySource(values, HERE), "pca", components=4)
    standard = (values - values.mean(0)) / values.std(0)
    model = PCA(4).fit(standard)
    ours = basis.directions * values.std(0)[:, None]
    np.testing.assert_allclose(np.abs((ours * model.components_.T).sum(0)), 1, atol=2e-3)
    together = np.corrcoef(heard(Projected(ArraySource(values, HERE), (basis,))).T)
    np.testing.assert_allclose(together, np.eye(4), atol=0.05)


def test_independent_components_find_the_planted_direction() -> None:
    """What is on and off lies in one independent component, though it lies in no unit."""
    _, on, values, _ = planted()
    (basis,) = learn_bases(ArraySource(values, HERE), "ica", components=16, seed=1)
    found = np.abs(np.corrcoef(np.column_stack([on, heard(Projected(ArraySource(values, HERE), (basis,)))]).T)[0, 1:])
    alone = np.abs(np.corrcoef(np.column_stack([on, values]).T)[0, 1:])
    assert found.max() > 0.97
    assert alone.max() < 0.8
    (again,) = learn_bases(ArraySource(values, HERE), "ica", components=16, seed=1)
    np.testing.assert_array_equal(again.directions, basis.directions)


def test_codes_of_a_dictionary_are_sparse_and_not_negative() -> None:
    """Each component is 0 but at a tenth of the text."""
    _, _, values, _ = planted()
    (basis,) = learn_bases(ArraySource(values, HERE), "dictionary", components=24, seed=1)
    codes = heard(Projected(ArraySource(values, HERE), (basis,)))
    assert codes.shape == (LENGTH, 24)
    assert codes.min() == 0
    np.testing.assert_allclose((codes > 0).mean(0), ON, atol=0.03)


def test_a_probes_direction_is_judged_like_a_unit() -> None:
    """Counted and judged without any change, the direction has the feature as no unit has; it is the planted one."""
    corpus, _, values, turn = planted()
    source = ArraySource(values, HERE)
    basis = probe(source, corpus, [LETTER], draws=1).directions()
    along = basis.directions[:, 0] / np.linalg.norm(basis.directions)
    assert abs(along @ turn) > 0.99
    direction, units = (
        judge(count(s, corpus, [LETTER], blocks=BLOCKS)).evidence[0] for s in (Projected(source, (basis,)), source)
    )
    assert str(direction.unit) == "planted.cell:probe/0"
    assert direction.score > 0.999
    assert units.score < 0.95


def test_components_of_a_network_are_those_of_what_it_does() -> None:
    """`hear` gives the units of a site, or the components that its basis makes of them."""
    corpus = Corpus.from_text("to be or not to be, " * 400)
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(0)
    network = Network(CharRNN(len(vocabulary), size=8).eval(), vocabulary, "planted")
    site = Site("lstm.0", "cell")
    with NetworkSource(network, corpus, (site,)) as source:
        bases = learn_bases(source, "pca", components=3)
    with hear(network, corpus, (bases[0].site,), bases) as source:
        assert source.sizes == {bases[0].site: 3}
        made = heard(source)
    with hear(network, corpus, (site,)) as source:
        units = heard(source)
    np.testing.assert_allclose(made, bases[0].of({site: units}), atol=1e-4)


def test_what_cannot_be_learnt_is_told() -> None:
    """An unknown kind, and more components than units."""
    _, _, values, _ = planted()
    with pytest.raises(InputError, match="there is pca, ica, dictionary"):
        learn_bases(ArraySource(values, HERE), "svd")
    with pytest.raises(InputError, match="17 components of 16 units of planted:cell"):
        learn_bases(ArraySource(values, HERE), "pca", components=17)
