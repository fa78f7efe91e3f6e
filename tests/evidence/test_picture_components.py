"""Components of maps: scikit-learn's on the same places, one seed one basis, and what cannot be learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_network import SIDE, planted_network, planted_pictures
from sklearn.decomposition import PCA
from torch import nn

from cellscope.errors import InputError
from cellscope.evidence.components import ON
from cellscope.evidence.picture_components import FEW, learn_picture_bases
from cellscope.hooks.outlets import Outlet, choose_outlets
from cellscope.look import Places, look
from cellscope.models.classifier import Classifier, wrap


def filters(network: Classifier, site: str = "filters") -> tuple[Outlet, ...]:
    return choose_outlets(network.module, network.example, [site])


def places(network: Classifier) -> np.ndarray:
    """The activations [row, unit] of the filters at every so many-th place, kept in full."""
    (outlet,) = filters(network)
    stride = Places.of(outlet.grid).stride(FEW)
    rows = [g.chunks[outlet.site].values[outlet.site][::stride] for g in look(network, planted_pictures(), [outlet])]
    return np.concatenate([part.reshape(-1, outlet.units).copy() for part in rows])


def test_principal_components_are_scikit_learns() -> None:
    """Of standardised units at the same places, up to sign; the scale of ours is that of the first pictures."""
    network = planted_network()
    (basis,) = learn_picture_bases(network, planted_pictures(), filters(network), "pca", components=4)
    rows = places(network)
    standard = (rows - rows.mean(0)) / rows.std(0)
    theirs = PCA(4).fit(standard).components_ @ standard.T
    ours = basis.of({basis.over[0]: rows}).T
    for one, other in zip(ours, theirs, strict=True):
        assert abs(np.corrcoef(one, other)[0, 1]) > 0.995
    assert np.abs(ours.mean(1)).max() < 0.05


@pytest.mark.parametrize("kind", ["pca", "ica", "dictionary"])
def test_the_same_seed_gives_the_same_basis(kind: str) -> None:
    """Bit by bit, also beside another site; where nothing is said as many as there are units, of independent ones as
    many as there are directions in which they vary: a filter that sees what others see adds none.
    """
    network = planted_network()
    both = (*filters(network, "norm"), *filters(network))
    (one,) = learn_picture_bases(network, planted_pictures(), filters(network), kind, seed=3)
    other = learn_picture_bases(network, planted_pictures(), both, kind, seed=3)[1]
    assert np.array_equal(one.directions, other.directions)
    rows = places(network)
    varying = np.linalg.matrix_rank(rows - rows.mean(0), tol=1e-3 * np.linalg.norm(rows - rows.mean(0), 2))
    assert varying == 5
    assert one.directions.shape == (8, varying if kind == "ica" else 8)


def test_dead_units_leave_independent_components_independent() -> None:
    """Of 12 units 4 are dead and 2 repeat others: six components, none of them a copy of another."""
    draw = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(5, 12, 1)
    with torch.no_grad():
        layer.weight.normal_(0, 1, generator=draw)
        layer.weight[6:8] = layer.weight[:2]
        layer.weight[8:] = 0
        layer.bias.zero_()
    network = wrap(nn.Sequential(layer, nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (5, SIDE, SIDE))
    (basis,) = learn_picture_bases(network, planted_pictures(), filters(network, "1"), "ica")
    (outlet,) = filters(network, "1")
    rows = next(iter(look(network, planted_pictures(), [outlet]))).chunks[outlet.site].values[outlet.site]
    told = basis.of({basis.over[0]: rows.reshape(-1, 12)})
    assert told.shape[1] == 6
    alike = np.abs(np.corrcoef(told.T)) - np.eye(6)
    assert alike.max() < 0.2
    assert np.abs(basis.directions[8:]).max() == 0


def test_a_code_is_on_in_a_tenth_of_the_places() -> None:
    """Each atom's threshold is passed by so many of the places it was learnt from."""
    network = planted_network()
    (basis,) = learn_picture_bases(network, planted_pictures(), filters(network), "dictionary", components=6)
    assert basis.rectified
    on = (basis.of({basis.over[0]: places(network)}) > 0).mean(0)
    np.testing.assert_allclose(on, ON, atol=0.02)


def test_what_cannot_be_learnt_is_refused() -> None:
    """More components than units, and units that are not finite."""
    network = planted_network()
    with pytest.raises(InputError, match="9 components of 8 units of filters"):
        learn_picture_bases(network, planted_pictures(), filters(network), "pca", components=9)
    with torch.no_grad():
        network.module.get_parameter("filters.bias")[3] = torch.nan
    with pytest.raises(InputError, match="filters/3 gives values that are not finite"):
        learn_picture_bases(network, planted_pictures(), filters(network), "pca", components=2)
