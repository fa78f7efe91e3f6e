"""Maps in colour: zero is neutral, the ends are the limit, and pictures stand side by side at one size."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.errors import InputError
from cellscope.report.colour import THEMES
from cellscope.report.heatmaps import beside, heat, overlaid, raw


def test_zero_is_the_paper_and_the_limits_are_the_ends() -> None:
    """Whatever the map itself spans: colours hang on the limit alone."""
    made = heat(np.array([[-2.0, 0.0, 2.0, 1.0]]), 2.0)
    ends = THEMES["light"]
    assert made[0, :3].tolist() == [list(ends["low"]), [255, 255, 255], list(ends["high"])]
    assert heat(np.array([[1.0]]), 2.0).tolist() == made[:, 3:].tolist()
    assert (heat(np.zeros((3, 3)), 0.0) == 255).all()


def test_raw_maps_have_grey_for_zero() -> None:
    """Three channels keep their colours, one becomes grey; 0 is 128 in all."""
    made = raw(np.array([[[0.0, 1.0]], [[0.0, -1.0]], [[0.0, 0.0]]]), 1.0)
    assert made.tolist() == [[[128, 128, 128], [255, 0, 128]]]
    assert raw(np.array([[[0.0, -1.0]]]), 1.0).tolist() == [[[128] * 3, [0] * 3]]


def test_panels_stand_beside_one_another_enlarged() -> None:
    """By one whole factor, with a gap; an overlay is half map and half grey picture."""
    picture = np.full((8, 10), 100, np.uint8)
    colours = heat(np.zeros((8, 10)), 1.0)
    over = overlaid(picture, colours)
    assert (over == 178).all()
    made = beside([picture, colours, over])
    assert made.shape == (8 * 26, 3 * 260 + 2 * 4, 3)
    assert made[0, [0, 264, 528], 0].tolist() == [100, 255, 178]


def test_what_is_not_finite_is_not_drawn() -> None:
    """The error counts the values."""
    with pytest.raises(InputError, match="1 values are not finite"):
        heat(np.array([[np.nan, 1.0]]), 1.0)
