"""Pictures are found by name or path, and what is not there is said."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.data.digits import digits
from cellscope.data.imagesets import is_image_set, open_images
from cellscope.errors import MissingError


def test_known_names_are_opened() -> None:
    """`shapes` takes a count and a seed; `digits` are 1,797 pictures of 8 x 8 in 0..1."""
    assert len(open_images("shapes", count=3, seed=4)) == 3
    found = open_images("digits")
    assert (len(found), found.shape, found.classes) == (1797, (1, 8, 8), tuple("0123456789"))
    pixels = found.pixels(slice(None))
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert found.digest == digits().digest
    assert np.bincount(found.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_name_that_is_not_there() -> None:
    """The error lists the names that are."""
    with pytest.raises(MissingError, match="shapes"):
        open_images("shape")
    assert is_image_set("shapes")
    assert not is_image_set("shape")
