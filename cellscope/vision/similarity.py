"""How alike two maps of one picture are: by ranks, by structure, and by the directions of their edges.

The three measures with which Adebayo et al. (2018) compare a map with that of a network whose layers were drawn anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

Maps = NDArray[np.float32]
CELL = 8
"""Rows and columns of a cell in which the directions of edges are counted; a fourth of the side where that is less."""


def similarities(before: Maps, after: Maps) -> tuple[float, float, float, float]:
    """Spearman's correlation of signed and of absolute values, SSIM, and that of HOGs: means over pictures."""
    found = []
    for one, other in zip(before, after, strict=True):
        a, b = np.abs(one), np.abs(other)
        found.append((ranks(one, other), ranks(a, b), structural_similarity(a, b), gradients_alike(a, b)))
    signed, absolute, ssim, hog = np.mean(found, axis=0).tolist()
    return signed, absolute, ssim, hog


def ranks(one: Maps, other: Maps) -> float:
    """Spearman's correlation over all pixels; 0 where one of them is constant."""
    a, b = one.ravel(), other.ravel()
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def structural_similarity(one: Maps, other: Maps, sigma: float = 1.5) -> float:
    """Mean SSIM (Wang et al. 2004) of maps [channel, row, column], each over its own maximum; nan for rows.

    Gaussian windows of `sigma`, range 1, constants .01 and .03. (scikit-image's has none for maps under 11 pixels.)
    """
    if one.ndim != 3:
        return float("nan")
    a, b = (m.astype(np.float64) / (m.max() or 1.0) for m in (one, other))

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, (0, sigma, sigma)))

    mean_a, mean_b = smooth(a), smooth(b)
    spread_a, spread_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    shared = smooth(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 0.01**2) * (2 * shared + 0.03**2)
    return float((top / ((mean_a**2 + mean_b**2 + 0.01**2) * (spread_a + spread_b + 0.03**2))).mean())


def gradients_alike(one: Maps, other: Maps) -> float:
    """Pearson's correlation of the histograms of oriented gradients (Dalal and Triggs 2005) of two maps [channel, row,
    column], summed over channels; 0 where one has no edges, nan for rows and for maps under 4 pixels.
    """
    if one.ndim != 3 or min(one.shape[1:]) < 4:
        return float("nan")
    a, b = _oriented(one.sum(0)), _oriented(other.sum(0))
    if np.ptp(a) < 1e-12 or np.ptp(b) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _oriented(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Nine directions in every cell, normalised in blocks of three by three cells."""
    from skimage.feature import hog

    cell = min(CELL, max(2, min(plane.shape) // 4))
    cells = [side // cell for side in plane.shape]
    blocks = min(3, cells[0]), min(3, cells[1])
    scaled = plane.astype(np.float64) / (plane.max() or 1.0)
    made: NDArray[np.float64] = hog(scaled, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=blocks)
    return made
