"""Maps are compared by ranks, structure and edges as their authors did."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog
from skimage.metrics import structural_similarity as reference

from cellscope.vision.similarity import gradients_alike, similarities, structural_similarity


def stripes(turned: bool = False, size: int = 64) -> np.ndarray:
    rows = np.sin(np.arange(size) / 3)[:, None] * np.ones(size) + 1
    return np.asarray(rows.T if turned else rows, np.float32)[None]


def noise(seed: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).random((1, size, size)).astype(np.float32)


def test_structural_similarity_is_one_for_the_same_and_near_none_for_noise() -> None:
    """A map against itself, against itself times ten, and against unrelated noise."""
    one, other = noise(0), noise(1)
    assert structural_similarity(one, one) == pytest.approx(1)
    assert structural_similarity(one, 10 * one) == pytest.approx(1)
    assert abs(structural_similarity(one, other)) < 0.2


def test_structural_similarity_is_scikit_images() -> None:
    """But for the border, which scikit-image leaves out: within it the mean of its own map."""
    one, other = noise(0, 64), 0.7 * noise(0, 64) + 0.3 * noise(1, 64)
    scaled = [(m / m.max())[0].astype(float) for m in (one, other)]
    theirs = reference(*scaled, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert structural_similarity(one, other) == pytest.approx(theirs, abs=0.02)


def test_edges_of_one_direction_are_alike_and_of_two_are_not() -> None:
    """A map against itself, brighter, in noise, turned by a quarter, and against noise."""
    one = stripes()
    assert gradients_alike(one, one) == pytest.approx(1)
    assert gradients_alike(one, 10 * one) == pytest.approx(1)
    assert gradients_alike(one, one + 0.1 * noise(0, 64)) > 0.8
    assert gradients_alike(one, stripes(turned=True)) < 0.3
    assert abs(gradients_alike(noise(0, 64), noise(1, 64))) < 0.4


def test_histograms_are_scikit_images() -> None:
    """Nine directions, cells of eight pixels, blocks of three: the correlation of its features."""
    one, other = noise(0, 64), noise(2, 64)
    features = [hog((m / m.max())[0].astype(float), 9, (8, 8), (3, 3)) for m in (one, other)]
    assert gradients_alike(one, other) == pytest.approx(np.corrcoef(*features)[0, 1])


def test_what_has_no_edges_is_like_nothing() -> None:
    """Constant maps count as 0, small maps have cells that fit, rows and maps under four pixels have none."""
    assert gradients_alike(stripes(), np.ones((1, 64, 64), np.float32)) == 0
    assert gradients_alike(noise(0, 8), noise(0, 8)) == pytest.approx(1)
    assert np.isnan(gradients_alike(noise(0, 3), noise(0, 3)))
    assert np.isnan(gradients_alike(noise(0)[0, 0], noise(1)[0, 0]))


def test_pictures_are_averaged() -> None:
    """Each measure is the mean over pictures, of signed maps for the first and of sizes for the others."""
    maps = np.stack([stripes(), -stripes()])
    signed, absolute, ssim, edges = similarities(maps, np.stack([stripes(), stripes()]))
    assert (signed, absolute) == pytest.approx((0, 1))
    assert (ssim, edges) == pytest.approx((1, 1))
