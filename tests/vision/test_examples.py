from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.examples import Kept, examples, merged

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(3)
    return wrap(SmallCNNConfig(SHAPE, 4, widths=(5, 6), hidden=7).build(), SHAPE)


@pytest.fixture(scope="module")
def images() -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, (70, *SHAPE)).astype(np.uint8)
    pixels[40] = pixels[11]  # equal values: the earlier picture comes first
    return ImageSet("noise", pixels)


def everything(classifier: Classifier, images: ImageSet) -> dict[Site, np.ndarray]:
    """All maps [picture, unit, place]."""
    sites = [o.site for o in outlets(classifier.module, classifier.example)]
    with torch.inference_mode(), watch(classifier.module, sites) as seen:
        found = seen.play(classifier.prepare(images.pixels(slice(None))))
    return {site: maps.reshape(*maps.shape[:2], -1).numpy() for site, maps in found.items()}


@pytest.mark.parametrize("batch", [70, 13])
def test_one_pass_equals_a_brute_force_sort(classifier: Classifier, images: ImageSet, batch: int) -> None:
    """For every unit of every site: pictures, places and values are those of sorting all maxima; ties by number."""
    found = examples(classifier, images, k=9, batch=batch)
    for site, maps in everything(classifier, images).items():
        best, one = maps.max(2), found[site]
        for kept, signed in ((one.top, -best), (one.bottom, best)):
            order = np.argsort(signed, 0, kind="stable")[:9]
            np.testing.assert_allclose(kept.values, np.take_along_axis(best, order, 0).T, rtol=1e-5, atol=1e-6)
            check_places(kept, maps, one.grid[1])
            if batch == 70:  # the same arithmetic to the last bit, so the same order
                np.testing.assert_array_equal(kept.pictures, order.T)
        np.testing.assert_array_equal(one.active, (best > 0).sum(0))


def check_places(kept: Kept, maps: np.ndarray, width: int) -> None:
    units = np.arange(maps.shape[1])[:, None]
    places = kept.places[..., 0] * width + kept.places[..., 1]
    np.testing.assert_allclose(maps[kept.pictures, units, places], kept.values, rtol=1e-5, atol=1e-6)


def test_random_pictures_come_from_the_seed(classifier: Classifier, images: ImageSet) -> None:
    """The same for all units, different for another seed, with the values that the units have on them."""
    one, two = (examples(classifier, images, ["features.2"], seed=seed)[Site("features.2")] for seed in (0, 1))
    assert one.seed == 0
    assert (one.random.pictures == one.random.pictures[0]).all()
    assert len(set(one.random.pictures[0].tolist())) == 9
    assert one.random.pictures[0].tolist() != two.random.pictures[0].tolist()
    maps = everything(classifier, images)[Site("features.2")]
    check_places(one.random, maps, one.grid[1])
    np.testing.assert_allclose(one.random.values, maps.max(2)[one.random.pictures[0]].T, rtol=1e-5)


@pytest.mark.parametrize("cut", [4, 35, 66])
def test_parts_merge_to_the_whole(classifier: Classifier, images: ImageSet, cut: int) -> None:
    """However the pictures are cut, and in whichever order parts are joined."""
    sites = ["features.2", "classifier.2"]
    whole = examples(classifier, images, sites, batch=8)
    parts = [examples(classifier, images, sites, batch=8, part=p) for p in (range(cut), range(cut, 70))]
    for site in whole:
        for a, b in (parts, parts[::-1]):
            joined = merged(a[site], b[site])
            assert joined.seen == 70
            for which in ("top", "bottom", "random"):
                one, two = whole[site].kept(which), joined.kept(which)
                np.testing.assert_array_equal(one.pictures, two.pictures)
                np.testing.assert_array_equal(one.places, two.places)
                np.testing.assert_allclose(one.values, two.values, rtol=1e-5)


def test_planted_pictures_are_found_where_they_are() -> None:
    """A unit that adds up 2 x 2 pixels has the pictures with the brightest square first, at the square."""
    module = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(25, 2))
    nn.init.ones_(module[0].weight)
    pixels = np.zeros((20, 1, 6, 6), np.float32)
    for picture, level in ((3, 0.9), (7, 0.7), (12, 0.8)):
        pixels[picture, 0, picture % 5 : picture % 5 + 2, 2:4] = level
    found = examples(wrap(module, (1, 6, 6)), ImageSet("squares", pixels), ["0", "1"], k=3)
    for one in found.values():
        assert one.top.pictures.tolist() == [[3, 12, 7]]
        assert one.top.places.tolist() == [[[3, 2], [2, 2], [2, 2]]]
        np.testing.assert_allclose(one.top.values, [[3.6, 3.2, 2.8]], rtol=1e-5)
        assert one.bottom.pictures.tolist() == [[0, 1, 2]]
        assert one.dead == ()


def test_dead_units_are_named_and_few_pictures_are_enough(classifier: Classifier, images: ImageSet) -> None:
    """A unit that is the same everywhere is dead; fewer pictures than k are all there is."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    few = images.take(np.arange(5))
    own = wrap(module, SHAPE)
    with torch.no_grad():
        module[0].weight[2], module[0].bias[2] = 0, -1
    found = examples(own, few)
    assert found[Site("1")].dead == (2,)
    assert found[Site("1")].active.tolist() == [5, 5, 0, 5]
    assert found[Site("1")].top.pictures.shape == (4, 5)
    assert found[Site("1")].top.places.shape == (4, 5, 2)


def test_mistakes_are_named(classifier: Classifier, images: ImageSet) -> None:
    """A site that is not there, nothing to do, a value that is no number, parts that do not fit."""
    with pytest.raises(InputError, match="no site 'features.9'"):
        examples(classifier, images, ["features.9"])
    with pytest.raises(InputError, match="0 examples"):
        examples(classifier, images, k=0)
    with pytest.raises(InputError, match="range\\(60, 80\\) of 70 pictures"):
        examples(classifier, images, part=range(60, 80))

    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - 0.5).sqrt()

    root = Classifier(nn.Sequential(Root(), nn.Flatten(), nn.Linear(math.prod(SHAPE), 2)), SHAPE, ("a", "b"))
    with pytest.raises(InputError, match="0/0 is nan on picture 0"):
        examples(root, images, ["0"])
    one, two = (examples(classifier, images, ["features.2"], seed=s)[Site("features.2")] for s in (0, 1))
    with pytest.raises(InputError, match="differ"):
        merged(one, two)
    with pytest.raises(InputError, match="there is top, bottom, random"):
        one.kept("middle")


def test_nothing_of_the_model_changes(classifier: Classifier, images: ImageSet) -> None:
    """Modes, weights, buffers, gradients and hooks stay; progress ends with all pictures."""
    classifier.module.train()
    before = {k: v.clone() for k, v in classifier.module.state_dict().items()}
    done: list[tuple[int, int]] = []
    examples(classifier, images, progress=lambda d, t, _: done.append((d, t)))
    assert done[-1] == (70, 70)
    assert all(torch.equal(v, before[k]) for k, v in classifier.module.state_dict().items())
    assert all(m.training and not m._forward_hooks for m in classifier.module.modules())
    assert all(p.grad is None for p in classifier.module.parameters())
    classifier.module.eval()
