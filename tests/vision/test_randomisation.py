"""What survives of a map when layers are drawn anew: little of a gradient, most of guided backprop (Adebayo 2018)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import cnn, digits
from odd_networks import linear, noise, seeded, untouched
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.models.classifier import wrap
from cellscope.vision.randomisation import survival


def pictures(count: int = 8):
    return cnn().prepare(digits().pixels(np.arange(1, 2 * count, 2)))


def test_gradients_pass_and_guided_backprop_fails() -> None:
    """On a network that has learnt digits, with the top layer drawn anew and at every step down to the last."""
    gradient = survival(cnn(), "gradient", pictures(), 3)
    guided = survival(cnn(), "guided", pictures(), 3)
    deconvnet = survival(cnn(), "deconvnet", pictures(), 3)
    assert gradient.signed.max() < 0.35
    assert gradient.signed[0] < 0.2
    assert guided.signed[:3].min() > 0.5
    assert deconvnet.signed[:3].min() > 0.5
    assert gradient.layers == ("classifier.2", "classifier.0", "features.4", "features.0")
    assert guided.top > 0.5 > gradient.top
    assert "shows the picture and the architecture, not what was learnt" in guided.sentence
    assert "depends on what was learnt" in gradient.sentence


def test_absolute_values_of_products_with_the_picture_survive() -> None:
    """Where a map is multiplied by the picture, its size is the picture's: the sign alone is learnt."""
    product = survival(cnn(), "gradient-x-input", pictures(), 3)
    assert product.absolute.min() > 0.6
    assert product.signed[0] < 0.2
    assert "its signs from what was learnt" in product.sentence


def test_one_seed_gives_one_answer_and_the_network_stays() -> None:
    """Drawn in copies: the same seed the same figures, another seed others, the network untouched."""
    with untouched(cnn().module):
        one, same, other = (survival(cnn(), "gradient", pictures(2), 3, seed=s, draws=1) for s in (1, 1, 2))
    assert np.array_equal(one.signed, same.signed)
    assert np.array_equal(one.ssim, same.ssim)
    assert not np.array_equal(one.signed, other.signed)
    assert (one.seed, one.draws, one.pictures) == (1, 1, 2)


def test_a_unit_is_drawn_from_its_own_layer_down() -> None:
    """Layers after the unit are left out; a deconvnet's map of a first layer's unit is its filter: nothing survives."""
    made = survival(cnn(), "gradient", pictures(2), Unit(Site("features.4"), 3), place="centre")
    assert made.layers == ("features.4", "features.0")
    first = survival(cnn(), "deconvnet", pictures(2), Unit(Site("features.0"), 3), place="centre", cascade=False)
    assert first.layers == ("features.0",)
    assert abs(first.signed[0]) < 0.9


def test_occlusion_has_its_survival_too() -> None:
    """Under its own name, with its own options."""
    told: list[tuple[int, int]] = []
    made = survival(
        cnn(), "occlusion", pictures(1), 3, window=3, stride=2, fill="black", draws=2, cascade=False,
        progress=lambda done, total, text: told.append((done, total)),
    )  # fmt: skip
    assert made.signed.shape == (1,)
    assert -1 <= made.signed[0] <= 1
    assert told == [(1, 2), (2, 2)]


def test_a_map_that_does_not_change_survives_whole() -> None:
    """A layer with weights of no effect: correlations and SSIM are 1."""

    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.idle = nn.Linear(1, 1)
            self.register_buffer("fixed", torch.randn(9, 2, generator=torch.Generator().manual_seed(0)))

        def forward(self, x):
            self.idle(x.flatten(1)[:, :1])
            return x.flatten(1) @ self.fixed

    made = survival(wrap(Idle(), (1, 3, 3)), "gradient", noise(2, 1, 3, 3), 1)
    assert made.signed == pytest.approx(1)
    assert made.absolute == pytest.approx(1)
    assert made.ssim == pytest.approx(1)


def test_a_dead_map_counts_as_nothing() -> None:
    """A map of zeros has no ranks: 0, never NaN; rows of numbers have no SSIM, which is a NaN that is said."""
    off = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    with torch.no_grad():
        off[1].bias.fill_(-100)
    made = survival(wrap(off, (1, 2, 2)), "gradient", noise(1, 1, 2, 2), 0)
    assert made.signed.tolist() == [0, 0]
    rows = survival(linear((6,)), "gradient", noise(2, 6), 0)
    assert np.isfinite(rows.signed).all()
    assert np.isnan(rows.ssim).all()
    assert np.isnan(rows.hog).all()
    bare = wrap(nn.Flatten(), (1, 2, 2))
    with pytest.raises(InputError, match="no layer with weights lies before class 0"):
        survival(bare, "gradient", noise(1, 1, 2, 2), 0)
    with pytest.raises(InputError, match="0 draws"):
        survival(linear((6,)), "gradient", noise(2, 6), 0, draws=0)
