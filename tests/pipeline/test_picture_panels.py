"""Panels of a run's page, each measured of a tiny network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.models.classifier import wrap
from cellscope.pipeline.find_pictures import find_pictures
from cellscope.pipeline.picture_pages.effort import QUICK
from cellscope.pipeline.picture_pages.material import Material
from cellscope.pipeline.picture_pages.panels import invariances
from cellscope.vision.invariance import invariance


def material(images: ImageSet) -> Material:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = (nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
        network = wrap(nn.Sequential(*layers), images.shape, classes=("a", "b"))
    return Material.of(find_pictures(network, None, images))


def test_invariance_says_what_is_answered_and_what_pooling_buys() -> None:
    """The pooling layer beside what fires before it, though neither is drawn; answers are those of the command."""
    pixels = np.random.default_rng(0).random((40, 1, 8, 8)).astype(np.float32)
    images = ImageSet("planted", pixels, np.arange(40) % 2, ("a", "b"))
    found, effort = material(images), replace(QUICK, moved=16)
    made = invariances(found, effort)
    assert {curve.layer for curve in made.curves} == {"1", "5"}
    (sentence,) = made.pooling
    asked = invariance(found.network, images, sites=("1", "2", "5"), most=16)
    assert sentence == asked.gains[0].sentence
    assert sentence.startswith("2 (MaxPool2d) leaves of the change in 1, on average: translation ")
    for answer, curve in zip(made.answers, asked.curves, strict=True):
        assert answer.change == curve.transform.name
        assert answer.right is not None
        np.testing.assert_array_equal(answer.right.y, curve.accuracy)
        np.testing.assert_array_equal(answer.same.y, curve.same)


def test_without_labels_there_is_no_right_answer() -> None:
    """What is answered as before is said all the same."""
    rng = np.random.default_rng(0)
    pixels, masks = rng.random((40, 1, 8, 8)).astype(np.float32), rng.random((40, 1, 8, 8)) > 0.5
    images = ImageSet("planted", pixels, masks=masks, concepts=("here",))
    made = invariances(material(images), replace(QUICK, moved=8))
    assert {answer.right for answer in made.answers} == {None}
    assert all(max(y for y in answer.same.y if y is not None) == 1 for answer in made.answers)
