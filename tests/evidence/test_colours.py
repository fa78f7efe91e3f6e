"""What colours alone give away: everything of a concept of colour, nothing of one that no colour shows."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.chunks import Round
from cellscope.evidence.baselines import Contexts
from cellscope.evidence.colours import colour_keys
from cellscope.sinks.labels import Ranker

SIDE = 12
RNG = np.random.default_rng(0)


def alone(pixels: np.ndarray, masks: np.ndarray, grid: tuple[int, int]) -> tuple[float, float]:
    """(AUC of a place's own colour, of its and its neighbours') for masks bool [picture, place]."""
    rows, columns = np.arange(grid[0]), np.arange(grid[1])
    many = len(pixels)
    part = Round(0, masks.size, many, min(many, 32))
    labels = Ranker().grid(0, masks.reshape(1, -1), np.zeros((0, masks.size), np.float32))
    contexts = Contexts(1, 0, 32)
    contexts.add_keys(part, colour_keys(pixels, grid, rows, columns), labels)
    one, three = contexts.aucs()
    return float(one[0]), float(three.whole[0])


def blocks(channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Noiseless pictures of two colours, and where the second is [picture, row, column]."""
    masks = RNG.random((64, SIDE, SIDE)) < 0.3
    colours = RNG.permutation(np.linspace(0.1, 0.9, 2 * channels)).reshape(2, channels).astype(np.float32)
    return np.moveaxis(colours[masks.astype(int)], -1, 1).copy(), masks


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_a_colour_gives_its_concept_away(channels: int) -> None:
    """Of a noiseless picture, a concept that is a colour is told without a fault by the colour of its place."""
    pixels, masks = blocks(channels)
    one, three = alone(pixels, masks, (SIDE, SIDE))
    assert one == pytest.approx(1)
    assert three == pytest.approx(1)


def test_what_no_colour_shows_stays_hidden() -> None:
    """A mask that is drawn in no channel is told at the rate of chance."""
    pixels, _ = blocks(3)
    masks = RNG.random((64, SIDE, SIDE)) < 0.3
    assert alone(pixels, masks, (SIDE, SIDE)) == pytest.approx((0.5, 0.5), abs=0.03)


def test_neighbours_tell_an_edge() -> None:
    """Where left and right differ is hidden from a place's own colour, and told by its neighbours'."""
    on = RNG.random((64, SIDE, SIDE)) < 0.5
    pixels = np.repeat(on[:, None], 3, 1).astype(np.float32)
    wide = np.pad(on, [(0, 0), (0, 0), (1, 1)], "edge")  # a place at the border is its own neighbour
    edge = wide[:, :, :-2] != wide[:, :, 2:]
    one, three = alone(pixels, edge, (SIDE, SIDE))
    assert one < 0.6
    assert three > 0.98


def test_a_place_has_the_mean_colour_of_what_it_covers() -> None:
    """On a coarser map a place stands for a field of pixels: a concept that is their mean colour is given away."""
    level = RNG.random((64, 3, 3)) < 0.5
    pixels = np.repeat(np.repeat(level, 4, 1), 4, 2)[:, None].astype(np.float32) * 0.8 + 0.1
    pixels += RNG.choice([-0.1, 0.1], (64, 1, 3, 2, 3, 2)).repeat(2, 3).repeat(2, 5).reshape(64, 1, 12, 12) * 0.5
    assert alone(pixels.astype(np.float32), level, (3, 3))[1] > 0.98


def test_a_whole_picture_has_its_mean_colour() -> None:
    """For a layer without places: a class of red pictures is given away, one of shapes alike in colour is not."""
    red = RNG.random(400) < 0.5
    pixels = RNG.random((400, 3, SIDE, SIDE)).astype(np.float32) * 0.5
    pixels[:, 0] += 0.4 * red[:, None, None]
    assert alone(pixels, red[:, None], (1, 1))[0] > 0.99
    assert alone(pixels, (RNG.random(400) < 0.5)[:, None], (1, 1))[0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (4, 9, 1)])
@pytest.mark.parametrize("grid", [(1, 1), (2, 3)])
def test_every_place_has_a_key(shape: tuple[int, int, int], grid: tuple[int, int]) -> None:
    """Pictures of a pixel, a row or a column have a key a place, also beside 0..1, where colours are cut off."""
    pixels = np.random.default_rng(1).normal(0.5, 2, (5, *shape)).astype(np.float32)
    keys = colour_keys(pixels, grid, np.arange(grid[0]), np.arange(grid[1]))
    assert keys.shape == (5 * grid[0] * grid[1],)
    assert np.array_equal(keys, colour_keys(pixels, grid, np.arange(grid[0]), np.arange(grid[1])))
    assert int((keys & np.uint64(2**21 - 1)).max()) < 8**3
