"""Small pictures in few files: what is drawn from a sheet is what was put in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cellscope.report.panels.concept import outline
from cellscope.report.sheets import LEVELS, MOST_PIXELS, Sheets


@cache
def opened(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGBA"))


def read(folder: Path, source: str, strip: list[int], k: int) -> NDArray[np.uint8]:
    """Picture k of a strip, RGBA [row, column, 4]."""
    _, left, top, width, height, _, columns = strip
    whole = opened(folder / Path(source).name)
    y, x = top + k // columns * height, left + k % columns * width
    return whole[y : y + height, x : x + width]


def values(pixels: NDArray[np.uint8], size: float) -> NDArray[np.float64]:
    """Transparency back to numbers: blue is above zero, orange below."""
    sign = np.where(pixels[..., 2] > pixels[..., 0], 1.0, -1.0)
    return sign * pixels[..., 3] / 255 * size


def test_maps_come_back_to_half_a_level(tmp_path: Path) -> None:
    """Each map has 127 levels a side of its own size; zero is wholly clear."""
    draw = np.random.default_rng(0)
    maps = draw.normal(0, 1, (70, 5, 7)) * draw.uniform(0.01, 100, (70, 1, 1))
    maps[3] = 0
    maps[:, 2, 2] = 0
    sheets = Sheets(tmp_path, "x.sheets")
    made: Any = sheets.maps("grid", maps)
    sources = sheets.close()
    assert sources == ["x.sheets/grid-0.png"]
    for k, one in enumerate(maps):
        size = np.abs(one).max()
        got = read(tmp_path, sources[0], made["strip"], k)
        assert np.abs(values(got, size) - one).max() <= size * (0.5 / LEVELS + 0.5 / 255) + 1e-12
        assert got[2, 2, 3] == 0
        assert (made["low"][k], made["high"][k]) == (one.min(), one.max())


def test_pictures_are_lossless_and_files_stay_small(tmp_path: Path) -> None:
    """Many strips of several sizes share few files, none above the limit, and every pixel is kept."""
    draw = np.random.default_rng(1)
    sheets = Sheets(tmp_path, "x.sheets")
    put = [draw.integers(0, 256, (9, side, side + 3, 3), dtype=np.uint8) for side in (8, 40, 64, 90) * 9]
    strips = [sheets.pictures("crops", pictures) for pictures in put]
    grey = draw.integers(0, 256, (150, 28, 28), dtype=np.uint8)
    bank = sheets.many("pictures", grey)
    sources = sheets.close()
    assert 2 <= len(sources) < len(put)
    for source in sources:
        width, height = Image.open(tmp_path / Path(source).name).size
        assert width * height <= MOST_PIXELS
    for strip, pictures in zip(strips, put, strict=True):
        for k, picture in enumerate(pictures):
            assert (read(tmp_path, sources[strip[0]], strip, k)[..., :3] == picture).all()
    assert [strip[5] for strip in bank] == [64, 64, 22]
    assert (read(tmp_path, sources[bank[1][0]], bank[1], 5)[..., 0] == grey[69]).all()


def test_weights_of_colour_have_zero_in_the_middle(tmp_path: Path) -> None:
    """A filter's range is symmetric: 128 is zero in all three channels."""
    weights = np.random.default_rng(2).normal(0, 1, (4, 3, 5, 5))
    weights[:, :, 0, 0] = 0
    weights[3] = 0
    sheets = Sheets(tmp_path, "x.sheets")
    made: Any = sheets.weights("filters", weights)
    source = sheets.close()[0]
    for k, one in enumerate(weights):
        got, size = read(tmp_path, source, made["strip"], k)[..., :3].astype(float), np.abs(one).max()
        assert (got[0, 0] == 128).all()
        assert np.abs((got - 128) / LEVELS * size - one.transpose(1, 2, 0)).max() <= size / 200 + 1e-12
        assert (made["low"][k], made["high"][k]) == (-size, size)


def test_a_page_that_is_written_again_leaves_no_old_files(tmp_path: Path) -> None:
    """Files of an earlier page go, and other files stay; a page that stands alone writes none."""
    for count in (3, 1):
        sheets = Sheets(tmp_path, "x.sheets")
        for k in range(count):
            sheets.maps(f"kind {k}", np.ones((2, 3, 3)))
        sheets.close()
        (tmp_path / "note.txt").write_text("mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kind-0-0.png", "note.txt"]
    alone = Sheets(tmp_path / "none", None)
    alone.maps("grid", np.ones((2, 3, 3)))
    assert alone.close()[0].startswith("data:image/png;base64,")
    assert not (tmp_path / "none").exists()


def test_an_outline_goes_along_the_border_of_its_mask() -> None:
    """One pixel is a square; two beside one another share no line; an empty mask has none."""
    mask = np.zeros((4, 5), bool)
    assert outline(mask) == ""
    mask[1, 2] = True
    assert sorted(outline(mask).replace("M", " M").split(" M")) == sorted(["", "2 1h1", "2 2h1", "2 1v1", "3 1v1"])
    mask[1, 3] = True
    assert "M2 1h2" in outline(mask)
    assert "M3 1v1" not in outline(mask)
    assert outline(np.ones((2, 2), bool)).count("M") == 4
