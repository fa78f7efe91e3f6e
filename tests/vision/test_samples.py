"""The best pictures of the data are those that a brute-force pass finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import wrap
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.objectives import alignment, channel, logit, neuron
from cellscope.vision.samples import best_samples


def test_samples_are_the_true_best() -> None:
    """For channels, neurons and classes, over more pictures than a batch; fewer where there are fewer."""
    torch.manual_seed(0)
    classifier = wrap(SmallCNNConfig((1, 8, 8), 3, widths=(4,), hidden=4).build(), (1, 8, 8))
    images = ImageSet("noise", np.random.default_rng(0).random((150, 1, 8, 8), np.float32))
    classifier.module.eval()
    inputs = classifier.prepare(images.pixels(slice(None)))
    maps, scores = classifier.module.features[0](inputs).detach(), classifier.module(inputs).detach()
    for objective, rated in (
        (channel(["features.0/1", "features.0/3"]), maps.mean((2, 3))[:, [1, 3]]),
        (neuron("features.0/2"), maps[:, [2], 4, 4]),
        (logit([2, 0]) * -1.0, -scores[:, [2, 0]]),
    ):
        found = best_samples(classifier, objective, images, k=5)
        expected = (-rated.T).sort(dim=1, stable=True)
        assert found.pictures.tolist() == expected.indices[:, :5].tolist()
        assert found.values == pytest.approx(-expected.values[:, :5].numpy(), abs=1e-5)
    few = best_samples(classifier, logit(0), images.take(np.arange(3)), k=9)
    assert few.pictures.shape == (1, 3)
    with pytest.raises(InputError, match="compares pictures"):
        best_samples(classifier, alignment("features.0"), images)
