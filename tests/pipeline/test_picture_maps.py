from __future__ import annotations

import numpy as np
import torch
from torch import nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.models.classifier import wrap
from cellscope.pipeline.picture_pages.maps import maps_of, maps_of_pairs


def test_pairs_get_the_maps_that_showing_them_alone_gives() -> None:
    """Whatever the batches: pair p is the map of its own unit on its own picture, also where there are no places."""
    torch.manual_seed(0)
    network = wrap(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(400, 3)), (3, 12, 12)
    )
    images = ImageSet("noise", np.random.default_rng(0).random((9, 3, 12, 12)).astype(np.float32))
    wanted = {
        Site("0"): (np.array([7, 0, 7, 3]), np.array([1, 3, 0, 1])),
        Site("1"): (np.array([8]), np.array([2])),
        Site("3"): (np.array([0, 8]), np.array([2, 1])),
    }
    found = maps_of_pairs(network, images, wanted, batch=2)
    assert found[Site("0")].shape == (4, 10, 10)
    assert found[Site("3")].shape == (2, 1, 1)
    for site, (pictures, units) in wanted.items():
        whole = maps_of(network, images.pixels(pictures), [site])[site]
        np.testing.assert_allclose(found[site], whole[np.arange(len(units)), units], rtol=1e-5, atol=1e-6)
