"""Pages stay light: many large pictures are drawn smaller, few or small ones as they are."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.pipeline.picture_pages.bounds import LEAST, MOST, bounded, shrunk


@pytest.mark.parametrize("count", [1, 100, 5_000, 200_000])
@pytest.mark.parametrize("size", [(8, 8), (64, 64), (224, 224), (100, 700)])
def test_all_pictures_together_stay_in_bounds(count: int, size: tuple[int, int]) -> None:
    """Never larger than they are, never more pixels than are allowed, unless they would be too small to be seen."""
    rows, columns = bounded(count, size)
    assert rows <= size[0]
    assert columns <= size[1]
    assert count * rows * columns <= MOST or LEAST in (rows, columns) or (rows, columns) == size
    if count * size[0] * size[1] <= MOST:
        assert (rows, columns) == size


def test_a_smaller_picture_has_the_means_of_its_pixels() -> None:
    """Four pixels become their mean, whatever axes come before; the same size is the same picture."""
    maps = np.arange(2 * 3 * 4 * 6, dtype=np.float32).reshape(2, 3, 4, 6)
    small = shrunk(maps, (2, 3))
    assert small.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(small[1, 2, 0, 0], maps[1, 2, :2, :2].mean())
    np.testing.assert_array_equal(shrunk(maps, (4, 6)), maps)
