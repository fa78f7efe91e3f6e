"""`digits`: the 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from cellscope.data.images import ImageSet


def digits() -> ImageSet:
    """Pictures [picture, 1, 8, 8], float32: their 17 greys 0..16 as 0..1, ink bright; labels 0..9.

    Source: the test part of UCI's *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak 1998).
    """
    from sklearn.datasets import load_digits  # takes a second to import

    data = load_digits()
    pictures = (data.images[:, None] / 16).astype(np.float32)
    classes = tuple(str(name) for name in data.target_names)
    return ImageSet("digits", pictures, data.target.astype(np.int64), classes, source="digits")
