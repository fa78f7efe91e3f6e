"""Drawn scenes are the same for everyone, and their masks say what is seen where."""

from __future__ import annotations

import numpy as np
import pytest

from cellscope.data.outlines import OUTLINES
from cellscope.data.packed import PackedMasks
from cellscope.data.paint import COLOURS, LIGHT
from cellscope.data.shapes import CONCEPTS, FIGURES, shapes
from cellscope.errors import InputError

SET = shapes(200)
MASKS = SET.masks_of(slice(None))


def concept(name: str) -> np.ndarray:
    return MASKS[:, CONCEPTS.index(name)]


def test_a_scene_depends_on_its_number_alone() -> None:
    """The first pictures, labels and masks of a longer set are those of a shorter one; another seed gives others."""
    few = shapes(20)
    np.testing.assert_array_equal(few.pictures, SET.pictures[:20])
    np.testing.assert_array_equal(few.labels, SET.labels[:20])
    np.testing.assert_array_equal(few.masks_of(slice(None)), MASKS[:20])
    assert not np.array_equal(shapes(20, seed=1).pictures, few.pictures)


def test_the_form_is_that_of_pictures() -> None:
    """Pictures are uint8 [picture, 3, 64, 64], masks bool [picture, concept, 64, 64], six classes all occur."""
    assert SET.pictures.dtype == np.uint8
    assert (SET.shape, SET.classes, SET.mask_names) == ((3, 64, 64), FIGURES, CONCEPTS)
    assert MASKS.shape == (200, len(CONCEPTS), 64, 64)
    assert set(SET.labels.tolist()) == set(range(6))
    assert shapes(2, size=32).shape == (3, 32, 32)


def test_every_object_pixel_has_one_figure_and_one_colour() -> None:
    """Figures divide the pixels of objects between them; no pixel has two colours, textures or sizes."""
    seen = concept("object")
    figures = sum(concept(name).astype(int) for name in FIGURES)
    colours = sum(concept(name).astype(int) for name in COLOURS)
    np.testing.assert_array_equal(figures, seen)
    assert colours.max() == 1
    assert (colours[seen] == 1).all()
    assert 0 < (colours == 0).mean() < 0.01
    for names in (("striped", "dotted"), ("large", "small")):
        assert sum(concept(name).astype(int) for name in names).max() == 1
    assert not (concept("large") | concept("small"))[~seen].any()


def test_colours_say_nothing_of_objects_and_figures() -> None:
    """A colour is as frequent on objects of any figure as on the ground, and none is that of the ground beneath."""
    many = shapes(700, seed=3)
    masks = many.masks_of(slice(None))
    on = {name: masks[:, CONCEPTS.index(name)] for name in CONCEPTS}
    for colour in COLOURS:
        assert abs(on[colour][on["object"]].mean() - on[colour][~on["object"]].mean()) < 0.06
        for figure in FIGURES:
            assert abs(on[colour][on[figure]].mean() - 1 / 6) < 0.13
    # A stroke may have any colour: without them no region is painted in a colour of the scene's objects.
    large = [(on[c] & on["object"]).any((1, 2)) & ((on[c] & ~on["object"]).mean((1, 2)) > 0.1) for c in COLOURS]
    assert not np.any(large)


def test_the_label_is_the_largest_object() -> None:
    """Where an object is large, it is alone in being so, lies wholly inside and has the figure of the label."""
    large = concept("large")
    pictures = np.flatnonzero(large.any((1, 2)))
    assert len(pictures) > 50
    for picture in pictures:
        own = concept(FIGURES[SET.labels[picture]])[picture]
        assert not (large[picture] & ~own).any()
        border = np.concatenate([large[picture][[0, -1]].ravel(), large[picture][:, [0, -1]].ravel()])
        assert not border.any()


def test_colours_are_where_the_masks_say() -> None:
    """The median pixel of every colour's mask, away from edges and textures, has that colour, in some light."""
    plain = ~concept("striped") & ~concept("dotted") & ~concept("edge")
    for name, colour in COLOURS.items():
        found = SET.pictures.transpose(0, 2, 3, 1)[concept(name) & plain] / 255
        assert len(found) > 500
        median = np.median(found, axis=0)
        np.testing.assert_allclose(median / median.max(), np.array(colour) / max(colour), atol=0.06)
        assert LIGHT[0] < median.max() / max(colour) < LIGHT[1]


def test_textures_are_dark_in_places() -> None:
    """Striped and dotted places have dark pixels, plain ones none, once the noise is outweighed."""
    white = concept("white") & ~concept("edge")
    grey = SET.pictures.mean(1)
    plain = grey[white & ~concept("striped") & ~concept("dotted")]
    for texture, share in (("striped", 0.5), ("dotted", 0.3)):
        painted = grey[white & concept(texture)]
        assert abs((painted < 150).mean() - share) < 0.15
    assert (plain < 150).mean() < 0.02


def test_edges_are_where_objects_end() -> None:
    """Every pixel that is object beside one that is not, across or down, is edge; the middle of a disc is none."""
    seen, edge = concept("object"), concept("edge")
    differ = seen[:, 1:] != seen[:, :-1]
    assert edge[:, 1:][differ].all()
    assert edge[:, :-1][differ].all()
    assert (edge & ~seen).any()
    assert 0.2 < (edge & seen).sum() / edge.sum() < 0.8


@pytest.mark.parametrize("name", FIGURES)
def test_figures_have_the_area_of_a_circle(name: str) -> None:
    """Every outline encloses an area of pi, lies within its reach, and comes to nearly touch it."""
    outline = OUTLINES[name]
    grid = np.linspace(-2.5, 2.5, 1001, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    inside = outline.distance(x, y) <= 0
    assert inside.mean() * 25 == pytest.approx(np.pi, rel=0.01)
    assert np.hypot(x, y)[inside].max() == pytest.approx(outline.reach, abs=0.02)


@pytest.mark.parametrize("name", FIGURES)
def test_distances_are_those_to_the_outline(name: str) -> None:
    """Inside a figure, the signed distance is how far the nearest point outside is."""
    grid = np.linspace(-2.5, 2.5, 251, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    distance = OUTLINES[name].distance(x, y)
    from scipy.ndimage import distance_transform_edt

    inside = distance < -0.1
    # A cross's own two inner corners and a star's notches are further than the nearest straight edge says.
    true = distance_transform_edt(distance <= 0)[inside] * 0.02
    assert np.median(np.abs(-distance[inside] - true)) < 0.02


def test_masks_survive_packing() -> None:
    """Bits come back as they went in, by number, slice and array, also where rows x columns is no multiple of 8."""
    masks = np.random.default_rng(0).random((5, 3, 7, 9)) < 0.5
    packed = PackedMasks(5, 3, 7, 9)
    for number, mask in enumerate(masks):
        packed[number] = mask
    np.testing.assert_array_equal(packed[2], masks[2])
    np.testing.assert_array_equal(packed[1:4], masks[1:4])
    np.testing.assert_array_equal(packed[np.array([4, 0])], masks[[4, 0]])
    assert (packed.shape, len(packed)) == (masks.shape, 5)


def test_impossible_sizes_are_refused() -> None:
    """No pictures, or ones too small to hold an object, are an error that says what there is."""
    with pytest.raises(InputError, match="1 picture or more, 16 to 512"):
        shapes(0)
    with pytest.raises(InputError, match="not 3 of 8"):
        shapes(3, size=8)
