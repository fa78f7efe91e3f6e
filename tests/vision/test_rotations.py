from __future__ import annotations

import numpy as np
import pytest

from cellscope.errors import InputError
from cellscope.vision.gabor import gabor
from cellscope.vision.rotations import rotations

SIDE = 11
COLOURS = np.array([[1.0, 0.2, -0.5], [-0.4, 1.0, 0.8]])


def edge(orientation: float, colour: np.ndarray, frequency: float = 0.13) -> np.ndarray:
    """An edge (so that half a turn is another filter) in a colour."""
    _, odd = gabor((SIDE, SIDE), 5, 5, orientation, frequency, 2.5, 2)
    return colour[:, None, None] * odd


def planted() -> np.ndarray:
    random = np.random.default_rng(0)
    turned = [edge(angle, COLOURS[0]) for angle in (0, 45, 90, 150)]  # 0, 2, 4, 6
    others = [edge(angle, COLOURS[1], 0.22) for angle in (10, 100, 190)]  # 1, 3, 5
    noise = list(random.standard_normal((3, 3, SIDE, SIDE)))
    both = [turned[0], others[0], turned[1], others[1], turned[2], others[2], turned[3], *noise]
    return np.array(both) + 0.02 * random.standard_normal((10, 3, SIDE, SIDE))


def test_planted_groups_are_found() -> None:
    """Turned copies of two templates are two groups; noise is in none."""
    found = rotations(planted())
    assert found.groups == ((0, 2, 4, 6), (1, 3, 5))
    assert found.noise < 0.5
    assert found.least == 0.8


def test_angles_are_those_of_the_turns() -> None:
    """Filter a, turned anticlockwise by the angle, is filter b; half a turn of an edge is no copy as it stands."""
    found = rotations(planted())
    assert [int(found.angle[0, b]) for b in (0, 2, 4, 6)] == [0, 45, 90, 150]
    assert int(found.angle[2, 0]) == 315
    assert int(found.angle[1, 5]) == 180
    assert found.upright[1, 5] < -0.9
    assert found.likeness[1, 5] > 0.95


def test_likeness_is_symmetric_and_quarter_turns_are_exact() -> None:
    """Comparing a with b or b with a is one test; a filter and its rot90 have likeness 1."""
    filters = np.random.default_rng(1).standard_normal((3, 2, 5, 5))
    filters[1] = np.rot90(filters[0], 1, (1, 2))
    found = rotations(filters)
    np.testing.assert_allclose(found.likeness, found.likeness.T, atol=1e-12)
    assert found.likeness[0, 1] == pytest.approx(1)
    assert (int(found.angle[0, 1]), int(found.angle[1, 0])) == (90, 270)


def test_small_filters_ask_for_more_than_noise_reaches() -> None:
    """Where filters of noise are often alike, the likeness that is needed rises above them."""
    random = np.random.default_rng(2).standard_normal((200, 1, 3, 3))
    found = rotations(random, least=0.5)
    assert found.least == found.noise > 0.8
    assert found.seed == 0


def test_mistakes_and_flat_filters() -> None:
    """A filter that is the same everywhere is like nothing; other shapes and steps are refused."""
    filters = planted()
    filters[7] = 1
    found = rotations(filters)
    np.testing.assert_allclose(found.likeness[7, :7], 0, atol=1e-9)
    assert rotations(filters[:1]).groups == ()
    with pytest.raises(InputError, match="square"):
        rotations(np.ones((2, 1, 3, 5)))
    with pytest.raises(InputError, match="steps of 7 degrees"):
        rotations(filters, step=7)
    with pytest.raises(InputError, match="a likeness of 2"):
        rotations(filters, least=2)
