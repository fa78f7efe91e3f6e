"""The pixels on the screen are the numbers that were put in: colours, scales, crops and light."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planted_pictures as planted
from numpy.typing import NDArray
from PIL import Image

from cellscope.report.contents import Headline, Ranking, UnitRow
from cellscope.report.picture_contents import (
    ConceptExample,
    ConceptPage,
    Examples,
    LayerGrid,
    LayerPage,
    PictureBank,
    PictureUnit,
)
from cellscope.report.picture_page import write_concept_page, write_layer_page
from cellscope.report.sheets import HIGH, LOW

Open = Callable[..., Any]
WHITE = (255, 255, 255)


def seen(element: Any) -> NDArray[np.int64]:
    """What an element looks like, [row, column, 3]."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(np.int64)


def quarters(pixels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The colours in the middle of the four quarters, in reading order."""
    rows, columns = pixels.shape[:2]
    return [pixels[rows * r // 4, columns * c // 4] for r in (1, 3) for c in (1, 3)]


def near(got: NDArray[np.int64], want: tuple[float, ...]) -> bool:
    """Equal to three levels in each channel."""
    return bool((np.abs(got - np.array(want)) <= 3).all())


def mixed(colour: tuple[int, ...], share: float) -> tuple[float, ...]:
    """A colour over white."""
    return tuple(share * c + (1 - share) * w for c, w in zip(colour, WHITE, strict=True))


def layer(maps: NDArray[np.float64], pictures: NDArray[np.uint8], *units: PictureUnit) -> LayerPage:
    bank = PictureBank(pictures=pictures, numbers=tuple(range(len(pictures))))
    grid = LayerGrid(inputs=(0,), maps=maps[None])
    sentence, shape = Headline(sentence="two units"), maps.shape
    return LayerPage(
        header=planted.HEADER,
        headline=sentence,
        site="a",
        kind="Conv2d",
        shape=shape,
        bank=bank,
        units=units,
        grid=grid,
    )


def test_tiles_have_the_colours_of_their_numbers(tmp_path: Path, opened: Open) -> None:
    """Zero is the paper, the greatest size is full blue or orange, half of it half; or each over its own range."""
    maps = np.array([[[1.0, 0.0], [-1.0, 0.5]], [[0.0, 0.25], [0.25, -0.5]]])
    pictures = np.zeros((1, 4, 4, 3), np.uint8)
    page = opened(write_layer_page(tmp_path, layer(maps, pictures, PictureUnit(index=0), PictureUnit(index=1))), "#a/0")
    one, other = (quarters(seen(page.locator(".tile").nth(k))) for k in (0, 1))
    for got, want in zip(one, (HIGH, WHITE, LOW, mixed(HIGH, 0.5)), strict=True):
        assert near(got, want)
    for got, want in zip(other, (WHITE, mixed(HIGH, 0.25), mixed(HIGH, 0.25), mixed(LOW, 0.5)), strict=True):
        assert near(got, want)
    page.keyboard.press("s")
    page.wait_for_timeout(100)
    own = quarters(seen(page.locator(".tile").nth(1)))
    for got, want in zip(own, (WHITE, mixed(HIGH, 0.5), mixed(HIGH, 0.5), LOW), strict=True):
        assert near(got, want)


def test_a_crop_is_the_part_of_the_picture_in_its_box(tmp_path: Path, opened: Open) -> None:
    """Boxes count pixels; what lies beyond the picture stays empty; whole pictures carry the box as a frame."""
    rows, columns = np.mgrid[:8, :8]
    picture = np.stack([rows * 30, columns * 30, 0 * rows], axis=2).astype(np.uint8)
    boxes = np.array([[2, 4, 4, 6], [-2, -2, 2, 2]])
    top = Examples(inputs=(0, 0), values=(2.0, 1.0), boxes=boxes)
    maps = np.ones((1, 2, 2))
    page = opened(write_layer_page(tmp_path, layer(maps, picture[None], PictureUnit(index=0, top=top))), "#a/0")
    page.wait_for_selector(".panel-top canvas[data-drawn] >> nth=1")
    first, second = (seen(page.locator(".panel-top canvas").nth(k)) for k in (0, 1))
    assert [tuple(q) for q in quarters(first)] == [(60, 120, 0), (60, 150, 0), (90, 120, 0), (90, 150, 0)]
    empty, _, _, inside = quarters(second)
    assert empty.min() > 200
    assert tuple(second[-second.shape[0] // 8, -second.shape[1] // 8]) == (30, 30, 0)
    assert inside.max() < 60
    page.keyboard.press("c")
    page.wait_for_timeout(100)
    whole = seen(page.locator(".panel-top canvas").nth(0))
    side = whole.shape[0] / 8
    edge = round(2 * side)
    assert whole[edge - 2 : edge + 3, round(5 * side)].min(axis=1).max() > 200
    assert tuple(whole[round(6.5 * side), round(1.5 * side)]) == (180, 30, 0)


def test_a_concepts_pictures_are_lit_where_the_unit_is_on(tmp_path: Path, opened: Open) -> None:
    """In its own colours where the unit is fully on, dim where it is 0; one with both signs is over grey."""
    picture = np.full((1, 8, 8, 3), (200, 40, 40), np.uint8)
    on = np.zeros((8, 8))
    on[:, :4] = 2.0
    rows = (UnitRow(address="a/0", site="a", unit=0, scores={"auc": 0.9}),)
    page_of = ConceptPage(
        header=planted.HEADER,
        headline=Headline(sentence="a unit is on inside red"),
        concept="red",
        ranking=Ranking(rows=rows, columns=("auc",)),
        bank=PictureBank(pictures=picture, numbers=(0,)),
        examples=(ConceptExample(kind="hit", input=0, map=on),),
    )
    page = opened(write_concept_page(tmp_path, page_of))
    page.wait_for_selector("#examples canvas[data-drawn]")
    left, right = quarters(seen(page.locator("#examples canvas")))[:2]
    assert near(left, (200, 40, 40))
    assert near(right, (200 * 0.28, 40 * 0.28, 40 * 0.28))
    assert "dim: 0, bright: 2.00" in page.inner_text("#legend")
    page.keyboard.press("o")
    page.wait_for_timeout(100)
    assert near(quarters(seen(page.locator("#examples canvas")))[1], (200, 40, 40))
    signed = replace(page_of, examples=(ConceptExample(kind="hit", input=0, map=on - 1),))
    page = opened(write_concept_page(tmp_path, signed))
    page.wait_for_selector("#examples canvas[data-drawn]")
    left, right = quarters(seen(page.locator("#examples canvas")))[:2]
    assert near(left, HIGH)
    assert near(right, LOW)
