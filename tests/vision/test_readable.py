"""The readable model and the linear regression behind it, by law."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import cnn, digits, half_of
from sklearn.linear_model import LogisticRegression
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.models.preprocessing import Preprocessing
from cellscope.vision.linear import fit, share
from cellscope.vision.readable import readable


def test_more_columns_than_rows_give_the_same_weights() -> None:
    """The short form of wide rows has the very optimum of the long one: scikit-learn fits the same weights."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 200)), rng.integers(0, 3, 60)
    found = fit(x, y, iterations=5000)
    scale = 1 / x.std(0) / np.sqrt(200)
    model = LogisticRegression(C=found.strength, max_iter=5000, tol=1e-8).fit((x - x.mean(0)) * scale, y)
    np.testing.assert_allclose(found.weights, model.coef_ * scale, atol=2e-4 * abs(model.coef_ * scale).max())
    assert found.converged


def test_planted_weights_are_found() -> None:
    """Where one column alone tells two classes, its weight is the largest, and has the class's sign."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)).astype(np.float32)
    y = np.where(x[:, 3] > 0, 7, 2)
    found = fit(x, y)
    assert found.known.tolist() == [2, 7]
    assert abs(found.weights).argmax(1).tolist() == [3, 3]
    assert found.weights[1, 3] > 0 > found.weights[0, 3]
    assert (found.tell(x) == y).mean() > 0.95


def test_a_dead_column_has_no_weight() -> None:
    """A column that never changes gets weight 0 and no NaN."""
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[:, 1] = 4
    found = fit(x, (x[:, 0] > 0).astype(np.int64))
    assert (found.weights[:, 1] == 0).all()
    assert np.isfinite(found.weights).all()


def test_a_share_has_wilsons_interval() -> None:
    """Known answer: 8 of 10 gives .490 to .943 (Wilson 1927); all of 10 does not give a point."""
    assert share(np.array([True] * 8 + [False] * 2)) == pytest.approx((0.8, 0.4901625, 0.9433178), abs=1e-6)
    assert share(np.ones(10, bool))[1] == pytest.approx(0.7224672, abs=1e-6)


def test_pixels_tell_the_digits() -> None:
    """On pictures of which neither has seen any, the regression is over 85 % and the network beside it better."""
    found = readable(cnn(), half_of(1), learn_from=half_of(0))
    assert found.accuracy[0] > 0.85
    assert found.network[0] > found.accuracy[0] - 0.05
    assert found.chance < 0.15
    assert found.weights.shape == (10, 1, 8, 8)
    assert "a logistic regression on pixels tells 0." in found.sentence
    own = half_of(1).pixels(slice(None))
    dark = (own[:, 0, 0, 0] == 0).all()
    assert dark
    assert (found.weights[:, 0, 0, 0] == 0).all()  # a corner that is always black says nothing


def test_weights_are_of_the_picture_whatever_the_preprocessing() -> None:
    """Mean, spread and range of the network's inputs do not change the weights, which are of pixels in 0..1."""
    import dataclasses

    other = dataclasses.replace(cnn(), preprocessing=Preprocessing(mean=(0.3,), std=(0.2,)))
    one, two = readable(cnn(), digits(), most=300), readable(other, digits(), most=300)
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-3)


def test_planted_halves() -> None:
    """Where the left half bright is one class and the right half the other, the weights say so."""
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    pictures = rng.random((100, 3, 4, 4)).astype(np.float32) * 0.2
    pictures[labels == 0, :, :, :2] += 0.5
    pictures[labels == 1, :, :, 2:] += 0.5
    network = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), (3, 4, 4), ("left", "right"))
    found = readable(network, ImageSet("halves", pictures, labels, ("left", "right")))
    assert found.accuracy[0] == 1.0
    assert (found.weights[0, :, :, :2] > 0).all()
    assert (found.weights[0, :, :, 2:] < 0).all()
    np.testing.assert_allclose(found.weights[0], -found.weights[1], atol=1e-9)


def test_a_class_without_pictures_is_named() -> None:
    """It has zeros for weights, is never told, and is said to be absent."""
    nine = digits().take(np.flatnonzero(digits().labels != 4)[:300])
    found = readable(cnn(), nine)
    assert found.absent == ("4",)
    assert (found.weights[4] == 0).all()
    assert np.isnan(found.recall[4])
    assert not np.isnan(np.delete(found.recall, 4)).any()


def test_one_class_is_refused() -> None:
    """There is nothing to tell apart."""
    ones = digits().take(np.flatnonzero(digits().labels == 1))
    with pytest.raises(InputError, match="two classes at least"):
        readable(cnn(), ones)


def test_the_network_is_left_as_it_was() -> None:
    """Weights and modes are untouched."""
    module = cnn().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    readable(cnn(), digits(), most=100)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training for part in module.modules())
