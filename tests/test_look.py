"""A set of pictures is shown once: every picture, in an order of chance, whatever the size of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_network import SIDE, planted_network, planted_pictures
from torch import nn

from cellscope.axes import Site
from cellscope.chunks import Round
from cellscope.data.images import ImageSet
from cellscope.hooks.outlets import choose_outlets
from cellscope.look import PictureSource, Places, look
from cellscope.models.classifier import Classifier, wrap
from cellscope.sinks.quantise import Quantiser

FILTERS, TOP = Site("filters"), Site("top")


def shown(network: Classifier, images: ImageSet, site: Site, **options) -> tuple[np.ndarray, np.ndarray]:
    """(values [picture, place, unit] by the pictures' own numbers, numbers in the order of showing)."""
    sites = choose_outlets(network.module, network.example, [str(site)])
    values, order = {}, []
    for glance in look(network, images, sites, **options):
        part = glance.chunks[site].values[site]
        assert glance.first == len(order)
        for lane, picture in enumerate(glance.index.tolist()):
            values[picture] = part[:, lane].copy()
            order.append(picture)
    return np.stack([values[k] for k in range(len(images))]), np.array(order)


def test_values_are_those_of_the_network() -> None:
    """Row k of a picture's chunk is what the filters put out at place k, row after row; a vector is one place."""
    network, images = planted_network(), planted_pictures(20)
    with torch.no_grad():
        pictures = network.prepare(images.pixels(slice(None)))
        maps = network.module.filters(pictures)
        top = network.module.eval()(pictures)
    want = maps.permute(0, 2, 3, 1).reshape(20, SIDE * SIDE, 8)
    np.testing.assert_allclose(shown(network, images, FILTERS)[0], want, atol=1e-6)
    np.testing.assert_allclose(shown(network, images, TOP)[0][:, 0], top, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 64, 500])
def test_any_batch_size_shows_the_same(batch: int) -> None:
    """Every picture once, the same values, and the same counts in the same bins, whatever the size of a batch."""
    network, images = planted_network(), planted_pictures(70)
    whole, _ = shown(network, images, FILTERS)
    parts, order = shown(network, images, FILTERS, batch=batch)
    assert sorted(order.tolist()) == list(range(70))
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    edges = Quantiser.from_sample(whole.reshape(-1, 8)).edges
    for unit in range(8):
        counts = [np.bincount(np.searchsorted(edges[unit], x[..., unit].ravel(), "right")) for x in (whole, parts)]
        assert np.abs(counts[0] - counts[1]).sum() <= 2  # a value on a border may fall to either side


def test_neighbours_are_of_chance() -> None:
    """Pictures lie in an order of chance within a batch, too; the seed decides it, another seed gives another."""
    network, images = planted_network(), planted_pictures(256)
    order = shown(network, images, TOP)[1]
    assert np.array_equal(order, shown(network, images, TOP)[1])
    assert not np.array_equal(order, shown(network, images, TOP, seed=1)[1])
    rising = (np.diff(order) > 0).mean()
    assert 0.35 < rising < 0.65


def test_a_large_map_is_looked_at_in_places_spread_evenly() -> None:
    """Of 40 x 50 places every second row and column is kept, and each is where its centre in the picture says."""
    places = Places.of((40, 50))
    assert len(places) == 20 * 25
    assert (np.diff(places.rows) == 2).all()
    assert not places.whole
    rows, columns = places.centres((80, 100))
    assert (rows == 2 * places.rows + 1).all()
    assert (columns == 2 * places.columns + 1).all()
    network = wrap(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(4000, 2)), (1, 40, 50))
    rng = np.random.default_rng(0)
    images = ImageSet("large", rng.random((3, 1, 40, 50), np.float32))
    values, _ = shown(network, images, Site("0"))
    with torch.no_grad():
        maps = network.module[0](torch.from_numpy(images.pictures)).numpy()
    want = maps[:, :, places.rows][..., places.columns].reshape(3, 2, -1).swapaxes(1, 2)
    np.testing.assert_allclose(values, want, atol=1e-6)


@pytest.mark.parametrize("grid", [(1, 1), (1, 5000), (5000, 1), (2, 600), (33, 33)])
def test_places_are_bounded_and_inside(grid: tuple[int, int]) -> None:
    """At most 1,024 places of any map, one at least, all of them on it and centred inside of the picture."""
    places = Places.of(grid)
    assert 1 <= len(places) <= 1024
    assert places.rows.max() < grid[0]
    assert places.columns.max() < grid[1]
    rows, columns = places.centres((7, 9))
    assert 0 <= rows.min() <= rows.max() < 7
    assert 0 <= columns.min() <= columns.max() < 9
    assert places.whole == (grid == (1, 1))


def test_a_network_that_views_its_maps() -> None:
    """`view`, which asks for maps that lie row after row, does not break the showing."""

    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.filters, self.top = nn.Conv2d(5, 4, 3), nn.Linear(4 * 14 * 14, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.top(self.filters(x).view(len(x), -1))

    network, images = wrap(Views(), (5, SIDE, SIDE)), planted_pictures(10)
    with torch.no_grad():
        want = network.module(network.prepare(images.pixels(slice(None))))
    np.testing.assert_allclose(shown(network, images, TOP)[0][:, 0], want, atol=1e-5)


def test_maps_are_heard_on_one_grid() -> None:
    """The mean of a map in each place of the grid; a coarser map and a unit without places say the same in several; the
    pictures in their own order, their neighbours in one block.
    """
    network, images = planted_network(), planted_pictures(40)
    sites = choose_outlets(network.module, network.example, ["filters", "top"])
    with torch.no_grad():
        pictures = network.prepare(images.pixels(slice(None)))
        maps, top = network.module.filters(pictures).numpy(), network.module.eval()(pictures).numpy()
    network.module.train()
    with PictureSource(network, images, sites, grid=(4, 4)) as source:
        assert source.places == 16
        sample, (chunk,) = source.play(Round(10, 40, 30, 1))
    assert torch.is_grad_enabled()
    assert network.module.training
    means = maps.reshape(40, 8, 4, SIDE // 4, 4, SIDE // 4).mean((3, 5)).reshape(40, 8, 16)
    np.testing.assert_allclose(chunk.values[FILTERS], means[10:].transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_allclose(chunk.values[TOP], np.broadcast_to(top[10:], (16, 30, 2)), atol=1e-5)
    assert sample[FILTERS].shape == (16 * 30, 8)
    assert chunk.blocks.tolist() == [k // 4 for k in range(10, 40)]
    with PictureSource(network, images, sites[:1], grid=(32, 32)) as source:
        _, (fine,) = source.play(Round(0, 5, 5, 1))
    np.testing.assert_allclose(
        fine.values[FILTERS].reshape(SIDE, 2, SIDE, 2, 5, 8)[:, 1, :, 1], maps[:5].transpose(2, 3, 0, 1), atol=1e-5
    )


@pytest.mark.parametrize("few", [64, 80, 128])
@pytest.mark.parametrize("side", [4, 7, 8, 16, 32, 64])
def test_few_places_are_of_all_columns(side: int, few: int) -> None:
    """At least so many of a map, and less than three times that; they lie in every column, and in most rows."""
    places = Places.of((side, side))
    rows, columns = np.divmod(np.arange(0, len(places), places.stride(few)), len(places.columns))
    assert min(few, len(places)) <= len(rows) < 3 * few
    assert len(np.unique(columns)) == len(places.columns)
    assert len(np.unique(rows)) > len(places.rows) / 2
